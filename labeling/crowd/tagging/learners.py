"""Learners that give each word a score for each tag, and the best sequence of tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = list[list[int]]
"""The numbers of the features of each word of one text."""
Score = Callable[[Rows], Floats]
"""Scores of the tags of each word of a text, (words, tags), from its features."""

EPOCHS = 12
NEVER = -1e9
RARE = 0.5
"""Pseudo-count of each step from tag to tag."""


def allowed(n_tags: int) -> Floats:
    """0 where a tag may follow another, else hugely negative, (tags, tags): inside follows its own beginning only."""
    steps = np.zeros((n_tags, n_tags))
    for tag in range(2, n_tags, 2):
        steps[:, tag] = NEVER
        steps[[tag - 1, tag], tag] = 0.0
    return steps


def transitions(sequences: Sequence[Sequence[int]], n_tags: int) -> Floats:
    """How much more often one tag follows another than by chance, in logarithms, (tags, tags)."""
    counts = np.full((n_tags, n_tags), RARE)
    for tags in sequences:
        np.add.at(counts, (np.array(tags[:-1], dtype=int), np.array(tags[1:], dtype=int)), 1.0)
    after = counts / counts.sum(axis=1, keepdims=True)
    overall = counts.sum(axis=0) / counts.sum()
    steps: Floats = np.log(after / overall) + allowed(n_tags)
    return steps


def best_tags(scores: Floats, steps: Floats) -> list[int]:
    """The sequence with the greatest sum of scores and steps (Viterbi), from (words, tags) and (tags, tags)."""
    n, n_tags = scores.shape
    if not n:
        return []
    total = scores[0].copy()
    total[2::2] = NEVER
    back = np.zeros((n, n_tags), dtype=np.int64)
    for i in range(1, n):
        ways = total[:, None] + steps
        back[i] = ways.argmax(axis=0)
        total = ways[back[i], np.arange(n_tags)] + scores[i]
    tags = [int(total.argmax())]
    for i in range(n - 1, 0, -1):
        tags.append(int(back[i, tags[-1]]))
    return tags[::-1]


def perceptron(texts: Sequence[Rows], tags: Sequence[list[int]], n_features: int, n_tags: int) -> tuple[Score, Floats]:
    """Weights by averaged structured perceptron (Collins 2002), and its steps; scores in units of their spread."""
    weights, steps = np.zeros((n_features + 1, n_tags)), np.zeros((n_tags, n_tags))
    summed, summed_steps = np.zeros_like(weights), np.zeros_like(steps)
    limit, rng, clock = allowed(n_tags), np.random.default_rng(0), 1
    padded = [_padded(rows, n_features) for rows in texts]
    for _ in range(EPOCHS):
        for at in rng.permutation(len(texts)).tolist():
            rows, right = padded[at], np.array(tags[at], dtype=int)
            guess = np.array(best_tags(weights[rows].sum(axis=1), steps + limit), dtype=int)
            for i in np.flatnonzero(guess != right).tolist():
                for table, row in ((weights, 1.0), (summed, float(clock))):
                    table[rows[i], right[i]] += row
                    table[rows[i], guess[i]] -= row
            for path, sign in ((right, 1.0), (guess, -1.0)):
                np.add.at(steps, (path[:-1], path[1:]), sign)
                np.add.at(summed_steps, (path[:-1], path[1:]), sign * clock)
            weights[n_features] = summed[n_features] = 0.0
            clock += 1
    mean, mean_steps = weights - summed / clock, steps - summed_steps / clock
    spread = max(float(np.mean([np.ptp(mean[rows].sum(axis=1), axis=1).mean() for rows in padded if len(rows)])), 1e-9)
    return _scorer(mean * (4.0 / spread), n_features), mean_steps * (4.0 / spread) + limit


def logistic(strength: float) -> Callable[..., tuple[Score, Floats]]:
    """Multinomial logistic regression of each word's tag, with an L2 penalty of 1 / `strength`, and counted steps."""

    def fit(texts: Sequence[Rows], tags: Sequence[list[int]], n_features: int, n_tags: int) -> tuple[Score, Floats]:
        from sklearn.linear_model import LogisticRegression

        label = np.array([tag for row in tags for tag in row], dtype=int)
        known = np.unique(label)
        steps = transitions(tags, n_tags)
        if len(known) < 2:
            return lambda rows: np.where(np.arange(n_tags) == known[0], 0.0, -9.0) * np.ones((len(rows), 1)), steps
        model = LogisticRegression(C=strength, max_iter=120, tol=1e-3).fit(_sparse(texts, n_features), label)
        weights = np.zeros((n_features + 1, n_tags))
        bias = np.full(n_tags, -9.0)
        coefficients = model.coef_.T if len(known) > 2 else np.hstack([-model.coef_.T, model.coef_.T]) / 2
        intercept = model.intercept_ if len(known) > 2 else np.array([-1.0, 1.0]) * model.intercept_[0] / 2
        weights[:n_features, known], bias[known] = coefficients, intercept
        score = _scorer(weights, n_features)
        return lambda rows: _log_softmax(score(rows) + bias), steps

    return fit


def _sparse(texts: Sequence[Rows], n_features: int) -> Any:
    from scipy.sparse import csr_matrix

    rows = [row for text in texts for row in text]
    ends = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    columns = np.array([number for row in rows for number in row], dtype=np.int64)
    return csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(rows), n_features))


def _padded(rows: Rows, filler: int) -> NDArray[np.int64]:
    """(words, most features), filled with the number of a feature whose weights are always zero."""
    width = max((len(row) for row in rows), default=1)
    return np.array([row + [filler] * (width - len(row)) for row in rows], dtype=np.int64).reshape(len(rows), width)


def _scorer(weights: Floats, filler: int) -> Score:
    def score(rows: Rows) -> Floats:
        found: Floats = weights[_padded(rows, filler)].sum(axis=1)
        return found

    return score


def _log_softmax(scores: Floats) -> Floats:
    if not len(scores):
        return scores
    shifted = scores - scores.max(axis=1, keepdims=True)
    normalised: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised
