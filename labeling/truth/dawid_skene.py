"""Dawid and Skene's model: each annotator has a confusion matrix of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from labeling.truth.confusion import by_annotator, shrunken
from labeling.truth.expectation import SMALLEST, Expected, expectation, log_prior
from labeling.truth.vote_matrix import VoteMatrix, prepare, weighted_sum
from labeling.truth.votes import Bools, Floats, Inference, Ints, Votes

Step = Callable[[Floats, Floats, Floats], Expected]


def infer(
    votes: Votes,
    *,
    known: Ints | None = None,
    seed: int = 0,
    shrinkage: float = 0.0,
    max_iterations: int = 100,
    tolerance: float = 1e-5,
    step_on: Callable[[VoteMatrix], Step] | None = None,
) -> Inference:
    """Maximum likelihood by expectation maximisation, started at the shares of the votes.

    E: belief_ik ~ prior_k prod_v C_{j_v}[k, l_v].  M: C_j[k, l] ~ expected votes, prior_k ~ expected tasks.
    Stops when the bound on the log likelihood gains less than `tolerance` a vote (the rule of the crowd-kit library,
    which counts the prior once a vote; labels come out identical). An abstention is one more answer.
    `shrinkage`: pseudo-votes a confusion row that pull it to a one-coin annotator (`confusion.shrunken`), for few
    votes or many labels; it then stops when no belief moves by more than 1e-3.
    `step_on`: makes the expectation step of a vote matrix, for another device (`DeviceExpectation`); None for numpy.
    `seed` changes nothing.
    Source: Dawid and Skene 1979, Applied Statistics 28(1), doi 10.2307/2346806.
    """
    del seed
    matrix = prepare(votes, known)
    step = step_on(matrix) if step_on else partial(expectation, matrix)
    seen = matrix.column_totals() > 0
    belief = matrix.vote_shares()
    expected = Expected(matrix.sums(belief), weighted_sum(matrix.counted, belief))
    table, prior = _log_confusion(expected.counts, seen, votes, shrinkage), log_prior(expected.mass)
    last_bound, iteration, converged = -np.inf, 0, False
    while not converged and iteration < max_iterations:
        iteration += 1
        expected = step(table, prior, belief)
        table, prior = _log_confusion(expected.counts, seen, votes, shrinkage), log_prior(expected.mass)
        bound = _bound(expected, table, prior) / max(float(matrix.weight.sum()), 1.0)
        gained = bound - last_bound
        converged = expected.change < 1e-3 if shrinkage > 0 else bool(gained < tolerance)
        last_bound = bound
    confusion = _confusion(table, seen | (shrinkage > 0), votes)
    return Inference(belief, iteration, converged, confusion, details={"bound": last_bound})


def _log_confusion(counts: Floats, seen: Bools, votes: Votes, shrinkage: float) -> Floats:
    """Log of the rows of each annotator's confusion matrix, as a table (n_columns, n_labels); 0 where never seen."""
    if shrinkage > 0:
        rows = shrunken(by_annotator(counts, votes), shrinkage).transpose(0, 2, 1).reshape(counts.shape)
        return np.log(np.maximum(rows, SMALLEST))
    clipped = np.where(seen[:, None], np.maximum(counts, SMALLEST), 0.0)
    by_symbol = clipped.reshape(votes.n_annotators, votes.n_symbols, votes.n_labels)
    total = np.repeat(by_symbol.sum(axis=1), votes.n_symbols, axis=0)
    logs: Floats = np.log(np.where(seen[:, None], clipped / np.where(total > 0, total, 1.0), 1.0))
    return logs


def _bound(expected: Expected, table: Floats, prior: Floats) -> float:
    joint = np.vdot(expected.counts, table) + expected.counts.sum(axis=0) @ prior
    return float(joint + expected.entropy)


def _confusion(table: Floats, seen: Bools, votes: Votes) -> Floats:
    """Confusion matrices from their logs; an annotator without votes may answer anything."""
    rows = by_annotator(np.where(seen[:, None], np.exp(table), 0.0), votes)
    rows[~seen.reshape(votes.n_annotators, votes.n_symbols).any(axis=1)] = 1.0
    rows /= rows.sum(axis=2, keepdims=True)
    return rows
