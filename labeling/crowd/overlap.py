"""How two texts relate: what a specialist for pairs (premise and hypothesis, question and passage) looks at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import NDArray

from labeling.crowd.base import Question
from labeling.crowd.errors import Unsuitable
from labeling.crowd.text_views import READ_CHARACTERS, tokens

Floats = NDArray[np.float64]

_NAME_OR_NUMBER = re.compile(r"\b[A-Z]\w+|\d[\d,.]*")
_NEGATIONS = {"not", "no", "never", "none", "nor", "neither", "without", "cannot", "nothing", "t"}
STEM = 5
"""Words that share their first five characters count as forms of one word."""


def overlap_view(pool: Sequence[Question]) -> Callable[[Sequence[Question]], Floats]:
    """A function from questions to rows that say how much of each part is found in each other part.

    Rarity of words comes from `pool`. Raises Unsuitable where a question has fewer than two parts
    or another number of parts than the first of the pool.
    """
    parts = len(pool[0].parts) if pool else 0
    if parts < 2:
        raise Unsuitable(
            "overlap_logistic compares two texts, but tasks have one; name two text fields or leave it out."
        )
    spread = Counter(word for question in pool for word in set(tokens(question.text)))

    def rarity(word: str) -> float:
        return float(np.log((len(pool) + 1) / (spread[word] + 1)))

    def rows(questions: Sequence[Question]) -> Floats:
        if any(len(question.parts) != parts for question in questions):
            raise Unsuitable(f"overlap_logistic learned from tasks of {parts} texts, but a task has another number.")
        return np.array([_row(question, rarity) for question in questions])

    return rows


def _row(question: Question, rarity: Callable[[str], float]) -> list[float]:
    texts = [text[:READ_CHARACTERS] for _, text in question.parts]
    found: list[float] = []
    for inside, of in permutations(texts, 2):
        found += _share(inside, of, rarity)
    negated = [bool(_NEGATIONS & set(tokens(text))) for text in texts]
    found += [float(word_count) for word_count in np.log1p([len(tokens(text)) for text in texts])]
    return [*found, *map(float, negated), float(len(set(negated)) > 1)]


def _share(inside: str, of: str, rarity: Callable[[str], float]) -> list[float]:
    """How much of text `of` is found in text `inside`: words, rare words, word forms, pairs, names and numbers."""
    here, there = tokens(inside), tokens(of)
    known, stems, wanted = set(here), {word[:STEM] for word in here}, sorted(set(there))
    total = sum(map(rarity, wanted)) or 1.0
    exact = [word for word in wanted if word in known]
    formed = [word for word in wanted if word[:STEM] in stems]
    pairs, pairs_there = set(pairwise(here)), set(pairwise(there))
    names, names_there = set(_NAME_OR_NUMBER.findall(inside)), set(_NAME_OR_NUMBER.findall(of))
    return [
        len(exact) / max(len(wanted), 1),
        sum(map(rarity, exact)) / total,
        sum(map(rarity, formed)) / total,
        len(pairs & pairs_there) / max(len(pairs_there), 1),
        float(len(names_there - names)),
        len(names_there - names) / max(len(names_there), 1),
        max((rarity(word) for word in wanted if word[:STEM] not in stems), default=0.0),
    ]
