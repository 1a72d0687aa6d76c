"""Log-linear opinion pools: several opinions about a task become one calibrated belief."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from labeling.truth.expectation import softmax
from labeling.truth.votes import Floats

OPINION_FLOOR = 1e-6
"""No opinion that enters a pool is surer than this: one loud member must not silence the others."""
HALVINGS = 20


@dataclass(frozen=True, slots=True)
class Pool:
    """P(k) is proportional to exp(sum_f weight[f] * opinion_f[k] + bias[k]).

    `weight`: (F,), `bias`: (K,). A weight below one on a log belief is its temperature; the bias is what the
    opinions systematically miss of each label.
    """

    weight: Floats
    bias: Floats

    def scores(self, opinions: Sequence[Floats]) -> Floats:
        """Unnormalised log beliefs, shape (n, K), from F opinions of shape (n, K)."""
        scores = np.tile(self.bias, (len(opinions[0]), 1))
        for weight, opinion in zip(self.weight, opinions, strict=True):
            scores += weight * opinion
        return scores

    def belief(self, opinions: Sequence[Floats]) -> Floats:
        """Beliefs, shape (n, K), rows sum to 1."""
        return softmax(self.scores(opinions))


class _Problem(NamedTuple):
    """A penalised multinomial regression: `design` (m, F + K, K), `truth` (m, K), `mass` (m,)."""

    design: Floats
    truth: Floats
    mass: Floats
    center: Floats
    precision: Floats

    def loss(self, theta: Floats) -> float:
        scores = np.einsum("mdk,d->mk", self.design, theta)
        top = scores.max(axis=1, initial=0.0)
        log_sum = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
        misfit = self.mass @ log_sum - (self.truth * scores).sum()
        return float(misfit + 0.5 * self.precision @ (theta - self.center) ** 2)

    def newton_step(self, theta: Floats) -> Floats:
        belief = softmax(np.einsum("mdk,d->mk", self.design, theta))
        residual = self.truth - self.mass[:, None] * belief
        gradient = np.einsum("mdk,mk->d", self.design, residual) - self.precision * (theta - self.center)
        spread = self.design * np.sqrt(self.mass[:, None] * belief)[:, None, :]
        rows = spread.transpose(0, 2, 1).reshape(-1, len(theta))
        mean = np.einsum("mdk,mk->md", self.design, belief) * np.sqrt(self.mass)[:, None]
        curvature = rows.T @ rows - mean.T @ mean + np.diag(self.precision + 1e-9)
        step: Floats = np.linalg.solve(curvature, gradient)
        return step


def fit_pool(
    opinions: Sequence[Floats],
    truth: Floats,
    start: Sequence[float],
    ridge: Sequence[float],
    bias_ridge: float,
    case_weight: Floats | None = None,
    iterations: int = 50,
) -> Pool:
    """Maximum a posteriori weights and biases of a log-linear pool, by Newton's method (the problem is convex).

    `opinions`: F arrays (m, K) of log beliefs or scores. `truth`: (m, K), one-hot or a distribution. `start`, `ridge`:
    F numbers each, prior mean and precision of the weights: the penalty is ridge / 2 * (weight - start)^2, and
    bias_ridge / 2 * bias^2. `case_weight`: (m,) or None. Without any case the answer is the prior mean.
    Source: Genest and Zidek 1986, Combining probability distributions, Statistical Science 1(1).
    """
    m, n_labels = truth.shape
    biases = np.broadcast_to(np.eye(n_labels), (m, n_labels, n_labels))
    design = np.concatenate([np.stack(opinions, axis=1), biases], axis=1)
    weight = np.ones(m) if case_weight is None else case_weight
    center = np.concatenate([start, np.zeros(n_labels)])
    precision = np.concatenate([ridge, np.full(n_labels, bias_ridge)])
    problem = _Problem(design, truth * weight[:, None], weight * truth.sum(axis=1), center, precision)
    theta = _minimise(problem, center, iterations)
    return Pool(theta[: len(opinions)], theta[len(opinions) :])


def _minimise(problem: _Problem, theta: Floats, iterations: int) -> Floats:
    """Newton steps, each halved until the loss falls, until none moves a weight by 1e-6."""
    loss = problem.loss(theta)
    for _ in range(iterations):
        step = problem.newton_step(theta)
        for halving in range(HALVINGS):
            moved = theta + step * 0.5**halving
            new_loss = problem.loss(moved)
            if new_loss <= loss + 1e-12:
                break
        else:
            return theta
        theta, loss = moved, new_loss
        if np.abs(step).max() < 1e-6:
            return theta
    return theta
