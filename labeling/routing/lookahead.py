"""What an answer is worth: alone, and as the first of several, where one answer alone cannot change the label.

Two cheap opinions against the crowd can turn a label that neither of them turns alone. So the value of asking is that
of the best plan that starts with the question: V(heard, left) = max(max_k P(k | heard), max over m in left of
[ -multiplier * price_m + sum_a q_m(a) V(heard and a, left without m) ]).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.routing.answer_law import AnswerLaw
from labeling.routing.fusion import Fusion, Heard
from labeling.truth.votes import Floats

Price = int | NDArray[np.int64]
IMPOSSIBLE = 1e-9
"""Chance below which an answer is not followed up."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who can be asked: one entry a relabeler. A price is in micro-dollars, a number or (n,).

    `multiplier`: extra correct labels that the plan gets for one micro-dollar elsewhere.
    """

    fusions: Sequence[Fusion]
    laws: Sequence[AnswerLaw]
    prices: Sequence[Price]
    multiplier: float

    def cost(self, relabeler: int) -> Floats:
        """The price in correct labels."""
        cost: Floats = self.multiplier * np.asarray(self.prices[relabeler], dtype=np.float64)
        return cost


def value_of_answer(heard: Heard, fused: Fusion, law: AnswerLaw) -> tuple[Floats, Floats]:
    """Expected extra correct labels of one more answer on each task, (n,), and the chance that it changes the label.

    VOI = sum_a q(a) max_k P(k | heard, a) - max_k sum_a q(a) P(k | heard, a), never negative.
    """
    chance = law.of(heard.belief())
    reached, expected = np.zeros(len(chance)), np.zeros(heard.crowd.shape)
    best, correction = np.empty(chance.shape, dtype=np.intp), fused.correction(heard.crowd)
    for answer in range(chance.shape[1]):
        joint = chance[:, answer, None] * heard.after(fused, answer, correction).belief()
        expected += joint
        reached += joint.max(axis=1)
        best[:, answer] = joint.argmax(axis=1)
    change = (chance * (best != expected.argmax(axis=1)[:, None])).sum(axis=1)
    return np.maximum(reached - expected.max(axis=1), 0.0), change


def value_of_start(heard: Heard, first: int, asking: Asking, rest: Sequence[int], depth: int = 2) -> Floats:
    """Expected extra correct labels of asking `first`, and then one of `rest` if the answer suggests it, (n,).

    The price of `first` is not counted, those of the answers after it are, in correct labels. With depth one, or
    nobody in `rest`, this is `value_of_answer`.
    """
    chance = asking.laws[first].of(heard.belief())
    expected, correction = np.zeros(heard.crowd.shape), asking.fusions[first].correction(heard.crowd)
    for answer in np.flatnonzero(chance.max(axis=0) > IMPOSSIBLE):
        expected += chance[:, answer, None] * heard.after(asking.fusions[first], int(answer), correction).belief()
    gain: Floats = _if_asked(heard, first, asking, rest, depth) - expected.max(axis=1)
    return gain


def adaptive_value(heard: Heard, asking: Asking, left: Sequence[int], depth: int) -> Floats:
    """V: the chance of a right label, less what is paid for it, under the best plan of at most `depth` answers.

    `left`: who may still be asked; whoever is named twice may be asked twice. Returns (n,). Cost O(n (M S)^depth K).
    """
    best: Floats = heard.belief().max(axis=1)
    if depth > 0:
        for place, first in enumerate(left):
            rest = [*left[:place], *left[place + 1 :]]
            if first not in left[:place]:
                best = np.maximum(best, _if_asked(heard, first, asking, rest, depth) - asking.cost(first))
    return best


def _if_asked(heard: Heard, first: int, asking: Asking, rest: Sequence[int], depth: int) -> Floats:
    chance = asking.laws[first].of(heard.belief())
    total, correction = np.zeros(len(chance)), asking.fusions[first].correction(heard.crowd)
    for answer in np.flatnonzero(chance.max(axis=0) > IMPOSSIBLE):
        after = heard.after(asking.fusions[first], int(answer), correction)
        total += chance[:, answer] * adaptive_value(after, asking, rest, depth - 1)
    return total
