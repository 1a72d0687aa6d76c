"""Calibration: making beliefs mean what they say, and measuring how far they do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from labeling.truth.belief import from_logits, log_belief
from labeling.truth.confusion import wilson
from labeling.truth.votes import Floats, Ints

BINS = 15
ALIKE = 9
"""Digits in which confidences must agree to be equal: the order of a sum's terms must not tell them apart."""
LOG_RANGE = (-4.0, 1.5)
"""Exponents from exp(-4) to exp(1.5): beyond them a belief is as good as flat, or as certain."""


@dataclass(frozen=True, slots=True)
class Temperature:
    """`exponent` tau turns a belief P into P^tau / sum P^tau; below 1 it takes confidence away.

    `belief`: (n, K) the tempered beliefs of the tasks it was fitted on, each by an exponent fitted on the others.
    """

    exponent: float
    belief: Floats


def temper(belief: Floats, exponent: float) -> Floats:
    """P^exponent, rows normalised; shape (n, K)."""
    return from_logits(exponent * log_belief(belief))


def fit_exponent(belief: Floats, truth: Ints, weight: Floats | None = None) -> float:
    """The exponent in [exp(-4), exp(1.5)] that minimises the weighted negative log likelihood of `truth`.

    `belief`: (n, K) on validated tasks, `truth`: (n,), `weight`: (n,), one over the probability that the task was
    validated, where that was not the same for all. Returns 1 without any task.
    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2.
    """
    if not len(truth):
        return 1.0
    best = scipy.optimize.minimize_scalar(
        lambda log_exponent: negative_log_likelihood(temper(belief, math.exp(log_exponent)), truth, weight),
        bounds=LOG_RANGE,
        method="bounded",
        options={"xatol": 1e-4},
    )
    return math.exp(best.x)


def fit_temperature(
    belief: Floats, truth: Ints, weight: Floats | None = None, *, folds: int = 5, seed: int = 0
) -> Temperature:
    """Fit the exponent on all validated tasks, and cross-fit it for honest beliefs on the same tasks.

    No task's own label enters its tempered belief in the result. Shapes as in `fit_exponent`.
    """
    weight = np.ones(len(truth)) if weight is None else weight
    fold = np.random.default_rng(seed).permutation(len(truth)) % max(folds, 2)
    honest = np.empty_like(belief)
    for held_out in range(max(folds, 2)):
        inside, outside = fold == held_out, fold != held_out
        exponent = fit_exponent(belief[outside], truth[outside], weight[outside])
        honest[inside] = temper(belief[inside], exponent)
    return Temperature(fit_exponent(belief, truth, weight), honest)


def negative_log_likelihood(belief: Floats, truth: Ints, weight: Floats | None = None) -> float:
    """Weighted mean of -ln P(truth), in nats; nan without tasks."""
    logs = log_belief(belief)[np.arange(len(truth)), truth]
    return _mean(-logs, weight)


@dataclass(frozen=True, slots=True)
class Brier:
    """Mean squared distance of a belief from the truth, and its split: score = reliability - resolution + uncertainty.

    Murphy's split, with each label's probabilities put into bins of equal mass and added over labels; it sums to the
    score up to the spread of the probabilities within a bin.
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float


def brier(belief: Floats, truth: Ints, weight: Floats | None = None, bins: int = BINS) -> Brier:
    """Brier score, mean of ||P - e_truth||^2 in [0, 2], and its split; nan without tasks.

    Source: Murphy 1973, Journal of Applied Meteorology 12(4).
    """
    if not len(truth):
        return Brier(*[float("nan")] * 4)
    weight = _share(truth, weight)
    hit = np.eye(belief.shape[1])[truth]
    score = float((((belief - hit) ** 2).sum(axis=1)) @ weight)
    split = sum(_murphy_split(belief[:, k], hit[:, k], weight, bins) for k in range(belief.shape[1]))
    return Brier(score, *np.asarray(split, dtype=np.float64).tolist())


def _murphy_split(chance: Floats, hit: Floats, weight: Floats, bins: int) -> Floats:
    """Reliability, resolution and uncertainty of one label's probabilities."""
    rate = weight @ hit
    split = np.array([0.0, 0.0, rate * (1 - rate)])
    for inside in _equal_mass_bins(chance, bins):
        mass = weight[inside].sum()
        said, was = weight[inside] @ chance[inside] / mass, weight[inside] @ hit[inside] / mass
        split[:2] += mass * (said - was) ** 2, mass * (was - rate) ** 2
    return split


@dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability diagram: one entry a bin, in order of confidence. `low` and `high` are Wilson's 95% limits."""

    confidence: Floats
    accuracy: Floats
    low: Floats
    high: Floats
    share: Floats
    n: Ints


def reliability(belief: Floats, truth: Ints, weight: Floats | None = None, bins: int = BINS) -> Reliability:
    """Confidence against accuracy in `bins` bins of (nearly) equally many tasks; ties share a bin, so it may be fewer.

    With weights, the intervals use each bin's effective number of tasks, (sum w)^2 / sum w^2.
    """
    weight = _share(truth, weight)
    confidence, right = belief.max(axis=1) if len(truth) else np.zeros(0), belief.argmax(axis=1) == truth
    members = _equal_mass_bins(confidence, bins)
    share = np.array([weight[inside].sum() for inside in members])
    said = np.array([confidence[inside] @ weight[inside] for inside in members]) / share
    was = np.array([right[inside] @ weight[inside] for inside in members]) / share
    effective = share**2 / np.array([(weight[inside] ** 2).sum() for inside in members])
    low, high = wilson(was, effective)
    return Reliability(said, was, low, high, share, np.array([len(inside) for inside in members], dtype=np.int32))


def expected_calibration_error(
    belief: Floats, truth: Ints, weight: Floats | None = None, *, bins: int = BINS, debiased: bool = False
) -> float:
    """Mean gap between confidence and accuracy over bins of equal mass, in [0, 1]; nan without tasks.

    The plain form is biased upwards: even perfect beliefs show a gap by chance. `debiased` takes each bin's squared
    gap less its sampling variance, adds them up and returns the root (Kumar, Liang and Ma 2019), at least 0.
    """
    if not len(truth):
        return float("nan")
    bars = reliability(belief, truth, weight, bins)
    gap = bars.accuracy - bars.confidence
    if not debiased:
        return float(bars.share @ np.abs(gap))
    noise = bars.accuracy * (1 - bars.accuracy) / np.maximum(bars.n - 1, 1)
    return math.sqrt(max(float(bars.share @ (gap**2 - noise)), 0.0))


def risk_coverage(belief: Floats, truth: Ints, weight: Floats | None = None) -> tuple[Floats, Floats]:
    """Coverage and error rate when only the most confident tasks are accepted, one point a task, ascending coverage.

    Tasks of equal confidence share their errors, so that their order does not matter.
    """
    weight = _share(truth, weight)
    confidence = belief.max(axis=1) if len(truth) else np.zeros(0)
    wrong = (belief.argmax(axis=1) != truth).astype(np.float64)
    level, group = np.unique(-confidence, return_inverse=True)
    mass = np.bincount(group, weight, len(level))
    shared = np.bincount(group, weight * wrong, len(level)) / np.maximum(mass, 1e-300)
    order = np.argsort(-confidence, kind="stable")
    coverage = np.cumsum(weight[order])
    risk: Floats = np.cumsum(weight[order] * shared[group[order]]) / np.maximum(coverage, 1e-300)
    return coverage, risk


def area_under_risk_coverage(belief: Floats, truth: Ints, weight: Floats | None = None) -> float:
    """Mean over coverage of the error rate among the most confident tasks; lower is better, nan without tasks.

    Source: Geifman and El-Yaniv 2017, Selective Classification for Deep Neural Networks.
    """
    if not len(truth):
        return float("nan")
    coverage, risk = risk_coverage(belief, truth, weight)
    return float(risk @ np.diff(coverage, prepend=0.0))


def excess_area_under_risk_coverage(belief: Floats, truth: Ints, weight: Floats | None = None) -> float:
    """The area beyond that of an oracle which ranks every right label before every wrong one, given the same labels."""
    if not len(truth):
        return float("nan")
    share = _share(truth, weight)
    wrong = belief.argmax(axis=1) != truth
    order = np.argsort(wrong, kind="stable")
    oracle = np.cumsum(share[order] * wrong[order]) / np.cumsum(share[order])
    return area_under_risk_coverage(belief, truth, weight) - float(oracle @ share[order])


def _share(truth: Ints, weight: Floats | None) -> Floats:
    """Weights that sum to 1."""
    weight = np.ones(len(truth)) if weight is None else weight
    shares: Floats = weight / weight.sum() if len(truth) else weight
    return shares


def _mean(values: Floats, weight: Floats | None) -> float:
    if not len(values):
        return float("nan")
    return float(np.average(values, weights=weight))


def _equal_mass_bins(confidence: Floats, bins: int) -> list[Ints]:
    """Indexes of the tasks in each bin, bins in order of confidence, none empty.

    Tasks of equal confidence share the bin in which the middle one of them falls, so that their order in a file, which
    says nothing, does not matter.
    """
    order = np.argsort(confidence, kind="stable").astype(np.int32)
    _, first, many = np.unique(np.round(confidence[order], ALIKE), return_index=True, return_counts=True)
    of_place = np.repeat(np.arange(bins), [len(part) for part in np.array_split(order, bins)])
    bin_of = np.repeat(of_place[first + (many - 1) // 2], many) if len(order) else of_place
    return [part for part in np.split(order, np.flatnonzero(np.diff(bin_of)) + 1) if len(part)]
