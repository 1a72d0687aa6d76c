"""How good marked stretches are against right ones, and how far two annotators mark alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from labeling.truth.spans.marks import Answer, Span
from labeling.truth.votes import Ints


@dataclass(frozen=True, slots=True)
class Rates:
    """Precision, recall and F1 from counts; None where there is nothing to divide by.

    `hits`: stretches given that are right; `found`: right stretches that were given; `given`, `right`: how many.
    """

    hits: float
    found: float
    given: int
    right: int

    @property
    def precision(self) -> float | None:
        """Share of the given stretches that are right."""
        return self.hits / self.given if self.given else None

    @property
    def recall(self) -> float | None:
        """Share of the right stretches that were given."""
        return self.found / self.right if self.right else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where nothing was given and nothing is right."""
        if not self.given + self.right:
            return None
        precision, recall = self.precision or 0.0, self.recall or 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def strict(answers: Sequence[Answer], gold: Sequence[Answer], label: int | None = None) -> Rates:
    """A stretch is right where both borders and the type are; of all types, or of one."""
    hits = given = right = 0
    for one, other in zip(answers, gold, strict=True):
        mine, true = _of(one, label), _of(other, label)
        hits, given, right = hits + len(mine & true), given + len(mine), right + len(true)
    return Rates(hits, hits, given, right)


def partial(answers: Sequence[Answer], gold: Sequence[Answer], label: int | None = None) -> Rates:
    """A stretch is right where it shares a code point with a right one of its type; of all types, or of one."""
    hits = found = given = right = 0
    for one, other in zip(answers, gold, strict=True):
        mine, true = _of(one, label), _of(other, label)
        hits += sum(any(_meet(span, against) for against in true) for span in mine)
        found += sum(any(_meet(span, against) for against in mine) for span in true)
        given, right = given + len(mine), right + len(true)
    return Rates(hits, found, given, right)


def _of(answer: Answer, label: int | None) -> set[Span]:
    return {span for span in answer if label is None or span[2] == label}


def _meet(one: Span, other: Span) -> bool:
    return one[2] == other[2] and one[0] < other[1] and other[0] < one[1]


def token_kappa(answers: Sequence[Answer], gold: Sequence[Answer], lengths: Ints, n_labels: int) -> float | None:
    """Cohen's kappa over all code points, each of one of the types or none; None where chance explains everything.

    `lengths`: code points of each text. Where stretches overlap, the one that begins first has the code point.
    Cost grows with the stretches, not with the length of the texts.
    """
    table = np.zeros((n_labels + 1, n_labels + 1))
    for one, other, length in zip(answers, gold, lengths.tolist(), strict=True):
        for mine, true, size in _pieces(one, other, length, n_labels):
            table[mine, true] += size
    total = table.sum()
    if not total:
        return None
    observed = float(np.trace(table) / total)
    expected = float(table.sum(axis=0) @ table.sum(axis=1) / total**2)
    return None if expected >= 1 - 1e-12 else (observed - expected) / (1 - expected)


def _pieces(one: Answer, other: Answer, length: int, none: int) -> list[tuple[int, int, int]]:
    """Both labels and the length of each stretch in which neither changes."""
    flat = [_flat(answer) for answer in (one, other)]
    edges = sorted({0, length, *(edge for spans in flat for span in spans for edge in span[:2] if edge < length)})
    at, pieces = [0, 0], []
    for first, last in pairwise(edges):
        labels = []
        for side, spans in enumerate(flat):
            while at[side] < len(spans) and spans[at[side]][1] <= first:
                at[side] += 1
            inside = at[side] < len(spans) and spans[at[side]][0] <= first
            labels.append(spans[at[side]][2] if inside else none)
        pieces.append((labels[0], labels[1], last - first))
    return pieces


def _flat(answer: Answer) -> list[Span]:
    """The stretches in order, each cut to begin where those before it end."""
    flat: list[Span] = []
    reach = 0
    for start, end, label in sorted(answer):
        if end > max(start, reach):
            flat.append((max(start, reach), end, label))
            reach = end
    return flat
