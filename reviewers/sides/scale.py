"""A scale: every answer as a point on the axis, those at one place above each other."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labeling.models import Belief, Vote
from reviewers.cards.asked import Asked
from reviewers.sides.registry import Column

WIDTH, EDGE, STEP, SIZE = 1000, 24, 22, 16
"""Of the drawing: its width, what is left free at both ends, from one point to the one above, a point's size."""


@dataclass(frozen=True, slots=True)
class Point:
    """A vote on the axis; `x`, `y`: the upper left corner of its sign; `taken`: the answer for the script."""

    vote: Vote
    x: float
    y: float
    taken: str


def lay_out(asked: Asked, columns: Sequence[Column], belief: Belief | None) -> dict[str, Any]:
    """The points, the ticks, and what is believed."""
    low, high = asked.space.values[0], asked.space.values[-1]
    values = [float(column.answer) for column in columns]
    height = STEP * max([*Counter(values).values(), 1])
    stack: Counter[float] = Counter()
    points = []
    for column, value in zip(columns, values, strict=True):
        stack[value] += 1
        label = column.vote.label
        x, y = _place(value, low, high) - SIZE / 2, height - STEP * stack[value]
        points.append(Point(column.vote, x, y, json.dumps({"label": label.pk, "place": label.name} if label else {})))
    every = max(len(asked.labels) // 10, 1)
    ticks = [(_place(at, low, high), label.name) for label, at in zip(asked.labels, asked.space.values, strict=True)]
    return {
        "points": points,
        "ticks": ticks[::every],
        "height": height,
        "axis": height + 2,
        "words": height + 22,
        "whole": height + 30,
        "believed": belief.label if belief else None,
        "labels": {column.vote.label_id for column in columns if column.vote.label_id},
    }


def _place(value: float, low: float, high: float) -> float:
    return EDGE + (WIDTH - 2 * EDGE) * (value - low) / max(high - low, 1e-300)
