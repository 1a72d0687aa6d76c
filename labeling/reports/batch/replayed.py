"""What a replay is asked for and what it tells, whatever the kind of the answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.models import Question
from labeling.reports.drawing.curves import Curve
from labeling.reports.estimates import MINIMUM, Commonest, Measured, share
from labeling.truth.votes import Bools, Floats

MICRO = 1_000_000
UNKNOWN = Measured(None, estimable=False)
STEPS = (0.0, 0.01, 0.03, 0.1, 0.3, 0.6, 1.0)
"""The parts of what can be spent at which the curve is measured; models are far cheaper than people."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is tried: the budget in micro-dollars."""

    router: str
    aggregator: str
    budget: int
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs: how many answers it bought, what they cost in micro-dollars, how right its labels are."""

    calls: int
    cost: int
    right: Measured


@dataclass(frozen=True, slots=True)
class Compared:
    """The run as it went and the one replayed. `difference`: in accuracy, on the same checked tasks; `refused`: why
    nothing was replayed, or empty. `parties`: whose answers can be bought again, and how many there are."""

    refused: str = ""
    ours: Side | None = None
    theirs: Side | None = None
    difference: Measured = UNKNOWN
    saved: int = 0
    checks: int = 0
    parties: tuple[tuple[str, str, int, int], ...] = ()
    curve: Curve | None = None
    common: Commonest | None = None


def share_right(right: Bools) -> Measured:
    """The share of checked tasks that are right."""
    return share(float(right.sum()), float(len(right)))


def difference_of(before: Bools, after: Bools) -> Measured:
    """The mean of the paired differences with 1.96 standard errors; a task counts as half wrong at each end.

    The half counts (Agresti and Min, 2005) keep the interval open where both runs err on the same tasks.
    """
    n = len(before)
    if n < MINIMUM:
        return Measured(None, estimable=False, reason=f"{n} of {MINIMUM} checked")
    gained, lost = float((after & ~before).sum()) + 0.5, float((before & ~after).sum()) + 0.5
    total = n + 2.0
    middle = (gained - lost) / total
    half = 1.96 * float(np.sqrt((gained + lost) / total - middle**2) / np.sqrt(total))
    rows: Floats = after.astype(np.float64) - before
    return Measured(float(rows.mean()), middle - half, middle + half)
