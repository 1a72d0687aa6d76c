"""Which tasks come first by a score: LMCrowd's rule when every task has its own belief and one model answers."""

from __future__ import annotations

import numpy as np

from labeling.truth.belief import entropy
from labeling.truth.votes import Bools, Floats, Ints

TIE_DECIMALS = 9
"""Scores that agree to this many decimals are ties: rounding errors must not decide who is asked."""


def most_uncertain(belief: Floats, k: int, allowed: Bools | None = None, *, seed: int = 0) -> Ints:
    """The `k` tasks of largest entropy, the most uncertain one first.

    `belief`: (n, K). `allowed`: (n,), False where a task must not be asked again. Returns indexes, (min(k, allowed),).
    With independent tasks and one symmetric relabeler this is the best set of size k for LMCrowd's objective: H(A)
    is a sum over tasks and each term falls with the distance of the belief from even odds. Ties as in `largest`.
    """
    return largest(entropy(belief), k, allowed, seed=seed)


def largest(score: Floats, k: int, allowed: Bools | None = None, *, seed: int = 0) -> Ints:
    """The indexes of the `k` largest scores, largest first; equal ones in a random order that `seed` fixes.

    `score`: (n,), -inf where a task is out of the question; nan is refused with a ValueError. The order of two tasks
    does not depend on `k` or on `allowed`, so asking for more tasks only adds to the list. Cost O(n + k log k).
    """
    if np.isnan(score).any():
        raise ValueError("A score is not a number; give every task a score, or -inf to leave it out.")
    open_to = score > -np.inf if allowed is None else allowed & (score > -np.inf)
    tasks = np.flatnonzero(open_to)
    k = min(max(k, 0), len(tasks))
    if not k:
        return np.empty(0, dtype=np.int32)
    key = -np.round(score[tasks], TIE_DECIMALS)
    near = key <= np.partition(key, k - 1)[k - 1]
    tasks, key = tasks[near], key[near]
    lot = np.random.default_rng(seed).permutation(len(score))[tasks]
    first: Ints = tasks[np.lexsort((lot, key))[:k]].astype(np.int32)
    return first
