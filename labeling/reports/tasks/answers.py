"""Answers of every kind as pages show them: in words, or as the stretches that they mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from labeling import said
from labeling.kinds.base import Space
from labeling.kinds.measures.base import quoted
from labeling.models import Belief, Label, Question, Task
from labeling.models.question import space_of


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer. `quotes`: what it marks in the text, each with its label; where there are any they say all."""

    words: str
    quotes: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """In one line of plain text."""
        return ", ".join(f"“{text}” {label}" for text, label in self.quotes) or self.words


@dataclass(frozen=True, slots=True)
class Chance:
    """Something that is believed, in `words`, with its probability now, and as it was when all was weighed last."""

    words: str
    probability: float
    before: float

    @property
    def moved(self) -> bool:
        """Whether later answers changed it by half a point or more."""
        return abs(self.probability - self.before) >= 0.005


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text, with the labels under which it is marked; none of plain text."""

    text: str
    labels: tuple[str, ...] = ()


class Reader:
    """Reads the answers to one question; takes its labels once."""

    def __init__(self, question: Question, labels: list[Label] | None = None) -> None:
        self.question = question
        self.labels = question.label_list() if labels is None else labels
        self.space: Space = space_of(self.labels)

    def row(self, row: said.Row | None, text: str) -> Shown | None:
        """What a vote, a belief or a decision says about a text; None for an abstention."""
        return None if row is None else self.plain(said.plain(row, self.labels), text)

    def gold(self, task: Task) -> Shown | None:
        """What the file knows."""
        return self.plain(said.gold(task, self.labels), task.text)

    def plain(self, found: Any, text: str) -> Shown | None:
        """An answer in plain form."""
        if found is None:
            return None
        answer = self.question.answers.from_marks(found, self.space)
        marked = self.question.measures.stretches(answer, self.space)
        quotes = tuple((quoted(text, start, end), label) for start, end, label in marked)
        return Shown(self.question.answers.words(answer, self.space), quotes)

    def chances(self, belief: Belief | None, text: str) -> tuple[Chance, ...]:
        """What is believed, most likely first."""
        if belief is None:
            return ()
        told = self.question.measures.chances
        now = told(belief.marks, belief.probabilities, self.space, text)
        then = told(belief.marks, belief.base, self.space, text)
        before = [p for _, p in then] if len(then) == len(now) else [p for _, p in now]
        rows = [Chance(words, float(p), float(b)) for (words, p), b in zip(now, before, strict=True)]
        return tuple(sorted(rows, key=lambda one: -one.probability))

    def pieces(self, row: said.Row | None, text: str) -> tuple[Piece, ...]:
        """The text cut where the stretches of an answer begin and end; empty where it marks none."""
        found = None if row is None else said.plain(row, self.labels)
        if found is None:
            return ()
        answer = self.question.answers.from_marks(found, self.space)
        return _cut(text, self.question.measures.stretches(answer, self.space))


def _cut(text: str, spans: Sequence[tuple[int, int, str]]) -> tuple[Piece, ...]:
    """The text in pieces between the edges of stretches."""
    edges = sorted({0, len(text), *(edge for start, end, _ in spans for edge in (start, end) if edge <= len(text))})
    pieces = []
    for first, last in pairwise(edges):
        inside = tuple(label for start, end, label in spans if start <= first and last <= end)
        pieces.append(Piece(text[first:last], inside))
    return tuple(pieces) if spans else ()
