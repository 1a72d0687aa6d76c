"""What a word looks like to a tagger: its letters, its shape, its neighbours, its company, and known stretches."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from labeling.crowd.base import Brief
from labeling.crowd.tagging.bonds import Bonds, clauses
from labeling.crowd.tagging.gazetteer import Gazetteer
from labeling.crowd.tagging.words import Words, words_of
from labeling.crowd.word_vectors import WordVectors, word_vectors

CLUSTERS = (20, 80)
"""Words are sorted by their company into so many groups, coarse and fine."""
POOL_TEXTS = 5_000
EDGE = "\x02"


class Company:
    """Groups of words that keep like company in the batch, without any known answer."""

    def __init__(self, brief: Brief) -> None:
        texts = [*(example.question.text for example in brief.examples), *(question.text for question in brief.texts)]
        pool = [folded(words_of(text)) for text in texts[:: max(len(texts) // POOL_TEXTS, 1)]]
        self.vectors: WordVectors = word_vectors(pool)
        self.bonds = Bonds(pool)
        self.views: dict[str, Any] = {}  # of texts that are looked at more than once (`candidate_view`)
        self._groups = [self._grouped(count) for count in CLUSTERS]

    def names(self, word: str) -> list[str]:
        """The groups of a folded word; none where it is too rare."""
        place = self.vectors.place.get(word)
        return [] if place is None else [f"{n}:{group[place]}" for n, group in enumerate(self._groups)]

    def _grouped(self, count: int) -> list[int]:
        from sklearn.cluster import KMeans

        matrix = self.vectors.matrix
        if len(np.unique(matrix, axis=0)) <= count:
            return [0] * len(matrix)
        fitted = KMeans(count, n_init=1, max_iter=20, random_state=0).fit(matrix)
        found: list[int] = fitted.labels_.tolist()
        return found


def folded(words: Words) -> list[str]:
    """The words in lower case."""
    return [word.casefold() for word in words.strings]


@lru_cache(maxsize=100_000)
def shape(word: str) -> str:
    """Capitals, small letters, digits and signs of a word, repeated ones once: "CO2" is "X0"."""
    signs = re.sub(r"[A-ZÀ-ÖØ-Þ]", "X", word)
    signs = re.sub(r"\d", "0", signs)
    signs = re.sub(r"[^\W\d_X]", "x", signs)
    return re.sub(r"(.)\1+", r"\1", signs)


@lru_cache(maxsize=100_000)
def of_word(word: str) -> tuple[str, ...]:
    """What a word alone tells: itself, its first and last letters, its shape."""
    low = word.casefold()
    ends = [f"p{n}{low[:n]}" for n in (1, 2, 3, 4) if len(low) > n]
    ends += [f"s{n}{low[-n:]}" for n in (1, 2, 3, 4) if len(low) > n]
    return (f"w{low}", f"h{shape(word)}", *ends)


def feature_names(words: Words, company: Company, gazetteer: Gazetteer, own: Counter[str]) -> list[list[str]]:
    """The features of each word, by name; `own`: known stretches of this very text, which the gazetteer leaves out."""
    strings, low = words.strings, folded(words)
    known = gazetteer.matches(low, own)
    groups = [company.names(word) for word in low]
    at: Callable[[Sequence[str], int], str] = lambda row, i: row[i] if 0 <= i < len(row) else EDGE  # noqa: E731
    shapes = [shape(word) for word in strings]
    without_spaces = of_characters(low, company)
    rows = []
    for i, word in enumerate(strings):
        row = ["b", *of_word(word)]
        row += [f"{step}{at(low, i + step)}" for step in (-2, -1, 1, 2)]
        row += [f"-{at(low, i - 1)}|{low[i]}", f"+{low[i]}|{at(low, i + 1)}", f"-+{at(low, i - 1)}|{at(low, i + 1)}"]
        row += [f"h{step}{at(shapes, i + step)}" for step in (-1, 1)]
        for step in (-1, 0, 1):
            row += [f"g{step}{name}" for name in (groups[i + step] if 0 <= i + step < len(groups) else ())]
        for step in (-1, 1):
            row += [f"e{step}{at(low, i + step)[-3:]}"]
        row += [f"k{name}" for name in known[i]]
        rows.append(row + without_spaces[i])
    return rows


def of_characters(low: Sequence[str], company: Company) -> list[list[str]]:
    """What is told of each character of a script without spaces by its bonds and its place between signs."""
    bonds, rows = company.bonds.along(low), []
    for at, (before, behind, size) in enumerate(clauses(low)):
        left, right = bonds[at], bonds[at + 1]
        row = [f"u-{left}", f"u+{right}", f"u{left}{right}", f"c-{before}", f"c+{behind}", f"c{size}"]
        row += [f"c{before}{size}", f"{low[at]}c{min(before, 1)}{min(behind, 1)}"]
        rows.append(row if size else [])
    return rows


class Vocabulary:
    """Numbers of features that occur in known texts; others are not seen."""

    def __init__(self, rows: Iterable[list[list[str]]]) -> None:
        self._number: dict[str, int] = {}
        for text in rows:
            for names in text:
                for name in names:
                    self._number.setdefault(name, len(self._number))

    def __len__(self) -> int:
        return len(self._number)

    def numbers(self, rows: list[list[str]]) -> list[list[int]]:
        """The numbers of each word's features."""
        get = self._number.get
        return [[number for name in names if (number := get(name)) is not None] for names in rows]
