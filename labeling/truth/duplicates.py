"""Near-duplicates: tasks of a cluster share their evidence through the cluster's own label."""

from __future__ import annotations

import numpy as np

from labeling.truth.belief import clipped, from_logits
from labeling.truth.votes import Floats, Ints

MISMATCH = 0.05
"""Share of near-duplicates that carry another label than their cluster, until known labels say otherwise."""


def share(belief: Floats, cluster: Ints, *, prior: Floats | None = None, mismatch: float = MISMATCH) -> Floats:
    """The beliefs after each task has heard the evidence of the other tasks of its cluster, (n_tasks, K).

    A cluster has a label z ~ prior; a task of it has y = z with probability 1 - mismatch, else any other label.
    The evidence of a task is belief / P(y); exact by one message from each task to its cluster and one back, O(n K).
    `cluster`: (n_tasks,), the number of a task's cluster, negative for none. `prior`: (K,), by default the mean belief.
    """
    inside = np.flatnonzero(cluster >= 0)
    if not len(inside) or belief.shape[1] < 2:
        return belief.copy()
    prior = clipped(belief.mean(axis=0) if prior is None else prior)
    _, of_cluster = np.unique(cluster[inside], return_inverse=True)
    evidence = clipped(belief[inside]) / _through(prior[None], mismatch)
    to_cluster = np.log(_through(evidence, mismatch))
    total = np.zeros((of_cluster.max() + 1, belief.shape[1]))
    np.add.at(total, of_cluster, to_cluster)
    from_others = from_logits(np.log(prior) + total[of_cluster] - to_cluster)
    shared = belief.copy()
    shared[inside] = clipped(evidence * _through(from_others, mismatch))
    return shared


def fit_mismatch(known: Ints, cluster: Ints, n_labels: int) -> float:
    """The mismatch that explains how often two known tasks of one cluster differ; .05 counts as ten pairs seen.

    `known`: (n_tasks,) with -1 for not known. P(differ) = 2 e (1 - e) + e^2 (K - 2) / (K - 1), solved for e.
    """
    tasks = np.flatnonzero((known >= 0) & (cluster >= 0))
    if n_labels < 2 or not len(tasks):
        return MISMATCH
    _, of_cluster = np.unique(cluster[tasks], return_inverse=True)
    counts = np.zeros((of_cluster.max() + 1, n_labels))
    np.add.at(counts, (of_cluster, known[tasks]), 1.0)
    size = counts.sum(axis=1)
    pairs, same = (size * (size - 1)).sum() / 2, (counts * (counts - 1)).sum() / 2
    curvature = 2 - (n_labels - 2) / (n_labels - 1)
    expected = 2 * MISMATCH - curvature * MISMATCH**2
    differ = min((pairs - same + 10 * expected) / (pairs + 10), 1 / curvature)
    return float((1 - np.sqrt(max(1 - curvature * differ, 0.0))) / curvature)


def _through(values: Floats, mismatch: float) -> Floats:
    """Rows after the noise between a task's label and its cluster's: (1 - e) v_k + e / (K - 1) sum of the others."""
    total = values.sum(axis=1, keepdims=True)
    other = mismatch / (values.shape[1] - 1)
    noisy: Floats = (1 - mismatch - other) * values + other * total
    return noisy
