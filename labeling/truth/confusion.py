"""Confusion matrices of annotators: counts, shrunken estimates, and intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from labeling.truth.vote_matrix import prepare
from labeling.truth.votes import Floats, Ints, Votes


@dataclass(frozen=True, slots=True)
class Confusions:
    """What each annotator answers given the truth.

    `mean`, `low`, `high`: (n_annotators, n_labels, n_symbols), row = truth, column = answer, the last column is
    abstention. `counts`: the same shape, the votes they rest on. `accuracy`, `accuracy_low`, `accuracy_high`:
    (n_annotators,), share of the given labels that are right, nan where an annotator gave none.
    """

    counts: Floats
    mean: Floats
    low: Floats
    high: Floats
    accuracy: Floats
    accuracy_low: Floats
    accuracy_high: Floats


def estimate(votes: Votes, belief: Floats, *, strength: float = 4.0, confidence: float = 0.95) -> Confusions:
    """Confusion matrices with intervals from votes and a belief (one-hot rows for gold, zero rows for "leave out").

    `belief`: (n_tasks, n_labels). The mean is `shrunken(counts, strength)`, the interval the equal-tailed one of its
    Dirichlet posterior, the accuracy's interval is Wilson's. Raises ValueError where the shapes do not fit.
    """
    counts = count(votes, belief)
    mean = shrunken(counts, strength)
    pseudo = counts.sum(axis=2, keepdims=True) + strength
    tail = (1 - confidence) / 2
    low, high = (_beta_quantile(mean * pseudo, (1 - mean) * pseudo, level) for level in (tail, 1 - tail))
    right, given = _right_and_given(counts)
    accuracy = np.divide(right, given, out=np.full(len(given), np.nan), where=given > 0)
    return Confusions(counts, mean, low, high, accuracy, *wilson(accuracy, given, confidence))


def count(votes: Votes, belief: Floats) -> Floats:
    """Expected votes by truth and answer, shape (n_annotators, n_labels, n_symbols)."""
    if belief.shape != (votes.n_tasks, votes.n_labels):
        raise ValueError(f"`belief` has shape {belief.shape}; it must be ({votes.n_tasks}, {votes.n_labels}).")
    return by_annotator(prepare(votes).sums(belief), votes)


def count_known(votes: Votes, known: Ints) -> Floats:
    """Votes on known tasks by truth and answer; `known`: (n_tasks,), -1 where the label is not known."""
    belief = np.zeros((votes.n_tasks, votes.n_labels))
    tasks = np.flatnonzero(known >= 0)
    belief[tasks, known[tasks]] = 1.0
    return count(votes, belief)


def with_elsewhere(counts: Floats, votes: Votes) -> Floats:
    """Counts, (n_annotators, K, K + 1), and for each row what the same annotator does in the other groups of tasks.

    That is worth `votes.elsewhere` answers, or as many as there are where they are fewer; unchanged without groups.
    """
    if votes.groups < 2:
        return counts
    own = counts.reshape(-1, votes.groups, *counts.shape[1:])
    others = own.sum(axis=1, keepdims=True) - own
    seen = others.sum(axis=-1, keepdims=True)
    share = np.divide(np.minimum(seen, votes.elsewhere), seen, out=np.zeros_like(seen), where=seen > 0)
    together: Floats = (own + share * others).reshape(counts.shape)
    return together


def by_annotator(columns: Floats, votes: Votes) -> Floats:
    """(n_annotators * n_symbols, n_labels) to (n_annotators, n_labels, n_symbols)."""
    shape = votes.n_annotators, votes.n_symbols, columns.shape[1]
    return np.ascontiguousarray(columns.reshape(shape).transpose(0, 2, 1))


def shrunken(counts: Floats, strength: float = 4.0, *, expected: float = 0.75, certainty: float = 2.0) -> Floats:
    """Rows of counts plus `strength` pseudo-votes spread like a one-coin annotator of the same accuracy.

    `counts`: (..., K, K + 1), row = truth, last column = abstention. accuracy = (right + certainty * expected) /
    (given + certainty): a few votes leave an annotator near what was `expected`, many speak for themselves. Returns
    rows that sum to 1.
    """
    n_labels = counts.shape[-2]
    right, given = _right_and_given(counts)
    accuracy = (right + certainty * expected) / (given + certainty) if n_labels > 1 else np.ones_like(given)
    wrong = (1 - accuracy) / max(n_labels - 1, 1)
    base = np.zeros(counts.shape)
    base[..., :n_labels] = wrong[..., None, None]
    diagonal = np.arange(n_labels)
    base[..., diagonal, diagonal] = accuracy[..., None]
    abstained = counts[..., n_labels].sum(axis=-1)
    total = given + abstained
    rate = np.divide(abstained, total, out=np.zeros_like(total), where=total > 0)[..., None, None]
    base *= 1 - rate
    base[..., n_labels] = rate[..., 0]
    posterior = counts + strength * base
    rows: Floats = posterior / posterior.sum(axis=-1, keepdims=True)
    return rows


def wilson(rate: Floats, n: Floats, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's score interval of a rate seen in `n` trials; nan where n is 0."""
    z = scipy.special.ndtri((1 + confidence) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def _right_and_given(counts: Floats) -> tuple[Floats, Floats]:
    """Expected right answers and given labels of each annotator, abstentions left out."""
    labels = counts[..., : counts.shape[-2]]
    return np.trace(labels, axis1=-2, axis2=-1), labels.sum(axis=(-2, -1))


def _beta_quantile(a: Floats, b: Floats, level: float) -> Floats:
    """Quantile of Beta(a, b); a or b of 0 is the certain value."""
    inside = (a > 0) & (b > 0)
    quantile: Floats = np.where(
        inside, scipy.special.betaincinv(np.where(inside, a, 1), np.where(inside, b, 1), level), a > 0
    )
    return quantile
