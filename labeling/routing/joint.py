"""Joint beliefs over a few tasks as an explicit table, and what answers to some of them would tell about all.

A table has one axis for each task and one entry for each profile, that is, for each way to label all tasks; the
entries sum to 1. A task with K labels has an axis of length K. Answers depend on the truth of their own task alone:
P(A | r) = prod_t C_t[r_t, a_t], LMCrowd's equations 5 to 9 with confusion matrices in place of one accuracy.
Source: Zhang et al., Efficient Data Labeling by Hierarchical Crowdsourcing with Large Language Models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from labeling.truth.belief import entropy
from labeling.truth.votes import Floats, Ints

Tasks = Sequence[int] | NDArray[np.integer]
Confusions = Floats | Sequence[Floats]
"""(K, S) for one relabeler of all tasks, row = truth, column = answer; or one matrix for each task."""


def one_coin(accuracy: float, n_labels: int = 2) -> Floats:
    """The confusion matrix of a symmetric annotator, (K, K): right with probability `accuracy`, else any label."""
    wrong = (1 - accuracy) / max(n_labels - 1, 1)
    matrix: Floats = np.where(np.eye(n_labels, dtype=bool), accuracy, wrong)
    return matrix


def of_independent(belief: Floats) -> Floats:
    """The table of independent tasks: P(r) = prod_t belief[t, r_t]; `belief`: (n, K), returns (K,) * n. Equation 1."""
    table = np.ones(())
    for row in belief:
        table = np.multiply.outer(table, row)
    return table


def for_each(confusions: Confusions, n: int) -> list[Floats]:
    """One confusion matrix for each of n tasks."""
    if isinstance(confusions, np.ndarray) and confusions.ndim == 2:
        return [confusions] * n
    matrices = list(confusions)
    if len(matrices) != n:
        raise ValueError(f"There are {len(matrices)} confusion matrices for {n} tasks; give one for all, or one each.")
    return matrices


def marginal(joint: Floats, tasks: Tasks) -> Floats:
    """The joint belief over some tasks alone, axes in the order of `tasks`."""
    chosen = [int(task) for task in tasks]
    rest = tuple(axis for axis in range(joint.ndim) if axis not in chosen)
    ranked = sorted(chosen)
    table: Floats = joint.sum(axis=rest)
    return table.transpose([ranked.index(task) for task in chosen])


def answer_table(joint: Floats, confusions: Confusions) -> Floats:
    """P(A) for answers to all tasks of the table, one axis of length S for each. Equation 5."""
    for axis, confusion in enumerate(for_each(confusions, joint.ndim)):
        joint = np.moveaxis(np.tensordot(joint, confusion, axes=(axis, 0)), -1, axis)
    return joint


def answer_entropy(joint: Floats, tasks: Tasks, confusions: Confusions) -> float:
    """H(A) of the answers to `tasks`, in bits. Equation 4."""
    matrices = for_each(confusions, joint.ndim)
    return bits(answer_table(marginal(joint, tasks), [matrices[int(task)] for task in tasks]))


def noise(joint: Floats, confusions: Confusions) -> Floats:
    """H(answer | truth) of each task in bits, (n,): the part of an answer's entropy that tells nothing.

    sum_k P(r_t = k) H(C_t[k, :]). Only with a symmetric C is it the same for all tasks.
    """
    matrices = for_each(confusions, joint.ndim)
    return np.array([marginal(joint, [t]) @ entropy(matrix) for t, matrix in enumerate(matrices)])


def information(joint: Floats, tasks: Tasks, confusions: Confusions) -> float:
    """I(R; A) in bits: by how much the entropy of all tasks falls, on average, with the answers to `tasks`.

    = H(A) - sum of `noise` over the tasks, since answers are independent given the truth. This is LMCrowd's expected
    gain in quality; H(A) alone is not, as it counts the relabeler's own noise as a gain.
    """
    told = answer_entropy(joint, tasks, confusions) - noise(joint, confusions)[np.asarray(tasks, dtype=int)].sum()
    return max(float(told), 0.0)


def update(joint: Floats, tasks: Tasks, answers: Sequence[int] | Ints, confusions: Confusions) -> Floats:
    """The table after answers: P(r | A) = P(r) P(A | r) / P(A). Equation 9.

    Raises ValueError where the answers cannot happen under the table and the confusions.
    """
    matrices = for_each(confusions, joint.ndim)
    posterior = joint.copy()
    for task, answer in zip(tasks, answers, strict=True):
        shape = [1] * joint.ndim
        shape[int(task)] = -1
        posterior *= matrices[int(task)][:, answer].reshape(shape)
    total = posterior.sum()
    if not total > 0:
        raise ValueError("These answers are impossible under the belief; no confusion matrix may hold a certain error.")
    rows: Floats = posterior / total
    return rows


def bits(table: Floats) -> float:
    """Entropy of a whole table, in bits."""
    return float(entropy(table.reshape(-1)))


def subsets(joint: Floats, tasks: tuple[int, ...], k: int, first: int = 0) -> Iterator[tuple[tuple[int, ...], Floats]]:
    """All sets of `k` of the table's `tasks`, each with its marginal table; every sum over an axis is shared."""
    if len(tasks) == k:
        yield tasks, joint
        return
    for axis in range(first, k + 1):
        yield from subsets(joint.sum(axis=axis), tasks[:axis] + tasks[axis + 1 :], k, axis)
