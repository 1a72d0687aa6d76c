"""Shares of a dataset from cheap labels on all tasks and checked labels on some: prediction-powered inference.

theta = lam mean_N(f) + mean_n(y - lam f), where f is the cheap answer, y the checked one, N all tasks and n the checked
ones; the cheap answers carry the estimate as far as they agree with the checks, and cannot bias it. Sources:
Angelopoulos, Duchi and Zrnic, PPI++ (2023); for a finite set of tasks it is the difference estimator of survey
sampling (Cassel, Sarndal and Wretman, Biometrika 63, 1976).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import scipy

from labeling.truth.votes import Floats


@dataclass(frozen=True, slots=True)
class Powered:
    """A share with its interval. `plain` and its interval: from the checks alone; `lam`: how far f is trusted, 0 to 1.

    `effective`: how many checks alone would give as narrow an interval.
    """

    value: float
    low: float
    high: float
    plain: float
    plain_low: float
    plain_high: float
    lam: float
    effective: float


@dataclass(frozen=True, slots=True)
class Sample:
    """Cheap answers to all tasks and true ones to those that were checked, each between 0 and 1.

    `cheap`: (N,) of all tasks. `checked`, `truth`: (n,) cheap and true answers of the checked ones, n >= 2. `weight`:
    (n,) inverse probability to be checked, None for a simple random sample. `finite`: the checked tasks are some of the
    N and the share wanted is that of these N; else both are samples of one source, and the share is the source's.
    """

    cheap: Floats
    checked: Floats
    truth: Floats
    weight: Floats | None = None
    finite: bool = False

    @property
    def weights(self) -> Floats:
        return np.ones(len(self.truth)) if self.weight is None else self.weight


def share(sample: Sample, *, level: float = 0.95) -> Powered:
    """The share of tasks whose true answer is 1.

    Variance: Var(y - lam f) / n + lam^2 Var(f) / N, if `finite` (1 - n / N) Var(y - lam f) / n,
    with weights task by task. Two made-up differences
    of +1 and -1 keep the interval honest where the sample happens to show none (Bonett and Price, Journal of
    Educational and Behavioral Statistics 37, 2012). Raises ValueError below two checks.
    """
    if len(sample.truth) < 2:
        raise ValueError("`truth` needs at least two checked tasks")
    lam = trust(sample)
    value, variance = _estimate(sample, lam)
    plain, plain_variance = _estimate(sample, 0.0)
    z = float(-scipy.special.ndtri((1 - level) / 2))
    half, plain_half = z * sqrt(variance), z * sqrt(plain_variance)
    effective = len(sample.truth) * (plain_variance / variance if variance else 1.0)
    ends = np.clip([value - half, value + half, plain - plain_half, plain + plain_half, value, plain], 0, 1).tolist()
    low, high, plain_low, plain_high, value, plain = ends
    return Powered(value, low, high, plain, plain_low, plain_high, lam, effective)


def trust(sample: Sample) -> float:
    """lam = Cov(y, f) / ((1 + n / N) Var f), without n / N if `finite`: the narrowest interval; within 0 and 1.

    0 where the cheap answers never vary.
    """
    spread, w = float(np.var(sample.cheap)), sample.weights
    if not spread:
        return 0.0
    apart = sample.truth - np.average(sample.truth, weights=w)
    together = float(np.average((sample.checked - np.average(sample.checked, weights=w)) * apart, weights=w))
    more = 1.0 if sample.finite else 1 + len(sample.truth) / len(sample.cheap)
    return float(np.clip(together / (more * spread), 0, 1))


def _estimate(sample: Sample, lam: float) -> tuple[float, float]:
    """The estimate for one lam and its variance; the mean over the checks is weighted and linearised (Hajek)."""
    n, total, w = len(sample.truth), len(sample.cheap), sample.weights
    chance = np.clip(w.sum() / (total * w), 0, 1)
    differs = sample.truth - lam * sample.checked
    mean = float(np.average(differs, weights=w))
    apart, heft = np.append(differs - mean, [1.0, -1.0]), np.append(w, [w.mean(), w.mean()])
    left = np.append(1 - chance, [1 - n / total] * 2) if sample.finite else 1.0
    spread = float((left * (heft / heft.sum() * apart) ** 2).sum()) * (n + 2) / (n + 1)
    value = lam * float(sample.cheap.mean()) + mean
    return value, spread if sample.finite else spread + lam**2 * float(np.var(sample.cheap)) / total
