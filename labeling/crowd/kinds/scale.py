"""A place on a scale: its steps, or a number between its ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from labeling.crowd import answers
from labeling.crowd.base import Answer, Brief, LabelSet, Question
from labeling.crowd.crossfit import Column, Fit, Floats, Folds, rounded_chances
from labeling.crowd.kinds.base import Ways, Wording
from labeling.crowd.kinds.reading import by_json, under
from labeling.crowd.steps import Steps, has_steps
from labeling.kinds.base import Space
from labeling.kinds.cells import number

VALUES = ("value", "rating", "score", "step", "answer", "label", "grade")
WORDS = Wording(
    "You rate texts.",
    "Choose the step of the scale that fits best; the steps, from the lowest to the highest:",
    '{"value": <the step>}.',
    "Reply with the step alone.",
    'Your last reply named no step of the scale. Reply with nothing but {"value": ...}, naming one of them.',
    "Value",
)
WORDS_OF_NUMBERS = Wording(
    "You rate texts.",
    "Give a number on a scale; its ends, the lowest and the highest:",
    '{"value": <a number between the ends>}.',
    "Reply with the number alone.",
    'Your last reply named no number of the scale. Reply with nothing but {"value": ...}, between the ends.',
    "Value",
)
"""Where the labels are two ends, or too many to be steps."""


def _wording(space: Space) -> Wording:
    return WORDS if not space.values or has_steps(space) else WORDS_OF_NUMBERS


def _tidy_value(value: Any, brief: Brief) -> Any:
    told = under(value, VALUES)
    told = told[0] if isinstance(told, list) and len(told) == 1 else told
    return _plain_value(told, brief) if isinstance(told, str) else None


def _plain_value(text: str, brief: Brief) -> Any:
    """A step as `answers` reads a label; of a scale of numbers the one number that there is."""
    space = brief.space
    if number(text.strip()) is not None and number(space.labels[0]) is not None:
        return {"value": text.strip()}
    if has_steps(space):
        step = answers.parse_label(text, LabelSet(space.labels))
        return None if step is None else {"value": space.labels[step]}
    found = re.findall(r"(?<![\w.])[+-]?\d+(?:\.\d+)?(?![\w%])", text)
    return {"value": found[0]} if len(found) == 1 else None


class ScaleHead:
    """For each step a yes or no to "further up than this?", together the chances of the steps, and their median.

    Source: Frank and Hall 2001, A Simple Approach to Ordinal Classification. Of a scale with many values or none but
    its ends, the steps are stretches that hold equally many known answers.
    """

    def __init__(self, fit: Fit, features: Any, brief: Brief, name: str) -> None:
        known = np.array([float(example.said) for example in brief.examples])
        self._steps = Steps.of(brief.space, known)
        self._folds = Folds(brief.examples, brief.seed)
        step = self._steps.nearest(known)
        borders = range(len(self._steps.values) - 1)
        above = [(step > k).astype(int) for k in borders]
        self._columns = [Column(fit, features, one, 2, self._folds, shifted=True) for one in above]

    def answers(self, questions: Sequence[Question], features: Any, digits: int) -> list[Answer]:
        which = np.array([self._folds.model_for(question) for question in questions])
        above = np.stack([column.probabilities(which, features)[:, 1] for column in self._columns], axis=1)
        return [self._steps.answer(row) for row in np.round(self._steps.chances(above), digits)]


class _Steps:
    whole = False

    def __init__(self, brief: Brief) -> None:
        self._steps, space = Steps.plain(brief.space), brief.space
        numbers = tuple(f"{value:g}" for value in self._steps.values)
        self.continuations = space.labels if has_steps(space) else numbers

    def answer(self, scores: Floats, digits: int) -> Answer:
        return self._steps.answer(rounded_chances(scores, digits))


def _of_classes(row: Floats, brief: Brief, threshold: float) -> Answer:
    steps = Steps(np.array(brief.space.values), Steps.plain(brief.space).between)
    return steps.answer(row) if row.sum() > 0 else Answer(None)


def _of_numbers(places: Floats, low: float, high: float, brief: Brief) -> list[Answer]:
    first, *_, last = brief.space.values
    if low != high:
        places = first + (places - low) / (high - low) * (last - first)
    return [Answer(None, said=float(place)) for place in np.clip(places, first, last).tolist()]


WAYS = Ways(
    "scale",
    "any specialist, causal:, embedding:, pipeline: and chat:",
    wording=_wording,
    read=by_json(_tidy_value, _plain_value),
    head=ScaleHead,
    scored=_Steps,
    by_classes=_of_classes,
    by_number=_of_numbers,
    form="a number or a step",
)
