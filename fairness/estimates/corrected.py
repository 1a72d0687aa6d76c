"""Every rate that needs the truth, twice: by the checks alone, and with what the crowd believed of all other tasks.

Both weigh each check by one over the probability with which it was drawn. The second one also uses how sure Concord was
of each label when it was settled, so that the same checks tell more (`doubly_robust`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import numpy as np
from django.utils import timezone

from fairness.estimates.doubly_robust import (
    Sampled,
    accuracies,
    distortions,
    false_positive_rates,
    prevalences,
    true_positive_rates,
)
from fairness.estimates.outcomes import Told, expected
from fairness.gaps import Gap, Terms, adjusted, compare, gap, worst
from fairness.groups import apart
from fairness.intervals import Estimate, Floats
from fairness.rates import Rates, rate_estimates
from labeling.checks import results
from labeling.checks.compared import part_answers
from labeling.checks.results import Checked
from labeling.models import Batch, Decision, Question
from labeling.models.grouping import By, shortened
from labeling.reports import kept
from labeling.reports.drawing.scales import Scale, spanning

TERMS = Terms(draws=400)
WHOLE = "right"
"""The measure of whole answers; all others are of one label each."""
EVEN = 1.05
"""Checks count as drawn evenly where the heaviest weighs at most so much more than the lightest."""
MEASURES = {
    WHOLE: ("Share right", "answers that are right"),
    "found": ("True labels found", "tasks that truly bear the label and were given it"),
    "false": ("False labels", "tasks that bear another label and were given this one"),
    "true": ("True share", "tasks that truly bear the label"),
    "distortion": ("Distortion", "given more often than true, in points"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One group: how many `checks` the rate rests on of so many `tasks`, by them alone and with the crowd's beliefs."""

    group: str
    tasks: int
    checks: int
    alone: Estimate
    both: Estimate

    @property
    def pairs(self) -> list[tuple[str, Estimate]]:
        """What the drawing shows, from top to bottom."""
        return [("", self.both), ("", self.alone)]


@dataclass(frozen=True, slots=True)
class Corrected:
    """One measure over all groups, with its gap both ways. `label`: empty for whole answers."""

    measure: str
    label: str
    lines: tuple[Line, ...]
    alone: Gap
    both: Gap

    @property
    def title(self) -> str:
        return MEASURES[self.measure][0]

    @property
    def about(self) -> str:
        return MEASURES[self.measure][1]

    @property
    def unit(self) -> str:
        return "points" if self.measure == "distortion" else "percent"

    @property
    def scale(self) -> Scale:
        found = [one for line in self.lines for one in (line.alone, line.both)]
        top = None if self.measure in ("distortion", "true", "false") else 1.0
        return spanning(found, top=top, unit=self.unit)

    @property
    def checks(self) -> int:
        return sum(line.checks for line in self.lines)

    @property
    def narrower(self) -> float | None:
        """Width of the gap's interval with beliefs over that by checks alone."""
        if not self.alone.estimable or not self.both.estimable:
            return None
        widths = [(one.high or 0.0) - (one.low or 0.0) for one in (self.both, self.alone)]
        return widths[0] / widths[1] if widths[1] > 0 else None


@dataclass(frozen=True, slots=True)
class Table:
    """All measures of a question in a batch. `uneven`: checks were drawn with different probabilities."""

    every: dict[tuple[str, str], Corrected]
    labels: tuple[str, ...]
    checks: int
    tasks: int
    uneven: bool
    lightest: float
    heaviest: float
    bias: Gap
    as_of: datetime

    def choose(self, measure: str, label: str) -> Corrected:
        """The measure asked for; of a measure of one label without one, the label with the widest gap."""
        measure = measure if measure in MEASURES else WHOLE
        if measure == WHOLE:
            return self.every[WHOLE, ""]
        if label not in self.labels:
            of_measure = [self.every[measure, one] for one in self.labels]
            return max(of_measure, key=lambda one: (one.both.estimable, one.both.value or 0.0))
        return self.every[measure, label]


def table_and_wait(batch: Batch, by: By, question: Question) -> tuple[Table | None, int]:
    """The table, None without two groups or without a check; and in how many seconds a newer one is to be had."""
    name = f"corrected.{batch.pk}.{batch.created_at.timestamp()}.{question.position}.{shortened(by)}"
    version = kept.version(), tuple(label.name for label in question.label_list())
    return kept.keep_and_tell(name, version, lambda: table(batch, by, question))


def table(batch: Batch, by: By, question: Question) -> Table | None:
    """Everything corrected; None where fewer than two groups have a settled task, or nothing was checked."""
    found = results.load(batch, by, question)
    sides = apart(found) if found.checks.any() else None
    if sides is None:
        return None
    group, names = sides
    return _table(_sides(found, group, len(names), confidences(batch, found), batch.seed), found, group, names)


def confidences(batch: Batch, found: Checked) -> Floats:
    """How sure Concord was of each label when it was settled, (N,); of a checked one, of the label that was checked."""
    inside = results.about(batch, found.question)
    now = dict(Decision.objects.current().filter(inside).values_list("task_id", "confidence"))
    then = {task: check.confidence for task, check in results.answered(inside, found.numbers).items()}
    sure = {**now, **then}
    return np.array([sure.get(task, 0.5) for task in found.task.tolist()], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Arrays for each label or part, `parts` by name with the index that means yes, and of whole answers."""

    whole: Sampled
    parts: tuple[tuple[str, Sampled, int], ...]


def _sides(found: Checked, group: np.ndarray, n_groups: int, sure: Floats, seed: int) -> _Sides:
    names, said, true = part_answers(found)
    right = np.where(found.checks, found.right, True).astype(int)
    checked = np.where(found.checks, 1, -1)
    likely = expected(Told(np.ones(len(right), int), sure, 2), np.where(found.checks, right, -1), found.weight, seed)
    # of whole answers "right" is label 1 where the answer is what the check says, so that accuracy is what is expected
    whole = Sampled(right, checked, found.weight, group, n_groups, _of_right(right, likely))
    if found.question.votes_are_enough:
        gold = np.where(found.checks, found.truth, -1)
        chances = expected(Told(found.label, sure, len(names)), gold, found.weight, seed)
        one = Sampled(found.label, gold, found.weight, group, n_groups, chances)
        return _Sides(whole, tuple((name, one, place) for place, name in enumerate(names)))
    parts = []
    for place, name in enumerate(names):
        label, gold = said[:, place].astype(int), np.where(found.checks, true[:, place], -1).astype(int)
        chances = expected(Told(label, sure, 2), gold, found.weight, seed)
        parts.append((name, Sampled(label, gold, found.weight, group, n_groups, chances), 1))
    return _Sides(whole, tuple(parts))


def _of_right(right: np.ndarray, likely: Floats) -> Floats:
    """Chances of gold 1 or 0 such that the one at `right` is the chance that the answer is right."""
    rows = np.empty_like(likely)
    at = np.arange(len(right))
    rows[at, right], rows[at, 1 - right] = likely[:, 1], likely[:, 0]
    return rows


RATES: dict[str, Callable[..., Rates]] = {
    "found": true_positive_rates,
    "false": false_positive_rates,
    "true": prevalences,
    "distortion": distortions,
}


def _table(sides: _Sides, found: Checked, group: np.ndarray, names: Sequence[str]) -> Table:
    every = {(WHOLE, ""): _corrected(WHOLE, "", accuracies, sides.whole, group, names)}
    for label, side, place in sides.parts:
        for measure, rates in RATES.items():
            every[measure, label] = _corrected(measure, label, partial(rates, label=place), side, group, names)
    labels = tuple(label for label, _, _ in sides.parts)
    used = found.weight[found.checks]
    bias = worst(adjusted([_bias(side, place, names, len(labels)) for _, side, place in sides.parts]), labels)
    ends = float(used.min()), float(used.max())
    uneven = ends[1] > EVEN * ends[0]
    return Table(every, labels, int(found.checks.sum()), len(found.task), uneven, *ends, bias, timezone.now())


def _bias(side: Sampled, label: int, names: Sequence[str], looks: int) -> Gap:
    """max - min of the distortion of one label over groups, held for all labels at once."""
    return gap(compare(distortions(side, label), names, TERMS), TERMS, looks)


def _corrected(
    measure: str,
    label: str,
    rates: Callable[[Sampled], Rates],
    side: Sampled,
    group: np.ndarray,
    names: Sequence[str],
) -> Corrected:
    alone, both = rates(replace(side, expected=None)), rates(side)
    sizes = np.bincount(group, minlength=len(names)).tolist()
    counted = {"found": "checked with this label", "false": "checked with another label"}.get(measure, "checked")
    rows = [rate_estimates(one, TERMS.minimum, TERMS.level, counted) for one in (alone, both)]
    lines = tuple(
        Line(name, size, int(n), first, second)
        for name, size, n, first, second in zip(names, sizes, alone.n, *rows, strict=True)
    )
    gaps = [gap(compare(one, names, TERMS, counted), TERMS) for one in (alone, both)]
    return Corrected(measure, label, lines, *gaps)
