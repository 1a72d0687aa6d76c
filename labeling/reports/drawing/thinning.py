"""Which words of an axis are shown at which width, so that none overlaps or touches its neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf

from labeling.reports.drawing.scales import Tick

WIDTHS = (120, 180, 240, 320, 480, 640)
"""Widths of an axis, in pixels, at which more of its words appear; the style sheet has a rule for each (`.from120`)."""
CHARACTER, GAP = 8.5, 8.0
"""Pixels of one character of an axis at most, and between two words at least."""
BEFORE = {"start": 0.0, "middle": 0.5, "end": 1.0}


def thinned(ticks: Sequence[Tick], *, keep_last: bool = False) -> list[Tick]:
    """The ticks, each with the width of the axis from which its words are shown; 0 for those that always are.

    Of each step every second one stays at the next smaller width, counted from the first tick or from the last.
    """
    ordered = list(reversed(ticks)) if keep_last else list(ticks)
    least = [inf] * len(ordered)
    step = 1
    while ordered:
        shown = ordered[::step]
        width = _rounded(_needed(shown[::-1] if keep_last else shown))
        for place in range(0, len(ordered), step):
            least[place] = min(least[place], width)
        if len(shown) == 1:
            break
        step *= 2
    found = [replace(tick, width=width) for tick, width in zip(ordered, least, strict=True) if width < inf]
    return found[::-1] if keep_last else found


def _needed(ticks: Sequence[Tick]) -> float:
    """The smallest width of an axis at which each of these words keeps its distance from the next."""
    pairs = pairwise(ticks)
    return max((_apart(one, other) / max(other.at - one.at, 1e-9) for one, other in pairs), default=0.0)


def _apart(one: Tick, other: Tick) -> float:
    """Pixels that must lie between two places so that their words do not touch."""
    after = (1 - BEFORE[one.anchor]) * len(one.text)
    return (after + BEFORE[other.anchor] * len(other.text)) * CHARACTER + GAP


def _rounded(width: float) -> float:
    return 0 if not width else next((one for one in WIDTHS if width <= one), inf)
