"""The form of a datasheet on paper: sections of sentences, facts and tables, whatever writes them down.

A block's `form` tells a template how to write it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fairness.datasheet.plain import LACKING
from labeling.money import ledger

MICRO = 1_000_000
PERCENT, PLAIN, DOLLARS = "percent", "plain", "dollars"


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence or two; `strong` ones can be read alone."""

    text: str
    strong: bool = False
    form: ClassVar[str] = "words"


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with what is so; those of which nothing is to say are left out."""

    rows: tuple[tuple[str, str], ...]
    form: ClassVar[str] = "facts"


@dataclass(frozen=True, slots=True)
class Linked:
    """A cell that leads to the page where its evidence stands."""

    text: str
    link: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a title; `numbers`: the columns, from 0, that hold numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | Linked, ...], ...]
    numbers: frozenset[int] = frozenset()
    form: ClassVar[str] = "table"


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to type."""

    lines: tuple[str, ...]
    form: ClassVar[str] = "code"


@dataclass(frozen=True, slots=True)
class Items:
    """Sentences in a list."""

    lines: tuple[str, ...]
    form: ClassVar[str] = "items"


Block = Words | Facts | Table | Code | Items


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the sheet under its own heading; `key` names it in an address."""

    key: str
    title: str
    blocks: tuple[Block, ...]


def facts(rows: Iterable[tuple[str, Any]]) -> Facts:
    """Facts of plain values; nothing, None and "" are left out."""
    return Facts(tuple((name, words(value)) for name, value in rows if value not in (None, "", [], {})))


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Iterable[int] = ()) -> list[Block]:
    """A table in a list, or nothing where it has no row."""
    made = tuple(tuple(one if isinstance(one, Linked) else words(one) for one in row) for row in rows)
    return [Table(title, tuple(head), made, frozenset(numbers))] if made else []


def words(value: Any) -> str:
    """A plain value as people read it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if not value or abs(value) >= 1e-4 else f"{value:.6f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name or 'none'}: {words(one)}" for name, one in value.items()) or "–"
    return ", ".join(map(words, value)) or "–" if isinstance(value, list | tuple) else str(value)


def told(found: Mapping[str, Any] | None, unit: str = PERCENT) -> str:
    """An estimate with its interval, or what is lacking."""
    if not found:
        return "–"
    if LACKING in found:
        return f"insufficient data: {found[LACKING]}"
    ends = [found[name] for name in ("value", "low", "high") if name in found]
    value, *between = [_number(end, unit) for end in ends]
    sign = "%" if unit == PERCENT else ""
    return f"{value}{sign} ({between[0]}–{between[1]})" if between else f"{value}{sign}"


def _number(value: float, unit: str) -> str:
    if unit == DOLLARS:
        return ledger.about(MICRO * value)
    return f"{100 * value:.1f}" if unit == PERCENT else f"{value:.3f}"


def money(dollars: float) -> str:
    """An exact sum."""
    return ledger.dollars(round(dollars * MICRO))
