"""Many yes-or-no variables a task, answered together: each annotator has a two-by-two matrix for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from labeling.truth.votes import Bools, Floats, Ints

YES, NO, UNSAID = 1, 0, -1
ROWS = 8192
"""Answers looked at together: a few MB, so that work stays near the processor."""
OF_ALL = 8.0
"""Pseudo-answers that pull everybody's mean to what is expected of nobody in particular."""
SENSITIVITY, SPECIFICITY = 0.75, 0.85
"""What is expected of somebody of whom nothing is known."""
EDGE = 1e-6
STEADY = 1e-4
"""Rates that move by less are learned."""
Said = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Pull:
    """Pseudo-answers that pull a matrix to what its annotator and variable let expect, and those to everybody."""

    matrix: float = 4.0
    annotator: float = 20.0
    variable: float = 20.0


OWN = Pull()
ALIKE = Pull(1e9, 1e9)
"""Everybody has the same matrix for a variable."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Entry e says: annotator `annotator[e]` answered `said[e]`, (E, K) of YES, NO and UNSAID, about `task[e]`.

    A pair of task and annotator has one entry at most. `known`: (n_tasks, K) of the same values.
    """

    task: Ints
    annotator: Ints
    said: Said
    n_tasks: int
    n_annotators: int
    known: Said | None = None

    @property
    def n_variables(self) -> int:
        """Variables of one task."""
        return int(self.said.shape[1])

    def truth(self) -> Said:
        """`known`, or UNSAID everywhere."""
        if self.known is not None:
            return self.known
        return np.full((self.n_tasks, self.n_variables), UNSAID, dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Skills:
    """`sensitivity`, `specificity`: (n_annotators, K) chance of YES where it is so, of NO where it is not."""

    sensitivity: Floats
    specificity: Floats

    def distance(self, other: Skills) -> float:
        """The largest difference of any rate."""
        apart = np.abs(self.sensitivity - other.sensitivity), np.abs(self.specificity - other.specificity)
        return float(max(each.max(initial=0.0) for each in apart))


@dataclass(frozen=True, slots=True)
class Fit:
    """`belief`: (n_tasks, K) chance of yes. `evidence`: (n_tasks, K) log odds that answers add to `prior`, (K,)."""

    belief: Floats
    evidence: Floats
    prior: Floats
    skills: Skills
    iterations: int
    converged: bool


def infer(
    blocks: Blocks,
    *,
    pull: Pull = OWN,
    unknown_weight: float = 1.0,
    max_iterations: int = 100,
    tolerance: float = 1e-3,
    start: Fit | None = None,
) -> Fit:
    """Dawid and Skene's model for each variable, its matrices shrunk towards each other, by expectation maximisation.

    logit P(z_ik = 1) = logit prior_k + sum_e of log P(said | z = 1) / P(said | z = 0). A sensitivity (and likewise a
    specificity) is (hits + 4 m_jk) / (cases + 4), logit m_jk = a_j + v_k - c: annotator's, variable's and overall mean
    in logits, each shrunk in turn, so that a matrix few answers tell about is like its annotator's others.
    `pull`: the 4, and what shrinks the means. `unknown_weight`: how much a task without known variables counts when
    skills are learned. `start`: what was learned on some of the tasks, which saves most steps on many. Stops when no
    belief moves by more than `tolerance`, or no rate by more than 1e-4. Cost O(E K) a step; memory beside the input
    about 24 bytes a variable.
    Source: Dawid and Skene 1979, doi 10.2307/2346806; shrinkage as in Kim and Ghahramani 2012 (IBCC).
    """
    entries = list(_entries(blocks))
    known = blocks.truth()
    counted = np.zeros(blocks.n_tasks, dtype=bool)
    counted[blocks.task] = True
    weight = np.where((known != UNSAID).any(axis=1), 1.0, unknown_weight) * (counted | (known != UNSAID).any(axis=1))
    belief = clamped(shares(blocks), known)
    if start is None:
        skills, prior = _learn(blocks, entries, belief, weight, pull)
    else:
        skills, prior = start.skills, start.prior
    iteration, settled = 0, False
    while True:
        iteration += 1
        evidence = _evidence(blocks, entries, skills)
        now = clamped(expit(evidence + logit(prior)), known)
        moved = float(np.abs(now - belief).max(initial=0.0))
        belief, settled = now, settled or moved <= tolerance
        if settled or iteration >= max_iterations:
            return Fit(belief, evidence, prior, skills, iteration, settled)
        before = skills
        skills, prior = _learn(blocks, entries, belief, weight, pull)
        settled = skills.distance(before) <= STEADY


def shares(blocks: Blocks) -> Floats:
    """Share of yes among what was said of each variable, half a vote of smoothing a side, (n_tasks, K)."""
    yes, spoken = counts(blocks)
    yes += 0.5
    yes /= spoken + 1.0
    return yes


def counts(blocks: Blocks) -> tuple[Floats, Floats]:
    """How often yes, and how often anything, was said of each variable, both (n_tasks, K)."""
    yes, spoken = np.zeros((2, blocks.n_tasks, blocks.n_variables))
    for entry in _entries(blocks):
        yes[entry.task] += entry.yes
        spoken[entry.task] += 1.0 if entry.spoken is None else entry.spoken
    return yes, spoken


def some_tasks(blocks: Blocks, tasks: Ints) -> Blocks:
    """The tasks with these indexes alone, renumbered in this order."""
    place = np.full(blocks.n_tasks, -1, dtype=np.int32)
    place[tasks] = np.arange(len(tasks), dtype=np.int32)
    keep = np.flatnonzero(place[blocks.task] >= 0)
    known = None if blocks.known is None else blocks.known[tasks]
    task = place[blocks.task[keep]]
    return Blocks(task, blocks.annotator[keep], blocks.said[keep], len(tasks), blocks.n_annotators, known)


def evidence_of(blocks: Blocks, skills: Skills) -> Floats:
    """Log odds that the answers add to each variable, (n_tasks, K)."""
    return _evidence(blocks, list(_entries(blocks)), skills)


def surprise(said: Said, annotator: Ints, skills: Skills, belief: Floats) -> Floats:
    """Nats by which answers surprise, (E,), where the chance of yes was `belief`, (E, K); unsaid parts do not."""
    hits, alarms = skills.sensitivity[annotator], 1 - skills.specificity[annotator]
    yes = belief * hits + (1 - belief) * alarms
    loss = -np.where(said == YES, np.log(yes), np.log(1 - yes))
    total: Floats = np.where(said == UNSAID, 0.0, loss).sum(axis=1)
    return total


def skills_on(blocks: Blocks, truth: Floats, weight: Floats) -> Skills:
    """Skills given what is true, (n_tasks, K) chances of yes; `weight`: (n_tasks,) how much each task counts."""
    return _learn(blocks, list(_entries(blocks)), truth, weight, OWN)[0]


@dataclass(frozen=True, slots=True)
class _Entry:
    """Some answers of one annotator, tasks all different. `yes`: (m, K); `spoken`: the same, None for everywhere."""

    annotator: int
    task: Ints
    yes: Bools
    spoken: Bools | None


def _entries(blocks: Blocks) -> Iterator[_Entry]:
    order = np.argsort(blocks.annotator, kind="stable")
    ends = np.cumsum(np.bincount(blocks.annotator, minlength=blocks.n_annotators))
    for annotator, end in enumerate(ends.tolist()):
        first = 0 if annotator == 0 else int(ends[annotator - 1])
        for start in range(first, end, ROWS):
            rows = order[start : min(start + ROWS, end)]
            said = blocks.said[rows]
            spoken = said != UNSAID
            yield _Entry(annotator, blocks.task[rows], said == YES, None if spoken.all() else spoken)


def _evidence(blocks: Blocks, entries: list[_Entry], skills: Skills) -> Floats:
    total = np.zeros((blocks.n_tasks, blocks.n_variables))
    yes = np.log(skills.sensitivity / (1 - skills.specificity))
    no = np.log((1 - skills.sensitivity) / skills.specificity)
    for entry in entries:
        said = np.where(entry.yes, yes[entry.annotator], no[entry.annotator])
        total[entry.task] += said if entry.spoken is None else said * entry.spoken
    return total


def _learn(blocks: Blocks, entries: list[_Entry], belief: Floats, weight: Floats, pull: Pull) -> tuple[Skills, Floats]:
    """The most likely skills and shares of yes, given the beliefs."""
    shape = blocks.n_annotators, blocks.n_variables
    hits, positives, passes, negatives = np.zeros((4, *shape))
    weighted = belief * weight[:, None]
    for entry in entries:
        true, each = weighted[entry.task], weight[entry.task]
        said_yes = np.where(entry.yes, true, 0.0)
        if entry.spoken is None:
            all_true, mass = true.sum(axis=0), each.sum()
        else:
            all_true, mass = np.where(entry.spoken, true, 0.0).sum(axis=0), each @ entry.spoken
        agreed, yes = said_yes.sum(axis=0), each @ entry.yes
        hits[entry.annotator] += agreed
        positives[entry.annotator] += all_true
        negatives[entry.annotator] += mass - all_true
        passes[entry.annotator] += (mass - all_true) - (yes - agreed)
    prior = (weighted.sum(axis=0) + 0.5) / (weight.sum() + 1.0)
    sensitivity = _shrunken(hits, positives, SENSITIVITY, pull)
    specificity = _shrunken(passes, negatives, SPECIFICITY, pull)
    return Skills(sensitivity, specificity), np.clip(prior, EDGE, 1 - EDGE)


def _shrunken(right: Floats, cases: Floats, start: float, pull: Pull) -> Floats:
    """Rates, (J, K), of `right` among `cases`, pulled to what their rows and columns let expect."""
    overall = (right.sum() + OF_ALL * start) / (cases.sum() + OF_ALL)
    of_annotator = (right.sum(axis=1) + pull.annotator * overall) / (cases.sum(axis=1) + pull.annotator)
    of_variable = (right.sum(axis=0) + pull.variable * overall) / (cases.sum(axis=0) + pull.variable)
    expected = expit(_logit(of_annotator)[:, None] + _logit(of_variable) - _logit(overall))
    rates: Floats = np.clip((right + pull.matrix * expected) / (cases + pull.matrix), EDGE, 1 - EDGE)
    return rates


def _logit(rate: Floats | float) -> Floats:
    found: Floats = logit(np.clip(rate, EDGE, 1 - EDGE))
    return found


def clamped(belief: Floats, known: Said) -> Floats:
    """The belief with known variables certain, in place."""
    belief[known == YES] = 1.0
    belief[known == NO] = 0.0
    return belief
