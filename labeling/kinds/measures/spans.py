"""Stretches of text with types: how many are found, with exact borders and with near ones."""

from __future__ import annotations

from typing import Any

from labeling.kinds.base import Answers, Space
from labeling.kinds.measures.base import PartScore, Told, quoted
from labeling.truth.spans import scoring


class OfStretches:
    """Precision and recall of stretches, strict and partial, and agreement on code points."""

    noun = "answer"
    part = "type"
    right_where = "every stretch has its exact borders and its type, and none is missing"
    scores: tuple[Told, ...] = (
        Told("span_f1", "Strict F1", "percent", "stretches with exact borders and the right type"),
        Told("span_precision", "Strict precision", "percent", "of the stretches that were marked, how many are right"),
        Told("span_recall", "Strict recall", "percent", "of the right stretches, how many were marked"),
        Told("partial_f1", "Partial F1", "percent", "stretches that overlap a right one of their type"),
        Told("token_kappa", "κ by character", "plain", "each character of one type or none, beyond chance"),
        Told("accuracy", "Whole text right", "percent", "all stretches of a text are right"),
    )
    coefficients: tuple[Told, ...] = (
        Told("pairwise_span_f1", "Pairwise F1", "percent", "strict F1 of every two annotators"),
        Told("token_kappa", "κ by character", "plain", "each character of one type or none, beyond chance"),
    )
    pair = Told("span_f1", "Strict F1", "plain", "stretches that both mark alike")

    def by_part(self, answers: Answers, gold: Answers, space: Space) -> tuple[PartScore, ...]:
        """Each type's stretches."""
        given, right = [one.spans for one in answers], [one.spans for one in gold]
        exact = scoring.strict_by_type(given, right, len(space.labels))
        near = scoring.partial_by_type(given, right, len(space.labels))
        return tuple(
            PartScore(name, one.given, one.right, one.precision, one.recall, one.f1, partial_f1=other.f1)
            for name, one, other in zip(space.labels, exact, near, strict=True)
        )

    def stretches(self, answer: Any, space: Space) -> tuple[tuple[int, int, str], ...]:
        """All of them, in the order of the text."""
        return tuple((start, end, space.labels[label]) for start, end, label in answer.spans)

    def holding(self, place: int) -> str:
        """The type is the last of three numbers."""
        return rf", ?{place}\]"

    def chances(self, marks: Any, chances: list[float], space: Space, text: str) -> list[tuple[str, float]]:
        """Of each stretch with its type."""
        rows = zip(marks or (), chances, strict=False)
        return [(f"“{quoted(text, start, end)}” {space.labels[label]}", p) for (start, end, label), p in rows]


MEASURES = OfStretches()
