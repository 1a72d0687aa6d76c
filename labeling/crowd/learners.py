"""Small learners: rows of features and labels in, a function from rows to log-scores out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.crowd.crossfit import Fit, Floats, Ints, Predict, log_softmax

NEIGHBOURS = 15
SPAN_ROWS = 1_500
"""Up to so many examples, a regression is fitted in the space that they span."""


def logistic(strength: float) -> Fit:
    """Logistic regression with an L2 penalty of 1 / `strength`."""

    def fit(features: Any, label: Ints, n_labels: int) -> Predict:
        return _regression(features, label, strength)

    return fit


def on_seen_columns(inner: Fit) -> Fit:
    """`inner` on the columns that occur among its training rows, each row brought back to unit length.

    Columns that no known label ever touched only dilute a row; leaving them out was worth two to
    three points of accuracy with 300 known labels.
    """

    def fit(features: Any, label: Ints, n_labels: int) -> Predict:
        seen = np.unique(features.indices)
        if not len(seen):
            return lambda rows: np.zeros((rows.shape[0], n_labels))
        predict = inner(_unit_columns(features, seen), label, n_labels)
        return lambda rows: predict(_unit_columns(rows, seen))

    return fit


def complement_naive_bayes(features: Any, label: Ints, n_labels: int) -> Predict:
    """Complement naive Bayes (Rennie et al. 2003), built for unequal label frequencies."""
    from sklearn.naive_bayes import ComplementNB

    model = ComplementNB(alpha=0.3).fit(features > 0, label)
    return lambda rows: np.asarray(model.predict_log_proba(rows > 0))


def neighbours(features: Floats, label: Ints, n_labels: int) -> Predict:
    """The nearest examples by cosine vote, nearer ones more."""
    of_label = np.eye(n_labels)[label]
    count = min(NEIGHBOURS, len(label))

    def predict(rows: Floats) -> Floats:
        likeness = rows @ features.T
        nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :count]
        near = np.take_along_axis(likeness, nearest, axis=1)
        weight = np.exp(12.0 * (near - near[:, :1]))
        votes: Floats = np.log(np.einsum("rk,rkl->rl", weight, of_label[nearest]) + 0.1)
        return votes

    return predict


def radial_svm(features: Floats, label: Ints, n_labels: int) -> Predict:
    """A support vector machine with a radial kernel, one label against each other; scores are its margins."""
    from sklearn.svm import SVC

    model = SVC(C=3.0, gamma=1.0 if features.shape[1] > 50 else 0.03, random_state=0).fit(features, label)

    def predict(rows: Floats) -> Floats:
        margin = model.decision_function(rows)
        return np.column_stack([-margin, margin]) if n_labels == 2 else np.asarray(margin)

    return predict


def wide_svm(features: Floats, label: Ints, n_labels: int) -> Predict:
    """As `radial_svm`, its kernel as wide as the rows are long, for standardised rows of any number of columns."""
    scale = np.sqrt(float(features.shape[1]))
    predict = radial_svm(features / scale, label, n_labels)
    return lambda rows: predict(rows / scale)


def near(features: Floats, label: Ints, n_labels: int) -> Predict:
    """As `neighbours`, on rows brought to unit length."""
    predict = neighbours(_unit(features), label, n_labels)
    return lambda rows: predict(_unit(rows))


def weighted_logistic(features: Any, label: Ints, n_labels: int) -> Predict:
    """Logistic regression, one label against the rest, on presence weighted by naive Bayes log-count ratios.

    Wang and Manning 2012, Baselines and Bigrams: Simple, Good Sentiment and Topic Classification.
    """
    present = (features > 0).astype(np.float64)
    ratios = [_log_count_ratio(present, label == k) for k in range(n_labels)]
    models = [
        _regression(present.multiply(ratio).tocsr(), (label == k).astype(int), 1.0) for k, ratio in enumerate(ratios)
    ]

    def predict(rows: Any) -> Floats:
        there = (rows > 0).astype(np.float64)
        return np.column_stack(
            [model(there.multiply(ratio).tocsr())[:, 1] for model, ratio in zip(models, ratios, strict=True)]
        )

    return predict


def standardised(inner: Fit) -> Fit:
    """`inner` on columns of mean 0 and variance 1."""

    def fit(features: Floats, label: Ints, n_labels: int) -> Predict:
        mean, spread = features.mean(axis=0), features.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        predict = inner((features - mean) / scale, label, n_labels)
        return lambda rows: predict((rows - mean) / scale)

    return fit


def _regression(features: Any, label: Ints, strength: float) -> Predict:
    """Log-probabilities of a multinomial (for two labels: binary) logistic regression."""
    from sklearn.linear_model import LogisticRegression

    turn = _span(features)
    inside = np.asarray(features @ turn) if turn is not None else features
    model = LogisticRegression(C=strength, max_iter=200, tol=1e-3).fit(inside, label)
    weights = model.coef_.T if turn is None else turn @ model.coef_.T

    def predict(rows: Any) -> Floats:
        score = np.asarray(rows @ weights) + model.intercept_
        return log_softmax(np.hstack([np.zeros_like(score), score]) if score.shape[1] == 1 else score)

    return predict


def _span(features: Any) -> Floats | None:
    """An orthonormal basis of the space that the rows span, shape (columns, rank), where that is much smaller.

    The weights of an L2 penalised fit lie in this space, so fitting inside it gives the same model
    with hundreds of parameters instead of tens of thousands.
    """
    n_rows, n_columns = features.shape
    if n_rows > SPAN_ROWS or n_columns < 2 * n_rows:
        return None
    gram = features @ features.T
    size, direction = np.linalg.eigh(gram.toarray() if hasattr(gram, "toarray") else gram)
    keep = size > max(1e-10 * size[-1], 1e-12)
    if not keep.any():
        return None
    basis: Floats = np.asarray(features.T @ (direction[:, keep] / np.sqrt(size[keep])))
    return basis


def _unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = rows / np.where(length > 0, length, 1.0)
    return unit


def _log_count_ratio(present: Any, of_label: NDArray[np.bool_]) -> Floats:
    inside = np.asarray(present[of_label].sum(axis=0)).ravel() + 1.0
    outside = np.asarray(present[~of_label].sum(axis=0)).ravel() + 1.0
    ratio: Floats = np.log((inside / inside.sum()) / (outside / outside.sum()))
    return ratio


def _unit_columns(rows: Any, columns: NDArray[np.int64]) -> Any:
    from sklearn.preprocessing import normalize

    return normalize(rows[:, columns])
