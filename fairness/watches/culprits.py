"""Which model errs in the groups of an alarm: how often each is right there and elsewhere, on the checked tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fairness.intervals import Estimate, newcombe
from fairness.rates import group_rates, rate_estimates
from labeling.checks import results
from labeling.checks.compared import parts_of
from labeling.checks.results import Checked
from labeling.models import Alarm, Annotator, Vote, Watch
from labeling.truth.votes import Bools, Ints

MOST = 2000
"""Checked tasks of the groups, and as many of the others, that models are held against."""
ROWS = 500
MINIMUM, LEVEL = 10, 0.95


@dataclass(frozen=True, slots=True)
class Culprit:
    """How often a model's answer is right in the groups and elsewhere; `gap` is the one less the other."""

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
    models = alarm.batch.project.annotators.filter(kind=Annotator.Kind.MODEL, paused_at=None)
    crowd = list(models.exclude(pk__in=alarm.batch.set_aside))
    said = _said(found, {int(found.task[at]): int(at) for at in tasks}, [one.pk for one in crowd])
    told = [_culprit(one, *_held_against(found, said[one.pk], inside, alarm)) for one in crowd if said[one.pk]]
    return sorted(told, key=lambda one: one.gap.value if one.gap.value is not None else 1.0)


def _said(found: Checked, place: dict[int, int], models: list[int]) -> dict[int, list[tuple[int, int]]]:
    """What each model said to the tasks at these places, by its key: (place, number of the answer)."""
    said: dict[int, list[tuple[int, int]]] = {one: [] for one in models}
    keys = list(place)
    for first in range(0, len(keys), ROWS):
        votes = Vote.objects.current().answering().filter(task__in=keys[first : first + ROWS], annotator__in=models)
        for task, who, label, marks in votes.values_list("task_id", "annotator_id", "label_id", "marks"):
            said[who].append((place[task], found.numbers.of(label, marks)))
    return said


def _held_against(found: Checked, said: list[tuple[int, int]], inside: Bools, alarm: Alarm) -> tuple[Ints, Ints]:
    """Whether each answer is right, and whether its task is of the groups.

    Of an alarm about one label, step or type only that counts: where it is missed, the tasks that truly bear it; where
    it is false, the others.
    """
    at, answer = np.array(said, dtype=np.int64).T
    truth, here = found.truth[at], inside[at].astype(np.int32)
    names, traits = parts_of(found.numbers)
    if alarm.part not in names:
        return (answer == truth).astype(np.int32), here
    given, bears = (traits[numbers, names.index(alarm.part)] for numbers in (answer, truth))
    where = {Watch.Measure.FOUND: bears, Watch.Measure.FALSE: ~bears}.get(Watch.Measure(alarm.measure or "right"))
    chosen = np.ones(len(at), dtype=np.bool_) if where is None else where
    return (given == bears)[chosen].astype(np.int32), here[chosen]


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
