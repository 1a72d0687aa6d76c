"""Tables whose cells are inked by strength: agreement and error correlation of pairs, confusion of one voter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labeling.models import Annotator
from labeling.reports.drawing.scales import step_of
from labeling.reports.estimates import Measured


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its number, what a pointer reads, its ink step. No step: `text` stands on plain ground or is n/e."""

    text: str = ""
    title: str = ""
    step: int | None = None
    missing: bool = False
    flag: bool = False
    same: bool = False


@dataclass(frozen=True, slots=True)
class HeatRow:
    kind: str
    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Heat:
    """Column heads as (short, full) names, rows, and half the width of the widest interval in it.

    `numbered`: rows bear their number, and columns that of the same annotator.
    """

    heads: tuple[tuple[str, str], ...]
    rows: tuple[HeatRow, ...]
    widest: float
    numbered: bool = False


def lower_triangle(
    annotators: Sequence[Annotator],
    found: Callable[[int, int], Measured | None],
    *,
    low: float = 0.0,
    flag: float | None = None,
) -> Heat:
    """A table of pairs, below the diagonal, without the last column, which holds none.

    `found(row, column)` is None where a pair shares nothing. Ink grows from `low` to 1; cells at or above `flag` are
    outlined. Numbers name the columns: short names of many models are alike.
    """
    values = {(row, column): found(row, column) for row in range(len(annotators)) for column in range(row)}
    rows = tuple(
        HeatRow(one.kind, one.name, _cells(row, len(annotators), values, low, flag))
        for row, one in enumerate(annotators)
    )
    halves = [half_width(one) for one in values.values() if one is not None and one.estimable]
    heads = tuple((str(place), one.name) for place, one in enumerate(annotators[:-1], 1))
    return Heat(heads, rows, max(halves, default=0.0), numbered=True)


def _cells(
    row: int, size: int, values: dict[tuple[int, int], Measured | None], low: float, flag: float | None
) -> tuple[Cell, ...]:
    before = [_cell(values[row, column], low, flag) for column in range(row)]
    return (*before, Cell("·", same=True), *[Cell()] * (size - row - 1))[: size - 1]


def _cell(found: Measured | None, low: float, flag: float | None) -> Cell:
    if found is None or not found.estimable or found.value is None:
        return Cell("n/e", "not estimable, " + (found.reason if found else "no shared task"), missing=True)
    strength = (found.value - low) / (1 - low)
    flagged = flag is not None and found.value >= flag
    between = "" if found.low is None else interval_words(found)
    return Cell(decimals(found.value), between, step_of(strength), flag=flagged)


def decimals(value: float) -> str:
    """A coefficient in two digits without the leading zero: .88, −.05, 1.00."""
    return f"{value:.2f}".replace("0.", ".", 1).replace("-", "−") if abs(value) < 0.995 else f"{value:.2f}"


def interval_words(found: Measured) -> str:
    return f"{decimals(found.low or 0.0)} to {decimals(found.high or 0.0)}"


def half_width(found: Measured) -> float:
    return ((found.high or 0.0) - (found.low or 0.0)) / 2
