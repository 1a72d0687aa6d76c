"""Beliefs: how unsure they are, and keeping them safe to multiply."""

from __future__ import annotations

import numpy as np

from labeling.truth.expectation import softmax
from labeling.truth.votes import Floats

FLOOR = 1e-12
"""The smallest probability a belief keeps: no evidence can be so strong that nothing overturns it."""


def entropy(belief: Floats) -> Floats:
    """Uncertainty of each row in bits, (...,) for a belief (..., K): 0 where certain, log2 K where anything goes."""
    logs = np.log2(np.where(belief > 0, belief, 1.0))
    bits: Floats = -(belief * logs).sum(axis=-1)
    return np.maximum(bits, 0.0)


def margin(belief: Floats) -> Floats:
    """Largest minus second largest probability of each row, shape (...,); 1 where there is one label only."""
    if belief.shape[-1] < 2:
        return np.ones(belief.shape[:-1])
    top = np.partition(belief, -2, axis=-1)
    gap: Floats = top[..., -1] - top[..., -2]
    return gap


def clipped(belief: Floats, floor: float = FLOOR) -> Floats:
    """Rows with every entry at least about `floor`, summing to 1; a row of zeros becomes equal shares."""
    safe = np.maximum(belief, floor)
    rows: Floats = safe / safe.sum(axis=-1, keepdims=True)
    return rows


def log_belief(belief: Floats, floor: float = FLOOR) -> Floats:
    """Natural logarithm of `clipped(belief)`."""
    logs: Floats = np.log(clipped(belief, floor))
    return logs


def from_logits(logits: Floats) -> Floats:
    """Normalised exp(logits) with the floor of `clipped`, shape (..., K) for logits (..., K)."""
    flat = softmax(logits.reshape(-1, logits.shape[-1]))
    return clipped(flat.reshape(logits.shape))
