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
    """A penalised multinomial regression: `opinions` (m, F, K), `truth` (m, K), `mass` (m,).

    Its parameters are F weights, then K biases. A bias moves one label's score alone: its part of the design is the
    identity and never written down, so that memory grows with m K F and work with m K^2 at most, not with m K^3.
    """

    opinions: Floats
    truth: Floats
    mass: Floats
    center: Floats
    precision: Floats

    def scores(self, theta: Floats) -> Floats:
        f = self.opinions.shape[1]
        scores: Floats = np.einsum("mfk,f->mk", self.opinions, theta[:f]) + theta[f:]
        return scores

    def loss(self, theta: Floats) -> float:
        scores = self.scores(theta)
        top = scores.max(axis=1, initial=0.0)
        log_sum = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
        misfit = self.mass @ log_sum - (self.truth * scores).sum()
        return float(misfit + 0.5 * self.precision @ (theta - self.center) ** 2)

    def newton_step(self, theta: Floats) -> Floats:
        belief = softmax(self.scores(theta))
        residual = self.truth - self.mass[:, None] * belief
        slope = np.concatenate([np.einsum("mfk,mk->f", self.opinions, residual), residual.sum(axis=0)])
        gradient = slope - self.precision * (theta - self.center)
        curvature = self.curvature(belief) + np.diag(self.precision + 1e-9)
        return np.asarray(np.linalg.solve(curvature, gradient), dtype=np.float64)

    def curvature(self, belief: Floats) -> Floats:
        """The second derivative of the misfit, (F + K, F + K): the spread of opinions and labels under the belief."""
        f, root = self.opinions.shape[1], np.sqrt(self.mass)[:, None]
        held = self.mass[:, None] * belief
        spread = (self.opinions * np.sqrt(held)[:, None, :]).transpose(0, 2, 1).reshape(-1, f)
        mean = np.hstack([np.einsum("mfk,mk->mf", self.opinions, belief), belief]) * root
        found: Floats = -(mean.T @ mean)
        crossed = np.einsum("mfk,mk->fk", self.opinions, held)
        found[:f, :f] += spread.T @ spread
        found[:f, f:] += crossed
        found[f:, :f] += crossed.T
        found[f:, f:] += np.diag(held.sum(axis=0))
        return found


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
    weight = np.ones(m) if case_weight is None else case_weight
    center = np.concatenate([start, np.zeros(n_labels)])
    precision = np.concatenate([ridge, np.full(n_labels, bias_ridge)])
    problem = _Problem(
        np.stack(opinions, axis=1), truth * weight[:, None], weight * truth.sum(axis=1), center, precision
    )
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
