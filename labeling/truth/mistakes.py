"""Mistakes that recur: cells of a confusion matrix that are surely fuller than chance would make them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.truth.confusion import wilson
from labeling.truth.votes import Floats

FEWEST = 5
"""Cases below which nothing is called a habit."""
TIMES = 2.0
"""By so many times the lower limit of the rate must be above what is expected."""


@dataclass(frozen=True, slots=True)
class Cell:
    """`cases` of `of` answers to tasks that truly are `truth` say `said`; both are places of labels.

    `low`, `high`: 95% limits of that rate. `expected`: the rate, were all errors spread evenly over the wrong answers.
    """

    truth: int
    said: int
    cases: int
    of: int
    low: float
    high: float
    expected: float

    @property
    def rate(self) -> float:
        return self.cases / self.of


def even_rate(counts: Floats) -> float:
    """The rate of each wrong answer, were all errors in `counts`, (..., K, K), spread evenly; 0 without any."""
    total = float(counts.sum())
    wrong = total - float(np.trace(counts, axis1=-2, axis2=-1).sum())
    return wrong / total / max(counts.shape[-1] - 1, 1) if total else 0.0


def recurring(counts: Floats, expected: float | None = None) -> list[Cell]:
    """The cells of `counts`, (K, K), row = truth, column = answer, that are no accident, the fullest first.

    A wrong cell with at least `FEWEST` cases whose rate has its lower 95% limit (Wilson) above `TIMES` the `expected`
    one, by default `even_rate(counts)`. Source: methods of Human-LLM verification, MOHAMED SEROUIS and SEDES 2024,
    "a recurrent mistake made by the model"; the limit keeps few cases from looking like a habit.
    """
    usual = even_rate(counts) if expected is None else expected
    totals = counts.sum(axis=1)
    found = []
    for truth, said in np.argwhere(counts >= FEWEST).tolist():
        if truth == said:
            continue
        cases, of = float(counts[truth, said]), float(totals[truth])
        low, high = (float(end[0]) for end in wilson(np.array([cases / of]), np.array([of])))
        if low > TIMES * usual:
            found.append(Cell(truth, said, int(cases), int(of), low, high, usual))
    return sorted(found, key=lambda cell: (-cell.cases, cell.truth, cell.said))
