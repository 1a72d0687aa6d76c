"""What a text looks like to the specialists: words, characters, openings, and what words keep company with."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.crowd.base import Brief, Question
from labeling.crowd.errors import Unsuitable
from labeling.crowd.word_vectors import WordVectors, word_vectors

Floats = NDArray[np.float64]

READ_CHARACTERS = 10_000
"""A specialist reads this much of each part of a text."""
POOL_TEXTS = 20_000
POOL_CHARACTERS = 5_000_000
"""Word statistics come from at most this much text, drawn evenly from what there is."""
COLUMNS = 60_000

_CJK = "\u3040-\u30ff\u3400-\u9fff"
_TOKEN = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|[^\w\s]")


def tokens(text: str) -> list[str]:
    """Words, single Chinese or Japanese characters, and punctuation marks of a text, in lower case."""
    return _TOKEN.findall(text[:READ_CHARACTERS].casefold())


def words(question: Question) -> list[str]:
    """Single words and pairs of neighbours of all parts."""
    found: list[str] = []
    for _, text in question.parts:
        part = tokens(text)
        found += part
        found += [f"{left} {right}" for left, right in pairwise(part)]
    return found


def opening(question: Question) -> list[str]:
    """Words and pairs, and how each part opens: its first words by place, and its first word with each later one.

    Many label sets follow the form of a text (question types, moves of an abstract, commands), which
    its opening tells better than its vocabulary.
    """
    found = words(question)
    for place, (_, text) in enumerate(question.parts):
        part = tokens(text)
        found += [f"{place}^{i}_{word}" for i, word in enumerate(part[:3])]
        found += [f"{place}^" + "_".join(part[:length]) for length in (2, 3, 4) if len(part) >= length]
        found += [f"{place}^{part[0]}..{word}" for word in part[1:]]
    return found


@lru_cache(maxsize=2)
def views_of(brief: Brief) -> TextViews:
    """The views fitted to a brief; voters of one crowd share them."""
    return TextViews(pool(brief))


def pool(brief: Brief) -> list[Question]:
    """The different texts of a brief, at most POOL_TEXTS and about POOL_CHARACTERS, spread evenly over them."""
    different = {q.content: q for q in (*brief.texts, *(example.question for example in brief.examples))}
    questions = list(different.values())
    size = sum(min(len(q.text), READ_CHARACTERS) for q in questions)
    share = min(POOL_TEXTS / max(len(questions), 1), POOL_CHARACTERS / max(size, 1), 1.0)
    keep = max(int(len(questions) * share), 1)
    return [questions[i * len(questions) // keep] for i in range(keep)] if questions else []


class TextViews:
    """Rows of features for questions, by vocabularies and word statistics of a pool of unlabeled questions.

    Each view maps questions to a matrix with one row of unit length (or zero) each; a row depends
    on its own question and the pool alone. Raises Unsuitable where the pool holds no text at all.
    """

    def __init__(self, questions: Sequence[Question]) -> None:
        self._pool = list(questions)

    @cached_property
    def words(self) -> Callable[[Sequence[Question]], Any]:
        """TF-IDF of words and pairs."""
        return self._tfidf(words)

    @cached_property
    def opening(self) -> Callable[[Sequence[Question]], Any]:
        """TF-IDF of words, pairs and openings."""
        return self._tfidf(opening)

    @cached_property
    def characters(self) -> Callable[[Sequence[Question]], Any]:
        """TF-IDF of two to five characters within words."""
        from sklearn.feature_extraction.text import CountVectorizer

        within_words = CountVectorizer(analyzer="char_wb", ngram_range=(2, 5)).build_analyzer()
        return self._tfidf(lambda question: within_words(_clipped(question)))

    @cached_property
    def topics(self) -> Callable[[Sequence[Question]], Floats]:
        """Latent semantic analysis of words and characters in 50 dimensions (Deerwester et al. 1990)."""
        return self._reduced((self.words, self.characters), 50)

    @cached_property
    def latent(self) -> Callable[[Sequence[Question]], Floats]:
        """Latent semantic analysis of openings and characters in 200 dimensions."""
        return self._reduced((self.opening, self.characters), 200)

    @cached_property
    def company(self) -> Callable[[Sequence[Question]], Floats]:
        """The mean vector of the words, by the company that words keep in the pool."""
        vectors = self._vectors
        weigh = self._vectorizer(lambda question: [word for word in tokens(question.text) if word in vectors.place])
        of_column = vectors.rows([str(name) for name in weigh.get_feature_names_out()])

        return _Remembered(self._pool, lambda questions: unit(weigh.transform(questions) @ of_column))

    @cached_property
    def company_in_order(self) -> Callable[[Sequence[Question]], Floats]:
        """The mean vector of the words, and beside it the vectors of the first two."""

        def rows(questions: Sequence[Question]) -> Floats:
            first = [self._vectors.first_two(tokens(question.text)) for question in questions]
            return unit(np.hstack([self.company(questions), 0.7 * np.array(first)]))

        return _Remembered(self._pool, rows)

    @cached_property
    def latent_in_company(self) -> Callable[[Sequence[Question]], Floats]:
        """The latent view, and beside it the word vectors in order."""

        def rows(questions: Sequence[Question]) -> Floats:
            return unit(np.hstack([self.latent(questions), 0.85 * self.company_in_order(questions)]))

        return _Remembered(self._pool, rows)

    @cached_property
    def _vectors(self) -> WordVectors:
        return word_vectors([tokens(question.text) for question in self._pool])

    def _tfidf(self, analyzer: Callable[[Question], list[str]]) -> _Remembered:
        return _Remembered(self._pool, self._vectorizer(analyzer).transform)

    def _vectorizer(self, analyzer: Callable[[Question], list[str]]) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        for rarest in (2, 1) if len(self._pool) >= 50 else (1,):
            vectorizer = TfidfVectorizer(analyzer=analyzer, sublinear_tf=True, min_df=rarest, max_features=COLUMNS)
            try:
                return vectorizer.fit(self._pool)
            except ValueError:  # nothing occurs so often
                continue
        raise Unsuitable("The texts hold neither words nor signs to learn from; choose another text field.")

    def _reduced(self, views: Sequence[Callable[[Sequence[Question]], Any]], dimensions: int) -> Callable[..., Floats]:
        from scipy.sparse import hstack
        from sklearn.decomposition import TruncatedSVD

        def side_by_side(questions: Sequence[Question]) -> Any:
            return hstack([view(questions) for view in views]).tocsr()

        matrix = side_by_side(self._pool)
        rank = max(min(dimensions, min(matrix.shape) - 1), 1)
        reduction = TruncatedSVD(rank, n_iter=4, random_state=0).fit(matrix)
        return _Remembered(self._pool, lambda questions: unit(reduction.transform(side_by_side(questions))))


class _Remembered:
    """A function from questions to rows that has the rows of the pool at hand."""

    def __init__(self, questions: Sequence[Question], transform: Callable[[Sequence[Question]], Any]) -> None:
        self._transform = transform
        self._pool_rows = transform(questions)
        self._place = {_texts(question): row for row, question in enumerate(questions)}

    def __call__(self, questions: Sequence[Question]) -> Any:
        places = [self._place.get(_texts(question), -1) for question in questions]
        if min(places, default=0) >= 0:
            return self._pool_rows[places]
        return self._transform(questions)


def _texts(question: Question) -> tuple[str, ...]:
    return tuple(text for _, text in question.parts)


def _clipped(question: Question) -> str:
    return "\n".join(text[:READ_CHARACTERS] for _, text in question.parts)


def unit(rows: Floats) -> Floats:
    """Each row divided by its length; a row of zeros stays."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = rows / np.where(length > 0, length, 1.0)
    return scaled
