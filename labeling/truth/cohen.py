"""Cohen's kappa between every two annotators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.truth.vote_matrix import heaviest, without_abstentions
from labeling.truth.votes import Floats, Ints, Votes

POWER = {"linear": 1, "quadratic": 2}


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of annotators that share at least one task; one entry a pair, first < second, in order.

    `n`: tasks both gave a label to. `raw`: share of these with the same label. `kappa`: nan where both gave one and
    the same label throughout.
    """

    first: Ints
    second: Ints
    n: Ints
    raw: Floats
    kappa: Floats


@dataclass(frozen=True, slots=True)
class Shared:
    """Tasks that one annotator shares with each later one, one entry a task and partner.

    `partners`: (P,) the later ones. `pair`: (S,) indexes among them. `mine`, `theirs`: (S,) the two labels.
    """

    partners: Ints
    pair: NDArray[np.intp]
    mine: Ints
    theirs: Ints

    @property
    def pairs(self) -> int:
        return len(self.partners)

    def sums(self, value: Floats | None = None) -> Floats:
        """Sum of `value`, (S,), by default of ones, by pair: (P,)."""
        return np.bincount(self.pair, value, self.pairs).astype(np.float64)


def pairwise(votes: Votes, weights: str | None = None, values: Floats | None = None) -> Pairs:
    """Raw agreement and Cohen's kappa of all pairs; cost and memory grow with the pairs of votes on one task.

    `weights`: None, or "linear" or "quadratic" in the distance of the labels' `values`, (K,), by default their indexes.
    A fractional vote counts as its heaviest label, an abstention not at all.
    """
    if weights not in (None, *POWER):
        raise ValueError(f"`weights` is {weights!r}; it must be None, 'linear' or 'quadratic'.")
    named = without_abstentions(heaviest(votes))
    place = np.arange(votes.n_labels, dtype=np.float64) if values is None else np.asarray(values, dtype=np.float64)
    parts = [_pairs_of(one, shared, weights, place) for one, shared in _partners(named)]
    whole, part = np.zeros(0, dtype=np.int32), np.zeros(0)
    columns = zip(*(astuple(found) for found in parts), strict=True) if parts else [(whole,)] * 3 + [(part,)] * 2
    return Pairs(*map(np.concatenate, columns))


def _pairs_of(one: int, found: Shared, weights: str | None, place: Floats) -> Pairs:
    n = found.sums()
    raw = found.sums((found.mine == found.theirs).astype(np.float64)) / n
    first = np.full(len(n), one, dtype=np.int32)
    return Pairs(first, found.partners, n.astype(np.int32), raw, _kappa(found, n, raw, weights, place))


def _partners(votes: Votes) -> Iterator[tuple[int, Shared]]:
    """Each annotator that shares tasks with later ones, and what they share."""
    order = np.lexsort((votes.annotator, votes.task))
    task, annotator, label = votes.task[order], votes.annotator[order], votes.label[order]
    rest = np.searchsorted(task, task, side="right") - np.arange(len(task)) - 1
    by_annotator = np.argsort(annotator, kind="stable")
    for own in np.split(by_annotator, np.flatnonzero(np.diff(annotator[by_annotator])) + 1):
        many = rest[own]
        before = np.cumsum(many) - many
        later = np.arange(many.sum()) + np.repeat(own + 1 - before, many)
        if len(later):
            partners, pair = np.unique(annotator[later], return_inverse=True)
            yield int(annotator[own[0]]), Shared(partners, pair, np.repeat(label[own], many), label[later])


def _kappa(found: Shared, n: Floats, raw: Floats, weights: str | None, place: Floats) -> Floats:
    """1 - observed / expected disagreement of each pair; nan where none is expected.

    Source: Cohen 1960, doi 10.1177/001316446002000104; weighted, Cohen 1968, doi 10.1037/h0026256.
    """
    if weights is None:
        observed, expected = 1 - raw, 1 - _chance(found) / n**2
    else:
        distance = np.abs(place[found.mine] - place[found.theirs]) ** POWER[weights]
        observed, expected = found.sums(distance) / n, _expected(found, n, weights, place)
    ratio: Floats = np.divide(observed, expected, out=np.full(len(n), np.nan), where=expected > 1e-12)
    return 1 - ratio


def _chance(found: Shared) -> Floats:
    """Sum over labels of how often one gave the label times how often the other did, (P,)."""
    n_labels = int(max(found.mine.max(initial=0), found.theirs.max(initial=0))) + 1
    mine, mine_often = np.unique(found.pair * n_labels + found.mine, return_counts=True)
    theirs, theirs_often = np.unique(found.pair * n_labels + found.theirs, return_counts=True)
    both, here, there = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
    return np.bincount(both // n_labels, mine_often[here] * theirs_often[there], found.pairs).astype(np.float64)


def _expected(found: Shared, n: Floats, weights: str, place: Floats) -> Floats:
    """Mean distance of two labels drawn from what each of a pair gave, (P,)."""
    mine, theirs = place[found.mine], place[found.theirs]
    if weights == "quadratic":
        first, second = found.sums(mine) / n, found.sums(theirs) / n
        spread = found.sums((mine - first[found.pair]) ** 2) + found.sums((theirs - second[found.pair]) ** 2)
        return spread / n + (first - second) ** 2
    # the mean of |a - b| is the integral of F(1 - G) + G(1 - F) over the scale, by steps between the labels in use
    pair = np.concatenate([found.pair, found.pair])
    at = np.concatenate([mine, theirs])
    order = np.lexsort((at, pair))
    pair, at = pair[order], at[order]
    is_mine = (order < len(mine)).astype(np.float64)
    share = 1 / n[pair]
    below = [_running(side * share, pair) for side in (is_mine, 1 - is_mine)]
    step = np.append(np.diff(at), 0.0) * np.append(pair[1:] == pair[:-1], False)
    apart = step * (below[0] * (1 - below[1]) + below[1] * (1 - below[0]))
    return np.bincount(pair, apart, found.pairs).astype(np.float64)


def _running(values: Floats, pair: NDArray[np.intp]) -> Floats:
    """Running sums that begin anew with each pair; entries sorted by pair."""
    total = np.cumsum(values)
    start = np.searchsorted(pair, pair, side="left")
    running: Floats = total - (total - values)[start]
    return running
