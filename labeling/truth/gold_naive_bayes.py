"""Gold-anchored naive Bayes: confusion matrices learnt from known labels alone, calibrated out of fold."""

from __future__ import annotations

import numpy as np

from labeling.truth import confusion, log_linear
from labeling.truth.belief import log_belief
from labeling.truth.expectation import softmax
from labeling.truth.known_slice import FOLDS, KnownSlice, known_slice
from labeling.truth.vote_matrix import VoteMatrix, prepare
from labeling.truth.votes import Floats, Inference, Ints, Votes

STRENGTH = 4.0
LEAST = 1e-12
"""No answer of an annotator is less likely than this, whatever the truth."""
VOTES_FLOOR = 1e-20
"""Belief below which many votes against a label are not told apart; a much higher floor costs calibration."""
WEIGHT = 0.3
"""Where the temperature starts: naive Bayes counts correlated annotators as if each were news."""


def infer(votes: Votes, *, known: Ints | None = None, seed: int = 0) -> Inference:
    """Prior and confusion matrices from the known tasks, Bayes' rule on the others, then one temperature.

    belief_ik ~ exp(w log P_ik + b_k), P_ik ~ prior_k prod_v C_{j_v}[k, l_v]; C shrunken towards a one-coin annotator
    (`confusion.shrunken`, strength 4); w (prior mean .3, precision 30) and b (0, precision 2) are fitted on the
    known tasks' out-of-fold P, so that no task's own label enters what is calibrated on it.
    Without known labels every annotator counts as right three times in four. Known tasks keep their label.
    """
    known = np.full(votes.n_tasks, -1, dtype=np.int32) if known is None else known
    matrix, gold = prepare(votes, known), known_slice(votes, known, seed)
    opinion, out_of_fold = opinions(matrix, gold)
    pool = log_linear.fit_pool([out_of_fold], gold.one_hot(), [WEIGHT], [30.0], 2.0)
    belief = matrix.clamp(pool.belief([opinion]))
    details = {"out_of_fold": pool.belief([out_of_fold]), "exponent": float(pool.weight[0])}
    return Inference(belief, 1, True, _confusions(gold, None), details=details)


def opinions(matrix: VoteMatrix, gold: KnownSlice, say: Floats | None = None) -> tuple[Floats, Floats]:
    """Log beliefs of naive Bayes before any calibration.

    `say`: (n_annotators,), the power to which each annotator's votes count, 1 by default.
    Returns them for all tasks, (n_tasks, K), and for the known tasks with their own fold left out, (m, K).
    """
    everywhere = log_posterior(matrix, _confusions(gold, None), gold.prior(), say)
    within = prepare(gold.votes)
    out_of_fold = np.empty((len(gold), gold.votes.n_labels))
    for fold in range(FOLDS):
        inside = gold.fold == fold
        out_of_fold[inside] = log_posterior(within, _confusions(gold, fold), gold.prior(fold), say)[inside]
    return everywhere, out_of_fold


def log_posterior(matrix: VoteMatrix, confusions: Floats, prior: Floats, say: Floats | None = None) -> Floats:
    """Log beliefs from confusion matrices, (n_annotators, K, K + 1), and a prior, (K,); shape (n_tasks, K)."""
    logs = np.log(np.maximum(confusions, LEAST))
    if say is not None:
        logs *= say[:, None, None]
    table = logs.transpose(0, 2, 1).reshape(-1, len(prior))
    return log_belief(softmax(matrix.scores(table) + np.log(prior)), VOTES_FLOOR)


def _confusions(gold: KnownSlice, without: int | None) -> Floats:
    known = gold.truth if without is None else np.where(gold.fold == without, np.int32(-1), gold.truth)
    return confusion.shrunken(confusion.with_elsewhere(confusion.count_known(gold.votes, known), gold.votes), STRENGTH)
