"""Stretches of text: the text with a lane under its lines for each voter, and a row for each stretch they differ on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from labeling.models import Belief, Label, Vote
from reviewers.cards.asked import Asked, Part
from reviewers.sides.registry import Column
from reviewers.templatetags.people import hue

LANES = 8
Span = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """Text between two borders; `lanes`: (lane, hue) of what lies on it."""

    text: str
    lanes: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """Words that somebody marked, and each voter's types for exactly these words; none where they marked nothing."""

    words: str
    said: list[tuple[Vote, list[Label]]]

    @property
    def differs(self) -> bool:
        return len({tuple(label.pk for label in labels) for _, labels in self.said}) > 1


def lay_out(asked: Asked, columns: Sequence[Column], belief: Belief | None) -> dict[str, Any]:
    """The parts in pieces, the voters with their lanes, and the stretches: those in dispute first."""
    rows = _rows(asked, columns)
    lanes = [list(column.answer.spans) for column in columns[:LANES]]
    return {
        "parts": [(part.title, _pieces(part, lanes)) for part in asked.parts],
        "columns": [
            (column.vote, lane if lane < LANES else None, _taken(column.answer.spans, asked))
            for lane, column in enumerate(columns)
        ],
        "rows": sorted(rows, key=lambda row: not row.differs),
        "none": "Nothing to mark",
        "said": "nothing to mark",
        "labels": {label.pk for row in rows if row.differs for _, labels in row.said for label in labels},
    }


def _rows(asked: Asked, columns: Sequence[Column]) -> list[Row]:
    text = "\n".join(part.text for part in asked.parts)
    places = sorted({span[:2] for column in columns for span in column.answer.spans})

    def said(column: Column, place: tuple[int, int]) -> list[Label]:
        return [asked.labels[label] for start, end, label in column.answer.spans if (start, end) == place]

    return [Row(text[a:b], [(column.vote, said(column, (a, b))) for column in columns]) for a, b in places]


def _pieces(part: Part, lanes: Sequence[Sequence[Span]]) -> list[Piece]:
    """The part cut wherever a stretch begins or ends. Two stretches of one voter on the same words share a lane."""
    inside = [
        (max(start, part.start), min(end, part.end), lane, hue(label))
        for lane, spans in enumerate(lanes)
        for start, end, label in spans
        if start < part.end and end > part.start
    ]
    borders = sorted({part.start, part.end} | {edge for start, end, *_ in inside for edge in (start, end)})
    pieces = []
    for start, end in pairwise(borders):
        on = {lane: colour for first, last, lane, colour in inside if first <= start and last >= end}
        pieces.append(Piece(part.text[start - part.start : end - part.start], tuple(sorted(on.items()))))
    return pieces


def _taken(spans: Sequence[Span], asked: Asked) -> list[list[int]]:
    return [[start, end, asked.labels[label].pk] for start, end, label in spans]
