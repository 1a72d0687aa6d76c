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
FLOOR_SHIFT = 9.0
"""Offsets of log-scores are no larger."""
FLOOR = -9.0
"""No label is ever less likely than exp(-9) in the eyes of a specialist."""


class Folds:
    """Which examples are learned from together: one group for each fold, and the one of all for new questions.

    `of_example`: (n_examples,). Equal texts share a fold, so a text that occurs twice is never answered by a model that
    saw its double.
    """

    def __init__(self, examples: Sequence[Example], seed: int, most: int = FOLDS) -> None:
        self.by_task, self.by_content = _folds(examples, seed, most)
        self.of_example = np.array([self.by_content[example.question.content] for example in examples])
        self.count = int(self.of_example.max()) + 1

    def model_for(self, question: Question) -> int:
        """The fold of an example, found by its task or by its text, or `count`, which stands for all examples."""
        by_task = self.by_task.get(question.task, -1)
        return by_task if by_task >= 0 else self.by_content.get(question.content, self.count)


class Column:
    """One unknown of the examples: a model for each fold, fitted on the others, and one on all.

    `label`: (n_examples,). Scores are scaled by one temperature, fitted on answers to examples by models that did not
    see them (Guo et al. 2017, On Calibration of Modern Neural Networks); for a fold it is fitted on the other folds.
    `shifted`: of yes or no, an offset is fitted with it, so that a rare yes is as rare as it should be also where the
    learner does not mind how rare it is (Platt 1999).
    `held_out`: (n_examples, n_labels) probabilities of each example by the model that did not see it.
    """

    def __init__(
        self, fit: Fit, features: Any, label: Ints, n_labels: int, folds: Folds, *, shifted: bool = False
    ) -> None:
        self.n_labels = n_labels
        fold, scores = folds.of_example, np.zeros((len(label), n_labels))
        self.models: list[Predict] = []
        for number in range(folds.count):
            inside, outside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
            self.models.append(_fitted(fit, features[outside], label[outside], n_labels))
            scores[inside] = self.models[-1](features[inside])
        line = _line if shifted else _sharpness
        self.lines = [line(scores[fold != number], label[fold != number]) for number in range(folds.count)]
        self.models.append(_fitted(fit, features, label, n_labels))
        self.lines.append(line(scores, label))
        self.held_out = _likely(_on_line(scores, np.array(self.lines)[fold]))

    def probabilities(self, which: Ints, features: Any) -> Floats:
        """Probabilities of shape (questions, labels) for rows of `features`, row q by model `which[q]`."""
        scores = np.zeros((len(which), self.n_labels))
        for number in np.unique(which):
            rows = np.flatnonzero(which == number)
            scores[rows] = _on_line(self.models[number](features[rows]), np.array([self.lines[number]]))
        return _likely(scores)


class CrossFitted:
    """One model for new questions and one for each fold of the examples, for answers of one label.

    `features` has a row for each example. Raises NeedsExamples where fewer than two different texts or two labels are
    known.
    """

    def __init__(self, fit: Fit, features: Any, brief: Brief, name: str) -> None:
        examples = brief.examples
        _require(examples, name)
        self.folds = Folds(examples, brief.seed)
        label = np.array([example.label for example in examples])
        self._column = Column(fit, features, label, len(brief.labels), self.folds)
        self.models = self._column.models

    def probabilities(self, questions: Sequence[Question], features: Any) -> Floats:
        """Probabilities of shape (questions, labels) for rows of `features`, each from a model that may answer it."""
        which = np.array([self.folds.model_for(question) for question in questions])
        return self._column.probabilities(which, features)


def _likely(scores: Floats) -> Floats:
    return np.exp(np.maximum(log_softmax(scores), FLOOR))


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


def _folds(examples: Sequence[Example], seed: int, most: int = FOLDS) -> tuple[dict[str, int], dict[str, int]]:
    """Fold of each example by task and by content, the same for the same examples and seed.

    Labels play no part: were folds balanced by label, an example's own label would touch who is in its fold.
    """
    contents = {example.question.content for example in examples}
    shuffled = sorted(contents, key=lambda content: _shuffle_key(content, seed))
    count = min(most, len(shuffled))
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


def _on_line(scores: Floats, lines: Floats) -> Floats:
    """Log-scores times a factor, the last label's raised by an offset; `lines`: (rows or 1, 2) of both."""
    moved: Floats = scores * lines[:, :1]
    moved[:, -1] += lines[:, 1]
    return moved


def _line(scores: Floats, label: Ints) -> tuple[float, float]:
    """Factor and offset that make yes or no most likely, drawn towards 1 and 0 where few are known."""
    from scipy.optimize import minimize

    odds, sign = scores[:, 1] - scores[:, 0], 2 * label - 1

    def loss(line: Floats) -> float:
        margin = sign * (np.exp(line[0]) * odds + line[1])
        return float(np.logaddexp(0.0, -margin).mean() + (line @ line) / (20 * len(label)))

    found = minimize(loss, np.zeros(2), bounds=[(-8.0, 3.0), (-FLOOR_SHIFT, FLOOR_SHIFT)]).x
    return float(np.exp(found[0])), float(found[1])


def _sharpness(scores: Floats, label: Ints) -> tuple[float, float]:
    """The factor on log-scores that makes the known labels most likely, drawn towards 1 where few are known; then 0."""
    from scipy.optimize import minimize_scalar

    def loss(log_factor: float) -> float:
        likelihood = log_softmax(scores * np.exp(log_factor))[np.arange(len(label)), label]
        return float(-np.maximum(likelihood, FLOOR).mean() + log_factor**2 / (20 * len(label)))

    return float(np.exp(minimize_scalar(loss, bounds=(-8.0, 3.0), method="bounded").x)), 0.0


def rounded_chances(scores: Floats, digits: int) -> Floats:
    """Chances that sum to 1 from log-scores, (K,), rounded before."""
    row = np.round(np.exp(log_softmax(scores[None])[0]), digits)
    chances: Floats = row / row.sum()
    return chances
