"""People and models change: old answers count less, and a change for the worse or the better raises an alarm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from labeling.truth.votes import Floats, Ints

HALF_LIFE = 500.0
"""Further answers of an annotator after which an answer counts half."""
WORSE, BETTER = -1.2, 1.2
"""The changes that are looked for, on the logit scale: from 90% right to 73%, or to 97%."""
THRESHOLD = 7.6
"""Log of 2,000: without a change, at most one alarm in so many answers on average."""
FIRST = 20.0
"""Answers that the expectation from before is worth in the first reference."""


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm: with its answer number `at` (from 0) it was clear that an annotator had changed at about `since`.

    `before`, `after`: share of right answers up to then, and from then on.
    """

    at: int
    since: int
    before: float
    after: float


def ages(annotator: Ints) -> Floats:
    """How many answers the same annotator gave later, (V,); entries stand in the order in which they were given."""
    order = np.argsort(annotator, kind="stable")
    ranked = annotator[order]
    ends = np.searchsorted(ranked, ranked, side="right")
    age = np.empty(len(annotator))
    age[order] = ends - 1 - np.arange(len(annotator))
    return age


def discounts(annotator: Ints, half_life: float = HALF_LIFE) -> Floats:
    """What each answer counts now, (V,): 1 for the newest of an annotator, half after `half_life` more."""
    weight: Floats = 0.5 ** (ages(annotator) / half_life)
    return weight


def last_change(right: Floats, unaided: Floats, expected: float, n_labels: int) -> Change | None:
    """The latest alarm over one annotator's answers, oldest first; None where it stayed as it was.

    `right`, `unaided`: (n,) the chance that each answer is right, judged with it and without it. `expected`: accuracy
    assumed at the start. A CUSUM of log likelihood ratios against the accuracy up to then, one for each direction;
    after an alarm both begin anew.
    Source: Page 1954, Biometrika 41; self-starting as in Hawkins 1987, The Statistician 36.
    """
    found, start = None, 0
    while start < len(right):
        usual = _so_far(right[start:], expected)
        alarms = [_exceeds(_evidence(unaided[start:], usual, shift, n_labels)) for shift in (WORSE, BETTER)]
        alarm = min((alarm for alarm in alarms if alarm), default=None)
        if alarm is None:
            break
        at, since = start + alarm[0], start + alarm[1]
        found = Change(at, since, float(usual[alarm[1]]), float(right[since:].mean()))
        expected, start = float(right[since : at + 1].mean()), at + 1
    return found


def _so_far(right: Floats, expected: float) -> Floats:
    """Accuracy as it was before each answer, (n,)."""
    seen = np.concatenate([[0.0], np.cumsum(right)[:-1]])
    usual: Floats = np.clip((seen + FIRST * expected) / (np.arange(len(right)) + FIRST), 0.02, 0.98)
    return usual


def _evidence(unaided: Floats, usual: Floats, shift: float, n_labels: int) -> Floats:
    """Log likelihood ratio of each answer, (n,): accuracy shifted against accuracy as usual."""
    changed = scipy.special.expit(scipy.special.logit(usual) + shift)
    wrong = (1 - unaided) / max(n_labels - 1, 1)
    now = unaided * changed + wrong * (1 - changed)
    then = unaided * usual + wrong * (1 - usual)
    ratio: Floats = np.log(np.maximum(now, 1e-12)) - np.log(np.maximum(then, 1e-12))
    return ratio


def _exceeds(ratio: Floats) -> tuple[int, int] | None:
    """With which answer the sum since its lowest point passes the threshold, and where that point was."""
    total = np.concatenate([[0.0], np.cumsum(ratio)])
    lowest = np.minimum.accumulate(total)
    above = np.flatnonzero(total - lowest >= THRESHOLD)
    if not len(above):
        return None
    at = int(above[0])
    return at - 1, int(total[:at].argmin())
