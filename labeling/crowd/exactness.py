"""What reckoning coarsely costs: the same texts answered in float32 and in bf16 or int8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labeling.crowd.base import Answer, Brief, Question
from labeling.kinds.base import Kind

MOST = 32
"""So many texts, at most, are answered twice."""


@dataclass(frozen=True, slots=True)
class Exactness:
    """How a coarse model compares with itself in float32.

    `n`: texts; `same`: with the same answer. `known`: how many of them have a known answer; `metric`, `coarse`,
    `exact`: what is measured on those, None where none is known.
    """

    precision: str
    n: int
    same: int
    known: int = 0
    metric: str = ""
    coarse: float | None = None
    exact: float | None = None

    @property
    def words(self) -> str:
        """One sentence for the Crowd page."""
        told = f"In {self.precision} it says the same as in float32 about {self.same} of {self.n} texts"
        if self.coarse is None or self.exact is None:
            return f"{told}."
        return f"{told}; {self.metric} on {self.known} known ones {self.coarse:.3f} against {self.exact:.3f}."


def compared(
    brief: Brief,
    precision: str,
    coarse: Callable[[Sequence[Question]], Sequence[Answer]],
    exact: Callable[[Sequence[Question]], Sequence[Answer]],
) -> Exactness | None:
    """Ask known texts, and others where there are fewer than 32, in both ways; None where there is no text."""
    asked = [example.question for example in brief.examples][:MOST]
    known = len(asked)
    named = {question.task for question in asked}
    asked += [one for one in brief.texts if one.task not in named][: MOST - known]
    if not asked:
        return None
    kind, space = brief.answers, brief.space
    one, two = ([answer.said for answer in ask(asked)] for ask in (coarse, exact))
    same = sum(kind.written(a, space) == kind.written(b, space) for a, b in zip(one, two, strict=True))
    if not known:
        return Exactness(precision, len(asked), same)
    gold = [example.said for example in brief.examples][:MOST]
    scores = [_score(kind, said[:known], gold, brief) for said in (one, two)]
    return Exactness(precision, len(asked), same, known, kind.metrics[0], *scores)


def _score(kind: Kind, said: list[object], gold: list[object], brief: Brief) -> float:
    told = kind.score(kind.pack(said, brief.space), kind.pack(gold, brief.space), brief.space)
    return float(told[kind.metrics[0]] or 0.0)
