"""Learning from the validation slice without ever voting on what was learned."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.crowd.base import Brief, Example, Question
from labeling.crowd.errors import NeedsExamples

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Predict = Callable[[Any], Floats]
"""Rows of features in, log-scores out, shape (rows, labels)."""
Fit = Callable[[Any, Ints, int], Predict]
"""Rows of features, label indexes of shape (rows,), number of labels in; the fitted model out."""

FOLDS = 10
FLOOR = -9.0
"""No label is ever less likely than exp(-9) in the eyes of a specialist."""


class CrossFitted:
    """One model for new questions and one for each fold of the examples.

    `features` has a row for each example. Equal texts share a fold, so a text that occurs twice is
    never answered by a model that saw its double. Scores are scaled by one temperature, fitted on
    answers to examples by models that did not see them (Guo et al. 2017, On Calibration of Modern
    Neural Networks); for a fold it is fitted on the other folds.
    Raises NeedsExamples where fewer than two different texts or two labels are known.
    """

    def __init__(self, fit: Fit, features: Any, brief: Brief, name: str) -> None:
        examples = brief.examples
        _require(examples, name)
        self.n_labels = len(brief.labels)
        self.fold_by_task, self.fold_by_content = _folds(examples, brief.seed)
        fold = np.array([self.fold_by_content[example.question.content] for example in examples])
        label = np.array([example.label for example in examples])
        held_out = np.zeros((len(examples), self.n_labels))
        self.models: list[Predict] = []
        for number in range(fold.max() + 1):
            inside, outside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
            self.models.append(_fitted(fit, features[outside], label[outside], self.n_labels))
            held_out[inside] = self.models[-1](features[inside])
        self.sharpness = [
            _sharpness(held_out[fold != number], label[fold != number]) for number in range(len(self.models))
        ]
        self.models.append(_fitted(fit, features, label, self.n_labels))
        self.sharpness.append(_sharpness(held_out, label))

    def probabilities(self, questions: Sequence[Question], features: Any) -> Floats:
        """Probabilities of shape (questions, labels) for rows of `features`, each from a model that may answer it."""
        which = np.array([self._model_for(question) for question in questions])
        scores = np.zeros((len(questions), self.n_labels))
        for number in np.unique(which):
            rows = np.flatnonzero(which == number)
            scores[rows] = self.models[number](features[rows]) * self.sharpness[number]
        return np.exp(np.maximum(log_softmax(scores), FLOOR))

    def _model_for(self, question: Question) -> int:
        """The fold of an example, found by its task or by its text, or the model that saw all examples."""
        by_task = self.fold_by_task.get(question.task, -1)
        return by_task if by_task >= 0 else self.fold_by_content.get(question.content, -1) % len(self.models)


def log_softmax(scores: Floats) -> Floats:
    """Log-probabilities from log-scores, row by row."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    normalised: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised


def _require(examples: Sequence[Example], name: str) -> None:
    texts = {example.question.content for example in examples}
    labels = {example.label for example in examples}
    if len(texts) < 2 or len(labels) < 2:
        raise NeedsExamples(
            f"{name} learns from tasks whose label is known and needs at least two of different labels, but there "
            f"are {len(examples)} of {len(labels)}; give more known labels or leave {name} out of the crowd."
        )


def _folds(examples: Sequence[Example], seed: int) -> tuple[dict[str, int], dict[str, int]]:
    """Fold of each example by task and by content, the same for the same examples and seed.

    Labels play no part: were folds balanced by label, an example's own label would touch who is in its fold.
    """
    contents = {example.question.content for example in examples}
    shuffled = sorted(contents, key=lambda content: _shuffle_key(content, seed))
    count = min(FOLDS, len(shuffled))
    by_content = {content: place % count for place, content in enumerate(shuffled)}
    return {example.question.task: by_content[example.question.content] for example in examples}, by_content


def _shuffle_key(content: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{content}".encode()).digest()


def _fitted(fit: Fit, features: Any, label: Ints, n_labels: int) -> Predict:
    """The fitted model; labels it never saw get the prior weight of half an example."""
    known = np.unique(label)
    count = np.bincount(label, minlength=n_labels) + 0.5
    prior = np.log(count / count.sum())
    if len(known) < 2:
        return lambda rows: np.tile(prior, (rows.shape[0], 1))
    inner = fit(features, np.searchsorted(known, label), len(known))

    def predict(rows: Any) -> Floats:
        scores = np.tile(prior, (rows.shape[0], 1))
        scores[:, known] = inner(rows) + np.logaddexp.reduce(prior[known])
        return scores

    return predict


def _sharpness(scores: Floats, label: Ints) -> float:
    """The factor on log-scores that makes the known labels most likely, drawn towards 1 where few are known."""
    from scipy.optimize import minimize_scalar

    def loss(log_factor: float) -> float:
        likelihood = log_softmax(scores * np.exp(log_factor))[np.arange(len(label)), label]
        return float(-np.maximum(likelihood, FLOOR).mean() + log_factor**2 / (20 * len(label)))

    return float(np.exp(minimize_scalar(loss, bounds=(-8.0, 3.0), method="bounded").x))
