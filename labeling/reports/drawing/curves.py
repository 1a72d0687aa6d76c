"""Accuracy against dollars as a drawing: solid measured, dashed expected, a shaded band, dots with words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from labeling.reports.drawing.scales import Scale, Tick, spanning
from labeling.reports.drawing.thinning import thinned

MOST_TICKS = 5
NEAR_THE_END = 0.97


@dataclass(frozen=True, slots=True)
class Spot:
    """A share right at so many dollars, with its interval where it has one; `words`: what this place means."""

    dollars: float
    value: float | None
    low: float | None = None
    high: float | None = None
    words: str = ""
    estimable: bool = True


@dataclass(frozen=True, slots=True)
class Curve:
    """What is drawn. `dots`: places of either line that bear words, the first of them now.

    `tasks`: of so many labels the right ones are counted along the side; without it their share is told.
    """

    measured: tuple[Spot, ...]
    expected: tuple[Spot, ...]
    dots: tuple[Spot, ...] = ()
    tasks: int = 0

    @property
    def spots(self) -> tuple[Spot, ...]:
        return (*self.measured, *self.expected)

    @property
    def y(self) -> Scale:
        return spanning((*self.spots, *self.dots))

    @property
    def sides(self) -> list[tuple[float, str]]:
        """Lines of the grid, as shares of the height from the bottom, with their words."""
        if not self.tasks:
            return [(tick.at, tick.text) for tick in self.y.ticks]
        scale, step = self.y, max(round_step((self.y.high - self.y.low) * self.tasks / MOST_TICKS), 1.0)
        first, last = ceil(scale.low * self.tasks / step - 1e-9), floor(scale.high * self.tasks / step + 1e-9)
        return [(scale.at(step * n / self.tasks), f"{step * n:,.0f}") for n in range(first, last + 1)]

    @property
    def most(self) -> float:
        """The right end of the scale of dollars."""
        return max((spot.dollars for spot in (*self.spots, *self.dots)), default=0.0) or 1.0

    @property
    def ticks(self) -> list[Tick]:
        """Round amounts along the bottom, fewer of them where the drawing is narrow."""
        step = round_step(self.most / MOST_TICKS)
        values = [step * place for place in range(int(self.most / step + 1e-9) + 1)]
        digits = max(0, -int(log10(step) // 1)) if step < 1 else 0
        words = [f"${value:,.{max(digits, 2) if digits else 0}f}" for value in values]
        return thinned([_tick(value, value / self.most, text) for value, text in zip(values, words, strict=True)])

    @property
    def solid(self) -> str:
        return self._line(self.measured)

    @property
    def dashed(self) -> str:
        """The expected line, which starts where the measured one ends."""
        return self._line((*self.measured[-1:], *self.expected))

    @property
    def band(self) -> str:
        """The corners of the shaded interval: along the upper ends and back along the lower ones."""
        sure = [spot for spot in self.spots if spot.low is not None and spot.high is not None]
        there = [self._place(spot, spot.high or 0.0) for spot in sure]
        return " ".join([*there, *(self._place(spot, spot.low or 0.0) for spot in reversed(sure))])

    def _line(self, spots: Sequence[Spot]) -> str:
        return " ".join(self._place(spot, spot.value) for spot in spots if spot.value is not None)

    def _place(self, spot: Spot, value: float) -> str:
        return f"{100 * spot.dollars / self.most:.2f},{100 * (1 - self.y.at(value)):.2f}"

    @property
    def marks(self) -> list[tuple[Spot, float, float]]:
        """Each dot with its place as shares of width and of height from the top."""
        return [
            (spot, spot.dollars / self.most, 1 - self.y.at(spot.value)) for spot in self.dots if spot.value is not None
        ]


def _tick(value: float, at: float, text: str) -> Tick:
    return Tick(value, at, text, "start" if not value else "end" if at > NEAR_THE_END else "middle")


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least so large."""
    power = 10.0 ** ceil(log10(least) - 1)
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))
