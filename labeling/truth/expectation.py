"""One expectation step over all tasks, fused with the sums that the maximisation step needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.truth.vote_matrix import BLOCK_CELLS, Block, VoteMatrix
from labeling.truth.votes import Floats, Ints

SMALLEST = 1e-10
IMPOSSIBLE = -1e300
"""Logarithm of no chance at all: finite, so that 0 times it is 0."""


@dataclass(slots=True)
class Expected:
    """Sums over tasks after an expectation step.

    `counts`: (n_columns, C) expected weight of the votes in each column by class. `mass`: (C,) expected number of
    tasks by class. `log_evidence`: log probability of all votes. `entropy`: of all beliefs, in nats.
    `change`: the largest change of any belief.
    """

    counts: Floats
    mass: Floats
    log_evidence: float = 0.0
    entropy: float = 0.0
    change: float = 0.0


def expectation(
    matrix: VoteMatrix, log_table: Floats, log_prior: Floats, belief: Floats, label_of_class: Ints | None = None
) -> Expected:
    """Replace `belief` by softmax(log_prior + sum of log_table over a task's votes) and return the sums.

    `log_table`: (n_columns, C), `log_prior`: (C,), `belief`: (n_tasks, C), changed in place. `label_of_class`: (C,),
    where classes are finer than labels; a known task keeps only the classes of its label. Cost O(V C).
    """
    if label_of_class is None:
        label_of_class = np.arange(len(log_prior), dtype=np.int32)
    expected = Expected(np.zeros((matrix.n_columns, len(log_prior))), np.zeros(len(log_prior)))
    for block in matrix.blocks:
        known = matrix.known[block.first : block.last]
        logits = np.ascontiguousarray((block.rows @ log_table).T)
        logits += log_prior[:, None]
        _keep_known(logits, known, label_of_class)
        _normalise_block(matrix, block, logits, belief, expected)
    return expected


def _keep_known(logits: Floats, known: Ints, label_of_class: Ints) -> None:
    tasks = np.flatnonzero(known >= 0)
    if tasks.size:
        other = label_of_class[:, None] != known[tasks]
        logits[:, tasks] = np.where(other, IMPOSSIBLE, logits[:, tasks])


def _normalise_block(matrix: VoteMatrix, block: Block, logits: Floats, belief: Floats, expected: Expected) -> None:
    """Softmax of `logits` (C, tasks of the block) into `belief`, and the block's share of `expected`."""
    counted = matrix.counted[block.first : block.last]
    largest = logits.max(axis=0)
    logits -= largest
    chance = np.exp(logits)
    total = chance.sum(axis=0)
    chance /= total
    log_total = np.log(total)
    expected.log_evidence += float(np.einsum("i,i->", log_total + largest, counted))
    entropy = log_total - np.einsum("ki,ki->i", chance, logits)
    expected.entropy += float(np.einsum("i,i->", entropy, counted))
    expected.mass += np.einsum("ki,i->k", chance, counted)
    now = np.ascontiguousarray(chance.T)
    before = belief[block.first : block.last]
    if now.size:
        expected.change = max(expected.change, float(np.abs(now - before).max()))
    before[:] = now
    expected.counts += block.rows.T @ now


def softmax(logits: Floats) -> Floats:
    """Rows of exp(logits), each divided by its sum; shape (n, K), safe for any finite logits."""
    rows = np.empty(logits.shape)
    size = max(BLOCK_CELLS // max(logits.shape[1], 1), 1)
    for first in range(0, len(logits), size):
        # label-major within a block that fits the cache: reductions along a short last axis are slow
        chance = np.ascontiguousarray(logits[first : first + size].T)
        chance -= chance.max(axis=0)
        np.exp(chance, out=chance)
        chance /= chance.sum(axis=0)
        rows[first : first + size] = chance.T
    return rows


def log_prior(mass: Floats) -> Floats:
    """Log of the class shares, (K,), each at least 1e-10; equal shares where there is no task at all."""
    total = mass.sum()
    share = mass / total if total > 0 else np.full(len(mass), 1 / len(mass))
    logs: Floats = np.log(np.maximum(share, SMALLEST))
    return logs
