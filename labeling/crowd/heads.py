"""From features to answers of each kind: which unknowns are learned, and how their probabilities become an answer.

A set of labels is a yes or no for each; a place on a scale is a "further up than this?" for each step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.crossfit import Column, CrossFitted, Fit, Floats, Folds
from labeling.crowd.errors import NeedsExamples
from labeling.crowd.steps import Steps

SHRINK = 4.0
"""Examples with a label that pull its own threshold half of the way from the common one."""
MOST_TAKEN = 2.0
"""A threshold takes at most so many times as many as are right: a weak model would have its best F1 by taking all."""


class Head(Protocol):
    """What was learned from the examples' features."""

    def __init__(self, fit: Fit, features: Any, brief: Brief, name: str) -> None: ...

    def answers(self, questions: Sequence[Question], features: Any, digits: int) -> list[Answer]:
        """An answer for each row of `features`, by a model that did not see its label; probabilities are rounded."""


def head(
    fit: Fit, view: Callable[[Sequence[Question]], Any], questions: Sequence[Question], brief: Brief, name: str
) -> Head:
    """The head for the brief's kind. Raises NeedsExamples where too little is known."""
    needs(brief, name)
    return HEADS[brief.kind](fit, view(questions), brief, name)


def needs(brief: Brief, name: str) -> None:
    """Raises NeedsExamples where the known answers do not differ, or belong to one text."""
    texts = {example.question.content for example in brief.examples}
    answers = {brief.written(example) for example in brief.examples}
    if len(texts) < 2 or len(answers) < 2:
        raise NeedsExamples(
            f"{name} learns from tasks whose label is known and needs at least two of different labels, but there "
            f"are {len(brief.examples)} of {len(answers)}; give more known labels or leave {name} out of the crowd."
        )


class ChoiceHead(CrossFitted):
    """One label: the most likely one."""

    def answers(self, questions: Sequence[Question], features: Any, digits: int) -> list[Answer]:
        rows = np.round(self.probabilities(questions, features), digits)
        return [choice_answer(row) for row in rows / rows.sum(axis=1, keepdims=True)]


def choice_answer(row: Floats) -> Answer:
    """The most likely label, (K,)."""
    return Answer(int(row.argmax()), tuple(row.tolist()))


class ChoicesHead:
    """One yes or no a label, each above a threshold that gives the best F1 on known answers it did not see."""

    def __init__(self, fit: Fit, features: Any, brief: Brief, name: str) -> None:
        kind, space = brief.answers, brief.space
        _, said = kind.traits(kind.pack([example.said for example in brief.examples], space), space)
        self._folds = Folds(brief.examples, brief.seed)
        self._columns = [Column(fit, features, said[:, k].astype(int), 2, self._folds) for k in range(said.shape[1])]
        held_out = np.stack([column.held_out[:, 1] for column in self._columns], axis=1)
        outside = [self._folds.of_example != number for number in range(self._folds.count)]
        outside.append(np.ones(len(said), dtype=bool))
        self._thresholds = np.stack([thresholds(held_out[rows], said[rows]) for rows in outside])

    def answers(self, questions: Sequence[Question], features: Any, digits: int) -> list[Answer]:
        which = np.array([self._folds.model_for(question) for question in questions])
        yes = np.stack([column.probabilities(which, features)[:, 1] for column in self._columns], axis=1)
        rows = np.round(yes, digits)
        return [choices_answer(row, limit) for row, limit in zip(rows, self._thresholds[which], strict=True)]


def choices_answer(yes: Floats, threshold: Floats | float = 0.5) -> Answer:
    """The labels whose chance reaches the threshold, (K,) each."""
    return Answer(None, tuple(yes.tolist()), said=(yes >= threshold).astype(np.int8))


def thresholds(yes: Floats, said: Any) -> Floats:
    """For each label the chance from which saying yes gives the best F1, (K,), from chances and truths, (n, K).

    A label's own threshold is drawn towards the one that is best for all together, the more the fewer examples have it.
    """
    common = _best_threshold(yes.ravel(), said.ravel())
    count = said.sum(axis=0)
    own = np.array([_best_threshold(yes[:, k], said[:, k]) if count[k] else common for k in range(said.shape[1])])
    drawn: Floats = (count * own + SHRINK * common) / (count + SHRINK)
    return drawn


def _best_threshold(yes: Floats, said: Any) -> float:
    """Half-way between the last chance that is taken and the first that is not, where F1 is greatest; else a half."""
    order = np.argsort(-yes, kind="stable")
    ranked, hits = yes[order], np.cumsum(said[order])
    f1 = 2 * hits / (np.arange(1, len(yes) + 1) + max(int(said.sum()), 1))
    f1[:-1][ranked[:-1] == ranked[1:]] = -1.0  # equal chances are taken together
    f1[max(int(MOST_TAKEN * said.sum()), 1) :] = -1.0
    best = int(f1.argmax())
    if f1[best] <= 0:
        return 0.5
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


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


HEADS: dict[str, type[Head]] = {"choice": ChoiceHead, "choices": ChoicesHead, "scale": ScaleHead}
"""By the name of the kind."""
