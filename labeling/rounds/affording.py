"""What can be held right now: a question is planned only where its money can be reserved before it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from django.db.models import TextField
from django.db.models.functions import Cast, Length
from numpy.typing import NDArray

from labeling.crowd.errors import CrowdError
from labeling.models import Annotator, Batch, Question, Task
from labeling.people import voters
from labeling.rounds import calls
from labeling.rounds.relabelers import Party
from labeling.truth.votes import Bools

MOST_PICTURED = 200
"""So many tasks with pictures are reckoned with one by one."""


def holds(annotator: Annotator, batch: Batch, question: Question) -> tuple[int, int]:
    """Micro-dollars that asking a question about the batch's shortest and its longest text holds, at least and at most.

    What pictures cost is told by their size alone, so that many of them are looked at. The stated price twice where the
    model cannot be made ready: why not is told when it is asked.
    """
    size = Length(Cast("instance__parts", TextField()))
    by_size = batch.tasks.about(question).annotate(size=size).order_by("size", "pk")
    ends = [task for task in (by_size.first(), by_size.last()) if task]
    ends += by_size.filter(instance__images__isnull=False)[:MOST_PICTURED]
    stated = annotator.price_microdollars or 0
    try:
        voter = voters.ready(annotator, batch, question)
    except CrowdError:
        return stated, stated
    found = [calls.most_it_can_cost(voter, annotator, task) for task in ends] or [stated]
    return min(found), max(found)


def with_holds(batch: Batch, question: Question, parties: Sequence[Party]) -> list[Party]:
    """The same parties; of paid models that may be asked it is known what asking them holds."""
    return [
        replace(party, holds=holds(party.annotator, batch, question)) if party.annotator and party.available else party
        for party in parties
    ]


def spendable(free: int, parties: Sequence[Party]) -> int:
    """How much of the free money a plan may spend so that the last of its questions can be held as well.

    An answer costs less than is held for it, and the rest comes back; only the last hold cannot wait for another one.
    """
    paid = [party for party in parties if party.annotator and party.available and party.holds[0] <= free]
    margin = max((min(party.holds[1], free) - party.price for party in paid), default=0)
    return max(free - max(margin, 0), 0)


def too_dear(batch: Batch, question: Question, party: Party, task_ids: NDArray[np.int64], free: int) -> Bools:
    """Tasks about which this party cannot be asked, because less is free than must be held, (n_tasks,)."""
    everywhere = np.ones(len(task_ids), dtype=np.bool_)
    if party.annotator is None or party.holds[1] <= free:
        return ~everywhere
    if party.holds[0] > free:
        return everywhere
    voter, annotator = voters.ready(party.annotator, batch, question), party.annotator
    own = Task.objects.filter(pk__in=[int(pk) for pk in task_ids], batch=batch)
    held = [task.pk for task in own if calls.most_it_can_cost(voter, annotator, task) <= free]
    dear: Bools = ~np.isin(task_ids, held)
    return dear
