"""Two drawings of the crowd: where one voter goes wrong, and what accuracy costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10

import numpy as np

from labeling.reports.crowd.voters import Crowd, Voter
from labeling.reports.drawing.heat import Cell, Heat, HeatRow
from labeling.reports.drawing.scales import Tick, step_of
from labeling.reports.drawing.thinning import thinned
from labeling.reports.estimates import limits
from labeling.truth.votes import Floats

LEAST_ROW = 10
NEAR_X, NEAR_Y = 0.26, 0.05
FREE_FROM, FREE_STEP, FREE_PLACES = 0.03, 0.03, 6
"""Free voters stand side by side at the left end, where the scale of prices has not begun."""
FREE_END = 0.22


@dataclass(frozen=True, slots=True)
class Wrong:
    """A voter's confusion as a heat table; `fewest`, `most`: known labels behind a row; `worst`: its commonest slip."""

    voter: Voter
    heat: Heat
    fewest: int
    most: int
    worst: str


def confusion_of(found: Crowd, voter: Voter) -> Wrong | None:
    """Of 100 tasks that truly bear a label, how many the voter calls what; None where no known label was voted on."""
    counts = found.confusions.get(voter.pk)
    if counts is None or not counts.sum():
        return None
    totals = counts.sum(axis=1)
    rows = tuple(HeatRow("", name, _cells(counts[place], place)) for place, (_, name) in enumerate(found.labels))
    heads = (*found.labels, ("none", "no label"))
    shown = totals[totals >= LEAST_ROW]
    fewest = int(shown.min()) if len(shown) else 0
    heat = Heat(heads, rows, max((_widest(row) for row in counts[totals >= LEAST_ROW]), default=0.0))
    return Wrong(voter, heat, fewest, int(totals.max()), _worst(found, counts))


def _cells(row: Floats, truth: int) -> tuple[Cell, ...]:
    n = float(row.sum())
    if n < LEAST_ROW:
        return tuple(Cell("n/e", f"not estimable, {n:.0f} known labels", missing=True) for _ in row)
    return tuple(_cell(float(count) / n, n) for count in row)


def _cell(rate: float, n: float) -> Cell:
    low, high = limits(rate, n)
    return Cell(f"{100 * rate:.0f}", f"{100 * low:.0f} to {100 * high:.0f}, from {n:.0f}", step_of(rate))


def _widest(row: Floats) -> float:
    halves = [np.subtract(*limits(float(count) / row.sum(), float(row.sum()))) / -2 for count in row]
    return 100 * float(max(halves))


def _worst(found: Crowd, counts: Floats) -> str:
    """The most frequent mistake in words, with its interval."""
    totals = counts.sum(axis=1, keepdims=True)
    rates = np.divide(counts, totals, out=np.zeros_like(counts), where=totals >= LEAST_ROW)[:, :-1]
    np.fill_diagonal(rates, 0.0)
    truth, said = np.unravel_index(int(rates.argmax()), rates.shape)
    if rates[truth, said] <= 0:
        return ""
    low, high = limits(float(rates[truth, said]), float(totals[truth, 0]))
    names = found.labels[truth][1], found.labels[said][1]
    return f"{names[0]} called {names[1]}: {100 * rates[truth, said]:.0f} ({100 * low:.0f}–{100 * high:.0f})."


@dataclass(frozen=True, slots=True)
class Point:
    """One voter in the price plot, as shares of width and of height from the top; `anchor`: where its name stands."""

    voter: Voter
    x: float
    y: float
    low: float
    high: float
    anchor: str
    named: bool
    name_x: float


def price_points(found: Crowd) -> list[Point]:
    """Voters with an accuracy, by the price of 1,000 answers; free ones at the left end; names that fit beside."""
    points: list[Point] = []
    for voter in found.voters:
        if voter.right.estimable and voter.right.value is not None and voter.per_1000 is not None:
            points.append(_point(found, voter, points))
    return points


def _point(found: Crowd, voter: Voter, before: list[Point]) -> Point:
    free = sum(1 for one in before if not one.voter.per_1000)
    x = _x(found, voter.per_1000) if voter.per_1000 else FREE_FROM + FREE_STEP * (free % FREE_PLACES)
    name_x = x if voter.per_1000 else FREE_FROM + FREE_STEP * FREE_PLACES - 0.02
    ends = [1 - found.scale.at(end or 0.0) for end in (voter.right.value, voter.right.low, voter.right.high)]
    crowded = any(abs(one.x - x) < NEAR_X and abs(one.y - ends[0]) < NEAR_Y for one in before)
    return Point(voter, x, ends[0], ends[1], ends[2], "end" if x > 0.7 else "start", not crowded, name_x)


def price_ticks(found: Crowd) -> list[Tick]:
    """The free end and powers of ten that lie well to the right of it, fewer where the drawing is narrow."""
    powers = [Tick(price, _x(found, price), _power_words(price), "middle") for price in found.prices.powers]
    free = Tick(0, FREE_END / 2 - 0.01, "free", "middle")
    return thinned([free, *(tick for tick in powers if tick.at > FREE_END + 0.05)])


def _power_words(dollars: float) -> str:
    """$1,000, $0.10, $0.001: a power of ten in cents at least, and in no digit less than it needs."""
    return f"${dollars:,.0f}" if dollars >= 1 else f"${dollars:.{max(2, -round(log10(dollars)))}f}"


def _x(found: Crowd, dollars: float) -> float:
    return FREE_END + (0.95 - FREE_END) * found.prices.at(dollars)
