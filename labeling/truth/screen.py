"""A screen for annotators whose answers say nothing: one label always, or labels at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from labeling.truth.label_votes import LabelVotes, label_votes
from labeling.truth.votes import Bools, Floats, Ints, Votes

LEAST_TASKS = 50
"""Fewer comparable tasks than this do not condemn anybody."""
PERMUTATIONS = 400
QUANTILE = 0.95
CONSTANT_SHARE = 0.95
VARIED_CROWD = 0.8
CHUNK_CELLS = 1 << 20
"""Votes times labels looked at together: 8 MB."""
MOST_TABLED = 60
"""With more labels the answers themselves are shuffled: 400 tables of labels by labels would outgrow the votes."""


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
    met = _against_others(answers)
    compared = np.bincount(met.annotator, minlength=len(counts)).astype(np.float64)
    information, by_chance = met.information(len(counts)), np.full(len(counts), np.nan)
    generator = np.random.default_rng(seed)
    ends = np.cumsum(compared).astype(np.intp)
    for j in np.flatnonzero(compared >= LEAST_TASKS):
        by_chance[j] = _chance_level(met.of(slice(ends[j] - int(compared[j]), ends[j])), generator)
    crowd = counts.sum(axis=0)
    varied = crowd.max(initial=0.0) < VARIED_CROWD * max(crowd.sum(), 1)
    constant = (largest > CONSTANT_SHARE) & (counts.sum(axis=1) >= LEAST_TASKS) & varied
    random = information <= by_chance + 1e-9
    reason = [_reason(constant[j], random[j]) for j in range(len(counts))]
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


@dataclass(frozen=True, slots=True)
class Met:
    """Votes on tasks where the others have one clear label, sorted by annotator.

    `annotator`, `own`, `others`: (V,), who voted, for what, and the others' label. Memory grows with the votes.
    """

    annotator: Ints
    own: Ints
    others: Ints
    n_labels: int

    def of(self, part: slice) -> Met:
        """Some of the votes."""
        return Met(self.annotator[part], self.own[part], self.others[part], self.n_labels)

    def information(self, n_annotators: int) -> Floats:
        """Mutual information of own and others' label in bits, (n_annotators,); 0 for one without votes here."""
        who, k = self.annotator.astype(np.int64), self.n_labels
        n = np.bincount(who, minlength=n_annotators).astype(np.float64)
        own, others = (_often(who * k + label) for label in (self.own, self.others))
        joint = _often((who * k + self.own) * k + self.others)
        bits: Floats = np.bincount(who, np.log2(joint * n[who] / (own * others)), n_annotators) / np.maximum(n, 1)
        return bits


def _often(cells: NDArray[np.int64]) -> NDArray[np.intp]:
    """How often the cell of each vote occurs, (V,)."""
    _, place, times = np.unique(cells, return_inverse=True, return_counts=True)
    often: NDArray[np.intp] = times[place]
    return often


def _against_others(answers: LabelVotes) -> Met:
    """Own label against the majority of the other annotators; tasks without one clear label among them are left out."""
    votes, counts = answers.matrix.votes, answers.matrix.label_counts()
    winner, clear = np.empty(len(answers.cell), np.int32), np.empty(len(answers.cell), np.bool_)
    size = max(CHUNK_CELLS // answers.n_labels, 1)
    for first in range(0, len(winner), size):
        part = slice(first, first + size)
        entries = votes.task[part], votes.label[part], answers.weight[part]
        winner[part], clear[part] = _majority_without(counts, *entries)
    order = np.flatnonzero(clear)[np.argsort(votes.annotator[clear], kind="stable")]
    return Met(votes.annotator[order], votes.label[order], winner[order], answers.n_labels)


def _majority_without(counts: Floats, task: Ints, label: Ints, weight: Floats) -> tuple[Ints, Bools]:
    """The best label of each vote's task without that vote, and whether it is the only best one."""
    rest = counts[task]
    rest[np.arange(len(task)), label] -= weight
    best = rest.max(axis=1)
    clear = ((rest >= best[:, None] - 1e-9).sum(axis=1) == 1) & (best > 1e-9)
    return rest.argmax(axis=1).astype(np.int32), clear


def _chance_level(met: Met, generator: np.random.Generator) -> float:
    """The information that shuffled answers of one annotator reach in 5% of cases, all margins kept."""
    if met.n_labels > MOST_TABLED:
        others = (generator.permutation(met.others) for _ in range(PERMUTATIONS))
        one = np.zeros_like(met.annotator)
        shuffled = [Met(one, met.own, drawn, met.n_labels).information(1)[0] for drawn in others]
        return float(np.quantile(shuffled, QUANTILE))

    rows, columns = (np.bincount(side, minlength=met.n_labels) for side in (met.own, met.others))
    tables = scipy.stats.random_table(rows, columns, seed=generator).rvs(PERMUTATIONS)
    return float(np.quantile(_information(tables), QUANTILE))


def _information(tables: Floats) -> Floats:
    """Mutual information in bits of joint counts (..., K, K)."""
    total = np.maximum(tables.sum(axis=(-2, -1), keepdims=True), 1)
    joint = tables / total
    independent = joint.sum(axis=-1, keepdims=True) * joint.sum(axis=-2, keepdims=True)
    ratio = np.divide(joint, independent, out=np.ones_like(joint), where=joint > 0)
    bits: Floats = (joint * np.log2(ratio)).sum(axis=(-2, -1))
    return bits
