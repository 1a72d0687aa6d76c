"""What one more question adds to a call that a model is going to be asked anyway: its own words and its answer.

A question about an instance that the same model is asked something else about already costs what it adds to that call;
alone it costs a call of its own (`expected_prices`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from labeling import models
from labeling.crowd.errors import CrowdError
from labeling.crowd.prices import LIKELY_WRITTEN
from labeling.models import Annotator, Batch, Escalation, Task
from labeling.people import voters
from labeling.rounds import expected_prices
from labeling.rounds.expected_prices import Metered
from labeling.rounds.sheets import sheets_of

Money = NDArray[np.int64]


def on_tasks(
    annotator: Annotator, batch: Batch, question: models.Question, task_ids: Sequence[int], alone: int
) -> Money | None:
    """Micro-dollars of an answer to each of these tasks, (n,); None where it is `alone` for all of them."""
    asked = _asked(annotator, batch, question)
    if not asked:
        return None
    instances = dict(batch.tasks.about(question).values_list("pk", "instance_id"))
    others = [asked.get(instances.get(pk, 0), frozenset()) for pk in task_ids]
    added = {some: _added(annotator, batch, question, some, alone) for some in set(others) if some}
    if not added:
        return None
    return np.array([added.get(some, alone) for some in others], dtype=np.int64)


def beside(annotator: Annotator, batch: Batch, question: models.Question) -> set[int]:
    """Keys of the tasks of this question whose instance the model is going to be asked about anyway."""
    asked = _asked(annotator, batch, question)
    tasks = batch.tasks.about(question).filter(instance__in=asked) if asked else Task.objects.none()
    return set(tasks.values_list("pk", flat=True))


def _asked(annotator: Annotator, batch: Batch, question: models.Question) -> dict[int, frozenset[int]]:
    """The other questions that the model is going to be asked in one call, by instance; none if it is asked singly."""
    waiting = Escalation.objects.in_batch(batch.pk).open().filter(annotator=annotator)
    rows = list(waiting.exclude(task__question=question).values_list("task__instance_id", "task__question_id"))
    if not rows:
        return {}
    try:
        joins = voters.joins(annotator)
    except CrowdError:  # why not is told when it is asked
        joins = False
    found: dict[int, frozenset[int]] = {}
    for instance, other in rows if joins else ():
        found[instance] = found.get(instance, frozenset()) | {other}
    return found


def _added(annotator: Annotator, batch: Batch, question: models.Question, others: frozenset[int], alone: int) -> int:
    """What the question adds to a call that asks the others, for a sample of the batch's texts; at most `alone`."""
    with_it = [one for one in batch.project.questions.all() if one.pk in {*others, question.pk}]
    without = [one for one in with_it if one.pk != question.pk]
    try:
        cost = [_likely(annotator, batch, asked) for asked in (without, with_it)]
    except CrowdError:
        return alone
    return alone if None in cost else max(min(alone, (cost[1] or 0) - (cost[0] or 0)), 0)


def _likely(annotator: Annotator, batch: Batch, asked: list[models.Question]) -> int | None:
    """Micro-dollars of one call that asks these; None where it is not paid by the token."""
    voter = voters.panel(annotator, batch, asked)
    if not isinstance(voter, Metered):
        return None
    instances = [task.instance_id for task in expected_prices.sample_of(batch, asked[0])]
    about = batch.tasks.filter(instance__in=instances, question__in=asked).order_by("position")
    sheets = sheets_of(about, asked)
    costs = [voter.likely_cost(one.shown(), written=LIKELY_WRITTEN * len(one.tasks)) for one in sheets]
    return ceil(fmean(costs)) if costs else None
