"""The text as one more annotator: what tasks that read alike are believed to be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from labeling.truth import log_linear
from labeling.truth.belief import log_belief
from labeling.truth.log_linear import OPINION_FLOOR
from labeling.truth.votes import Floats, Ints

FOLDS = 10
PENALTY = 5.0
KNOWN_WEIGHT = 3.0
CONSTANT = 0.3
NEARNESS = 10.0
ANCHORS = 5_000
CHUNK = 2_000

Rows = NDArray[np.float32]


def opinion(features: Rows, belief: Floats, known: Ints, seed: int = 0) -> Floats:
    """How far a task's text speaks for each label, beyond the label's share: log P(k | text) - log P(k).

    `features`: (n, d) rows of unit length. `belief`: (n, K) what the votes say, `known`: (n,) -1 where not known.
    Two views of the text are regressed on the belief (known tasks: on their label, with three times the weight): a
    ridge regression, in ten folds of tasks, and the mean over the other tasks weighted by exp(10 cosine). Neither
    sees the task's own votes or label. A logistic regression of the same beliefs on both then says how far they are
    to be trusted: texts that tell nothing get no say. Returns (n, K). Neighbours are sought among at most 5,000
    tasks, so that time grows linearly with n; memory is O(n K) beside the features.
    """
    target, weight = _targets(belief, known)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(target))
    views = [
        _ridge(features, target, weight, order % FOLDS),
        _neighbours(features, target, weight, _anchors(order, known)),
    ]
    judged = order[:ANCHORS]
    scale = log_linear.fit_pool([v[judged] for v in views], target[judged], [4.0] * 2, [1.0] * 2, 0.1, weight[judged])
    share = weight @ target / weight.sum()
    speaks: Floats = log_belief(scale.belief(views), OPINION_FLOOR) - np.log(np.maximum(share, OPINION_FLOOR))
    return speaks


def _targets(belief: Floats, known: Ints) -> tuple[Floats, Floats]:
    """What each text should say, and how much that counts."""
    target, weight = belief.copy(), np.ones(len(belief))
    tasks = np.flatnonzero(known >= 0)
    target[tasks] = np.eye(belief.shape[1])[known[tasks]]
    weight[tasks] = KNOWN_WEIGHT
    return target, weight


def _anchors(order: NDArray[np.intp], known: Ints) -> NDArray[np.intp]:
    """All tasks, or the known ones and as many others as make five thousand."""
    known_first = np.argsort(known[order] < 0, kind="stable")
    return np.sort(order[known_first][:ANCHORS])


def _ridge(features: Rows, target: Floats, weight: Floats, fold: NDArray[np.intp]) -> Floats:
    """Scores of each task, (n, K), from a regression on the other folds."""
    columns = features.shape[1] + 1
    gram, moment = np.zeros((FOLDS, columns, columns)), np.zeros((FOLDS, columns, target.shape[1]))
    for inside, held_out, rows in _by_fold(features, fold):
        weighted = (rows * weight[inside, None]).T
        gram[held_out] += weighted @ rows
        moment[held_out] += weighted @ target[inside]
    coefficients = np.linalg.solve(gram.sum(axis=0) - gram + PENALTY * np.eye(columns), moment.sum(axis=0) - moment)
    scores = np.empty_like(target)
    for inside, held_out, rows in _by_fold(features, fold):
        scores[inside] = rows @ coefficients[held_out]
    return scores


def _by_fold(features: Rows, fold: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], int, Floats]]:
    """Task indexes, their fold, and their features with a constant column, a chunk at a time."""
    for held_out in range(FOLDS):
        members = np.flatnonzero(fold == held_out)
        for begin in range(0, len(members), CHUNK):
            inside = members[begin : begin + CHUNK]
            yield inside, held_out, np.column_stack([features[inside], np.full(len(inside), CONSTANT)])


def _neighbours(features: Rows, target: Floats, weight: Floats, anchors: NDArray[np.intp]) -> Floats:
    """Mean target of the anchors, (n, K), each weighted by exp(10 cosine), the task itself left out."""
    place = np.full(len(target), -1)
    place[anchors] = np.arange(len(anchors))
    share, scores = weight @ target / weight.sum(), np.empty_like(target)
    for begin in range(0, len(target), CHUNK):
        inside = slice(begin, begin + CHUNK)
        nearness = np.exp(NEARNESS * (features[inside] @ features[anchors].T)) * weight[anchors].astype(np.float32)
        own = place[inside]
        nearness[np.flatnonzero(own >= 0), own[own >= 0]] = 0.0
        scores[inside] = (nearness @ target[anchors] + share) / (nearness.sum(axis=1, keepdims=True) + 1.0)
    return scores
