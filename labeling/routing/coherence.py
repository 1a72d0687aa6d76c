"""What an answer's frequency says about its meaning: beliefs before and after an answer must fit together.

The mean of P(k | T, a) over the answers, each as often as it is given, is the belief T from before. A paid model is led
astray by the tasks that lead the crowd astray, so that it contradicts a sure crowd less often than its confusion matrix
says, and is then right more often than Bayes' rule says. How often it answers what, q(a | T), is learnt from all
answers, with or without a known label. So the joint law of label and answer is the one with the matrix's odds and these
margins: P(k, a | T) = u_k C[k, a] v_a, sum_a = T_k, sum_k = q_a.
Source: Deming and Stephan 1940 (iterative proportional fitting).
"""

from __future__ import annotations

import numpy as np

from labeling.truth.log_linear import OPINION_FLOOR
from labeling.truth.votes import Floats

ROUNDS = 8
"""Fittings in turn: on the recorded sets the correction is then within .005 of its limit."""
RAREST = 1e-4
"""No answer is thought to be rarer than this under a label: margins could else not be met."""


def correction(belief: Floats, chance: Floats, confusion: Floats) -> Floats:
    """log(u_k / T_k), what to add to log T_k + log C[k, a] so that margins are met, (n, K); its mean is 0.

    `belief`: (n, K), `chance`: (n, K + 1) of each answer, `confusion`: (K, K + 1). Where the chances are those that
    belief and matrix imply, it is 0. Cost O(n K^2).
    """
    label, odds, column = np.maximum(belief, OPINION_FLOOR), np.maximum(confusion, RAREST), np.ones_like(chance)
    for _ in range(ROUNDS):
        row = label / (column @ odds.T)
        column = chance / (row @ odds)
    logs: Floats = np.log(row / label)
    logs -= logs.mean(axis=1, keepdims=True)
    return logs
