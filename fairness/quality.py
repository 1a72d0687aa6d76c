"""How good: the share of right labels by who settled them, and how far beliefs mean what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db.models import Min

from fairness.intervals import Estimate
from fairness.rates import group_rates, rate_estimates
from labeling.checks.results import BY, Checked
from labeling.models import Annotator, Belief, Vote
from labeling.reports.drawing.scales import Scale, spanning
from labeling.truth import calibration
from labeling.truth.votes import Floats, Ints

MINIMUM = 30
LEVEL = 0.95
MOST_BINS = 10
MOST_BELIEFS = 4000
RESAMPLES = 200
NAMES = {"paid": "Paid model", "person": "People", "expert": "Experts", "file": "The file"}


@dataclass(frozen=True, slots=True)
class Settled:
    """How many labels one kind of annotator settled, and what share of them is right."""

    kind: str
    name: str
    count: int
    right: Estimate


@dataclass(frozen=True, slots=True)
class Base:
    """What always giving the commonest true label would get right, and how far the labels are above it.

    `share`: of the checked tasks that truly bear `label`. `above`: share right minus `share`, on the same tasks.
    """

    label: str
    share: float
    above: Estimate

    @property
    def beaten(self) -> bool:
        """Whether the labels are surely better than always saying the same."""
        return self.above.low is not None and self.above.low > 0


@dataclass(frozen=True, slots=True)
class Good:
    """How right the settled labels are: the one number for "right" that every page shows.

    `overall`: over the checks among settled tasks, weighted by how likely each was drawn. `base`: None without checks.
    `learned`: labels known from the file, which the methods learn from and which therefore prove nothing.
    """

    overall: Estimate
    checks: int
    rows: tuple[Settled, ...]
    learned: int
    base: Base | None = None

    @property
    def settled(self) -> int:
        """How many answers it is the share of."""
        return sum(row.count for row in self.rows)

    @property
    def needed(self) -> int:
        """How many checks are missing until the share of right labels can be told."""
        return max(MINIMUM - self.checks, 0)

    @property
    def scale(self) -> Scale:
        return spanning(row.right for row in self.rows)


def how_good(found: Checked, crowd: int, paid: list[str]) -> Good:
    """Accuracy of the settled labels, all together and by who settled. `crowd`: how many models vote."""
    names = {"crowd": f"Crowd of {crowd} models" if crowd != 1 else "One model", **NAMES}
    if len(paid) == 1:
        names["paid"] = f"Paid model, {paid[0]}"
    counts = np.bincount(found.by, minlength=len(BY))
    rates = rates_by(found, found.by, len(BY))
    rows = tuple(
        Settled(kind, names[kind], int(count), rate)
        for kind, count, rate in zip(BY, counts, rates, strict=True)
        if count
    )
    overall = rates_by(found, np.zeros(len(found.task), dtype=np.int32), 1)[0]
    return Good(overall, int(found.checks.sum()), rows, found.learned, base_rate(found))


def base_rate(found: Checked) -> Base | None:
    """The commonest true label among the checks, its share, and the lead of the labels over always giving it."""
    checks = found.checks
    truth, weights = found.truth[checks], found.weights
    if not len(truth):
        return None
    counts = np.bincount(truth, weights)
    common = int(counts.argmax())
    if not found.numbers.fits_all(common):
        return None
    lead = found.right[checks].astype(int) - (truth == common).astype(int)
    rates = group_rates(lead, np.zeros(len(truth), dtype=np.int32), 1, weights, signed=True)
    above = rate_estimates(rates, MINIMUM, LEVEL)[0]
    return Base(found.numbers.words(common), float(counts[common] / counts.sum()), above)


def rates_by(found: Checked, part: Ints, n_parts: int) -> tuple[Estimate, ...]:
    """The share of right labels in each part, weighted by how likely a task was checked."""
    checks = found.checks
    count = None if found.count is None else found.count[checks]
    rates = group_rates(found.right[checks], part[checks], n_parts, found.weights, count=count)
    return rate_estimates(rates, MINIMUM, LEVEL)


@dataclass(frozen=True, slots=True)
class Bin:
    """Tasks of similar confidence: their range, what the belief said on the mean, what was right, how many."""

    low: float
    high: float
    said: float
    right: Estimate
    n: int

    @property
    def words(self) -> str:
        low, high = f"{100 * self.low:.0f}", f"{100 * self.high:.0f}"
        return f"{low}%" if low == high else f"{low}–{high}%"


@dataclass(frozen=True, slots=True)
class Calibration:
    bins: tuple[Bin, ...]
    error: Estimate
    tasks: int
    calibrated: bool

    @property
    def scale(self) -> Scale:
        return spanning([*(one.right for one in self.bins), *(Estimate(one.said, one.said, 1.0) for one in self.bins)])


def calibration_of(found: Checked, seed: int = 0) -> Calibration | None:
    """Reliability of the beliefs that models alone had formed, on checked tasks; None below 30 of them."""
    belief, truth, calibrated = _machine_beliefs(found)
    if len(truth) < MINIMUM:
        return None
    bins = max(1, min(MOST_BINS, len(truth) // MINIMUM))
    bars = calibration.reliability(belief, truth, bins=bins)
    edges = np.split(np.sort(belief.max(axis=1)), np.cumsum(bars.n)[:-1])
    rows = tuple(
        Bin(float(edge[0]), float(edge[-1]), float(said), Estimate(float(was), float(low), float(high)), int(n))
        for edge, said, was, low, high, n in zip(
            edges, bars.confidence, bars.accuracy, bars.low, bars.high, bars.n, strict=True
        )
    )
    return Calibration(rows, _calibration_error(belief, truth, bins, seed), len(truth), calibrated)


def _calibration_error(belief: Floats, truth: Ints, bins: int, seed: int) -> Estimate:
    """The expected calibration error, plus and minus 1.96 bootstrap standard errors."""
    value = calibration.expected_calibration_error(belief, truth, bins=bins)
    rng = np.random.default_rng(seed)
    draws = [
        calibration.expected_calibration_error(belief[pick], truth[pick], bins=bins)
        for pick in rng.integers(0, len(truth), (RESAMPLES, len(truth)))
    ]
    half = 1.96 * float(np.std(draws))
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0))


def _machine_beliefs(found: Checked) -> tuple[Floats, Ints, bool]:
    """Beliefs as inferred before any person had answered, with the checked truth; at most 4,000, spread evenly.

    Of other kinds than one label the chance alone that the whole answer is right, (n, 1); truth is 0 where it is.
    """
    places = np.flatnonzero(found.checks)
    places = places[:: max(1, len(places) // MOST_BELIEFS)]
    truth = dict(zip(found.task[places].tolist(), found.truth[places].tolist(), strict=True))
    kinds = [Annotator.Kind.PERSON, Annotator.Kind.EXPERT]
    people = Vote.objects.filter(task__in=truth, annotator__kind__in=kinds)
    first = dict(people.values_list("task").annotate(Min("pk")).order_by())
    beliefs = Belief.objects.filter(task__in=truth).order_by("task_id")
    rows = [one for one in beliefs.iterator(2000) if one.base_vote < first.get(one.task_id, one.base_vote + 1)]
    calibrated = all(one.calibrated for one in rows)
    if found.question.votes_are_enough:
        belief = np.array([one.base for one in rows], dtype=np.float64).reshape(len(rows), len(found.labels))
        return belief, np.array([truth[one.task_id] for one in rows], dtype=np.int32), calibrated
    wrong = [found.numbers.of(one.label_id, one.marks) != truth[one.task_id] for one in rows]
    sure = np.array([one.confidence for one in rows], dtype=np.float64).reshape(len(rows), 1)
    return sure, np.array(wrong, dtype=np.int32), calibrated
