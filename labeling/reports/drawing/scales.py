"""Scales of drawings: from numbers to shares of the width or the height, with round ticks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Protocol

PERCENT, PLAIN, POINTS = "percent", "plain", "points"


class Interval(Protocol):
    """Anything with a value and its interval: `estimates.Measured`, `fairness.intervals.Estimate`."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def estimable(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid: its number, its place as a share of the width, its words, its anchor.

    `width`: pixels of the axis from which there is room for its words (`thinning`).
    """

    value: float
    at: float
    text: str
    anchor: str
    width: float = 0


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from `low` to `high` with a tick every `step`; `unit` is percent, plain or points."""

    low: float
    high: float
    step: float
    unit: str = PERCENT

    def at(self, value: float) -> float:
        """The place of a number as a share of the width, kept within the scale."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    @property
    def ticks(self) -> list[Tick]:
        count = round((self.high - self.low) / self.step)
        values = [self.low + place * self.step for place in range(count + 1)]
        return [
            Tick(value, self.at(value), self._words(value, place == count), _anchor(place, count))
            for place, value in enumerate(values)
        ]

    @property
    def inner(self) -> list[Tick]:
        """The ticks between both ends."""
        return self.ticks[1:-1]

    def _words(self, value: float, last: bool) -> str:
        if self.unit == PLAIN:
            return f"{value:.1f}".removesuffix(".0").replace("-", "−")
        return f"{100 * value:.0f}{'%' if last and self.unit == PERCENT else ''}".replace("-", "−")


def _anchor(place: int, count: int) -> str:
    return "start" if place == 0 else "end" if place == count else "middle"


def spanning(found: Iterable[Interval], *, unit: str = PERCENT, top: float | None = 1.0) -> Scale:
    """A scale of round tenths or fifths that holds every interval; `top` fixes the upper end.

    Plain numbers without a fixed end, such as distances, begin at 0 where none is negative.
    """
    shown = [one for one in found if one.estimable and one.value is not None]
    low = min((one.low if one.low is not None else one.value or 0.0 for one in shown), default=0.7)
    high = max((one.high if one.high is not None else one.value or 0.0 for one in shown), default=1.0)
    if top is None and unit == PLAIN and low >= 0:
        step = _step(max(high, 0.2))
        return Scale(0.0, round(ceil(max(high, 0.2) / step - 1e-9) * step, 6), step, unit)
    upper = top if top is not None else max(ceil(high * 10 - 1e-9) / 10, 0.2)
    lower = min(floor(low * 10 + 1e-9) / 10, upper - 0.2)
    step = _step(upper - lower)
    return Scale(round(upper - ceil((upper - lower) / step - 1e-9) * step, 6), upper, step, unit)


def _step(width: float) -> float:
    steps = (part * 10.0**power for power in range(-1, 300) for part in (1, 2, 5))
    return next(round(step, 6) for step in steps if width / step <= 5 + 1e-9)


@dataclass(frozen=True, slots=True)
class LogScale:
    """Powers of ten, for prices; everything at or below `low` lies at the left end."""

    low: float
    high: float

    def at(self, value: float) -> float:
        if value <= self.low:
            return 0.0
        return min(log10(value / self.low) / log10(self.high / self.low), 1.0)

    @property
    def powers(self) -> list[float]:
        first, last = ceil(log10(self.low) - 1e-9), floor(log10(self.high) + 1e-9)
        return [10.0**power for power in range(first, last + 1)]


def step_of(strength: float) -> int:
    """The ink step, 0 to 8, of a heat table's cell for a strength between 0 and 1."""
    return min(max(int(strength * 9), 0), 8)
