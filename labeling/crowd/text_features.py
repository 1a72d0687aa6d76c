"""Texts as rows of numbers without any download: word and character n-grams, reduced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 100
FITTED_TEXTS = 20_000
CHUNK = 10_000


def text_features(texts: Sequence[str], seed: int = 0) -> NDArray[np.float32]:
    """A dense row of unit length for every text, shape (n, d), d at most 100.

    TF-IDF of words (1-2) and of characters within words (2-4), reduced by a truncated SVD to min(100, n / 3)
    dimensions. The vocabulary and the SVD come from at most 20,000 of the texts, drawn with `seed`, and the
    transformation runs in chunks, so that memory stays bounded by the answer. Texts that share nothing
    (or fewer than four) give one column of zeros.
    """
    n = len(texts)
    sample = _sample(texts, seed)
    try:
        vectorizer = _vectorizer().fit(sample)
    except ValueError:  # no n-gram occurs often enough: the texts have nothing in common
        return np.zeros((n, 1), dtype=np.float32)
    reduce = _svd(vectorizer.transform(sample), min(DIMENSIONS, n // 3), seed)
    if reduce is None:
        return np.zeros((n, 1), dtype=np.float32)
    rows = np.empty((n, reduce.n_components), dtype=np.float32)
    for begin, chunk in _chunks(texts):
        rows[begin : begin + len(chunk)] = _unit(reduce.transform(vectorizer.transform(chunk)))
    return rows


def _sample(texts: Sequence[str], seed: int) -> list[str]:
    if len(texts) <= FITTED_TEXTS:
        return list(texts)
    chosen = np.random.default_rng(seed).choice(len(texts), FITTED_TEXTS, replace=False)
    return [texts[i] for i in np.sort(chosen)]


def _vectorizer() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, max_features=30_000)
    characters = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=3, max_features=30_000
    )
    return FeatureUnion([("words", words), ("characters", characters)])


def _svd(matrix: Any, dimensions: int, seed: int) -> Any | None:
    """A fitted reduction, or None where the matrix is too small for one."""
    from sklearn.decomposition import TruncatedSVD

    dimensions = min(dimensions, matrix.shape[1] - 1)
    return TruncatedSVD(dimensions, random_state=seed).fit(matrix) if dimensions >= 1 else None


def _chunks(texts: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    for begin in range(0, len(texts), CHUNK):
        yield begin, texts[begin : begin + CHUNK]


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float64] = rows / np.maximum(norms, 1e-12)
    return unit
