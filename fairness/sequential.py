"""Watch gaps while labels come in: evidence and intervals that stay valid however often somebody looks.

The evidence is the likelihood ratio of "a true gap drawn from a normal law with standard deviation tau" against "no
gap" (a mixture sequential probability ratio test). With no gap it exceeds 1/delta at any look ever with probability at
most delta. Source: Robbins, Annals of Mathematical Statistics 41 (1970); Johari, Koomen, Pekelis and Walsh, Operations
Research 70 (2022).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt

import numpy as np

from fairness.rates import Bools, Rates


@dataclass(frozen=True, slots=True)
class Watch:
    """What to watch for: `tau`, the gap that matters; `delta`, the chance of a false alarm over all looks and groups.

    `margin`: a gap surely within it is fair enough. `minimum`: tasks that a group needs before the first look.
    """

    tau: float = 0.05
    delta: float = 0.05
    margin: float = 0.05
    minimum: int = 30


@dataclass(frozen=True, slots=True)
class Look:
    """One group against all others at one moment.

    `verdict`: "gathering" (fewer than the minimum), "pause" (`evidence` has reached `threshold`), "fair enough" (the
    interval lies within the margin) or "watching". The interval of the difference is valid at every look; it is None
    while gathering.
    """

    group: str
    n: int
    verdict: str
    evidence: float = 1.0
    threshold: float = 20.0
    difference: float | None = None
    low: float | None = None
    high: float | None = None


def log_evidence(difference: float, variance: float, tau: float = 0.05) -> float:
    """ln Lambda = 1/2 ln(V / (V + tau^2)) + z^2 tau^2 / (2 (V + tau^2)), with z^2 = difference^2 / V.

    `variance`: of the difference, as estimated now. Raises ValueError where it is not positive.
    """
    if variance <= 0 or tau <= 0:
        raise ValueError("`variance` and `tau` must be positive")
    spread = variance + tau * tau
    return 0.5 * log(variance / spread) + difference**2 / variance * tau * tau / (2 * spread)


def evidence(difference: float, variance: float, tau: float = 0.05) -> float:
    """Lambda itself: 1 says nothing, 20 is the usual alarm."""
    exponent = log_evidence(difference, variance, tau)
    return exp(exponent) if exponent < 700 else inf


def anytime_interval(difference: float, variance: float, tau: float = 0.05, level: float = 0.95) -> tuple[float, float]:
    """The differences the evidence does not speak against: covers at all looks at once with probability `level`."""
    spread = variance + tau * tau
    half = sqrt(variance * spread / (tau * tau) * (2 * log(1 / (1 - level)) + log(spread / variance)))
    return difference - half, difference + half


def look_at(
    rates: Rates,
    names: Sequence[str],
    watch: Watch | None = None,
    only: Container[str] | None = None,
    *,
    intervals: bool = True,
) -> tuple[Look, ...]:
    """Each group, or `only` those of these names, against all others together, as of now.

    Call it after every k tasks with all tasks so far. The false alarm probability `watch.delta` is shared among the
    groups that are compared (two groups are one comparison), so `threshold` is their number divided by `delta`. Without
    `intervals` nothing is called fair enough.
    """
    watch = watch or Watch()
    chosen = [group for group, name in enumerate(names) if only is None or name in only]
    comparisons = 1 if len(names) == 2 else max(len(chosen), 1)
    threshold = comparisons / watch.delta
    return tuple(_look(rates, group, names[group], threshold, watch, intervals=intervals) for group in chosen)


def _look(rates: Rates, group: int, name: str, threshold: float, watch: Watch, *, intervals: bool) -> Look:
    others = np.arange(len(rates.n)) != group
    n = int(rates.n[group])
    if min(n, int(rates.n[others].sum())) < max(watch.minimum, 1):
        return Look(name, n, "gathering", threshold=threshold)
    sides = _Sides.of(rates, others)
    found = evidence(sides.difference, sides.variance(0.0), watch.tau)
    if not intervals:
        return Look(name, n, "pause" if found >= threshold else "watching", found, threshold, sides.difference)
    low, high = (sides.end(towards, watch.tau, threshold) for towards in (-1.0, 1.0))
    within = -watch.margin <= low and high <= watch.margin
    verdict = "pause" if found >= threshold else "fair enough" if within else "watching"
    return Look(name, n, verdict, found, threshold, sides.difference, low, high)


@dataclass(frozen=True, slots=True)
class _Sides:
    """One group and all others: how many tasks each has, (2,), their rates, and the rate of both together.

    The common rate counts a success and a failure more, so that early looks at rare events neither divide by 0 nor
    jump: with the plain variance the false alarm rate reached 6.7% in simulation where one group was 2% of the tasks.
    """

    size: tuple[float, float]
    difference: float
    common: float

    @classmethod
    def of(cls, rates: Rates, others: Bools) -> _Sides:
        size = np.array([rates.n_effective[side & (rates.n > 0)].sum() for side in (~others, others)])
        met = np.nansum(rates.value * rates.n_effective * np.array([~others, others]), axis=1)
        share = (met.sum() + 1) / (size.sum() + 2)
        return cls((float(size[0]), float(size[1])), float(met[0] / size[0] - met[1] / size[1]), float(share))

    def variance(self, gap: float) -> float:
        """Of the difference, if the true one were `gap` and the common rate as it is."""
        one, rest = self.size
        total = one + rest
        shares = self.common + gap * rest / total, self.common - gap * one / total
        least = 1 / (total + 2)
        kept = [min(max(share, least), 1 - least) for share in shares]
        return kept[0] * (1 - kept[0]) / one + kept[1] * (1 - kept[1]) / rest

    def end(self, towards: float, tau: float, threshold: float) -> float:
        """The farthest gap that the evidence does not speak against; 0 is outside exactly where there is an alarm."""
        inside, outside = self.difference, towards
        for _ in range(STEPS):
            gap = (inside + outside) / 2
            if log_evidence(self.difference - gap, self.variance(gap), tau) < log(threshold):
                inside = gap
            else:
                outside = gap
        return outside


STEPS = 24
"""Halvings that find an end of the interval, to within 1e-7."""


def first_pause(looks: Iterable[Sequence[Look]]) -> tuple[int, str] | None:
    """The place of the first look that says pause, and the group, or None; it stands even if evidence falls later."""
    for place, groups in enumerate(looks):
        for one in groups:
            if one.verdict == "pause":
                return place, one.group
    return None
