"""People err together on hard tasks: several answers to one task say less than as many answers to different ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.truth.belief import FLOOR
from labeling.truth.expectation import softmax
from labeling.truth.votes import Bools, Floats, Ints

USUAL, IN_DISPUTE = 0.1, 0.4
"""What is assumed before any label is known: of all tasks, and of those where answers differ, which are the hard ones.
On recorded crowds the first two people to differ, settled at 95% by plain Bayes, were right on 92%."""
LIKELY = np.array([0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2])
OFFSET, SPREAD = 0.05, 0.7
"""The prior over them: normal in log(dependence + offset) around what is assumed."""


@dataclass(frozen=True, slots=True)
class Dependence:
    """`usual`: of all tasks with several answers. `in_dispute`: of those whose answers differ."""

    usual: float = USUAL
    in_dispute: float = IN_DISPUTE


def share(count: NDArray[np.integer] | int, dependence: float) -> Floats:
    """What each of `count` answers to one task counts: 1 / (1 + dependence (count - 1)), as in a sample of clusters."""
    weight: Floats = 1 / (1 + dependence * np.maximum(np.asarray(count, dtype=np.float64) - 1, 0))
    return weight


def fit(scores: Floats, count: NDArray[np.integer], differ: Bools, truth: Ints, weight: Floats) -> Dependence:
    """The dependence under which tasks whose label is known were foretold best; as assumed where there is none.

    `scores`: (m, K) crowd and sum of the answers' log likelihoods. `count`, `truth`, `weight`: (m,) answers, known
    label, and how much the task counts; `differ`: (m,) whether the answers do.
    """
    several = count > 1
    usual, disputed = np.flatnonzero(several), np.flatnonzero(several & differ)
    return Dependence(
        _fit(scores[usual], count[usual], truth[usual], weight[usual], USUAL),
        _fit(scores[disputed], count[disputed], truth[disputed], weight[disputed], IN_DISPUTE),
    )


def _fit(scores: Floats, count: NDArray[np.integer], truth: Ints, weight: Floats, assumed: float) -> float:
    """The most probable value of the grid."""
    fit = -0.5 * (np.log((LIKELY + OFFSET) / (assumed + OFFSET)) / SPREAD) ** 2
    for place, each in enumerate(LIKELY):
        chance = softmax(share(count, each)[:, None] * scores)[np.arange(len(truth)), truth]
        fit[place] += weight @ np.log(np.maximum(chance, FLOOR))
    return float(LIKELY[int(fit.argmax())])
