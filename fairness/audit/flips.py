"""How often a label changes when only one thing about a sentence changes: a name, a gender, a dialect.

Sentences of one frame are the same but for the variant (and, where a variant has several, the words that stand for it).
The flip rate of two variants is the chance that two sentences of one frame, one of each, get different labels. Words of
the same variant differ, too: their own flip rate is what any other word would do, and what is above it is the
variant's. Frames are drawn anew for the intervals, since sentences of one frame resemble each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from fairness.intervals import Estimate, Floats, holm, normal_z, wilson_limits

RESAMPLES = 1000
LEAST = 10
"""Frames that a rate needs."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Sentences with their answers, arrays of shape (N,).

    `answer`: number of the label in [0, K), -1 where there was none, which counts as an answer of its own. `frame`,
    `variant`: indexes. `labels`: (K,) names; `variants`: names.
    """

    answer: NDArray[Any]
    frame: NDArray[Any]
    variant: NDArray[Any]
    labels: tuple[str, ...]
    variants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """The label whose share differs most between two variants: how much more often the second gets it.

    `p_adjusted`: a paired test over frames, after Holm over all labels and pairs.
    """

    label: str
    more: Estimate
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two variants on the `frames` that have both. `flip`: chance of different labels. `within`: chance of different
    labels among sentences of one variant, None where no frame has two of one. `beyond`: flip less within."""

    first: str
    second: str
    frames: int
    sentences: int
    flip: Estimate
    within: Estimate | None
    beyond: Estimate | None
    shift: Shift | None


def pairs(found: Answered, seed: int = 0, level: float = 0.95) -> tuple[Pair, ...]:
    """Every two variants that share a frame, the widest flips first."""
    shares, sizes = _shares(found)
    told: list[tuple[Pair, float]] = []
    for first, second in combinations(range(len(found.variants)), 2):
        both = np.flatnonzero((sizes[first] > 0) & (sizes[second] > 0))
        if len(both):
            told.append(_pair(found, (first, second), shares, sizes, both, seed, level))
    tests = holm([p for _, p in told]).tolist() if told else []
    done = [
        one if one.shift is None else replace(one, shift=replace(one.shift, p_adjusted=p))
        for (one, _), p in zip(told, tests, strict=True)
    ]
    return tuple(sorted(done, key=lambda one: -(one.flip.value or 0.0)))


def _shares(found: Answered) -> tuple[Floats, NDArray[np.int64]]:
    """Share of each answer in each frame's sentences of each variant, (V, F, K + 1), and their numbers, (V, F)."""
    frames, k = int(found.frame.max(initial=-1)) + 1, len(found.labels) + 1
    counts = np.zeros((len(found.variants), frames, k))
    np.add.at(counts, (found.variant, found.frame, found.answer % k), 1.0)
    sizes = counts.sum(axis=2).astype(np.int64)
    return counts / np.maximum(sizes, 1)[:, :, None], sizes


def _pair(
    found: Answered,
    two: tuple[int, int],
    shares: Floats,
    sizes: NDArray[np.int64],
    both: NDArray[np.intp],
    seed: int,
    level: float,
) -> tuple[Pair, float]:
    """The pair on the frames that have `both`, and the p-value of its shift, 1 without one."""
    a, b = (shares[one][both] for one in two)
    flips = 1 - (a * b).sum(axis=1)
    inside = [_within(shares[one][both], sizes[one][both]) for one in two]
    within = np.nanmean(np.stack(inside), axis=0) if not np.isnan(np.stack(inside)).all() else None
    draws = np.random.default_rng(seed).integers(0, len(both), (RESAMPLES, len(both)))
    flip = _rate(flips, draws, level)
    other = None if within is None else _rate(within, draws, level)
    beyond = None if within is None else _signed(flips - within, draws, level)
    shift = _shift(found, b - a, draws, level)
    names = (found.variants[two[0]], found.variants[two[1]])
    n = int(sizes[two[0]][both].sum() + sizes[two[1]][both].sum())
    return Pair(*names, len(both), n, flip, other, beyond, shift), 1.0 if shift is None else shift.p_adjusted


def _within(share: Floats, size: NDArray[np.int64]) -> Floats:
    """Chance that two different sentences of one frame and variant get different labels, nan where there is one."""
    several = size > 1
    same = ((share * size[:, None]) * (share * size[:, None] - 1)).sum(axis=1) / np.maximum(size * (size - 1), 1)
    return np.where(several, 1 - same, np.nan)


def _rate(each: Floats, draws: NDArray[np.intp], level: float) -> Estimate:
    """Mean over frames; the bootstrap over frames, or Wilson's limits where all frames agree."""
    known = ~np.isnan(each)
    value, n = float(each[known].mean()), int(known.sum())
    means = np.nanmean(np.where(known, each, np.nan)[draws], axis=1)
    low, high = np.nanquantile(means, [(1 - level) / 2, (1 + level) / 2]).tolist()
    bottom, top = (float(end) for end in wilson_limits(value, n, normal_z(level)))
    if high - low < 1e-9:
        low, high = bottom, top
    enough = n >= LEAST
    return Estimate(value, min(low, value), max(high, value), enough, "" if enough else f"{n} of {LEAST} frames")


def _signed(each: Floats, draws: NDArray[np.intp], level: float) -> Estimate:
    known = ~np.isnan(each)
    n = int(known.sum())
    value = float(each[known].mean())
    low, high = np.nanquantile(np.nanmean(each[draws], axis=1), [(1 - level) / 2, (1 + level) / 2]).tolist()
    enough = n >= LEAST
    return Estimate(value, min(low, value), max(high, value), enough, "" if enough else f"{n} of {LEAST} frames")


def _shift(found: Answered, apart: Floats, draws: NDArray[np.intp], level: float) -> Shift | None:
    """The label that the second variant gets most more, or less, often, by a sign-rank test times the labels."""
    mean = apart.mean(axis=0)[: len(found.labels)]
    widest = np.isclose(np.abs(mean), np.abs(mean).max())
    place = int(np.where(widest, mean, -np.inf).argmax())
    moved = apart[:, place]
    if not np.abs(moved).max() > 0:
        return None
    p = float(scipy.stats.wilcoxon(moved, zero_method="zsplit", method="approx").pvalue)
    return Shift(found.labels[place], _signed(moved, draws, level), min(p * len(found.labels), 1.0))
