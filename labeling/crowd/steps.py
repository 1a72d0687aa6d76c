"""The steps at which a model looks at a scale, and what it answers by their chances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.crowd.base import Answer
from labeling.crowd.crossfit import Floats, Ints
from labeling.kinds.base import Space

MOST_STEPS = 11
"""A scale of more steps is looked at in stretches."""
STRETCHES = 7
SHOWN = 11
"""So many numbers stand for a scale of which only the ends are known."""


@dataclass(frozen=True, slots=True)
class Steps:
    """`values`: (K,) where the steps stand, upwards. `between`: an answer may lie between them."""

    values: Floats
    between: bool

    @classmethod
    def of(cls, space: Space, known: Floats) -> Steps:
        """The steps of the scale; where they are many, or two ends, the middles of stretches of the known answers."""
        if has_steps(space):
            return cls(np.array(space.values), False)
        different = np.unique(known)
        if len(different) <= STRETCHES:
            return cls(different, True)
        borders = np.unique(np.quantile(known, np.linspace(0, 1, STRETCHES + 1)))
        inside = np.clip(np.searchsorted(borders, known, side="right") - 1, 0, len(borders) - 2)
        return cls(np.array([known[inside == k].mean() for k in np.unique(inside)]), True)

    @classmethod
    def plain(cls, space: Space) -> Steps:
        """Without known answers: the steps, or round numbers from one end to the other."""
        if has_steps(space):
            return cls(np.array(space.values), False)
        return cls(np.linspace(space.values[0], space.values[-1], SHOWN), True)

    def nearest(self, known: Floats) -> Ints:
        """The step of each known answer."""
        found: Ints = np.abs(known[:, None] - self.values).argmin(axis=1)
        return found

    def chances(self, above: Floats) -> Floats:
        """Chances of the steps, (n, K), from the chances that an answer is above each but the last, (n, K - 1)."""
        falling = np.minimum.accumulate(above, axis=1)
        ends = np.hstack([np.ones((len(above), 1)), falling, np.zeros((len(above), 1))])
        chances: Floats = ends[:, :-1] - ends[:, 1:]
        return chances

    def answer(self, chances: Floats) -> Answer:
        """The median step, which loses least by distance; between the steps where the scale has none of its own.

        `chances`: (K,) of the steps.
        """
        row = chances / chances.sum()
        up = np.cumsum(row)
        if not self.between:
            return Answer(None, tuple(row.tolist()), said=float(self.values[int(np.searchsorted(up, 0.5 - 1e-9))]))
        place = float(np.interp(0.5, up - row / 2, self.values))
        return Answer(None, said=place)


def has_steps(space: Space) -> bool:
    """Whether the labels are steps, and not the two ends of a scale of numbers or a great many."""
    two_ends = len(space.values) == 2 and space.values[1] - space.values[0] > 1
    return not two_ends and len(space.values) <= MOST_STEPS
