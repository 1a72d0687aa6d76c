"""Trials on blocks of yes-or-no variables: whether skills or correlation foretell what was hidden from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from labeling.truth import blocks as model
from labeling.truth import joint
from labeling.truth.block_shares import calibrated_majority, line_through
from labeling.truth.blocks import UNSAID, YES, Blocks, Fit, Pull, Said
from labeling.truth.votes import Floats, Ints

CLEARLY = 2.0
"""Standard errors by which the less plain must be better."""
WORTH_MORE = 1.0
"""Standard errors by which more sorts of tasks must be better than fewer."""
SORTS = (2, 4, 8, 16)
FOLDS = 5
ALL_STEPS, STEPS_LEFT, FOLD_STEPS = 100, 40, 30
"""Most steps of a fit, of one that begins with what a sample taught, and of one that is only compared with others."""
LEAST_TASKS = 50
"""Fewer tasks with two answers tell nothing of who is better, or what goes together."""
LEAST_ANSWERS = 3
"""With fewer answers a task, and nothing known, skill and correlation are mistaken for each other."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to read the answers: `pull` of the matrices and the weight of tasks of which nothing is known.

    `slope`, `offset`: how the evidence, and then the log odds, are corrected by what is known.
    """

    name: str
    pull: Pull
    unknown_weight: float = 1.0
    slope: float = 1.0
    offset: float = 0.0

    def fit(self, blocks: Blocks, sample: Blocks | None = None, most: int = ALL_STEPS) -> Fit:
        """The model on these answers, its evidence corrected; begun with what a `sample` of the tasks teaches."""
        found = None
        if sample is not None and sample.n_tasks < blocks.n_tasks:
            found = model.infer(sample, pull=self.pull, unknown_weight=self.unknown_weight)
        steps = most if found is None else STEPS_LEFT
        found = model.infer(
            blocks, pull=self.pull, unknown_weight=self.unknown_weight, start=found, max_iterations=steps
        )
        if self.slope == 1 and not self.offset:
            return found
        evidence, prior = self.slope * found.evidence, expit(self.slope * logit(found.prior) + self.offset)
        belief = model.clamped(expit(evidence + logit(prior)), blocks.truth())
        return replace(found, belief=belief, evidence=evidence, prior=prior)


OWN = Candidate("own matrices", model.OWN)
ALIKE = Candidate("one matrix for all", model.ALIKE)
CANDIDATES = (
    OWN,
    Candidate("own matrices, from known answers mostly", model.OWN, 0.1),
    Candidate("own matrices, from known answers alone", model.OWN, 0.0),
    ALIKE,
)


def told_apart(blocks: Blocks, generator: np.random.Generator) -> bool:
    """Whether matrices of their own foretell annotators' hidden answers clearly better than one for all."""
    hidden = _hide(blocks, generator)
    if hidden is None:
        return False
    losses = []
    for candidate in (ALIKE, OWN):
        fit = candidate.fit(hidden.rest)
        losses.append(_surprise(blocks, hidden, fit, fit.belief))
    return _z(losses[0] - losses[1]) > CLEARLY


def sorts_that_help(blocks: Blocks, candidate: Candidate, generator: np.random.Generator) -> int:
    """How many sorts of tasks foretell hidden answers best, and clearly better than independent variables; 0 for none.

    Profiles are learned on half of the tasks and tried on the other.
    """
    hidden = _hide(blocks, generator)
    if hidden is None or blocks.n_variables < 2:
        return 0
    fit = candidate.fit(hidden.rest)
    evidence = with_known(fit.evidence, blocks.truth())
    train = generator.permutation(blocks.n_tasks) % 2 == 0
    tested = np.flatnonzero(~train[hidden.task])
    alone = _surprise(blocks, hidden, fit, joint.belief(evidence, joint.independent(fit.prior)))[tested]
    best, lost = 0, alone
    for sorts in SORTS:
        found = joint.fit(evidence[train], fit.prior, sorts, generator)
        loss = _surprise(blocks, hidden, fit, joint.belief(evidence, found))[tested]
        if _z(alone - loss) > CLEARLY and _z(lost - loss) > WORTH_MORE:
            best, lost = sorts, loss
    return best


def answers_suffice(blocks: Blocks) -> bool:
    """Whether a task has enough answers to tell skill from correlation with nothing known."""
    answered = np.bincount(blocks.task, minlength=blocks.n_tasks)
    return bool(np.median(answered[answered > 0]) >= LEAST_ANSWERS) if len(blocks.task) else False


def best_on_known(blocks: Blocks, generator: np.random.Generator) -> Candidate | None:
    """The candidate with the least log loss on known variables that were hidden from it; None for the majority.

    Its evidence is corrected by the line that fits hidden variables best; its loss is that of lines from other folds.
    """
    known, plain, places = blocks.truth(), [], []
    hidden: list[list[Floats]] = [[] for _ in CANDIDATES]
    for inside, visible in _folds(blocks, generator):
        plain.append(log_loss(calibrated_majority(visible)[inside], known[inside]))
        places.append(inside)
        for row, one in zip(hidden, CANDIDATES, strict=True):
            fit = one.fit(visible, most=FOLD_STEPS)
            row.append(fit.evidence[inside] + logit(fit.prior))
    truth = [known[inside] for inside in places]
    losses = [_line_loss(row, truth) for row in hidden]
    best = int(np.argmin([loss.sum() for loss in losses]))
    if losses[best].sum() >= np.concatenate(plain).sum():
        return None
    slope, offset = line_through(np.concatenate(hidden[best]), np.concatenate(truth)).tolist()
    return replace(CANDIDATES[best], slope=slope, offset=offset)


def _line_loss(given: list[Floats], truth: list[Said]) -> Floats:
    """Log loss of each row of log odds, each fold corrected by a line through the others."""
    losses = []
    for number in range(len(given)):
        others = [place for place in range(len(given)) if place != number]
        slope, offset = line_through(
            np.concatenate([given[place] for place in others]), np.concatenate([truth[place] for place in others])
        )
        losses.append(log_loss(expit(slope * given[number] + offset), truth[number]))
    return np.concatenate(losses)


def helps_on_known(blocks: Blocks, candidate: Candidate, sorts: int, generator: np.random.Generator) -> bool:
    """Whether profiles lessen the log loss on known variables that were hidden, by a standard error."""
    known = blocks.truth()
    gains: list[Floats] = []
    for inside, visible in _folds(blocks, generator):
        fit = candidate.fit(visible, most=FOLD_STEPS)
        evidence = with_known(fit.evidence, visible.truth())
        found = joint.belief(evidence, joint.fit(evidence, fit.prior, sorts, generator))
        gains.append(log_loss(fit.belief[inside], known[inside]) - log_loss(found[inside], known[inside]))
    return _z(np.concatenate(gains)) > 1.0


def with_known(evidence: Floats, known: Said) -> Floats:
    """Evidence that leaves no doubt about what is known."""
    sure = np.where(known == YES, joint.MOST_EVIDENCE, -joint.MOST_EVIDENCE)
    return np.where(known == UNSAID, evidence, sure)


def log_loss(belief: Floats, truth: Said) -> Floats:
    """Nats of each row, (n,): -log of the chance that was given to what is known, unknown variables left out."""
    safe = np.clip(belief, 1e-6, 1 - 1e-6)
    loss = -np.where(truth == YES, np.log(safe), np.log(1 - safe))
    total: Floats = np.where(truth == UNSAID, 0.0, loss).sum(axis=1)
    return total


def known_tasks(blocks: Blocks) -> Ints:
    """Tasks of which a variable is known."""
    return np.flatnonzero((blocks.truth() != UNSAID).any(axis=1)).astype(np.int32)


def _folds(blocks: Blocks, generator: np.random.Generator) -> Iterator[tuple[Ints, Blocks]]:
    """Known tasks, some at a time, and the answers with what is known of all others."""
    tasks, known = known_tasks(blocks), blocks.truth()
    fold = generator.permutation(len(tasks)) % FOLDS
    for number in range(FOLDS):
        shown = known.copy()
        shown[tasks[fold == number]] = UNSAID
        sizes = blocks.n_tasks, blocks.n_annotators
        yield tasks[fold == number], Blocks(blocks.task, blocks.annotator, blocks.said, *sizes, shown)


@dataclass(frozen=True, slots=True)
class _Hidden:
    """One answer hidden on each task that has others: entry indexes, (m,), the tasks, and all answers but these."""

    entry: Ints
    task: Ints
    rest: Blocks


def _hide(blocks: Blocks, generator: np.random.Generator) -> _Hidden | None:
    order = generator.permutation(len(blocks.task))
    _, first = np.unique(blocks.task[order], return_index=True)
    several = np.bincount(blocks.task, minlength=blocks.n_tasks)[blocks.task[order[first]]] > 1
    entry: Ints = order[first][several].astype(np.int32)
    if len(entry) < LEAST_TASKS:
        return None
    keep = np.ones(len(blocks.task), dtype=bool)
    keep[entry] = False
    sizes = blocks.n_tasks, blocks.n_annotators
    rest = Blocks(blocks.task[keep], blocks.annotator[keep], blocks.said[keep], *sizes, blocks.known)
    return _Hidden(entry, blocks.task[entry], rest)


def _surprise(blocks: Blocks, hidden: _Hidden, fit: Fit, belief: Floats) -> Floats:
    said, annotator = blocks.said[hidden.entry], blocks.annotator[hidden.entry]
    return model.surprise(said, annotator, fit.skills, belief[hidden.task])


def _z(difference: Floats) -> float:
    """Mean over its standard error."""
    return float(difference.mean() / max(difference.std() / np.sqrt(len(difference)), 1e-12))
