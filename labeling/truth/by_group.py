"""Errors that differ by group: an annotator counts as another one in each group of tasks, with its own confusions.

Partial pooling is left to the methods, which shrink what few votes tell. It helps where somebody errs in one group
only, and costs evidence everywhere else; so whoever uses it holds both against known labels (`log_loss`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labeling.truth.belief import log_belief
from labeling.truth.votes import Inference, Ints, Votes

FLOOR = 1e-3


def split(votes: Votes, group: Ints) -> Votes:
    """The same votes, each annotator as many as there are groups. `group`: (n_tasks,) from 0."""
    groups = int(group.max(initial=0)) + 1
    annotator = (votes.annotator * groups + group[votes.task]).astype(np.int32)
    return replace(votes, annotator=annotator, n_annotators=votes.n_annotators * groups)


def log_loss(found: Inference, known: Ints) -> float | None:
    """Mean log loss in nats on the known labels, by beliefs that their own label did not enter; None without those."""
    tasks = found.details.get("known_tasks")
    if tasks is None or not len(tasks):
        return None
    logs = log_belief(found.details["out_of_fold"], FLOOR)[np.arange(len(tasks)), known[tasks]]
    return float(-logs.mean())


def better(plain: Inference, apart: Inference, known: Ints) -> Inference:
    """The one by group where it loses less on known labels, else the plain one."""
    losses = log_loss(plain, known), log_loss(apart, known)
    if losses[0] is None or losses[1] is None or losses[1] >= losses[0]:
        return plain
    return replace(apart, details=apart.details | {"chosen": f"{apart.details.get('chosen', '')} by group".strip()})
