"""What suggestions do to the answers of people: how many follow them, adopt right and wrong ones, and at what time.

Pure numbers. The same people answer many tasks, so intervals come from drawing people, not answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairness.intervals import Estimate

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
NONE = -1
"""Stands for no label."""
DRAWS = 1000
LEAST_PEOPLE = 2
FEW_PEOPLE = "one person alone"


@dataclass(frozen=True, slots=True)
class Assisted:
    """Answers of people who saw a suggestion, (n,) each, labels as indexes, -1 for none.

    `before`, `gold` and the seconds are None where they were not recorded; single seconds may be nan.
    """

    worker: Ints
    shown: Ints
    after: Ints
    before: Ints | None = None
    gold: Ints | None = None
    seconds_before: Floats | None = None
    seconds_after: Floats | None = None

    def only(self, rows: Bools) -> Assisted:
        """Some of the answers, (n,)."""
        rest = (self.before, self.gold, self.seconds_before, self.seconds_after)
        some: list[Any] = [None if part is None else part[rows] for part in rest]
        return Assisted(self.worker[rows], self.shown[rows], self.after[rows], *some)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of `n` answers."""

    n: int
    share: Estimate


@dataclass(frozen=True, slots=True)
class Report:
    """`shares` by name, in the order in which they are told; `seconds`: medians by name."""

    answers: int
    people: int
    shares: dict[str, Share]
    seconds: dict[str, float]


def measure(answers: Assisted, seed: int = 0, level: float = 0.95) -> Report:
    """Every share that the recorded columns allow.

    `followed`: of the answers with a suggestion, those that say what it said. `right_before`, `right_after`: of those
    with a known label; no label is not right. `adopted_right`, `adopted_wrong`: of the answers that said another label
    before than the one shown, those that say the shown one after, where that is right and where it is wrong.
    `put_right`, `led_astray`: of the wrong ones before, those right after, and of the right ones, those wrong after.
    """
    generator = np.random.default_rng(seed)
    people, worker = np.unique(answers.worker, return_inverse=True)
    lots = generator.multinomial(len(people), np.full(len(people), 1 / max(len(people), 1)), DRAWS)
    shares = {
        name: Share(int(of.sum()), _estimate(hit, of, worker.ravel(), lots, level))
        for name, hit, of in _counted(answers)
    }
    return Report(len(answers.after), len(people), shares, dict(_medians(answers)))


def _counted(answers: Assisted) -> Iterator[tuple[str, Bools, Bools]]:
    """Each share by name: which answers count, and out of which."""
    shown, after, before, gold = answers.shown, answers.after, answers.before, answers.gold
    offered = shown != NONE
    yield "followed", after == shown, offered
    if gold is None:
        return
    known = gold != NONE
    yield "suggestion_right", shown == gold, offered & known
    if before is not None:
        yield "right_before", before == gold, known
    yield "right_after", after == gold, known
    if before is None:
        return
    differed = offered & known & (before != NONE) & (before != shown)
    yield "adopted_right", after == shown, differed & (shown == gold)
    yield "adopted_wrong", after == shown, differed & (shown != gold)
    yield "put_right", after == gold, known & offered & (before != gold)
    yield "led_astray", after != gold, known & offered & (before == gold)


def _estimate(hit: Bools, of: Bools, worker: Ints, lots: Ints, level: float) -> Estimate:
    """The share with the middle of what drawing people anew gives; undefined where there is nothing to divide by."""
    n = int(of.sum())
    if not n:
        return Estimate(None, None, None, False, "undefined, no such answer")
    value = float((hit & of).sum() / n)
    if len(np.unique(worker[of])) < LEAST_PEOPLE:
        return Estimate(value, None, None, True, FEW_PEOPLE)
    size = lots.shape[1]
    up, all_of = (lots @ np.bincount(worker, weights=part, minlength=size) for part in (hit & of, of))
    low, high = np.quantile(up[all_of > 0] / all_of[all_of > 0], [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high))


def _medians(answers: Assisted) -> Iterator[tuple[str, float]]:
    for name in ("seconds_before", "seconds_after"):
        seconds = getattr(answers, name)
        if seconds is not None and not np.isnan(seconds).all():
            yield name, float(np.nanmedian(seconds))
