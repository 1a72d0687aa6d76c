"""Cohen's kappa between every two annotators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from labeling.truth.vote_matrix import heaviest, without_abstentions
from labeling.truth.votes import Floats, Ints, Votes


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of annotators that share at least one task; one entry a pair, first < second, in order.

    `n`: tasks both gave a label to. `raw`: share of these with the same label. `kappa`: nan where both gave one and
    the same label throughout.
    """

    first: Ints
    second: Ints
    n: Ints
    raw: Floats
    kappa: Floats


def pairwise(votes: Votes, weights: str | None = None) -> Pairs:
    """Raw agreement and Cohen's kappa of all pairs; cost is the number of pairs of votes on one task, memory M K^2.

    `weights`: None, or "linear" or "quadratic" in the distance of label indexes for ordered labels.
    A fractional vote counts as its heaviest label, an abstention not at all.
    """
    named = without_abstentions(heaviest(votes))
    answers = _one_hot(named)
    rows = [_pairs_of(annotator, answers, votes, weights) for annotator in range(votes.n_annotators - 1)]
    columns = [np.concatenate(parts) for parts in zip(*rows, strict=True)] if rows else [np.zeros(0)] * 5
    first, second, n = (column.astype(np.int32) for column in columns[:3])
    return Pairs(first, second, n, columns[3], columns[4])


def kappa(table: Floats, weights: str | None = None) -> Floats:
    """Cohen's kappa of contingency tables (..., K, K): 1 - observed / expected disagreement; nan where expected is 0.

    Source: Cohen 1960, doi 10.1177/001316446002000104; weighted, Cohen 1968, doi 10.1037/h0026256.
    """
    n_labels = table.shape[-1]
    distance = np.abs(np.arange(n_labels)[:, None] - np.arange(n_labels)).astype(np.float64)
    if weights not in (None, "linear", "quadratic"):
        raise ValueError(f"`weights` is {weights!r}; it must be None, 'linear' or 'quadratic'.")
    cost = np.minimum(distance, 1) if weights is None else distance ** (2 if weights == "quadratic" else 1)
    total = table.sum(axis=(-2, -1))
    observed = (table * cost).sum(axis=(-2, -1)) * total
    expected = np.einsum("...k,kl,...l->...", table.sum(axis=-1), cost, table.sum(axis=-2))
    ratio: Floats = np.divide(observed, expected, out=np.full(total.shape, np.nan), where=expected > 0)
    return 1.0 - ratio


def _one_hot(votes: Votes) -> scipy.sparse.csc_array:
    """Tasks by (annotator, label), 1 where the annotator gave the label."""
    column = votes.annotator.astype(np.int64) * votes.n_labels + votes.label
    shape = votes.n_tasks, votes.n_annotators * votes.n_labels
    return scipy.sparse.coo_array((np.ones(len(column)), (votes.task, column)), shape=shape).tocsc()


def _pairs_of(
    annotator: int, answers: scipy.sparse.csc_array, votes: Votes, weights: str | None
) -> tuple[np.ndarray, ...]:
    """Columns of `Pairs` for `annotator` with each later one."""
    k = votes.n_labels
    mine = answers[:, annotator * k : (annotator + 1) * k]
    later = votes.n_annotators - annotator - 1
    joint = (mine.T @ answers[:, (annotator + 1) * k :]).toarray()
    tables = joint.reshape(k, later, k).transpose(1, 0, 2)
    n = tables.sum(axis=(1, 2))
    shared = np.flatnonzero(n > 0)
    tables, n = tables[shared], n[shared]
    raw = np.trace(tables, axis1=1, axis2=2) / n
    second = annotator + 1.0 + shared
    return np.full(len(n), float(annotator)), second, n, raw, kappa(tables, weights)
