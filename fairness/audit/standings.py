"""Candidates side by side on the same checked tasks: how right each is, and how unequally by group."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairness.gaps import Gap, Terms, compare, gap, worst
from fairness.intervals import Estimate, Floats
from fairness.rates import Bools, Rates, group_rates, rate_estimates

TERMS = Terms(draws=200)
FEWEST = 30
"""Tasks that candidates must have in common to stand side by side."""
NOBODY = -2
"""Where a candidate was not asked; -1 where it was and gave no answer, which is never right."""


@dataclass(frozen=True, slots=True)
class Field:
    """Candidates on checked tasks. `answer`: (C, N) number of each answer, `NOBODY` where it was not asked.

    `truth`, `group`: (N,) number of the right answer and index of the group. `weight`: (N,) inverse probability to be
    checked. `labels`: names of the answers 0, 1, ..., where each is a label; empty where answers are more than that.
    """

    names: tuple[str, ...]
    answer: NDArray[Any]
    truth: NDArray[Any]
    group: NDArray[Any]
    groups: tuple[str, ...]
    weight: Floats
    labels: tuple[str, ...] = ()

    @property
    def right(self) -> Bools:
        """Where each candidate is right, (C, N)."""
        same: Bools = self.answer == self.truth
        return same

    def only(self, candidates: NDArray[np.intp], tasks: NDArray[np.intp]) -> Field:
        """Some candidates on some tasks."""
        return Field(
            tuple(self.names[one] for one in candidates.tolist()),
            self.answer[np.ix_(candidates, tasks)],
            self.truth[tasks],
            self.group[tasks],
            self.groups,
            self.weight[tasks],
            self.labels,
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """One candidate. `gap`: of the share right between groups; `worst`: the widest gap of all measures, with its label
    where it is one of finding true labels. `silent`: share of tasks without an answer."""

    name: str
    checks: int
    right: Estimate
    groups: tuple[Estimate, ...]
    gap: Gap
    worst: Gap
    silent: float


def common(field: Field, fewest: int = FEWEST) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Candidates that answered enough of the same tasks, and those tasks: (candidates, tasks).

    Those with most answers first; one is left out where it would shrink the common tasks below `fewest` or to less than
    half. The rest has answered too few of the same tasks to stand beside them.
    """
    asked = field.answer != NOBODY
    order = np.argsort(-asked.sum(axis=1), kind="stable")
    chosen: list[int] = []
    tasks = np.ones(len(field.truth), dtype=bool)
    for one in order.tolist():
        both = tasks & asked[one]
        if both.sum() >= fewest and (not chosen or 2 * both.sum() >= tasks.sum()):
            chosen.append(one)
            tasks = both
    return np.array(sorted(chosen), dtype=np.intp), np.flatnonzero(tasks) if chosen else np.zeros(0, dtype=np.intp)


def standings(field: Field, terms: Terms = TERMS) -> tuple[Standing, ...]:
    """Every candidate of a field in which all were asked about all tasks."""
    return tuple(_standing(field, place, terms) for place in range(len(field.names)))


def _standing(field: Field, place: int, terms: Terms) -> Standing:
    right = field.right[place]
    rates = _rates(field, right, np.ones(len(right), dtype=bool))
    whole = group_rates(right, np.zeros(len(right), dtype=int), 1, field.weight)
    gaps = measured_gaps(field, place, terms)
    return Standing(
        field.names[place],
        len(right),
        rate_estimates(whole, terms.minimum, terms.level)[0],
        rate_estimates(rates, terms.minimum, terms.level),
        gap(compare(rates, field.groups, terms), terms),
        worst(list(gaps.values()), list(gaps)),
        float((field.answer[place] < 0).mean()),
    )


WHOLE = "all answers"


def measured_gaps(field: Field, place: int, terms: Terms) -> dict[str, Gap]:
    """The gap of the share right, and of finding each true label, by name; intervals hold for all of them at once."""
    looks = 1 + len(field.labels)
    return {
        name: gap(compare(rates, field.groups, terms), terms, looks) for name, rates in measures(field, place).items()
    }


def measures(field: Field, place: int) -> dict[str, Rates]:
    """Share right by group of all answers and of the tasks that truly bear each label."""
    right = field.right[place]
    found = {WHOLE: _rates(field, right, np.ones(len(right), dtype=bool))}
    for label, name in enumerate(field.labels):
        found[name] = _rates(field, right, np.asarray(field.truth == label))
    return found


def _rates(field: Field, right: Bools, where: Bools) -> Rates:
    even = np.allclose(field.weight, field.weight[0]) if len(field.weight) else True
    weight = None if even else field.weight[where]
    return group_rates(right[where], field.group[where], len(field.groups), weight)


@dataclass(frozen=True, slots=True)
class Price:
    """What a candidate costs and how fast it is; None where it was never seen."""

    per_1000: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """Who a candidate is: its `kind`, the lines of descent it belongs to, its price, whether it votes in the crowd."""

    kind: str
    lineage: str = ""
    price: Price = field(default_factory=Price)
    in_crowd: bool = False
    pk: int = 0
