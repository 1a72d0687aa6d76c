"""One label out of several: an answer is right or wrong, and nothing beside."""

from __future__ import annotations

from typing import Any

from labeling.kinds.base import Answers, Space
from labeling.kinds.measures.base import AC1, ALPHA, FLEISS, RAW, PartScore, Told


class OfOneLabel:
    """The share of right labels is all there is to say."""

    noun = "label"
    part = "label"
    right_where = "it is the right label"
    scores: tuple[Told, ...] = (Told("accuracy", "Accuracy", "percent", "the label is right"),)
    coefficients: tuple[Told, ...] = (RAW, ALPHA, AC1, FLEISS)
    pair = Told("kappa", "Cohen’s κ", "plain", "agreement beyond chance")

    def by_part(self, answers: Answers, gold: Answers, space: Space) -> tuple[PartScore, ...]:
        """None: an answer has one part."""
        return ()

    def stretches(self, answer: Any, space: Space) -> tuple[tuple[int, int, str], ...]:
        """None."""
        return ()

    def holding(self, place: int) -> str:
        """None: a label stands in its own column."""
        return ""

    def chances(self, marks: Any, chances: list[float], space: Space, text: str) -> list[tuple[str, float]]:
        """Each label's."""
        return list(zip(space.labels, chances, strict=False))


MEASURES = OfOneLabel()
