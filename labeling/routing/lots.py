"""A random number for each task that anyone can compute again: who is drawn depends on nothing else."""

from __future__ import annotations

from hashlib import sha256


def lot(seed: str, task: str) -> float:
    """A number in [0, 1): the first 53 bits of SHA-256 of "seed/task", divided by 2^53.

    As good as drawn by lot, the same at every call. A task is drawn where its number is at most a cut, so a larger
    sample contains every smaller one, and tasks that come later are drawn with the same probability
    (permanent random numbers: Ohlsson 1995, in Business Survey Methods).
    """
    return (int.from_bytes(sha256(f"{seed}/{task}".encode()).digest()[:8]) >> 11) / 2**53
