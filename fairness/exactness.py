"""How near settled answers come to right ones, by the numbers of their kind, where right and wrong is not all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.checks.compared import Compared, compared, resampled
from labeling.checks.results import Checked
from labeling.kinds.measures.base import PartScore, Told
from labeling.models import Question
from labeling.reports.drawing.scales import Scale, spanning
from labeling.reports.estimates import MINIMUM, Measured, spread

MOST, RESAMPLES = 1000, 100
"""Of more checks an even part is compared."""


@dataclass(frozen=True, slots=True)
class Part:
    """One label or type: how often it was given and is right among the checks, and how far both are the same."""

    name: str
    given: int
    right: int
    precision: float | None
    recall: float | None
    f1: Measured
    kappa: Measured
    partial_f1: Measured


@dataclass(frozen=True, slots=True)
class Exactness:
    """Every number of the kind with its interval, and every part of the answers, from so many `checks`."""

    rows: tuple[tuple[Told, Measured], ...]
    parts: tuple[Part, ...]
    checks: int
    noun: str
    part: str

    @property
    def scale(self) -> Scale:
        """Of the shares."""
        return spanning((found for told, found in self.rows if told.unit == "percent"), top=1.0)

    @property
    def part_scale(self) -> Scale:
        """Of the parts' F1."""
        return spanning((part.f1 for part in self.parts), top=1.0)

    @property
    def has_kappa(self) -> bool:
        """Whether parts are a yes or a no, so that chance can agree."""
        return any(part.kappa.value is not None for part in self.parts)

    @property
    def has_partial(self) -> bool:
        """Whether parts can be nearly right."""
        return any(part.partial_f1.value is not None for part in self.parts)


def exactness(found: Checked, seed: int = 0) -> Exactness | None:
    """The numbers of the kind on the checks, weighted by how likely each was drawn; None where answers are one label.

    The intervals are the middle 95% of 100 resamples of the checks. Where all resamples agree, Wilson's of a share.
    """
    told = found.question.measures
    if found.question.votes_are_enough:
        return None
    n = int(found.checks.sum())
    if n < MINIMUM:
        few = Measured(None, estimable=False, reason=f"{n} of {MINIMUM} checked")
        return Exactness(tuple((one, few) for one in told.scores), (), n, told.noun, told.part)
    side = compared(found, MOST)
    draws = _draws(side.weight, seed)
    scores = [_score(found.question, side, at) for at in draws]
    rows = tuple(
        (one, spread([score[one.key] for score in scores], n, share=one.unit == "percent")) for one in told.scores
    )
    return Exactness(rows, _parts(found.question, side, draws), n, told.noun, told.part)


def _draws(weight: NDArray[np.float64], seed: int) -> list[NDArray[np.intp]]:
    """Indexes of the checks: all of them first, or, where they weigh differently, a large draw by weight; resamples."""
    n, rng = len(weight), np.random.default_rng(seed)
    chance = weight / weight.sum()
    first = np.arange(n) if np.allclose(weight, weight[0]) else rng.choice(n, size=4 * n, p=chance)
    return [first, *rng.choice(n, size=(RESAMPLES, n), p=chance)]


def _score(question: Question, side: Compared, at: NDArray[np.intp]) -> dict[str, Any]:
    found: dict[str, Any] = question.answers.score(*resampled(side, at), side.space)
    return found


def _parts(question: Question, side: Compared, draws: list[NDArray[np.intp]]) -> tuple[Part, ...]:
    each = [question.measures.by_part(*resampled(side, at), side.space) for at in draws]
    whole = question.measures.by_part(side.given, side.right, side.space)
    told: Callable[..., Measured] = partial(_of_part, each, len(side.weight))
    return tuple(
        Part(
            one.name,
            one.given,
            one.right,
            each[0][place].precision,
            each[0][place].recall,
            told(place, "f1", "percent"),
            told(place, "kappa", "plain"),
            told(place, "partial_f1", "percent"),
        )
        for place, one in enumerate(whole)
    )


def _of_part(each: list[tuple[PartScore, ...]], n: int, place: int, field: str, unit: str) -> Measured:
    return spread([getattr(parts[place], field) for parts in each], n, share=unit == "percent")
