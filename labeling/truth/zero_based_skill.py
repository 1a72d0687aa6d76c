"""Zero-based skill: weights that move step by step towards agreement with their own weighted vote."""

from __future__ import annotations

import numpy as np

from labeling.truth.label_votes import label_votes, shares, winners
from labeling.truth.votes import Inference, Ints, Votes

HALVE_EVERY = 20


def infer(votes: Votes, *, known: Ints | None = None, seed: int = 0, max_iterations: int = 100) -> Inference:
    """Repeat: label by the weighted vote, then s_j += rate (agreement_j - s_j), from s = 1/K.

    The rate starts at 1 and halves every 20 rounds. Stops when no skill moves by more than 1e-6. Ties are shared;
    abstentions do not count; `seed` changes nothing.
    Source: the crowd-kit library's documentation of Zero-Based Skill; it names no paper.
    """
    del seed
    answers = label_votes(votes, known)
    clamp = answers.matrix.clamp
    skill = np.full(votes.n_annotators, 1 / votes.n_labels + 1e-5)
    iteration, converged = 0, False
    while not converged and iteration < max_iterations:
        iteration += 1
        rate = 0.5 ** (iteration // HALVE_EVERY)
        move = rate * (answers.accuracy(clamp(winners(answers.scores(skill)))) - skill)
        skill = skill + move
        converged = bool(np.abs(move).max(initial=0.0) < 1e-6)
    return Inference(clamp(shares(answers.scores(skill))), iteration, converged, skill=skill)
