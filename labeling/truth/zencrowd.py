"""ZenCrowd: reliabilities on a factor graph, one coin an annotator and no class prior."""

from __future__ import annotations

import numpy as np

from labeling.truth.expectation import softmax
from labeling.truth.label_votes import label_votes
from labeling.truth.one_coin import log_odds
from labeling.truth.votes import Inference, Ints, Votes

START = 0.8


def infer(votes: Votes, *, known: Ints | None = None, seed: int = 0, max_iterations: int = 20) -> Inference:
    """Expectation maximisation with equal class chances, started at a reliability of .8.

    E: belief_ik ~ prod_v p_j if l_v = k else (1 - p_j) / (K - 1).  M: p_j = mean belief in j's answers.
    Stops when no reliability moves by more than 1e-4, or after 20 rounds. Abstentions do not count; `seed` changes
    nothing. Source: Demartini et al. 2012, WWW, doi 10.1145/2187836.2187900, section 4.
    """
    del seed
    answers = label_votes(votes, known)
    skill = np.full(votes.n_annotators, max(START, 1 / votes.n_labels))
    iteration, converged = 0, False
    while not converged and iteration < max_iterations:
        iteration += 1
        belief = answers.matrix.clamp(softmax(answers.scores(log_odds(skill, votes.n_labels))))
        last, skill = skill, answers.accuracy(belief)
        converged = bool(np.abs(skill - last).max(initial=0.0) < 1e-4)
    return Inference(belief, iteration, converged, skill=skill)
