"""Settling in lots: between two of them somebody looks, so that the line can stop before the whole batch is through."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from labeling.checks import alarms, holds
from labeling.models import Batch, Question
from labeling.rounds import decisions
from labeling.rounds.decisions import Verdict
from labeling.truth.votes import Bools

MOST, LEAST = 20, 50
"""At most so many lots, of at least so many tasks each."""


def settle(
    batch: Batch,
    question: Question,
    task_ids: NDArray[np.int64],
    chosen: Bools,
    verdicts: Callable[[Bools], Iterable[Verdict]],
) -> int:
    """Settle the `chosen` of some tasks, (n_tasks,), in lots drawn by chance; returns how many were settled.

    After each lot the groups are looked at; what an alarm stops is left open. Where no answer is known that could tell
    how right the labels are, there is nothing to look at, and one lot is all.
    """
    places = np.flatnonzero(chosen)
    if not len(places) or not batch.tasks.about(question).scorable().exists() or not batch.attributes:
        return decisions.decide_many(verdicts(chosen))
    order = np.random.default_rng(batch.seed).permutation(places)
    settled, held = 0, np.zeros(len(chosen), dtype=np.bool_)
    for lot in np.array_split(order, min(MOST, -(-len(order) // LEAST))):
        some = np.zeros(len(chosen), dtype=np.bool_)
        some[lot] = True
        settled += decisions.decide_many(verdicts(some & ~held))
        alarms.look_at_groups(batch)
        held = np.isin(task_ids, list(holds.held(batch, question)))
    return settled
