"""One weight for each annotator, learnt from known labels: a vote that counts by who gave it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from labeling.truth import log_linear
from labeling.truth.known_slice import FOLDS, KnownSlice
from labeling.truth.label_votes import LabelVotes
from labeling.truth.vote_matrix import VoteMatrix
from labeling.truth.votes import Floats, Ints

MOST_ANNOTATORS = 64
"""Annotators with a weight of their own, those with the most known tasks; the others share one."""
BIAS_RIDGE = 8.0


@dataclass(frozen=True, slots=True)
class Statements:
    """What each annotator says about each label of each task, for labels that speak up: 0 where nothing is said.

    `rows`: (n_tasks * n_labels, n_weights), one column for each annotator with a weight of their own, the last column
    for the sum of all others. `start`: the weight of each before any label is seen; `ridge`: how many labels move it.
    """

    rows: scipy.sparse.csr_array
    n_labels: int
    start: float
    ridge: float

    def on(self, tasks: Ints) -> list[Floats]:
        """One (len(tasks), n_labels) array of scores a column."""
        cells = (tasks[:, None].astype(np.intp) * self.n_labels + np.arange(self.n_labels)).ravel()
        dense = self.rows[cells].toarray().reshape(len(tasks), self.n_labels, -1)
        return list(dense.transpose(2, 0, 1))


def statements(answers: LabelVotes, value: Floats, gold: KnownSlice, start: float, ridge: float) -> Statements:
    """The statements of `answers` with `value`, (V,), the strength of each vote."""
    votes = answers.matrix.votes
    on_known = np.bincount(gold.votes.annotator, minlength=votes.n_annotators)
    heard = np.argsort(-on_known, kind="stable")[:MOST_ANNOTATORS]
    column = np.full(votes.n_annotators, len(heard), dtype=np.int32)
    column[heard] = np.arange(len(heard), dtype=np.int32)
    shape = votes.n_tasks * votes.n_labels, len(heard) + 1
    rows = scipy.sparse.coo_array((value, (answers.cell, column[answers.annotator])), shape=shape).tocsr()
    return Statements(rows, votes.n_labels, start, ridge)


def opinions(said: Statements, matrix: VoteMatrix, gold: KnownSlice) -> tuple[Floats, Floats]:
    """Scores sum_j w_j said_ijk + b_k of all tasks, (n_tasks, K), and of the known tasks, (m, K), out of fold.

    w (prior mean `start`, precision `ridge`) and b (0, precision 8) are the most likely given the known labels.
    """
    on_known, truth = said.on(gold.tasks), gold.one_hot()
    out_of_fold = np.empty(truth.shape)
    for fold in range(FOLDS):
        inside, rest = gold.fold == fold, gold.fold != fold
        pool = _fit(said, [each[rest] for each in on_known], truth[rest])
        out_of_fold[inside] = pool.scores([each[inside] for each in on_known])
    pool = _fit(said, on_known, truth)
    everywhere = (said.rows @ pool.weight).reshape(matrix.votes.n_tasks, said.n_labels) + pool.bias
    return everywhere, out_of_fold


def _fit(said: Statements, on_known: list[Floats], truth: Floats) -> log_linear.Pool:
    start, ridge = [said.start] * len(on_known), [said.ridge] * len(on_known)
    return log_linear.fit_pool(on_known, truth, start, ridge, BIAS_RIDGE)
