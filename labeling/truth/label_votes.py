"""Votes that name a label, as flat arrays: all that methods with one weight an annotator need, O(V) a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.truth.vote_matrix import VoteMatrix, prepare, without_abstentions
from labeling.truth.votes import Floats, Ints, Votes


@dataclass(frozen=True, slots=True)
class LabelVotes:
    """Votes without abstentions, sorted by task.

    `annotator`, `cell`, `weight`: (V,), cell = task * n_labels + label. `given`: (n_annotators,) total weight of
    each annotator's votes. `matrix`: the same votes as a sparse matrix, for what is known and the sizes.
    """

    matrix: VoteMatrix
    annotator: Ints
    cell: NDArray[np.intp]
    weight: Floats
    given: Floats

    @property
    def n_labels(self) -> int:
        return self.matrix.votes.n_labels

    def scores(self, value: Floats) -> Floats:
        """Sum over votes of the annotator's `value`, by task and label: (n_annotators,) to (n_tasks, n_labels)."""
        return self.cell_sums(value[self.annotator])

    def cell_sums(self, value: Floats) -> Floats:
        """Sum over votes of `value` (V,), by task and label: (n_tasks, n_labels)."""
        shape = self.matrix.votes.n_tasks, self.n_labels
        sums = np.bincount(self.cell, value * self.weight, shape[0] * shape[1])
        return sums.astype(np.float64, copy=False).reshape(shape)

    def annotator_sums(self, value: Floats) -> Floats:
        """Sum over votes of `value` (V,), by annotator: (n_annotators,)."""
        sums = np.bincount(self.annotator, value * self.weight, len(self.given))
        return sums.astype(np.float64, copy=False)

    def task_totals(self) -> Floats:
        """Weight of the votes on each task, (n_tasks,)."""
        totals = np.bincount(self.matrix.votes.task, self.weight, self.matrix.votes.n_tasks)
        return totals.astype(np.float64, copy=False)

    def believed(self, belief: Floats) -> Floats:
        """Belief in the label of each vote, (V,)."""
        chance: Floats = belief.ravel()[self.cell]
        return chance

    def accuracy(self, belief: Floats) -> Floats:
        """Mean belief in what each annotator answered, (n_annotators,); equal chance for one without votes."""
        right = self.annotator_sums(self.believed(belief))
        chance = np.full(len(right), 1 / self.n_labels)
        mean: Floats = np.divide(right, self.given, out=chance, where=self.given > 0)
        return mean


def label_votes(votes: Votes, known: Ints | None = None) -> LabelVotes:
    """Check and index the votes that name a label; raises ValueError as `vote_matrix.prepare` does."""
    matrix = prepare(without_abstentions(votes), known)
    kept = matrix.votes
    cell = kept.task.astype(np.intp) * kept.n_labels + kept.label
    given = np.bincount(kept.annotator, matrix.weight, kept.n_annotators).astype(np.float64, copy=False)
    return LabelVotes(matrix, kept.annotator, cell, matrix.weight, given)


def shares(scores: Floats) -> Floats:
    """Rows divided by their sum, equal shares where a row is all zero; scores must be at least 0."""
    total = scores.sum(axis=1, keepdims=True)
    rows: Floats = np.divide(scores, total, out=np.full(scores.shape, 1 / scores.shape[1]), where=total > 0)
    return rows


def winners(scores: Floats) -> Floats:
    """1 for the best label of each row, shared equally where several tie (up to rounding); shape as given."""
    best = scores.max(axis=1, keepdims=True)
    return shares((scores >= best - 1e-9 * np.abs(best)).astype(np.float64))
