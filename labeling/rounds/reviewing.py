"""While people answer: their answers are weighed in the background, and what need not be asked is taken back.

Nothing waits for it and no page starts it: the sweep looks for batches with answers that no round has counted, and
wakes a worker for each. The batch stays with people meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Count, Max, Min
from django.db.models.functions import Now
from django.utils import timezone

from labeling.checks import holds
from labeling.models import Annotator, Batch, Escalation, Round
from labeling.models.escalation import EscalationQuerySet
from labeling.rounds.buying import Table

Kind = Annotator.Kind
Reason = Escalation.Reason
ENOUGH = 25
"""Answers after which a batch is weighed again at once."""
PATIENCE = timedelta(minutes=1)
"""The longest that an answer waits to be weighed."""
REST = 5
"""Between two weighings lie so many times as long as the last one took: answers come faster than a large batch can."""
SOME = 500


def due() -> list[Batch]:
    """The batches under review with enough answers that no round has counted, and rested since the last one.

    Two cheap statements for each batch under review, and none without one: the sweep asks every few seconds.
    """
    finished = Round.objects.exclude(finished_at=None)
    reviewed = finished.filter(batch__stage=Batch.Stage.REVIEWING, batch__paused_at=None, batch__archived_at=None)
    last: dict[int, datetime] = {}
    for batch, _, since in reviewed.values_list("batch", "question").annotate(Max("started_at")).order_by():
        last[batch] = min(since, last.get(batch, since))
    waiting = [batch for batch, since in last.items() if _enough(batch, since)]
    return [batch for batch in Batch.objects.filter(pk__in=waiting) if _has_rested(batch)]


def _enough(batch_id: int, since: datetime) -> bool:
    """Whether many answers came since, or one waits too long."""
    new = _answers().in_batch(batch_id).filter(closed_at__gte=since)
    found = new.aggregate(count=Count("pk"), oldest=Min("closed_at"))
    return found["count"] >= ENOUGH or bool(found["oldest"] and found["oldest"] < timezone.now() - PATIENCE)


def is_due(batch: Batch) -> bool:
    """The same of one batch."""
    return any(one.pk == batch.pk for one in due())


def _answers() -> EscalationQuerySet:
    return Escalation.objects.filter(state=Escalation.State.ANSWERED, to__in=[Kind.PERSON, Kind.EXPERT])


def _has_rested(batch: Batch) -> bool:
    turn = batch.rounds.exclude(finished_at=None).order_by("-number").first()
    if turn is None or turn.finished_at is None:
        return True
    return turn.finished_at + REST * (turn.finished_at - turn.started_at) <= timezone.now()


def take_back(table: Table) -> Table:
    """Withdraw open questions to people whose task is sure by now; what lies on a desk stays.

    Returns the table with the tasks about which nobody is asked any more open to settling.
    """
    sure = (table.belief.max(axis=1) >= table.batch.asks_until) & (table.ballot.votes_per_task() > 0)
    wanted = set(table.ballot.task_ids[: table.ballot.n_own][sure[: table.ballot.n_own]].tolist())
    wanted -= holds.held(table.batch, table.ballot.question)
    waiting = Escalation.objects.in_batch(table.batch.pk).open()
    asked = waiting.to_people().filter(reason__in=[Reason.UNCERTAIN, Reason.NO_VOTES]).on_no_desk()
    chosen = {pk: task for pk, task in asked.values_list("pk", "task_id") if task in wanted}
    for some in _in_parts(list(chosen)):
        free = Escalation.objects.open().filter(pk__in=some).on_no_desk()
        free.update(state=Escalation.State.WITHDRAWN, closed_at=Now())
    still = set(waiting.values_list("task_id", flat=True))
    freed = np.isin(table.ballot.task_ids, list(set(chosen.values()) - still))
    return replace(table, open_to=table.open_to | freed)


def _in_parts(keys: list[int]) -> Iterable[list[int]]:
    return (keys[first : first + SOME] for first in range(0, len(keys), SOME))
