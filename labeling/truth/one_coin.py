"""One-coin Dawid-Skene: each annotator is right with one probability, whatever the truth."""

from __future__ import annotations

import numpy as np

from labeling.truth.expectation import SMALLEST, log_prior, softmax
from labeling.truth.label_votes import LabelVotes, label_votes
from labeling.truth.vote_matrix import weighted_sum
from labeling.truth.votes import Floats, Inference, Ints, Votes


def infer(
    votes: Votes, *, known: Ints | None = None, seed: int = 0, max_iterations: int = 100, tolerance: float = 1e-5
) -> Inference:
    """Maximum likelihood by expectation maximisation, started at the shares of the votes, with a learned class prior.

    E: belief_ik ~ prior_k prod_v p_j if l_v = k else (1 - p_j) / (K - 1).  M: p_j = mean belief in j's answers.
    Stops when the bound on the log likelihood gains less than `tolerance` a vote (as in crowd-kit, which counts the
    prior once a vote; labels come out identical). Abstentions do not count; `seed` changes nothing.
    Source: Zhang et al. 2014, NeurIPS, Spectral Methods Meet EM (the one-coin model).
    """
    del seed
    answers = label_votes(votes, known)
    belief = answers.matrix.vote_shares()
    skill, prior = answers.accuracy(belief), log_prior(weighted_sum(answers.matrix.counted, belief))
    last_bound, iteration, converged = -np.inf, 0, False
    while not converged and iteration < max_iterations:
        iteration += 1
        belief = answers.matrix.clamp(softmax(prior + answers.scores(log_odds(skill, votes.n_labels))))
        skill, prior = answers.accuracy(belief), log_prior(weighted_sum(answers.matrix.counted, belief))
        bound = _bound(answers, belief, skill, prior) / max(float(answers.weight.sum()), 1.0)
        converged = bool(bound - last_bound < tolerance)
        last_bound = bound
    return Inference(belief, iteration, converged, skill=skill, details={"bound": last_bound})


def log_odds(skill: Floats, n_labels: int) -> Floats:
    """Weight of a vote: log of p over the chance of one given wrong answer, p kept off 0 and 1; shape as `skill`."""
    right, wrong = log_chances(skill, n_labels)
    weight: Floats = right - wrong
    return weight


def log_chances(skill: Floats, n_labels: int) -> tuple[Floats, Floats]:
    """Log probability of the right answer and of any one wrong answer."""
    safe = np.clip(skill, SMALLEST, 1 - SMALLEST)
    return np.log(safe), np.log1p(-safe) - np.log(max(n_labels - 1, 1))


def _bound(answers: LabelVotes, belief: Floats, skill: Floats, prior: Floats) -> float:
    right, wrong = log_chances(skill, answers.n_labels)
    hits = answers.given * skill
    joint = hits @ right + (answers.given - hits) @ wrong
    counted = belief[answers.matrix.counted > 0]
    entropy = -(counted * np.log(np.maximum(counted, SMALLEST))).sum()
    return float(joint) + float(weighted_sum(answers.task_totals(), belief) @ prior) + float(entropy)
