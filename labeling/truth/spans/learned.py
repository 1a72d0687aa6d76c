"""What known texts teach: which votes, types and words make a marked stretch right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from labeling.truth.spans.candidates import Candidates
from labeling.truth.spans.marks import Indexes
from labeling.truth.votes import Bools, Floats, Ints

SMALLEST = 1e-3
PULL = 0.5
PULL_OF_TYPES = 1.0
PULL_OF_ANNOTATORS = 20.0
"""Ridge penalties: annotators are many and each tells little, so they stay near what all of them say together."""
MOST_STEPS = 50


@dataclass(frozen=True, slots=True)
class Cells:
    """Pairs (candidate, type) that somebody named: `candidate`, `label`, (R,).

    `features`: (R, F), without the lexicon. `penalty`: (F,) of the ridge.
    """

    candidate: Indexes
    label: Indexes
    features: Floats
    penalty: Floats


def cells_of(candidates: Candidates, shares: Floats) -> Cells:
    """Features of each cell: log odds of its weighted share, log share of exact votes, its type, and how far each
    annotator's vote is from the share. `shares`: (C, T)."""
    votes, n_types = candidates.votes, candidates.n_types
    assert votes.weight is not None
    marked = votes.label < n_types
    cell_of_vote = votes.task.astype(np.int64) * n_types + votes.label
    exact = marked & (votes.weight > 1 - 1e-6)
    cells = np.unique(cell_of_vote[exact])
    candidate, label = cells // n_types, cells % n_types
    share = np.clip(shares[candidate, label], SMALLEST, 1 - SMALLEST)
    pairs = np.unique(votes.task.astype(np.int64) * votes.n_annotators + votes.annotator)
    asked = np.bincount(pairs // votes.n_annotators, minlength=len(candidates))
    same = np.bincount(np.searchsorted(cells, cell_of_vote[exact]), minlength=len(cells)) / asked[candidate]
    place = np.minimum(np.searchsorted(cells, cell_of_vote), max(len(cells) - 1, 0))
    use = marked & (cells[place] == cell_of_vote) if len(cells) else marked
    each = np.zeros((len(cells), votes.n_annotators))
    each[place[use], votes.annotator[use]] = votes.weight[use]
    here = np.zeros((len(candidates), votes.n_annotators), dtype=bool)
    here[pairs // votes.n_annotators, pairs % votes.n_annotators] = True
    each = np.where(here[candidate], each - share[:, None], 0.0)
    plain = [np.ones(len(cells)), scipy.special.logit(share), np.log(same + 0.02)]
    features = np.column_stack([*plain, np.eye(n_types)[label], each])
    penalty = [0.01, PULL, PULL, *[PULL_OF_TYPES] * n_types, *[PULL_OF_ANNOTATORS] * votes.n_annotators]
    return Cells(candidate, label, features, np.array(penalty))


def believe(candidates: Candidates, cells: Cells, words: Indexes | None, known: Ints) -> Floats:
    """Chance that each candidate is right with each type, (C, T): ridge logistic regression on the known candidates.

    `known`: (C,) from `Candidates.known`. `words`: (C,) equal numbers for the same words, None where texts are not at
    hand.
    """
    right = known[cells.candidate]
    taught = right >= 0
    truth = (right == cells.label).astype(np.float64)
    lexicon = () if words is None else _lexicon(cells, words[cells.candidate], truth, taught, candidates.n_types)
    features = np.column_stack([cells.features, *lexicon])
    penalty = np.concatenate([cells.penalty, np.ones(len(lexicon))])
    weight = ridge_logistic(features[taught], truth[taught], penalty)
    belief = np.zeros((len(candidates), candidates.n_types))
    belief[cells.candidate, cells.label] = scipy.special.expit(features @ weight)
    return belief


def _lexicon(cells: Cells, words: Indexes, truth: Floats, taught: Bools, n_types: int) -> tuple[Floats, Floats]:
    """How often the same words were right with this type among known cells, and how often otherwise decided, each a
    share of the known cells plus one; a known cell's own answer is left out."""
    size = int(words.max(initial=-1)) + 1
    table = np.zeros((size, n_types + 1))
    answer = np.where(truth > 0, cells.label, n_types)
    np.add.at(table, (words[taught], answer[taught]), 1.0)
    counts = table[words]
    counts[np.flatnonzero(taught), answer[taught]] -= 1.0
    total = counts.sum(axis=1)
    same = counts[np.arange(len(words)), cells.label]
    return same / (total + 1), (total - same) / (total + 1)


def ridge_logistic(features: Floats, truth: Floats, penalty: Floats) -> Floats:
    """Coefficients that maximise sum of log likelihood - 1/2 sum penalty_f b_f^2, by Newton's method.

    `features`: (n, F), `truth`: (n,) of 0 and 1, `penalty`: (F,), positive. Returns (F,).
    """
    weight = np.zeros(features.shape[1])
    for _ in range(MOST_STEPS):
        chance = scipy.special.expit(features @ weight)
        slope = features.T @ (truth - chance) - penalty * weight
        curve = (features * (chance * (1 - chance))[:, None]).T @ features + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        weight = weight + step
        if np.abs(step).max() < 1e-6:
            break
    return weight
