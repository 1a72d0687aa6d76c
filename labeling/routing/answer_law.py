"""What a relabeler will probably answer, before it is asked: learnt from what it answered elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.truth import log_linear
from labeling.truth.expectation import softmax
from labeling.truth.log_linear import OPINION_FLOOR
from labeling.truth.votes import Floats, Ints

RIDGE = 5.0
MOST_ROWS = 5_000
"""Answers a law is fitted on; it has so few parameters that more do not change it."""


@dataclass(frozen=True, slots=True)
class AnswerLaw:
    """q(a) is proportional to exp(follows log sum_k T_k C[k, a] + leans log T_a + bias_a).

    follows = 1, leans = 0, no bias: the law that belief T and confusion matrix C imply. Fitted, it knows that the
    crowd and the relabeler are led astray together. `confusion`: (K, K + 1).
    """

    confusion: Floats
    follows: float = 1.0
    leans: float = 0.0
    bias: Floats | float = 0.0

    def of(self, belief: Floats) -> Floats:
        """P(answer) for each task, (n, K + 1), from beliefs (n, K). What the matrix rules out stays impossible."""
        scores = self.follows * _implied(belief, self.confusion) + self.leans * _own(belief) + self.bias
        return softmax(np.where(self.confusion.max(axis=0) > 0, scores, -1e300))


def fit(belief: Floats, answer: Ints, confusion: Floats, seed: int = 0) -> AnswerLaw:
    """The law of one relabeler from all its answers, whether or not the label of the task is known.

    `belief`: (r, K) what was believed before each answer, `answer`: (r,), `confusion`: (K, K + 1).
    """
    if not len(answer):
        return AnswerLaw(confusion)
    if len(answer) > MOST_ROWS:
        drawn = np.random.default_rng(seed).choice(len(answer), MOST_ROWS, replace=False)
        belief, answer = belief[drawn], answer[drawn]
    given = np.eye(confusion.shape[1])[answer]
    pool = log_linear.fit_pool([_implied(belief, confusion), _own(belief)], given, [1.0, 0.0], [RIDGE] * 2, RIDGE)
    return AnswerLaw(confusion, float(pool.weight[0]), float(pool.weight[1]), pool.bias)


def _implied(belief: Floats, confusion: Floats) -> Floats:
    law: Floats = np.log(np.maximum(belief @ confusion, OPINION_FLOOR))
    return law


def _own(belief: Floats) -> Floats:
    """Log belief in the label each answer names; for an abstention the mean log belief, minus the entropy."""
    logs = np.log(np.maximum(belief, OPINION_FLOOR))
    return np.column_stack([logs, (belief * logs).sum(axis=1)])
