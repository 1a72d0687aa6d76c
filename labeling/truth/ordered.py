"""Variables that are places on a line: who is shifted, stretched, precise; and steps with smoothed matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from labeling.truth.expectation import softmax
from labeling.truth.votes import Floats, Ints

OF_SHIFT, OF_SPREAD, OF_NOISE = 20.0, 20.0, 20.0
"""Pseudo-answers that pull an annotator to no shift, to the scale as it is, and to everybody's noise."""
OF_ROW = 6.0
"""Pseudo-answers that pull a row of an annotator's matrix to the bell around the true step."""
LEAST_NOISE = 0.02
"""Of the scale's length: nobody is taken to be more precise."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """Entry e says annotator `annotator[e]` put task `task[e]` at `value[e]`, (E,); `low`, `high`: ends of the scale.

    `known`: (n_tasks,) true places, nan where not known.
    """

    task: Ints
    annotator: Ints
    value: Floats
    n_tasks: int
    n_annotators: int
    low: float
    high: float
    known: Floats | None = None

    @property
    def length(self) -> float:
        """From one end of the scale to the other, at least a hair."""
        return max(self.high - self.low, 1e-9)

    def places(self) -> Floats:
        """`known`, or nan everywhere."""
        return np.full(self.n_tasks, np.nan) if self.known is None else self.known


@dataclass(frozen=True, slots=True)
class Line:
    """`place`: (n_tasks,) where tasks are believed to be, `error`: (n_tasks,) its standard deviation.

    `shift`, `spread`, `noise`: (n_annotators,) an answer is spread * (place - middle) + middle + shift + noise.
    """

    place: Floats
    error: Floats
    shift: Floats
    spread: Floats
    noise: Floats
    iterations: int
    converged: bool


@dataclass(frozen=True, slots=True)
class Steps:
    """`belief`: (n_tasks, K) chances of the steps. `confusion`: (n_annotators, K, K), row = truth."""

    belief: Floats
    confusion: Floats
    iterations: int
    converged: bool


def mean(ratings: Ratings) -> Floats:
    """Plain mean of a task's answers, (n_tasks,); the mean of all where it has none; known places as they are."""
    each, count = _sums(ratings, ratings.value), _sums(ratings, np.ones(len(ratings.value)))
    overall = float(ratings.value.mean()) if len(ratings.value) else (ratings.low + ratings.high) / 2
    found = np.where(count > 0, each / np.maximum(count, 1.0), overall)
    return _known(ratings, found)


def median(ratings: Ratings) -> Floats:
    """Plain median of a task's answers, (n_tasks,), the middle of two; of all where it has none; known ones kept."""
    order = np.lexsort((ratings.value, ratings.task))
    value, count = ratings.value[order], np.bincount(ratings.task, minlength=ratings.n_tasks)
    first = np.cumsum(count) - count
    lower, upper = first + np.maximum(count - 1, 0) // 2, first + count // 2
    overall = float(np.median(value)) if len(value) else (ratings.low + ratings.high) / 2
    last = max(len(value) - 1, 0)
    middle = (value[np.minimum(lower, last)] + value[np.minimum(upper, last)]) / 2 if len(value) else overall
    return _known(ratings, np.where(count > 0, middle, overall))


def line(ratings: Ratings, *, max_iterations: int = 100, tolerance: float = 1e-4) -> Line:
    """Shift, spread and noise of each annotator and the place of each task, by alternating most likely values.

    y_e = c + b_j (x_i - c) + a_j + noise, noise ~ N(0, s_j^2), c the mean of all answers; a_j, b_j and s_j^2 are pulled
    to 0, 1 and everybody's by a few pseudo-answers; x_i is the mean of (y - a_j - c) / b_j + c weighted by
    b_j^2 / s_j^2. Stops when no place moves by more than `tolerance` of the scale. Cost O(E) a step.
    Source: the linear model of Raykar et al. 2010, JMLR 11, section 5, with annotators' biases.
    """
    place = mean(ratings)
    centre = float(ratings.value.mean()) if len(ratings.value) else 0.0
    shift, spread, noise = np.zeros(ratings.n_annotators), np.ones(ratings.n_annotators), np.ones(ratings.n_annotators)
    moved, iteration = np.inf, 0
    while moved > tolerance * ratings.length and iteration < max_iterations:
        iteration += 1
        shift, spread, noise = _annotators(ratings, place - centre, ratings.value - centre)
        weight = (spread**2 / noise**2)[ratings.annotator]
        told = (ratings.value - centre - shift[ratings.annotator]) / spread[ratings.annotator] + centre
        total = _sums(ratings, weight)
        now = np.where(total > 0, _sums(ratings, weight * told) / np.where(total > 0, total, 1.0), centre)
        now = _known(ratings, np.clip(now, ratings.low, ratings.high))
        moved = float(np.abs(now - place).max(initial=0.0))
        place = now
    total = _sums(ratings, (spread**2 / noise**2)[ratings.annotator])
    error = np.where(np.isnan(ratings.places()), 1 / np.sqrt(np.maximum(total, 1 / ratings.length**2)), 0.0)
    return Line(place, error, shift, spread, noise, iteration, moved <= tolerance * ratings.length)


def steps(ratings: Ratings, at: Floats, *, max_iterations: int = 100, tolerance: float = 1e-3) -> Steps:
    """Dawid and Skene's model for steps at places `at`, (K,), rising, each matrix smoothed along the scale.

    A row of a matrix is (answers counted + 6 bell) / (total + 6): the bell is a normal curve around the true step,
    moved by the annotator's shift and as wide as the annotator's noise, cut to the steps; so that who is off by one is
    taken to be off by one elsewhere, too. Answers and known places count as the nearest step. Cost O(E K) a step.
    Source: Dawid and Skene 1979, doi 10.2307/2346806.
    """
    said = nearest(ratings.value, at)
    known = ratings.places()
    sure = np.where(np.isnan(known), -1, nearest(np.nan_to_num(known), at))
    belief = _start(ratings, said, len(at))
    iteration, moved = 0, np.inf
    confusion = np.zeros((ratings.n_annotators, len(at), len(at)))
    while moved > tolerance and iteration < max_iterations:
        iteration += 1
        belief = _certain(belief, sure)
        confusion = _matrices(ratings, said, belief, at)
        prior = np.log((belief.sum(axis=0) + 0.5) / (len(belief) + 0.5 * len(at)))
        logs = np.log(confusion)[ratings.annotator, :, said]
        logits = np.stack([_sums(ratings, column) for column in logs.T], axis=1) + prior
        now = _certain(softmax(logits), sure)
        moved = float(np.abs(now - belief).max(initial=0.0))
        belief = now
    return Steps(belief, confusion, iteration, moved <= tolerance)


def nearest(value: Floats, at: Floats) -> Ints:
    """The index of the step nearest to each value; the lower of two."""
    borders = (at[1:] + at[:-1]) / 2
    found: Ints = np.searchsorted(borders, value, side="left").astype(np.int32)
    return found


def median_step(belief: Floats) -> Ints:
    """The step at which half of each belief is reached, (n_tasks,): the answer with least expected distance."""
    found: Ints = (np.cumsum(belief, axis=1) >= 0.5 - 1e-12).argmax(axis=1).astype(np.int32)
    return found


def _annotators(ratings: Ratings, place: Floats, value: Floats) -> tuple[Floats, Floats, Floats]:
    """Shift, spread and noise, each pulled to what is expected, given centred places and answers."""
    who, x, size = ratings.annotator, place[ratings.task], ratings.n_annotators

    def total(each: Floats) -> Floats:
        return np.bincount(who, each, size).astype(np.float64, copy=False)

    n, width = total(np.ones(len(x))), max(float(np.var(x)) if len(x) else 0.0, 1e-12)
    shift, spread = np.zeros(size), np.ones(size)
    for _ in range(3):
        shift = total(value - spread[who] * x) / (n + OF_SHIFT)
        spread = (total(x * (value - shift[who])) + OF_SPREAD * width) / (total(x * x) + OF_SPREAD * width)
        spread = np.maximum(spread, 0.2)
    # a crowd that is shifted or stretched as a whole only renames the scale
    heard = n / max(n.sum(), 1.0)
    shift = shift - heard @ shift
    spread = spread / max(heard @ spread, 1e-9)
    left = total((value - shift[who] - spread[who] * x) ** 2)
    pooled = left.sum() / max(n.sum(), 1.0)
    noise = np.sqrt((left + OF_NOISE * pooled) / (n + OF_NOISE))
    return shift, spread, np.maximum(noise, LEAST_NOISE * ratings.length)


def _matrices(ratings: Ratings, said: Ints, belief: Floats, at: Floats) -> Floats:
    size, k = ratings.n_annotators, len(at)
    flat = ratings.annotator.astype(np.int64) * k + said
    counts = np.stack([np.bincount(flat, column[ratings.task], size * k) for column in belief.T], axis=1)
    counts = counts.reshape(size, k, k).transpose(0, 2, 1)
    off = at[None, :] - at[:, None]
    n = counts.sum(axis=(1, 2))
    shift = (counts * off).sum(axis=(1, 2)) / (n + OF_SHIFT)
    left = (counts * (off - shift[:, None, None]) ** 2).sum(axis=(1, 2))
    pooled = left.sum() / max(n.sum(), 1.0)
    noise = np.sqrt((left + OF_NOISE * pooled) / (n + OF_NOISE))
    noise = np.maximum(noise, LEAST_NOISE * ratings.length)
    bell = _bells(at, shift, noise)
    rows: Floats = (counts + OF_ROW * bell) / (counts.sum(axis=2, keepdims=True) + OF_ROW)
    rows /= rows.sum(axis=2, keepdims=True)
    return rows


def _bells(at: Floats, shift: Floats, noise: Floats) -> Floats:
    """Chance of each step given the true one, (J, K, K), under a normal curve cut at the borders between steps."""
    borders = np.concatenate([[-np.inf], (at[1:] + at[:-1]) / 2, [np.inf]])
    off = (borders[None, None, :] - at[None, :, None] - shift[:, None, None]) / noise[:, None, None]
    chance = np.maximum(np.diff(ndtr(off), axis=2), 1e-6)
    bells: Floats = chance / chance.sum(axis=2, keepdims=True)
    return bells


def _start(ratings: Ratings, said: Ints, k: int) -> Floats:
    cell = ratings.task.astype(np.int64) * k + said
    counts = np.bincount(cell, minlength=ratings.n_tasks * k).reshape(ratings.n_tasks, k) + 0.5 / k
    belief: Floats = counts / counts.sum(axis=1, keepdims=True)
    return belief


def _certain(belief: Floats, sure: Ints) -> Floats:
    tasks = np.flatnonzero(sure >= 0)
    belief[tasks] = 0.0
    belief[tasks, sure[tasks]] = 1.0
    return belief


def _sums(ratings: Ratings, each: Floats) -> Floats:
    return np.bincount(ratings.task, each, ratings.n_tasks).astype(np.float64, copy=False)


def _known(ratings: Ratings, found: Floats) -> Floats:
    known = ratings.places()
    return np.where(np.isnan(known), found, known)
