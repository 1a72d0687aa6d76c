"""What was sent from one card with several questions: an answer to each, kept at once and taken back as one."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence

from labeling.models import Escalation, Task, Vote
from reviewers.models import Assignment

State = Assignment.State


def lock(holds: Collection[Assignment]) -> None:
    """Hold the tasks, then the questions behind them, until the transaction ends, each in one order."""
    if len(holds) == 1:
        next(iter(holds)).escalation.task.lock()
        return
    tasks = [held.escalation.task_id for held in holds]
    list(Task.objects.locked().filter(pk__in=tasks).order_by("pk").values_list("pk"))
    asked = Escalation.objects.filter(task__in=tasks).select_for_update(no_key=True)
    list(asked.order_by("pk").values_list("pk"))
    for held in holds:
        held.escalation.task.refresh_from_db(fields=["stage"])


def keep_together(look: uuid.UUID, holds: Iterable[Assignment], votes: Iterable[Vote] = ()) -> None:
    """Note that these holds, and those under which these answers were given, left the desk from one card."""
    Assignment.objects.filter(pk__in=[held.pk for held in holds]).update(look=look)
    keys = [vote.pk for vote in votes]
    if keys:
        Assignment.objects.filter(vote__in=keys).update(look=look)


def of(held: Assignment) -> list[Assignment]:
    """Everything that left the desk with this hold and still stands, in the order of the questions."""
    if held.look is None:
        return [held]
    left = Assignment.objects.filter(annotator=held.annotator_id, look=held.look)
    stands = left.exclude(state__in=[State.EXPIRED, State.VOID, State.LIVE]).exclude(vote__correction__isnull=False)
    found = [one.known_to(held.annotator) for one in stands.with_task()]
    return sorted(found, key=lambda one: (one.escalation.task.question.position, one.pk)) or [held]


def together(done: Iterable[Assignment]) -> list[Assignment]:
    """What people did, a row for each card: the oldest hold of each, in the order in which they come."""
    cards: dict[object, list[Assignment]] = {}
    for held in done:
        cards.setdefault(held.look or held.pk, []).append(held)
    return [_one(holds) for holds in cards.values()]


def _one(holds: Sequence[Assignment]) -> Assignment:
    first, *others = sorted(holds, key=lambda held: held.pk)
    first.together = tuple(others)
    return first
