"""The default for blocks of yes-or-no variables: what of skills and of correlation can be shown to help is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labeling.truth import blocks as model
from labeling.truth import joint
from labeling.truth.block_shares import calibrated_majority, majority, thresholds
from labeling.truth.block_trials import (
    ALIKE,
    OWN,
    Candidate,
    answers_suffice,
    best_on_known,
    helps_on_known,
    known_tasks,
    sorts_that_help,
    told_apart,
    with_known,
)
from labeling.truth.blocks import Blocks
from labeling.truth.votes import Floats, Ints

ENOUGH_KNOWN = 20
"""Tasks with a known variable from which on they, and not hidden answers, say what helps."""
LOOKED_AT = 4000
"""Most tasks on which anything is tried out."""
PLAIN = "majority_vote"


@dataclass(frozen=True, slots=True)
class BlockBelief:
    """`belief`: (n_tasks, K) chance of yes; from `threshold`, (K,), on, yes is said. `chosen`: how it was made.

    `details`: what was found out.
    """

    belief: Floats
    chosen: str
    threshold: Floats
    iterations: int = 1
    converged: bool = True
    details: dict[str, Any] = field(default_factory=dict)


def infer(blocks: Blocks, seed: int = 0, *, with_joint: bool = True) -> BlockBelief:
    """Beliefs by the plainest model that nothing else clearly beats.

    Without known variables, annotators get matrices of their own where these foretell hidden answers clearly better
    than one matrix for all does; where annotators cannot be told apart their majority is as good as it gets. With at
    least 20 known tasks, cross-validated log loss on them chooses. Correlation (`joint`) is used where it foretells
    hidden answers clearly better, and known variables, too, where there are any. `with_joint`: whether it is tried.
    Thresholds are for F1: of each variable where known ones stand behind the beliefs, else one for all, as for a
    majority on the one line that known variables put it on; with nothing known, a majority needs more than half.
    """
    generator = np.random.default_rng(seed)
    known = known_tasks(blocks)
    taught = len(known) >= ENOUGH_KNOWN
    sample = _sample(blocks, known, generator)
    candidate = best_on_known(sample, generator) if taught else _unaided(sample, generator)
    sorts = _sorts(sample, candidate or ALIKE, taught, generator) if with_joint else 0
    if candidate is None and not sorts:
        return _by_majority(blocks, taught)
    candidate = candidate or ALIKE
    fit = candidate.fit(blocks, sample)
    if not sorts:
        border = thresholds(fit.belief, alike=not taught)
        return BlockBelief(fit.belief, candidate.name, border, fit.iterations, fit.converged)
    evidence = with_known(fit.evidence, blocks.truth())
    learned_from = generator.choice(len(evidence), min(len(evidence), LOOKED_AT), replace=False)
    profiles = joint.fit(evidence[learned_from], fit.prior, sorts, generator)
    found = model.clamped(joint.belief(evidence, profiles), blocks.truth())
    details = {"joint": sorts}
    border = thresholds(found, alike=not taught)
    return BlockBelief(found, f"{candidate.name}, joint", border, fit.iterations, fit.converged, details)


def _unaided(sample: Blocks, generator: np.random.Generator) -> Candidate | None:
    return OWN if told_apart(sample, generator) else None


def _by_majority(blocks: Blocks, taught: bool) -> BlockBelief:
    if not taught:
        return BlockBelief(majority(blocks), PLAIN, np.full(blocks.n_variables, 0.5))
    belief = calibrated_majority(blocks)
    return BlockBelief(belief, PLAIN, thresholds(belief, alike=True))


def _sorts(sample: Blocks, candidate: Candidate, taught: bool, generator: np.random.Generator) -> int:
    """How many profiles to use, 0 for none."""
    if not taught and not answers_suffice(sample):
        return 0
    sorts = sorts_that_help(sample, candidate, generator)
    return sorts if sorts and (not taught or helps_on_known(sample, candidate, sorts, generator)) else 0


def _sample(blocks: Blocks, known: Ints, generator: np.random.Generator) -> Blocks:
    """Known tasks and others by lot, as many as are looked at."""
    if blocks.n_tasks <= LOOKED_AT:
        return blocks
    first = generator.permutation(known)[: LOOKED_AT // 2]
    others = np.setdiff1d(generator.choice(blocks.n_tasks, LOOKED_AT, replace=False), known)
    tasks = np.sort(np.concatenate([first, others[: LOOKED_AT - len(first)]]))
    return model.some_tasks(blocks, tasks.astype(np.int32))
