"""What a report tells of a kind of answers: the names of its numbers, and how single parts of answers fare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from labeling.kinds.base import Answers, Space
from labeling.truth.votes import Bools

LONGEST = 80
"""Code points of a quote that are shown; of a longer one the beginning."""
Unit = Literal["percent", "plain"]


@dataclass(frozen=True, slots=True)
class Told:
    """A number that the kind computes under `key`: its name and meaning as people read them.

    `unit`: percent for a share, plain for a coefficient or a distance. `more`: whether more of it is better.
    """

    key: str
    name: str
    unit: Unit
    about: str
    more: bool = True


@dataclass(frozen=True, slots=True)
class PartScore:
    """How one part of answers fares against right ones: `given` so often, `right` so often, shares None without any."""

    name: str
    given: int
    right: int
    precision: float | None
    recall: float | None
    f1: float | None
    kappa: float | None = None
    partial_f1: float | None = None


class Measures(Protocol):
    """Names for a kind's numbers.

    `noun`: what an answer is called; `part`: what one of its traits is called. `right_where`: when a whole answer is
    right, the second half of a sentence. `scores`: what `Kind.score` computes, `coefficients`: what `Kind.agreement`
    computes, each in the order of a page; the second coefficient is the one that a headline rests on. `pair`: what is
    told of every two annotators.
    """

    noun: str
    part: str
    right_where: str
    scores: tuple[Told, ...]
    coefficients: tuple[Told, ...]
    pair: Told

    def by_part(self, answers: Answers, gold: Answers, space: Space) -> tuple[PartScore, ...]:
        """Every part for itself, in the order of the labels; none where an answer has one part."""

    def stretches(self, answer: Any, space: Space) -> tuple[tuple[int, int, str], ...]:
        """What the answer marks in the text: start, end and label of each; none where answers lie in no text."""

    def holding(self, place: int) -> str:
        """A regular expression that finds the label at this place in the JSON of an answer; empty for one label."""

    def chances(self, marks: Any, chances: list[float], space: Space, text: str) -> list[tuple[str, float]]:
        """What a table holds of a belief (`Kind.chances`), each number with its words."""


class InOnePart:
    """What `Measures` tells where an answer has one part and stands in a column of its own: a label, a step."""

    def by_part(self, answers: Answers, gold: Answers, space: Space) -> tuple[PartScore, ...]:
        """None."""
        return ()

    def stretches(self, answer: Any, space: Space) -> tuple[tuple[int, int, str], ...]:
        """None."""
        return ()

    def holding(self, place: int) -> str:
        """None."""
        return ""

    def chances(self, marks: Any, chances: list[float], space: Space, text: str) -> list[tuple[str, float]]:
        """Each label's or step's."""
        return list(zip(space.labels, chances, strict=False))


def quoted(text: str, start: int, end: int) -> str:
    """The words of a stretch, in one line."""
    words = " ".join(text[start:end].split())
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}…"


def binary(names: tuple[str, ...], said: Bools, true: Bools) -> tuple[PartScore, ...]:
    """Parts that are a yes or a no: (n, P) each. Kappa is Cohen's, None where one side is all alike."""
    both, given, right = (said & true).sum(axis=0), said.sum(axis=0), true.sum(axis=0)
    rows = zip(names, both.tolist(), given.tolist(), right.tolist(), _kappa(said, true), strict=True)
    return tuple(
        PartScore(name, g, r, _share(b, g), _share(b, r), _share(2 * b, g + r), kappa) for name, b, g, r, kappa in rows
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _kappa(said: Bools, true: Bools) -> list[float | None]:
    if not len(said):
        return [None] * said.shape[1]
    p, q = said.mean(axis=0), true.mean(axis=0)
    observed, expected = (said == true).mean(axis=0), p * q + (1 - p) * (1 - q)
    free = np.where(expected < 1 - 1e-12, 1 - expected, np.nan)
    found = (observed - expected) / free
    return [None if np.isnan(value) else float(value) for value in found.tolist()]


RAW = Told("raw_agreement", "Raw agreement", "percent", "two answers to one task are the same")
ALPHA = Told("krippendorff_alpha", "Krippendorff’s α", "plain", "agreement beyond chance")
AC1 = Told("gwet_ac1", "Gwet’s AC1", "plain", "agreement beyond chance, steady where one label is common")
FLEISS = Told("fleiss_kappa", "Fleiss’ κ", "plain", "agreement beyond chance, of equally many answers")
