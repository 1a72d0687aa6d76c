"""A crowd's belief brought up to date with a few more known labels, without weighing all its votes again."""

from __future__ import annotations

import numpy as np

from labeling.truth import log_linear
from labeling.truth.belief import log_belief
from labeling.truth.known_slice import FOLDS, assign_folds
from labeling.truth.log_linear import OPINION_FLOOR
from labeling.truth.votes import Floats, Inference, Ints

RIDGE, BIAS_RIDGE = 20.0, 10.0
"""How firmly the belief is held as it was: its own calibration rests on known labels already."""
MOST_NEW = 0.5
"""With more further labels than this share of those before, the votes are worth weighing again."""


def applies(before: Inference, known: Ints) -> bool:
    """Whether the belief `before` was calibrated on labels that are known still, and few are known beyond them.

    `known`: (n_tasks,), -1 where not known.
    """
    tasks = before.details.get("known_tasks")
    if tasks is None or not before.details.get("calibrated") or len(known) != len(before.belief):
        return False
    was = np.zeros(len(known), dtype=np.bool_)
    was[tasks] = True
    new = ((known >= 0) & ~was).sum()
    return bool((known[tasks] >= 0).all() and new <= MOST_NEW * len(tasks))


def recalibrated(before: Inference, known: Ints, weight: Floats, seed: int = 0) -> Inference:
    """The belief with one weight and a bias for each label fitted on all known labels, old and new.

    For labels known before, the out-of-fold beliefs are fitted on; for those known since, the belief itself, which
    their label did not enter. `known`, `weight`: (n_tasks,) as for `auto.infer`. `details` as there.
    """
    n_labels = before.belief.shape[1]
    honest = before.belief.copy()
    honest[before.details["known_tasks"]] = before.details["out_of_fold"]
    logs = log_belief(honest, OPINION_FLOOR)
    tasks = np.flatnonzero(known >= 0).astype(np.int32)
    truth, fold = np.eye(n_labels)[known[tasks]], assign_folds(len(tasks), seed)
    out_of_fold = np.empty((len(tasks), n_labels))
    for held_out in range(FOLDS):
        inside, rest = tasks[fold == held_out], fold != held_out
        pool = _fitted(logs[tasks[rest]], truth[rest], weight[tasks[rest]])
        out_of_fold[fold == held_out] = pool.belief([logs[inside]])
    belief = _fitted(logs[tasks], truth, weight[tasks]).belief([logs])
    belief[tasks] = truth
    return Inference(
        belief,
        1,
        True,
        before.confusion,
        details={**before.details, "known_tasks": tasks, "out_of_fold": out_of_fold},
    )


def _fitted(logs: Floats, truth: Floats, weight: Floats) -> log_linear.Pool:
    return log_linear.fit_pool([logs], truth, [1.0], [RIDGE], BIAS_RIDGE, weight)
