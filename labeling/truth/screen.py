"""A screen for annotators whose answers say nothing: one label always, or labels at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.truth.label_votes import LabelVotes, label_votes
from labeling.truth.votes import Bools, Floats, Ints, Votes

LEAST_TASKS = 50
"""Fewer comparable tasks than this do not condemn anybody."""
PERMUTATIONS = 400
QUANTILE = 0.95
CONSTANT_SHARE = 0.95
VARIED_CROWD = 0.8
CHUNK = 1 << 17


@dataclass(frozen=True, slots=True)
class Screen:
    """What the screen saw of each annotator; arrays of shape (n_annotators,).

    `information`: bits that a vote tells about the label of the rest of the crowd. `by_chance`: the 95th percentile
    of that under shuffled answers. `largest_share`: share of the annotator's most used label. `compared`: tasks with
    one clear label among the others' votes. `degenerate`: to be dropped, for the `reason` given ("" if not).
    """

    information: Floats
    by_chance: Floats
    largest_share: Floats
    compared: Floats
    degenerate: Bools
    reason: list[str]


def screen(votes: Votes, *, seed: int = 0) -> Screen:
    """Find annotators that always answer alike while the crowd varies, or whose answers go with nobody else's.

    An annotator is degenerate when one label makes up more than 95% of their votes while no label has 80% of the
    crowd's, or when the mutual information between their votes and the majority of the others is not above the 95th
    percentile of 400 random pairings (a permutation test, exact for the two label counts). Abstentions do not count.
    An annotator who contradicts everybody is informative, and is left to the methods that can use it.
    """
    answers = label_votes(votes)
    counts = _label_use(answers)
    largest = counts.max(axis=1, initial=0.0) / np.maximum(counts.sum(axis=1), 1)
    tables = _against_others(answers)
    compared = tables.sum(axis=(1, 2))
    information, by_chance = _information(tables), np.full(len(tables), np.nan)
    generator = np.random.default_rng(seed)
    for j in np.flatnonzero(compared >= LEAST_TASKS):
        by_chance[j] = _chance_level(tables[j], generator)
    crowd = counts.sum(axis=0)
    varied = crowd.max(initial=0.0) < VARIED_CROWD * max(crowd.sum(), 1)
    constant = (largest > CONSTANT_SHARE) & (counts.sum(axis=1) >= LEAST_TASKS) & varied
    random = information <= by_chance
    reason = [_reason(constant[j], random[j]) for j in range(len(tables))]
    return Screen(information, by_chance, largest, compared, constant | random, reason)


def _reason(constant: bool, random: bool) -> str:
    if constant:
        return "answers one label nearly always"
    return "answers have nothing to do with the others'" if random else ""


def _label_use(answers: LabelVotes) -> Floats:
    """How often each annotator gave each label, (n_annotators, n_labels)."""
    cell = answers.annotator.astype(np.intp) * answers.n_labels + answers.matrix.votes.label
    uses = np.bincount(cell, minlength=len(answers.given) * answers.n_labels)
    return uses.reshape(-1, answers.n_labels).astype(np.float64)


def _against_others(answers: LabelVotes) -> Floats:
    """Own label against the majority of the other annotators, counts (n_annotators, n_labels, n_labels).

    Tasks without one clear label among the others are left out.
    """
    votes, n_labels = answers.matrix.votes, answers.n_labels
    counts = answers.matrix.label_counts()
    table = np.zeros(len(answers.given) * n_labels**2)
    for first in range(0, len(answers.cell), CHUNK):
        part = slice(first, first + CHUNK)
        winner, clear = _majority_without(counts, votes.task[part], votes.label[part], answers.weight[part])
        cell = (votes.annotator[part].astype(np.intp) * n_labels + votes.label[part]) * n_labels + winner
        table += np.bincount(cell[clear], minlength=len(table))
    return table.reshape(-1, n_labels, n_labels)


def _majority_without(counts: Floats, task: Ints, label: Ints, weight: Floats) -> tuple[Ints, Bools]:
    """The best label of each vote's task without that vote, and whether it is the only best one."""
    rest = counts[task]
    rest[np.arange(len(task)), label] -= weight
    best = rest.max(axis=1)
    clear = ((rest >= best[:, None] - 1e-9).sum(axis=1) == 1) & (best > 1e-9)
    return rest.argmax(axis=1).astype(np.int32), clear


def _chance_level(table: Floats, generator: np.random.Generator) -> float:
    """The information that shuffled answers reach in 5% of cases; tables with the same margins, drawn directly."""
    from scipy import stats  # most of a second to load, and not needed where nobody has enough votes

    rows, columns = table.sum(axis=1).astype(np.int64), table.sum(axis=0).astype(np.int64)
    shuffled = stats.random_table(rows, columns, seed=generator).rvs(PERMUTATIONS)
    return float(np.quantile(_information(shuffled), QUANTILE))


def _information(tables: Floats) -> Floats:
    """Mutual information in bits of joint counts (..., K, K)."""
    total = np.maximum(tables.sum(axis=(-2, -1), keepdims=True), 1)
    joint = tables / total
    independent = joint.sum(axis=-1, keepdims=True) * joint.sum(axis=-2, keepdims=True)
    ratio = np.divide(joint, independent, out=np.ones_like(joint), where=joint > 0)
    bits: Floats = (joint * np.log2(ratio)).sum(axis=(-2, -1))
    return bits
