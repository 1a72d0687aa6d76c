"""Errors that differ by group: an annotator counts as another one in each group of tasks, with its own confusions.

Partial pooling is left to the methods, which shrink what few votes tell. It helps where somebody errs in one group
only, and costs evidence everywhere else; so whoever uses it holds both against known labels (`log_loss`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from labeling.truth.belief import log_belief
from labeling.truth.languages import is_language
from labeling.truth.votes import Bools, Floats, Inference, Ints, Votes

FLOOR = 1e-3
WEAK, FIRM = 2.0, 8.0
"""So many answers a label is it worth what somebody does in other groups: in another language little."""
CLEARLY = 3.0
"""Standard errors by which somebody must be worse than the best one of a group not to be heard in it."""
TINY = 1e-9
ENOUGH = 20
"""Known labels of a group from which members are chosen for it."""


def elsewhere(attribute: str) -> float:
    """How many answers a label it is worth what an annotator does in the other groups of an attribute."""
    return WEAK if is_language(attribute) else FIRM


def split(votes: Votes, group: Ints, elsewhere: float = 0.0) -> Votes:
    """The same votes, each annotator as many as there are groups. `group`: (n_tasks,) from 0.

    `elsewhere`: how many answers a label it is worth what an annotator does in its other groups.
    """
    groups = int(group.max(initial=0)) + 1
    annotator = (votes.annotator * groups + group[votes.task]).astype(np.int32)
    annotators = votes.n_annotators * groups
    return replace(votes, annotator=annotator, n_annotators=annotators, groups=groups, elsewhere=elsewhere)


@dataclass(frozen=True, slots=True)
class Standing:
    """How right each annotator is in each group, (n_annotators, groups) all: on `n` known tasks, `right` of them.

    `share`: the same drawn towards what it is elsewhere. `heard`: whether it is in the crowd of the group.
    """

    n: Floats
    right: Floats
    share: Floats
    heard: Bools


def standing(votes: Votes, group: Ints, known: Ints, elsewhere: float) -> Standing:
    """Who is heard in which group: all but those who are clearly worse there than the best one.

    share = (right + elsewhere * share in the other groups) / (n + elsewhere); somebody is left out whose share lies
    below the best one's by more than three standard errors of the difference. In a group with fewer than 20 known
    labels everybody is heard. A fractional vote counts by its weight.
    """
    groups = int(group.max(initial=0)) + 1
    shape, truth = (votes.n_annotators, groups), known[votes.task]
    counted = (truth >= 0) & (votes.label < votes.n_labels)
    weight = np.ones(len(votes.task)) if votes.weight is None else votes.weight.astype(np.float64)
    place = (votes.annotator * groups + group[votes.task])[counted]
    hits = (truth == votes.label)[counted] * weight[counted]
    n: Floats = np.bincount(place, weight[counted], shape[0] * groups).reshape(shape).astype(np.float64)
    right: Floats = np.bincount(place, hits, shape[0] * groups).reshape(shape).astype(np.float64)
    far_n, far_right = n.sum(axis=1, keepdims=True) - n, right.sum(axis=1, keepdims=True) - right
    counts = np.maximum(n + elsewhere, TINY)
    share = (right + elsewhere * (far_right + 1) / (far_n + 2)) / counts
    error = share * (1 - share) / counts
    best, every = share.argmax(axis=0), np.arange(groups)
    apart = np.sqrt(error + error[best, every])
    few = np.bincount(group[known >= 0], minlength=groups) < ENOUGH
    return Standing(
        n.astype(np.float64), right.astype(np.float64), share, (share >= share[best, every] - CLEARLY * apart) | few
    )


def crowds(votes: Votes, group: Ints, known: Ints, elsewhere: float) -> Votes:
    """The votes of each group's own crowd (`standing`), each annotator as many as there are groups."""
    heard = standing(votes, group, known, elsewhere).heard
    keep = heard[votes.annotator, group[votes.task]]
    weight = None if votes.weight is None else votes.weight[keep]
    task, annotator, label = votes.task[keep], votes.annotator[keep], votes.label[keep]
    return split(replace(votes, task=task, annotator=annotator, label=label, weight=weight), group, elsewhere)


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
    return _named(apart)


def kept(plain: Inference, apart: Inference, known: Ints, attribute: str) -> Inference:
    """The one by group where the groups are languages and labels are known, or where it loses less; else the plain one.

    What somebody does in one language says little about another, and a handful of known labels is no reason to
    believe otherwise.
    """
    told = apart.details.get("known_tasks")
    if not is_language(attribute) or told is None or not len(told):
        return better(plain, apart, known)
    return _named(apart)


def _named(apart: Inference) -> Inference:
    return replace(apart, details=apart.details | {"chosen": f"{apart.details.get('chosen', '')} by group".strip()})
