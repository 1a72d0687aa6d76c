"""The fairest validator of those right enough: chosen on one half of the checks, measured on the other.

Of all whose share right is at least that of the best less `SLACK`, the one with the lowest upper end of its worst gap
between groups (methods 4.5). Whoever looks best on some tasks was also lucky on them, so the numbers that are told
come from tasks that had no part in the choice. How sure the choice is, a paired bootstrap tells: tasks are drawn anew
within their groups, the same ones for all candidates, and the choice is made again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairness.audit.standings import Field, Standing, measures, standings
from fairness.gaps import Terms
from fairness.intervals import Floats
from fairness.rates import Bools

SLACK = 0.02
FEWEST = 60
"""Tasks without which no half could tell anything."""
RESAMPLES = 400
QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class Choice:
    """Who was chosen and on what. `upper`: (C,) upper end of each candidate's worst gap, on the half that chose.

    `enough`: (C,) right enough there. `often`: (C,) share of resamples that choose it. `fresh`: the chosen one on the
    other half, `seen` on the half that chose it; the difference is what luck did. None without a candidate that may.
    """

    place: int
    name: str
    upper: Floats
    enough: Bools
    often: Floats
    seen: Standing
    fresh: Standing
    chose: int
    measured: int

    @property
    def sure(self) -> float:
        """How often resamples choose the same one."""
        return float(self.often[self.place])


def choose(field: Field, may: Bools, seed: int = 0, terms: Terms | None = None) -> Choice | None:
    """The fairest of the candidates that `may`, (C,), check; None where none may, tasks or groups are too few, or
    fewer than two groups have the minimum in the half that chooses.

    The right share of the best counts all that may. Halves are drawn within groups.
    """
    terms = terms or Terms(draws=200, minimum=15)
    if not may.any() or len(np.unique(field.group)) < 2 or len(field.truth) < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    first, second = _halves(field.group, rng)
    if len(np.unique(field.group[first])) < 2 or len(np.unique(field.group[second])) < 2:
        return None
    everybody = np.arange(len(field.names))
    half = field.only(everybody, first)
    if np.sum(np.bincount(half.group, minlength=len(field.groups)) >= terms.minimum) < 2:
        return None  # every gap would be a zero that nobody measured
    accuracy, gaps = resampled(half, rng, RESAMPLES, terms.minimum)
    upper = np.quantile(gaps[1:], QUANTILE, axis=0)
    enough = accuracy[0] >= accuracy[0][may].max() - SLACK
    place = _least(upper, may & enough)
    often = _how_often(accuracy[1:], gaps[1:], may)
    fresh = standings(field.only(np.array([place]), second), terms)[0]
    seen = standings(half.only(np.array([place]), np.arange(len(first))), terms)[0]
    return Choice(place, field.names[place], upper, enough, often, seen, fresh, len(first), len(second))


def _halves(group: NDArray[np.generic], rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Two random halves of the tasks, each with half of every group."""
    first = []
    for one in np.unique(group):
        inside = rng.permutation(np.flatnonzero(group == one))
        first.append(inside[: (len(inside) + 1) // 2])
    chosen = np.sort(np.concatenate(first))
    return chosen, np.setdiff1d(np.arange(len(group)), chosen)


def _least(upper: Floats, among: Bools) -> int:
    return int(np.where(among, upper, np.inf).argmin())


def _how_often(accuracy: Floats, gaps: Floats, may: Bools) -> Floats:
    """The share of resamples in which each candidate would be chosen, (C,)."""
    best = np.where(may, accuracy, -np.inf).max(axis=1, keepdims=True)
    among = may & (accuracy >= best - SLACK)
    won = np.where(among, gaps, np.inf).argmin(axis=1)
    return np.asarray(np.bincount(won, minlength=gaps.shape[1]) / len(gaps), dtype=np.float64)


def resampled(field: Field, rng: np.random.Generator, draws: int, minimum: int) -> tuple[Floats, Floats]:
    """Accuracy and worst gap of each candidate, (1 + draws, C) each: of the tasks themselves, then of resamples.

    Tasks are drawn anew within each group, the same for all candidates. The worst gap is the widest between any two
    groups with at least `minimum` such tasks, of all answers or of the tasks that truly bear one label.
    """
    times = [np.ones(len(field.truth))]
    inside = [np.flatnonzero(field.group == one) for one in np.unique(field.group)]
    for _ in range(draws):
        drawn = np.concatenate([rng.choice(some, len(some)) for some in inside])
        times.append(np.bincount(drawn, minlength=len(field.truth)).astype(np.float64))
    heft = np.array(times) * field.weight
    right = field.right.astype(np.float64)
    accuracy = np.asarray(heft @ right.T / heft.sum(axis=1, keepdims=True))
    gaps = [_gaps(field, right, heft, where, minimum) for where in _places(field)]
    return accuracy, np.maximum.reduce([*gaps, np.zeros_like(accuracy)])


def _places(field: Field) -> list[Bools]:
    """The tasks of each measure: all, and those of each true label."""
    return [np.ones(len(field.truth), dtype=bool), *(field.truth == label for label in range(len(field.labels)))]


def _gaps(field: Field, right: Floats, heft: Floats, where: Bools, minimum: int) -> Floats:
    """max - min over the groups of one measure's share right, (D, C); 0 below two groups with enough tasks."""
    shares = []
    for one in range(len(field.groups)):
        inside = where & (field.group == one)
        if inside.sum() >= minimum:
            total = np.maximum(heft[:, inside].sum(axis=1, keepdims=True), 1e-12)
            shares.append(heft[:, inside] @ right[:, inside].T / total)
    if len(shares) < 2:
        return np.zeros((len(heft), len(right)))
    return np.asarray(np.ptp(np.array(shares), axis=0), dtype=np.float64)


def worst_gap(field: Field, place: int, minimum: int) -> float:
    """The widest gap of one candidate, of all measures with enough tasks; 0 where none has."""
    found = [0.0]
    for rates in measures(field, place).values():
        values = rates.value[rates.n >= minimum]
        if len(values) >= 2:
            found.append(float(np.ptp(values)))
    return max(found)
