"""A step of a scale: a row of steps that send at one press or, where there are many, a slider with an exact field."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from django.http import QueryDict

from labeling.kinds.cells import number
from labeling.models import Label
from reviewers.cards.asked import Asked, Option, Refused

MOST_IN_A_ROW = 12
DIGITS = 10


def read(told: QueryDict, asked: Asked) -> Any:
    """The name of the step that was pressed, or that stands at the number typed."""
    if told.get("label"):
        return asked.label(told["label"]).name
    typed = told.get("place", "").strip().replace("\u2212", "-").replace(",", ".")
    if not typed:
        raise Refused("Choose a step of the scale.")
    ends = f"{asked.labels[0].name} to {asked.labels[-1].name}"
    if number(typed) is None:
        raise Refused(f"“{typed[:40]}” is no number; the scale goes from {ends}.")
    low, high = asked.space.values[0], asked.space.values[-1]
    if not low <= float(typed) <= high:
        raise Refused(f"{typed[:40]} is outside the scale, which goes from {ends}.")
    step = _at(float(typed), asked)
    if step is None:
        raise Refused(f"{typed[:40]} is no step of the scale; the next one is {_nearest(float(typed), asked).name}.")
    return step.name


def shown(raw: Any, asked: Asked) -> dict[str, Any]:
    """The steps with their keys, and where the answer stands to begin with."""
    values = asked.space.values
    return {
        "steps": _steps(asked),
        "chosen": asked.by_name.get(str(raw)),
        "row": len(asked.labels) <= MOST_IN_A_ROW,
        "numeric": all(number(label.name) is not None for label in asked.labels),
        "low": asked.labels[0],
        "high": asked.labels[-1],
        "least": min((b - a for a, b in pairwise(values)), default=1.0),
        "middle": values[len(values) // 2],
        "negative": values[0] < 0,
        "begin": "" if raw is None else str(raw),
    }


def kept(told: QueryDict, asked: Asked) -> Any:
    """The step that was chosen, or the number as it was typed."""
    return asked.named(told.get("label")) or told.get("place") or None


def _steps(asked: Asked) -> list[Option]:
    """Steps that are whole numbers from 0 to 10 have the digit they are called; others one by their place."""
    named = [label.name for label in asked.labels]
    if all(name.isdecimal() and int(name) <= DIGITS for name in named):
        ten = "" if "0" in named else "0"
        return [Option(label, ten if label.name == "10" else label.name) for label in asked.labels]
    return asked.options


def _at(value: float, asked: Asked) -> Label | None:
    places = zip(asked.labels, asked.space.values, strict=True)
    return next((label for label, place in places if abs(place - value) < 1e-9), None)


def _nearest(value: float, asked: Asked) -> Label:
    places = list(zip(asked.labels, asked.space.values, strict=True))
    return min(places, key=lambda pair: abs(pair[1] - value))[0]
