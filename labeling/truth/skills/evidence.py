"""How many answers on known tasks an annotator's accuracy is worth, when the tasks were never known for sure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from labeling.truth.votes import Floats, Ints

MOST_TOGETHER = 400
"""Annotators whose mutual uncertainty is reckoned with; above, each one's own alone."""
LEAST_LEFT = 0.02
"""The share of the full information that is left at least: the inverse stays stable."""


@dataclass(frozen=True, slots=True)
class Worth:
    """`effective`: (M,) answers on known tasks that would tell as much, the prior's left out; `low`, `high`: (M,) the
    interval of the accuracy."""

    effective: Floats
    low: Floats
    high: Floats


def worth(
    belief: Floats, task: Ints, annotator: Ints, label: Ints, weight: Floats, accuracy: Floats, size: Floats,
    confidence: float = 0.95,
) -> Worth:  # fmt: skip
    """What answers tell of accuracies, from the posterior of each task; abstentions left out.

    `belief`: (n, K). `task`, `annotator`, `label`, `weight`: (V,). `accuracy`, `size`: (M,) posterior mean, and the
    answers that the prior is worth. Information on the logit scale is that of known tasks, w p (1 - p) an answer, less
    what is missing because they are not: the posterior covariance of who was right (Louis 1982, JRSS B 44, "missing
    information"). Two people on one task who contradict each other share what is missing, so one's uncertainty is
    part of the other's. The interval is that of the beta distribution with the same variance.
    """
    known = accuracy * (1 - accuracy)
    full = np.bincount(annotator, weight, len(accuracy)) * known[: len(accuracy)]
    full, prior = np.maximum(full, 0.0), size * known
    missing = _missing(belief, task, annotator, label, weight, len(accuracy))
    variance = _variance(full + prior, missing)
    total = np.maximum(1 / np.maximum(variance * known, 1e-12), size)
    a, b = np.maximum(accuracy * total, 1e-6), np.maximum((1 - accuracy) * total, 1e-6)
    tail = (1 - confidence) / 2
    effective = np.where(full > 0, total - size, 0.0)
    return Worth(effective, scipy.special.betaincinv(a, b, tail), scipy.special.betaincinv(a, b, 1 - tail))


def _missing(
    belief: Floats, task: Ints, annotator: Ints, label: Ints, weight: Floats, n_annotators: int
) -> scipy.sparse.csr_array:
    """Sum over tasks of the covariance of "annotator j was right", (M, M)."""
    n, n_labels = belief.shape
    root = np.sqrt(weight)
    chance = belief[task, label]
    means = scipy.sparse.csr_array((root * chance, (task, annotator)), shape=(n, n_annotators))
    cell = task.astype(np.int64) * n_labels + label
    by_label = scipy.sparse.csr_array((root * np.sqrt(chance), (cell, annotator)), shape=(n * n_labels, n_annotators))
    return scipy.sparse.csr_array(by_label.T @ by_label - means.T @ means)


def _variance(information: Floats, missing: scipy.sparse.csr_array) -> Floats:
    """Diagonal of (diag(information) - missing)^-1, (M,), kept stable."""
    scale = 1 / np.sqrt(np.maximum(information, 1e-12))
    if len(information) > MOST_TOGETHER:
        left = np.maximum(1 - missing.diagonal() * scale**2, LEAST_LEFT)
        alone: Floats = scale**2 / left
        return alone
    share = missing.toarray() * scale[:, None] * scale[None, :]
    value, vector = np.linalg.eigh(share)
    left = np.maximum(1 - value, LEAST_LEFT)
    variance: Floats = scale**2 * (vector**2 / left).sum(axis=1)
    return variance
