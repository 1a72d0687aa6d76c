"""Shares with their intervals, as the manager's pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from labeling.truth.confusion import wilson
from labeling.truth.votes import Ints

MINIMUM = 30


class Commonest(NamedTuple):
    """What is right by giving everything the same label: a number that every accuracy stands beside."""

    label: str
    share: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with its 95% interval. Where `estimable` is False, `reason` says why and the number is not shown."""

    value: float | None
    low: float | None = None
    high: float | None = None
    estimable: bool = True
    reason: str = ""


def share(part: float, whole: float, *, minimum: int = MINIMUM, counted: str = "checked") -> Measured:
    """The share `part` of `whole` with Wilson's interval; not estimable below `minimum`."""
    if not whole:
        return Measured(None, estimable=False, reason=f"0 of {minimum} {counted}")
    low, high = limits(part / whole, whole)
    enough = whole >= minimum
    return Measured(part / whole, low, high, enough, "" if enough else f"{whole:.0f} of {minimum} {counted}")


def spread(values: Sequence[float | None], n: int, *, share: bool) -> Measured:
    """The first value with the middle 95% of the others, its resamples; without a value there is nothing to divide by.

    Where all resamples agree, a `share` of `n` tasks has Wilson's limits, since so few tasks cannot be so sure.
    """
    value, others = values[0], [one for one in values[1:] if one is not None]
    if value is None or not others:
        return Measured(None, estimable=False, reason="nothing to divide by")
    low, high = np.quantile(others, [0.025, 0.975]).tolist()
    if share and high - low < 1e-9:
        low, high = limits(value, n)
    return Measured(value, min(low, value), max(high, value))


def limits(rate: float, n: float) -> tuple[float, float]:
    """Wilson's 95% limits of a rate seen in `n` trials."""
    low, high = wilson(np.array([rate]), np.array([float(n)]))
    return float(low[0]), float(high[0])


def commonest(truth: Ints, names: Sequence[str]) -> Commonest | None:
    """The commonest of the known labels: `truth` are places among `names`, -1 where nothing is known."""
    known = truth[truth >= 0]
    if not len(known):
        return None
    counts = np.bincount(known)
    return Commonest(names[int(counts.argmax())], float(counts.max() / len(known)))


def beyond_chance(rate: float, n: float, chance: float) -> Measured:
    """(rate - chance) / (1 - chance), a kappa or an excess agreement, with Wilson's limits of the rate carried over."""
    low, high = limits(rate, n)
    room = 1 - chance
    return Measured((rate - chance) / room, (low - chance) / room, (high - chance) / room)
