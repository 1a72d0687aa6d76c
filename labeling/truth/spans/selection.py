"""Stretches out of beliefs: overlaps resolved so that total belief is greatest, for the best expected F1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.truth.spans.candidates import Candidates
from labeling.truth.spans.marks import Indexes
from labeling.truth.votes import Floats

MOST_STEPS = 30
STEP = 1e-4


@dataclass(frozen=True, slots=True)
class Selection:
    """`chosen`: indexes of the chosen candidates; `label`: the type of each; `threshold`: the least belief chosen."""

    chosen: Indexes
    label: Indexes
    threshold: float


def select(candidates: Candidates, belief: Floats) -> Selection:
    """The candidates without overlap that have the best expected F1.

    `belief`: (C, T). Expected F1 = 2 sum of chosen beliefs / (number chosen + expected number of true stretches), the
    last being the sum of all beliefs: more than one annotator marks, since everybody misses some. The best set holds
    what exceeds half of that F1 (Dinkelbach 1967, doi 10.1287/mnsc.13.7.492), found by repeating.
    """
    best, total, threshold = belief.max(axis=1, initial=0.0), float(belief.sum()), 0.0
    chosen = np.zeros(0, dtype=np.int64)
    for _ in range(MOST_STEPS):
        chosen = without_overlap(candidates.first, candidates.last, best - threshold)
        half = float(best[chosen].sum()) / max(len(chosen) + total, 1e-300)
        if abs(half - threshold) < STEP:
            break
        threshold = half
    label = belief[chosen].argmax(axis=1) if len(chosen) else chosen
    return Selection(chosen, label, threshold)


def without_overlap(first: Indexes, last: Indexes, worth: Floats) -> Indexes:
    """Stretches that do not overlap and whose total worth is greatest, by dynamic programming; indexes, ascending.

    `first`, `last`: (C,) in one line. Stretches worth nothing or less are left out. Cost O(C log C).
    Source: weighted interval scheduling, Kleinberg and Tardos, Algorithm Design, section 6.1.
    """
    able = np.flatnonzero(worth > 0)
    able = able[np.lexsort((first[able], last[able]))]
    before = np.searchsorted(last[able], first[able], side="right").tolist()
    totals, taken = [0.0], []
    for at, (gain, free) in enumerate(zip(worth[able].tolist(), before, strict=True)):
        with_it = totals[free] + gain
        taken.append(with_it > totals[at])
        totals.append(max(with_it, totals[at]))
    kept, at = [], len(able)
    while at > 0:
        at -= 1
        if taken[at]:
            kept.append(at)
            at = before[at]
    return np.sort(able[kept]) if kept else able[:0]
