"""Votes as a sparse matrix: the products every method is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from labeling.truth.votes import Bools, Floats, Ints, Votes

BLOCK_CELLS = 1 << 17
"""Cells of a belief worked on at once: 1 MB of float64, so that a block stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Block:
    """Tasks `first` to `last` (exclusive) and their rows of the matrix, (last - first, n_annotators * n_symbols)."""

    first: int
    last: int
    rows: scipy.sparse.csr_array


@dataclass(frozen=True, slots=True)
class VoteMatrix:
    """Votes sorted by task, their weights, and what is known.

    Row = task, column = `annotator * n_symbols + label`, entry = weight of the vote; held in blocks of tasks.
    Annotators who never named a label carry no evidence and are left out of `votes`, but keep their index.
    `weight`: (V,) float64. `known`: (n_tasks,) with -1 for not known. `counted`: (n_tasks,) 1 where a task has a
    vote or a known label, else 0: only those tell anything about the prior.
    """

    votes: Votes
    weight: Floats
    known: Ints
    counted: Floats
    blocks: tuple[Block, ...]

    @property
    def n_columns(self) -> int:
        """Number of (annotator, symbol) pairs."""
        return self.votes.n_annotators * self.votes.n_symbols

    @property
    def column(self) -> NDArray[np.intp]:
        """Column of each vote, shape (V,)."""
        return self.votes.annotator.astype(np.intp) * self.votes.n_symbols + self.votes.label

    def column_totals(self) -> Floats:
        """Weight of the votes in each column, shape (n_columns,)."""
        return np.bincount(self.column, self.weight, self.n_columns).astype(np.float64, copy=False)

    def scores(self, table: Floats) -> Floats:
        """Sum of `table` rows over the votes of each task: (n_columns, C) to (n_tasks, C)."""
        out = np.empty((self.votes.n_tasks, table.shape[1]))
        for block in self.blocks:
            out[block.first : block.last] = block.rows @ table
        return out

    def sums(self, values: Floats) -> Floats:
        """Sum of `values` over the tasks voted on in each column: (n_tasks, C) to (n_columns, C)."""
        out = np.zeros((self.n_columns, values.shape[1]))
        for block in self.blocks:
            out += block.rows.T @ values[block.first : block.last]
        return out

    def clamp(self, belief: Floats) -> Floats:
        """`belief` (n_tasks, n_labels) with the rows of known tasks set to their label, in place."""
        tasks = np.flatnonzero(self.known >= 0)
        belief[tasks] = 0.0
        belief[tasks, self.known[tasks]] = 1.0
        return belief

    def label_counts(self) -> Floats:
        """Weight of the votes for each label of each task, (n_tasks, n_labels); abstentions are left out."""
        task, label, weight = self._label_votes()
        return self._by_cell(task, label, weight)

    def vote_shares(self) -> Floats:
        """Share of each label among a task's votes, known labels clamped; equal shares where nobody named a label."""
        counts = self.label_counts()
        total = counts.sum(axis=1, keepdims=True)
        counts[total[:, 0] <= 0] = 1.0
        counts /= np.where(total > 0, total, self.votes.n_labels)
        return self.clamp(counts)

    def _label_votes(self) -> tuple[Ints, Ints, Floats]:
        named = self.votes.label < self.votes.n_labels
        if named.all():
            return self.votes.task, self.votes.label, self.weight
        return self.votes.task[named], self.votes.label[named], self.weight[named]

    def _by_cell(self, task: Ints, label: Ints, value: Floats) -> Floats:
        cell = task.astype(np.intp) * self.votes.n_labels + label
        shape = self.votes.n_tasks, self.votes.n_labels
        sums = np.bincount(cell, value, shape[0] * shape[1])
        return sums.astype(np.float64, copy=False).reshape(shape)


def weighted_sum(weight: Floats, rows: Floats) -> Floats:
    """`weight` @ `rows`, (n,) and (n, C) to (C,), without BLAS, whose idle threads would burn processor time."""
    total: Floats = np.einsum("i,ic->c", weight, rows)
    return total


def prepare(votes: Votes, known: Ints | None = None) -> VoteMatrix:
    """Check, sort by task and index the votes; cost O(V), memory 20 bytes a vote beside the input.

    Raises ValueError where an index or weight is out of range or `known` does not fit the tasks.
    """
    _check(votes)
    known = _checked_known(votes, known)
    votes = _sorted_by_task(_without_silent_annotators(votes))
    weight = np.ones(len(votes.task)) if votes.weight is None else votes.weight.astype(np.float64)
    per_task = np.bincount(votes.task, minlength=votes.n_tasks)
    counted = ((per_task > 0) | (known >= 0)).astype(np.float64)
    return VoteMatrix(votes, weight, known, counted, _blocks(votes, weight, per_task))


def without_abstentions(votes: Votes) -> Votes:
    """The votes that name a label, for methods that have no place for an abstention."""
    return chosen(votes, votes.label < votes.n_labels)


def heaviest(votes: Votes) -> Votes:
    """Whole votes in place of fractional ones: each annotator's heaviest label on a task (the first in a tie)."""
    if votes.weight is None:
        return votes
    order = np.lexsort((votes.label, -votes.weight, votes.annotator, votes.task))
    pair = votes.task[order].astype(np.int64) * votes.n_annotators + votes.annotator[order]
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    kept = chosen(votes, order[first])
    return Votes(kept.task, kept.annotator, kept.label, kept.n_tasks, kept.n_annotators, kept.n_labels)


def likeliest(votes: Votes) -> Bools:
    """Which entries carry the largest share of their (task, annotator) pair, shape (V,)."""
    keep = np.ones(len(votes.task), dtype=np.bool_)
    if votes.weight is None:
        return keep
    order = np.lexsort((-votes.weight, votes.annotator, votes.task))
    same = (np.diff(votes.task[order]) == 0) & (np.diff(votes.annotator[order]) == 0)
    keep[order[1:]] = ~same
    return keep


def chosen(votes: Votes, keep: NDArray[np.bool_] | NDArray[np.intp]) -> Votes:
    """The entries of a mask (V,), or of places in the order they are given; tasks and annotators keep their numbers."""
    if keep.dtype == np.bool_ and keep.all():
        return votes
    weight = None if votes.weight is None else votes.weight[keep]
    sizes = votes.n_tasks, votes.n_annotators, votes.n_labels
    return Votes(votes.task[keep], votes.annotator[keep], votes.label[keep], *sizes, weight)


def _without_silent_annotators(votes: Votes) -> Votes:
    abstained = votes.label == votes.n_labels
    if not abstained.any():
        return votes
    speaks = np.bincount(votes.annotator[~abstained], minlength=votes.n_annotators) > 0
    return chosen(votes, speaks[votes.annotator])


def _sorted_by_task(votes: Votes) -> Votes:
    if len(votes.task) < 2 or bool((votes.task[1:] >= votes.task[:-1]).all()):
        return votes
    return chosen(votes, _counting_order(votes.task, votes.n_tasks))


def _counting_order(task: Ints, n_tasks: int) -> NDArray[np.intp]:
    """Indexes that sort `task`, stable, in O(V): a transposition of a sparse matrix is a counting sort."""
    one_a_column = scipy.sparse.csc_array(
        (np.ones(len(task), np.int8), task, np.arange(len(task) + 1)), shape=(n_tasks, len(task))
    )
    order: NDArray[np.intp] = one_a_column.tocsr().indices.astype(np.intp)
    return order


def _blocks(votes: Votes, weight: Floats, per_task: NDArray[np.intp]) -> tuple[Block, ...]:
    start = np.concatenate([[0], np.cumsum(per_task)])
    column = votes.annotator * np.int32(votes.n_symbols) + votes.label
    size = max(BLOCK_CELLS // max(votes.n_labels, 1), 256)
    width = votes.n_annotators * votes.n_symbols
    return tuple(
        _block(first, min(first + size, votes.n_tasks), start, column, weight, width)
        for first in range(0, votes.n_tasks, size)
    )


def _block(first: int, last: int, start: NDArray[np.intp], column: Ints, weight: Floats, width: int) -> Block:
    inside = slice(start[first], start[last])
    pointers = (start[first : last + 1] - start[first]).astype(np.int32)
    rows = scipy.sparse.csr_array((weight[inside], column[inside], pointers), shape=(last - first, width))
    return Block(first, last, rows)


def _check(votes: Votes) -> None:
    if votes.n_labels < 1:
        raise ValueError(f"`n_labels` is {votes.n_labels}; there must be at least one label.")
    if votes.n_annotators * votes.n_symbols > np.iinfo(np.int32).max:
        raise ValueError("`n_annotators` times `n_labels` exceeds 2^31; infer over fewer annotators at a time.")
    limits = (("task", votes.n_tasks), ("annotator", votes.n_annotators), ("label", votes.n_symbols))
    for name, limit in limits:
        _check_range(name, getattr(votes, name), limit, len(votes.task))
    if votes.weight is not None and not (len(votes.weight) == len(votes.task) and (votes.weight >= 0).all()):
        raise ValueError("`weight` must hold one number of at least 0 for each vote.")


def _check_range(name: str, values: Ints, limit: int, length: int) -> None:
    if len(values) != length:
        raise ValueError(f"`{name}` has {len(values)} entries and `task` has {length}; they must be equally long.")
    if length and not (values.min() >= 0 and values.max() < limit):
        raise ValueError(f"`{name}` holds {values.min()} to {values.max()}; it must lie in 0 to {limit - 1}.")


def _checked_known(votes: Votes, known: Ints | None) -> Ints:
    if known is None:
        return np.full(votes.n_tasks, -1, dtype=np.int32)
    if known.shape != (votes.n_tasks,):
        raise ValueError(f"`known` has shape {known.shape}; it must be ({votes.n_tasks},), -1 for not known.")
    if len(known) and not (known.min() >= -1 and known.max() < votes.n_labels):
        raise ValueError(f"`known` must hold labels from 0 to {votes.n_labels - 1}, or -1 for not known.")
    return known.astype(np.int32)
