"""How far the crowd's belief is to be trusted beside the answers: one weight and a bias a label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.truth.expectation import softmax
from labeling.truth.votes import Floats

TRUST, RIDGE = 1.0, 20.0
"""Weight of the crowd's log belief before anything is learnt, and how firmly that is held."""
BIAS_RIDGE = 2.0
LARGEST_STEP = 0.5
HEAVIEST = 1.5


@dataclass(frozen=True, slots=True)
class CrowdWeight:
    """P(k | crowd) is proportional to exp(weight log T_k + bias_k), T the crowd's own belief; `bias`: (K,)."""

    weight: float
    bias: Floats

    @classmethod
    def as_told(cls, n_labels: int) -> CrowdWeight:
        """The crowd's belief as it stands."""
        return cls(TRUST, np.zeros(n_labels))

    def scores(self, logs: Floats) -> Floats:
        """Unnormalised log beliefs, (n, K), from the crowd's, (n, K)."""
        scores: Floats = self.weight * logs + self.bias
        return scores

    def improved(self, logs: Floats, belief: Floats) -> CrowdWeight:
        """One Newton step towards the weight and bias that foretell `belief`, (n, K), best: a multinomial regression.

        A step is cut where it is long, because the belief itself still moves while all is learnt together.
        """
        told = softmax(self.scores(logs))
        missed = belief - told
        mean = (told * logs).sum(axis=1, keepdims=True)
        away = told * (logs - mean)
        gradient = np.append(missed.sum(axis=0) - BIAS_RIDGE * self.bias, (missed * logs).sum())
        gradient[-1] -= RIDGE * (self.weight - TRUST)
        curvature = np.zeros((len(gradient), len(gradient)))
        curvature[:-1, :-1] = np.diag(told.sum(axis=0) + BIAS_RIDGE) - told.T @ told
        curvature[:-1, -1] = curvature[-1, :-1] = away.sum(axis=0)
        curvature[-1, -1] = (away * logs).sum() + RIDGE
        step = np.clip(np.linalg.solve(curvature, gradient), -LARGEST_STEP, LARGEST_STEP)
        return CrowdWeight(float(np.clip(self.weight + step[-1], 0.0, HEAVIEST)), self.bias + step[:-1])
