"""Which model errs in the groups of an alarm: how often each is right there and elsewhere, on the checked tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fairness.intervals import Estimate, newcombe
from fairness.rates import group_rates, rate_estimates
from labeling.checks import results
from labeling.models import Alarm, Annotator, Vote
from labeling.truth.votes import Bools, Ints

MOST = 2000
"""Checked tasks of the groups, and as many of the others, that models are held against."""
ROWS = 500
MINIMUM, LEVEL = 10, 0.95


@dataclass(frozen=True, slots=True)
class Culprit:
    """How often a model's whole answer is right in the groups and elsewhere; `gap` is the one less the other."""

    annotator: Annotator
    here: Estimate
    elsewhere: Estimate
    gap: Estimate

    @property
    def worse(self) -> bool:
        """Whether it surely errs more in the groups than elsewhere."""
        return self.gap.estimable and self.gap.high is not None and self.gap.high < 0


def suspects(alarm: Alarm) -> list[Culprit]:
    """The models whose votes count in the batch, recorded ones as well; the one that errs most in the groups first."""
    if alarm.batch is None or alarm.question is None:
        return []
    found = results.load(alarm.batch, (alarm.attribute,), alarm.question)
    inside = np.array([name in alarm.groups for name in found.groups], dtype=np.bool_)[found.group]
    tasks = np.concatenate([_some(found.checks & inside), _some(found.checks & ~inside)])
    place = {int(found.task[at]): int(at) for at in tasks}
    models = alarm.batch.project.annotators.filter(kind=Annotator.Kind.MODEL, paused_at=None)
    crowd = models.exclude(pk__in=alarm.batch.set_aside)
    right = {one.pk: ([], []) for one in crowd}  # type: dict[int, tuple[list[int], list[int]]]
    keys = list(place)
    for first in range(0, len(keys), ROWS):
        votes = Vote.objects.current().answering().filter(task__in=keys[first : first + ROWS], annotator__in=right)
        for task, who, label, marks in votes.values_list("task_id", "annotator_id", "label_id", "marks"):
            at = place[task]
            said = found.numbers.of(label, None) if marks is None else found.numbers.known(marks)
            right[who][0].append(int(said == found.truth[at]))
            right[who][1].append(int(inside[at]))
    told = [_culprit(one, *map(np.array, right[one.pk])) for one in crowd if right[one.pk][0]]
    return sorted(told, key=lambda one: one.gap.value if one.gap.value is not None else 1.0)


def _some(where: Bools) -> Ints:
    """An even part of the tasks that are marked."""
    at = np.flatnonzero(where).astype(np.int32)
    return at[:: -(-len(at) // MOST) or 1]


def _culprit(one: Annotator, right: Ints, inside: Ints) -> Culprit:
    elsewhere, here = rate_estimates(group_rates(right, inside, 2), MINIMUM, LEVEL)
    return Culprit(one, here, elsewhere, _gap(right, inside, enough=here.estimable and elsewhere.estimable))


def _gap(right: Ints, inside: Ints, *, enough: bool) -> Estimate:
    n = np.bincount(inside, minlength=2)
    if not enough:
        return Estimate(None, None, None, False, f"{n.min()} of {MINIMUM} checked")
    count = np.bincount(inside, right, minlength=2)
    low, high = newcombe((count[1], count[0]), (n[1], n[0]), LEVEL)
    return Estimate(float(count[1] / n[1] - count[0] / n[0]), low, high)
