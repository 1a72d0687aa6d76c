"""Confusion matrices of many annotators, each shrunk to its group's, and the group's to what is expected of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from labeling.truth.votes import Floats, Ints

MEANS = np.concatenate([np.linspace(0.04, 0.92, 23), np.linspace(0.94, 0.99, 6)])
SIZES = np.array([2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0])
USUAL_SIZE, SPREAD_OF_SIZE = 8.0, 1.0
"""How alike a group's members are, in answers that its accuracy is worth to one of them: median, log spread."""
ROW_STRENGTH = 6.0
"""Pseudo-answers behind each row of an annotator's matrix, beside those behind its accuracy."""
GROUP_ROW_STRENGTH = 12.0
SURE = 1e-3


@dataclass(frozen=True, slots=True)
class Group:
    """Annotators of one kind.

    `expected`: their accuracy before any answer, worth `certainty` answers. `size`: how alike they are, in answers that
    the group's accuracy is worth to one of them; None to learn it.
    """

    expected: float = 0.75
    certainty: float = 2.0
    size: float | None = None


@dataclass(frozen=True, slots=True)
class Shrunken:
    """What the counts say, cautiously.

    `confusion`: (M, K, K + 1), row = truth, last column = abstention. `accuracy`: (M,). `centre`, `size`: (M,) accuracy
    of the annotator's group, and how many answers it is worth.
    """

    confusion: Floats
    accuracy: Floats
    centre: Floats
    size: Floats


def shrink(counts: Floats, group_of: Ints, groups: Sequence[Group]) -> Shrunken:
    """Posterior means of everybody's confusion matrix, from (expected) answers by truth and answer.

    `counts`: (M, K, K + 1), `group_of`: (M,) place in `groups`. An annotator's accuracy has a beta prior whose mean and
    size are fitted to the group (empirical Bayes). The rows it is too seldom seen in are those of the group, moved on
    the logit scale by as much as the annotator is better or worse than the group.
    """
    n_labels = counts.shape[1]
    labelled = counts[:, :, :n_labels]
    right, given = np.trace(labelled, axis1=1, axis2=2), labelled.sum(axis=(1, 2))
    centre, size = np.empty(len(counts)), np.empty(len(counts))
    rows = np.empty(labelled.shape)
    for place, group in enumerate(groups):
        mine = np.flatnonzero(group_of == place)
        if len(mine):
            mean, worth = likeness(right[mine], given[mine], group, n_labels)
            centre[mine], size[mine] = mean, worth
            rows[mine] = _group_rows(labelled[mine].sum(axis=0), mean)
    accuracy = (right + size * centre) / (given + size)
    base = _moved(rows, _logit(accuracy) - _logit(centre))
    return Shrunken(_with_abstentions(counts, base), accuracy, centre, size)


def likeness(right: Floats, given: Floats, group: Group, n_labels: int) -> tuple[float, float]:
    """Mean and size of the beta distribution of the group's accuracies; `right` of `given` answers, (m,) each.

    The most probable pair on a grid: the beta-binomial likelihood times a beta prior on the mean and a log-normal one
    on the size. One label only: everybody is right.
    """
    if n_labels < 2:
        return 1.0 - SURE, USUAL_SIZE
    a, b = MEANS[:, None] * SIZES, (1 - MEANS[:, None]) * SIZES
    fit = _log_beta(right[:, None, None] + a, (given - right)[:, None, None] + b).sum(axis=0)
    fit -= len(right) * _log_beta(a, b)
    hopes = group.certainty * (group.expected * np.log(MEANS) + (1 - group.expected) * np.log(1 - MEANS))
    fit += hopes[:, None] - 0.5 * (np.log(SIZES / USUAL_SIZE) / SPREAD_OF_SIZE) ** 2
    if group.size is not None:
        return float(MEANS[int(fit[:, np.abs(SIZES - group.size).argmin()].argmax())]), group.size
    mean, size = np.unravel_index(int(fit.argmax()), fit.shape)
    return float(MEANS[mean]), float(SIZES[size])


def _log_beta(a: Floats, b: Floats) -> Floats:
    logs: Floats = scipy.special.gammaln(a) + scipy.special.gammaln(b) - scipy.special.gammaln(a + b)
    return logs


def _group_rows(counts: Floats, accuracy: float) -> Floats:
    """The group's matrix, (K, K): its pooled answers and a one-coin matrix of its accuracy."""
    n_labels = len(counts)
    coin = np.full((n_labels, n_labels), (1 - accuracy) / max(n_labels - 1, 1))
    np.fill_diagonal(coin, accuracy)
    # many answers of few members must not drown what single members show
    scale = min(1.0, 50.0 * n_labels / max(counts.sum(), 1.0))
    pooled = counts * scale + GROUP_ROW_STRENGTH * coin
    rows: Floats = pooled / pooled.sum(axis=1, keepdims=True)
    return rows


def _moved(rows: Floats, by: Floats) -> Floats:
    """The same rows, (M, K, K), with the chance of a right answer moved by `by`, (M,), on the logit scale."""
    n_labels = rows.shape[1]
    if n_labels < 2:
        return rows
    place = np.arange(n_labels)
    right = rows[:, place, place]
    now = scipy.special.expit(_logit(right) + by[:, None])
    moved = rows * ((1 - now) / np.maximum(1 - right, SURE))[:, :, None]
    moved[:, place, place] = now
    whole: Floats = moved / moved.sum(axis=2, keepdims=True)
    return whole


def _logit(chance: Floats) -> Floats:
    logits: Floats = scipy.special.logit(np.clip(chance, SURE, 1 - SURE))
    return logits


def _with_abstentions(counts: Floats, base: Floats) -> Floats:
    """Rows of counts and base, (M, K, K + 1); without answers an annotator abstains as often as it did anywhere."""
    n_labels = counts.shape[1]
    abstained = counts[:, :, n_labels].sum(axis=1)
    total = counts.sum(axis=(1, 2))
    rate = np.divide(abstained, total, out=np.zeros_like(total), where=total > 0)
    whole = np.concatenate([base * (1 - rate)[:, None, None], np.tile(rate[:, None, None], (1, n_labels, 1))], axis=2)
    posterior = counts + ROW_STRENGTH * whole
    rows: Floats = posterior / posterior.sum(axis=2, keepdims=True)
    return rows
