"""Word vectors from the company words keep in a few thousand texts, without any download."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DIMENSIONS = 100
WINDOW = 4
VOCABULARY = 20_000


class WordVectors:
    """A vector of unit length for each word of a vocabulary; `place` maps a word to its row."""

    def __init__(self, place: dict[str, int], matrix: Floats) -> None:
        self.place = place
        self.matrix = matrix

    def rows(self, words: Sequence[str]) -> Floats:
        """The vectors of `words`, shape (words, dimensions)."""
        found: Floats = self.matrix[[self.place[word] for word in words]]
        return found

    def first_two(self, words: Sequence[str]) -> Floats:
        """The vectors of the first two words, one after the other; zeros for a word that is not known."""
        blank = np.zeros(self.matrix.shape[1])
        known = [self.matrix[self.place[word]] if word in self.place else blank for word in words[:2]]
        return np.concatenate([*known, *[blank] * (2 - len(known))])


def word_vectors(texts: Sequence[Sequence[str]]) -> WordVectors:
    """Vectors of the words that occur in two texts or more, by factoring what stands near what.

    Positive pointwise mutual information of word and neighbour, left and right neighbours apart,
    nearer ones weighing more, neighbours' frequencies smoothed by the power 3/4, reduced by a
    truncated SVD with the square root of the singular values (Levy, Goldberg and Dagan 2015,
    Improving Distributional Similarity with Lessons Learned from Word Embeddings).
    """
    place = _vocabulary(texts)
    nearby = _neighbours(texts, place)
    information = _positive_information(nearby)
    dimensions = min(DIMENSIONS, min(information.shape) - 1)
    if information.nnz == 0 or dimensions < 1:
        return WordVectors(place, np.zeros((len(place), 1)))
    return WordVectors(place, _factored(information, dimensions))


def _vocabulary(texts: Sequence[Sequence[str]]) -> dict[str, int]:
    spread = Counter(chain.from_iterable(set(text) for text in texts))
    often = sorted((word for word, count in spread.items() if count > 1), key=lambda word: (-spread[word], word))
    return {word: row for row, word in enumerate(often[:VOCABULARY] or sorted(spread)[:VOCABULARY])}


def _neighbours(texts: Sequence[Sequence[str]], place: dict[str, int]) -> Any:
    """How often each word has each neighbour to its right, weighted by nearness; sparse, (words, words)."""
    from scipy.sparse import coo_matrix

    word = np.array([place.get(token, -1) for text in texts for token in text], dtype=np.int64)
    text = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    total = coo_matrix((len(place), len(place))).tocsr()
    for distance in range(1, min(WINDOW, max(len(word) - 1, 0)) + 1):
        left, right = word[:-distance], word[distance:]
        both = (left >= 0) & (right >= 0) & (text[:-distance] == text[distance:])
        weight = np.full(int(both.sum()), 1.0 / distance)
        total = total + coo_matrix((weight, (left[both], right[both])), shape=total.shape).tocsr()
    return total


def _positive_information(nearby: Any) -> Any:
    from scipy.sparse import csr_matrix, hstack

    both = hstack([nearby, nearby.T]).tocoo()
    total = both.sum()
    if not total:
        return csr_matrix(both.shape)
    row_sum = np.asarray(both.sum(axis=1)).ravel()
    column_sum = np.asarray(both.sum(axis=0)).ravel() ** 0.75
    column_sum *= total / column_sum.sum()
    information = np.log(both.data * total / (row_sum[both.row] * column_sum[both.col]))
    keep = information > 0
    return csr_matrix((information[keep], (both.row[keep], both.col[keep])), shape=both.shape)


def _factored(information: Any, dimensions: int) -> Floats:
    from sklearn.decomposition import TruncatedSVD

    reduction = TruncatedSVD(dimensions, random_state=0)
    rows = reduction.fit_transform(information) / np.sqrt(np.maximum(reduction.singular_values_, 1e-12))
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit_rows: Floats = rows / np.where(length > 0, length, 1.0)
    return unit_rows
