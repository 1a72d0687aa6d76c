"""Which way of choosing examples is best: fixed, random and nearest ones compared on known answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labeling.crowd.base import Answer, Brief, Example, Question
from labeling.crowd.errors import NeedsExamples
from labeling.crowd.shots import WAYS
from labeling.kinds.base import Kind, Space

MOST_TRIED = 48
"""So many known texts, at most, are asked once in each way."""
FEWEST_TRIED = 8
GROUPS = 20
NORMAL = 1.96
"""Half the width of a 95% interval in standard errors."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One way on the known answers: how many, and its score from 0 to 1 with a 95% interval."""

    way: str
    n: int
    score: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was compared and which way is kept.

    `score`: what is measured. `ahead`: how much the kept way is ahead of the best other one, with a 95% interval of the
    difference on the same texts. `sure`: the interval is above zero.
    """

    score: str
    kept: str
    rows: tuple[Tried, ...]
    ahead: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        return self.low > 0

    @property
    def words(self) -> str:
        """One sentence for the crowd page."""
        best = next(row for row in self.rows if row.way == self.kept)
        told = (
            f"Of {', '.join(row.way for row in self.rows)} examples {self.kept} ones did best on {best.n} known texts"
        )
        told += f": {best.score:.3f} ({self.score}, 95% interval {best.low:.3f} to {best.high:.3f})"
        gap = f"{self.ahead:+.3f}, 95% interval {self.low:+.3f} to {self.high:+.3f}"
        surely = "surely" if self.sure else "not surely"
        return f"{told}, {surely} better than the next ({gap})."


def compare(
    answers: Mapping[str, Sequence[Any]], gold: Sequence[Any], kind: Kind, space: Space, seed: int = 0
) -> Evidence:
    """Evidence from answers in each way to the same texts, None for an abstention, and the right ones.

    The score is the kind's first metric, where more of it is better, else its `merit`; an abstention counts as the
    answer that is furthest from the right one among those given. Intervals are by the jackknife that leaves out one of
    twenty groups of texts (Shao and Wu 1989). Of ways that score alike the plainest, in the order given, is kept.
    Raises NeedsExamples without any known text.
    """
    if not gold:
        raise NeedsExamples("No known answer is there to compare examples by; give more known answers.")
    group = np.random.default_rng(seed).permutation(len(gold)) % min(GROUPS, len(gold))
    filled = {way: _filled(said, gold, kind, space) for way, said in answers.items()}
    scored = {way: _scores(said, gold, group, kind, space) for way, said in filled.items()}
    rows = tuple(Tried(way, len(gold), float(s[0]), *_interval(s)) for way, s in scored.items())
    kept = max(rows, key=lambda row: round(row.score, 9)).way
    others = [row.way for row in rows if row.way != kept]
    if not others:
        return Evidence(_metric(kind), kept, rows, 0.0, 0.0, 0.0)
    second = max(others, key=lambda way: float(scored[way][0]))
    gap = scored[kept] - scored[second]
    return Evidence(_metric(kind), kept, rows, float(gap[0]), *_interval(gap))


def trial(brief: Brief, ask: Callable[[str, Sequence[Question]], Sequence[Answer | None]]) -> Evidence:
    """Ask known texts in each way and compare. `ask`: answers to questions in a way, None where none came.

    The texts are drawn by the brief's seed; no text is among its own examples. Raises NeedsExamples where fewer than
    eight are known.
    """
    if len(brief.examples) < FEWEST_TRIED:
        raise NeedsExamples(
            f"Examples are chosen on at least {FEWEST_TRIED} known answers, but there are {len(brief.examples)}; "
            "give more known answers or say examples=fixed."
        )
    drawn = _drawn(brief)
    questions = [example.question for example in drawn]
    answers = {way: [None if one is None else one.said for one in ask(way, questions)] for way in WAYS}
    return compare(answers, [example.said for example in drawn], brief.answers, brief.space, brief.seed)


def _drawn(brief: Brief) -> list[Example]:
    order = np.random.default_rng(brief.seed).permutation(len(brief.examples))[:MOST_TRIED]
    return [brief.examples[at] for at in order.tolist()]


def _filled(said: Sequence[Any], gold: Sequence[Any], kind: Kind, space: Space) -> list[Any]:
    """The answers, with the one that is most wrong in place of an abstention."""
    pool = [one for one in (*said, *gold) if one is not None]
    return [
        max(pool, key=lambda one: kind.differ(one, right, space)) if given is None else given
        for given, right in zip(said, gold, strict=True)
    ]


def _metric(kind: Kind) -> str:
    return kind.metrics[0]


def _scores(said: list[Any], gold: Sequence[Any], group: Any, kind: Kind, space: Space) -> Any:
    """The score on all texts, then on all but each group, (1 + groups,)."""
    every = [np.arange(len(gold)), *(np.flatnonzero(group != number) for number in range(group.max() + 1))]
    rows = every if len(gold) > 1 else every[:1]
    return np.array(
        [_score([said[i] for i in at], [gold[i] for i in at], kind, space) for at in map(np.ndarray.tolist, rows)]
    )


def _score(said: list[Any], gold: list[Any], kind: Kind, space: Space) -> float:
    told = kind.score(kind.pack(said, space), kind.pack(gold, space), space)
    return float(told.get("merit", told[_metric(kind)]) or 0.0)


def _interval(values: Any) -> tuple[float, float]:
    """95% around the first value, from the others, each without one group."""
    whole, without = float(values[0]), values[1:]
    if len(without) < 2:
        return whole, whole
    error = float(np.sqrt((len(without) - 1) * np.var(without)))
    return whole - NORMAL * error, whole + NORMAL * error
