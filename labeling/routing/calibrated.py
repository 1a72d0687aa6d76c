"""A calibrated crowd from any method of truth inference: what a router needs before it may spend."""

from __future__ import annotations

from typing import Any

import numpy as np

from labeling.routing.value import Crowd
from labeling.truth import log_linear
from labeling.truth.belief import log_belief
from labeling.truth.known_slice import FOLDS, KnownSlice, known_slice
from labeling.truth.log_linear import OPINION_FLOOR
from labeling.truth.votes import Floats, Inference, Ints, Method, Votes

WEIGHT, RIDGE, BIAS_RIDGE = 0.5, 5.0, 2.0
"""Most methods count correlated annotators as independent and are far too sure; a few labels say how far."""


def crowd_of(infer: Method, votes: Votes, known: Ints, seed: int = 0, **more: Any) -> Crowd:
    """Run a method with the known labels, and calibrate it on them unless it did that itself.

    `known`: (n,), -1 where not known. A method that gives out-of-fold beliefs (auto, with at least 20 known labels) is
    taken as it is. Any other is run once more for each of five folds without that fold's labels; one weight on its log
    belief and a bias for each label are fitted on these honest beliefs. `more` is handed to the method.
    """
    inference = infer(votes, known=known, seed=seed, **more)
    if "out_of_fold" in inference.details and "known_tasks" in inference.details:
        return Crowd.of(inference, known)
    gold = known_slice(votes, known, seed)
    honest = _out_of_fold(infer, votes, gold, known, seed, more)
    pool = log_linear.fit_pool([honest], gold.one_hot(), [WEIGHT], [RIDGE], BIAS_RIDGE)
    belief = pool.belief([log_belief(inference.belief, OPINION_FLOOR)])
    details = {"known_tasks": gold.tasks, "out_of_fold": pool.belief([honest])}
    return Crowd.of(Inference(belief, details=details), known)


def _out_of_fold(infer: Method, votes: Votes, gold: KnownSlice, known: Ints, seed: int, more: dict[str, Any]) -> Floats:
    """Log beliefs of the known tasks, (m, K), each without the labels of its fold."""
    honest = np.empty((len(gold), votes.n_labels))
    for fold in np.unique(gold.fold)[:FOLDS]:
        inside = gold.fold == fold
        without = infer(votes, known=gold.hide(known, int(fold)), seed=seed, **more)
        honest[inside] = log_belief(without.belief[gold.tasks[inside]], OPINION_FLOOR)
    return honest
