"""Bayes' rule for one more answer: a belief, the answer, and the confusion matrix of who gave it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labeling.truth.belief import FLOOR, from_logits, log_belief
from labeling.truth.votes import Floats, Ints


def update(belief: Floats, answer: int | Ints, confusion: Floats, temper: float = 1.0) -> Floats:
    """The belief after an answer: P(k | a) ~ P(k) C[k, a]^temper, computed in logs, no entry below about 1e-12.

    `belief`: (K,) or (n, K). `answer`: one symbol, or (n,) of them; `confusion`: (K, S), row = truth, column = answer
    (the last may be abstention), or (n, K, S). Returns the shape of `belief`. A `temper` below 1 discounts an answer
    whose errors go along with those already counted. Raises IndexError where the answer is no column.
    """
    return combine(belief, [answer], [confusion], temper)


def combine(
    belief: Floats, answers: Sequence[int | Ints], confusions: Sequence[Floats], temper: float | Sequence[float] = 1.0
) -> Floats:
    """The belief after several answers, each with its confusion matrix: log P + sum of temper * log C[:, answer].

    `temper`: one number for all or one for each answer. Shapes as in `update`.
    Raises ValueError where the three lists differ in length.
    """
    tempers = [temper] * len(answers) if isinstance(temper, int | float) else temper
    logits = log_belief(belief)
    for answer, confusion, weight in zip(answers, confusions, tempers, strict=True):
        logits = logits + weight * np.log(np.maximum(likelihood(confusion, answer), FLOOR))
    return from_logits(logits)


def likelihood(confusion: Floats, answer: int | Ints) -> Floats:
    """P(answer | truth): the column (K,) of one matrix and answer, else a row (n, K) for each of n."""
    answer = np.asarray(answer)
    if confusion.ndim == 2:
        column: Floats = confusion[:, answer].T
        return column
    chosen: Floats = np.take_along_axis(confusion, np.broadcast_to(answer, len(confusion))[:, None, None], axis=2)[
        ..., 0
    ]
    return chosen


def gain(belief: Floats, confusion: Floats) -> Floats:
    """How much an answer is expected to raise the chance that the likeliest label is right, (...,); never negative.

    `belief`: (..., K), `confusion`: (K, S). 0 where no answer would change the label.
    """
    reached = (belief[..., :, None] * confusion).max(axis=-2).sum(axis=-1)
    rise: Floats = np.maximum(reached - belief.max(axis=-1), 0.0)
    return rise


def answer_law(belief: Floats, confusion: Floats) -> Floats:
    """P(answer) before it is given: (..., K) beliefs and a (K, S) matrix give (..., S)."""
    law: Floats = belief @ confusion
    return law
