"""CRH, conflict resolution on heterogeneous data: truths and source weights that explain each other."""

from __future__ import annotations

import numpy as np

from labeling.truth.label_votes import LabelVotes, label_votes, shares, winners
from labeling.truth.votes import Floats, Inference, Ints, Votes


def infer(votes: Votes, *, known: Ints | None = None, seed: int = 0, max_iterations: int = 100) -> Inference:
    """Repeat: label by the weighted vote, then w_j = -log(d_j / sum d), d_j the share of j's votes that disagree.

    Rates in place of the paper's counts: with counts, whoever answers little looks reliable. One pseudo-vote of an
    average annotator keeps a rate from 0 on few votes. Stops when no weight moves by more than 1e-6. Ties are shared;
    abstentions do not count; `seed` changes nothing.
    Source: Li et al. 2014, SIGMOD, doi 10.1145/2588555.2610509, equation 5.
    """
    del seed
    answers = label_votes(votes, known)
    clamp = answers.matrix.clamp
    weight = np.ones(votes.n_annotators)
    iteration, converged = 0, False
    while not converged and iteration < max_iterations:
        iteration += 1
        last, weight = weight, _weights(answers, clamp(winners(answers.scores(weight))))
        converged = bool(np.abs(weight - last).max(initial=0.0) < 1e-6)
    return Inference(clamp(shares(answers.scores(weight))), iteration, converged, skill=weight)


def _weights(answers: LabelVotes, truth: Floats) -> Floats:
    wrong = answers.given * (1 - answers.accuracy(truth))
    average = (wrong.sum() + 1) / (answers.given.sum() + 2)
    rate = (wrong + average) / (answers.given + 1)
    active = answers.given > 0
    if active.sum() < 2:
        return np.ones(len(rate))
    weights: Floats = -np.log(rate / rate[active].sum())
    return weights
