"""BWA, Bayesian weighted average: every label is a number between 0 and 1, averaged with weights by precision."""

from __future__ import annotations

import numpy as np

from labeling.truth.label_votes import LabelVotes, label_votes, shares
from labeling.truth.vote_matrix import weighted_sum
from labeling.truth.votes import Floats, Inference, Ints, Votes


def infer(
    votes: Votes,
    *,
    known: Ints | None = None,
    seed: int = 0,
    pull: float = 1.0,
    prior_votes: float = 15.0,
    max_iterations: int = 500,
) -> Inference:
    """For each label k, alternate the weighted mean of the votes (1 if l_v = k else 0) and the annotators' precisions.

    z_ik = (pull mu_k + sum_v w_jk y_vk) / (pull + sum_v w_jk), mu_k = mean_i z_ik;
    w_jk = (prior_votes + n_j) / (b_k + sum_i (z_ik - y_ijk)^2), b_k = prior_votes * mean over votes of z(1 - z)
    at the start * 4 (1 - 1/K). Rows of z, which need not sum to 1, are normalised at the end.
    Stops when no z moves by more than a thousandth of itself. Abstentions do not count; `seed` changes nothing.
    `skill`: mean of an annotator's weights over labels.
    Source: Li, Rubinstein and Cohn 2019, WWW, Truth Inference at Scale, doi 10.1145/3308558.3313459.
    """
    del seed
    answers = label_votes(votes, known)
    z = answers.matrix.vote_shares()
    spread = weighted_sum(answers.task_totals(), z * (1 - z)) / max(float(answers.weight.sum()), 1.0)
    prior = np.maximum(prior_votes * spread * 4 * (1 - 1 / votes.n_labels), 1e-9)
    weight = np.ones((votes.n_annotators, votes.n_labels))
    iteration, converged = 0, False
    while not converged and iteration < max_iterations:
        iteration += 1
        weight = (prior_votes + answers.given[:, None]) / (prior + _squared_errors(answers, z))
        last, z = z, _weighted_mean(answers, z, weight, pull)
        converged = bool(np.allclose(last, z, rtol=1e-3))
    return Inference(answers.matrix.clamp(shares(z)), iteration, converged, skill=weight.mean(axis=1))


def _squared_errors(answers: LabelVotes, z: Floats) -> Floats:
    """Sum over an annotator's votes of (z - y)^2 by label, (n_annotators, n_labels); y is 1 for the voted label."""
    votes = answers.matrix.votes
    as_if_never = answers.matrix.sums(z**2).reshape(votes.n_annotators, votes.n_symbols, votes.n_labels).sum(axis=1)
    voted = answers.annotator.astype(np.intp) * votes.n_labels + votes.label
    chosen = np.bincount(voted, answers.weight * (1 - 2 * answers.believed(z)), as_if_never.size)
    errors: Floats = np.maximum(as_if_never + chosen.reshape(as_if_never.shape), 0.0)
    return errors


def _weighted_mean(answers: LabelVotes, z: Floats, weight: Floats, pull: float) -> Floats:
    votes = answers.matrix.votes
    counted = answers.matrix.counted
    mean = weighted_sum(counted, z) / max(counted.sum(), 1.0)
    total = answers.matrix.scores(np.repeat(weight, votes.n_symbols, axis=0))
    given = answers.cell_sums(weight[answers.annotator, votes.label])
    return answers.matrix.clamp((pull * mean + given) / (pull + total))
