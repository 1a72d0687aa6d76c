"""IBCC, independent Bayesian classifier combination: Dawid-Skene with Dirichlet priors, by variational Bayes."""

from __future__ import annotations

import numpy as np
import scipy

from labeling.truth.confusion import by_annotator
from labeling.truth.expectation import expectation
from labeling.truth.vote_matrix import VoteMatrix, prepare, weighted_sum
from labeling.truth.votes import Floats, Inference, Ints, Votes


def infer(
    votes: Votes,
    *,
    known: Ints | None = None,
    seed: int = 0,
    diagonal: float | None = None,
    off_diagonal: float = 1.0,
    alpha: float = 1.0,
    max_iterations: int = 500,
) -> Inference:
    """Mean-field inference with C_j[k, :] ~ Dir(off_diagonal + (diagonal - off_diagonal) e_k), prior ~ Dir(alpha).

    belief_ik ~ exp(E ln prior_k + sum_v E ln C_{j_v}[k, l_v]), expectations of logs by digamma functions.
    `diagonal` is 4 for up to five labels and K - 1 above, so that the prior trusts an annotator at least half.
    An abstention is an answer with prior `off_diagonal`, for annotators who ever abstained. Started at the shares of
    the votes; stops when no belief moves by more than 1e-3. `seed` changes nothing.
    Source: Kim and Ghahramani 2012, AISTATS; the updates as in Simpson et al. 2013, doi 10.1007/978-3-642-36406-8_1.
    """
    del seed
    matrix = prepare(votes, known)
    pseudo = prior_counts(matrix, diagonal, off_diagonal)
    belief = matrix.vote_shares()
    counts, mass = matrix.sums(belief), weighted_sum(matrix.counted, belief)
    iteration, converged = 0, False
    while not converged and iteration < max_iterations:
        iteration += 1
        log_prior = scipy.special.digamma(mass + alpha) - scipy.special.digamma((mass + alpha).sum())
        expected = expectation(matrix, mean_log_rows(counts + pseudo, votes), log_prior, belief)
        counts, mass, converged = expected.counts, expected.mass, expected.change < 1e-3
    confusion = by_annotator(counts + pseudo, votes)
    return Inference(belief, iteration, converged, confusion / confusion.sum(axis=2, keepdims=True))


def prior_counts(matrix: VoteMatrix, diagonal: float | None, off_diagonal: float) -> Floats:
    """Dirichlet parameters as a table, (n_columns, n_labels); 0 for the abstentions of who never abstains."""
    votes = matrix.votes
    if diagonal is None:
        diagonal = max(4.0, votes.n_labels - 1.0)
    table = np.full((votes.n_annotators, votes.n_symbols, votes.n_labels), off_diagonal)
    labels = np.arange(votes.n_labels)
    table[:, labels, labels] = diagonal
    abstains = matrix.column_totals().reshape(votes.n_annotators, votes.n_symbols)[:, -1] > 0
    table[~abstains, -1] = 0.0
    return table.reshape(matrix.n_columns, votes.n_labels)


def mean_log_rows(parameters: Floats, votes: Votes) -> Floats:
    """E ln C under Dir(parameters) for a table (n_columns, C) of each annotator's answers; 0 where a parameter is 0."""
    by_symbol = parameters.reshape(votes.n_annotators, votes.n_symbols, parameters.shape[1])
    total = scipy.special.digamma(by_symbol.sum(axis=1, keepdims=True))
    possible = by_symbol > 0
    logs = np.where(possible, scipy.special.digamma(np.where(possible, by_symbol, 1.0)) - total, 0.0)
    return logs.reshape(parameters.shape)
