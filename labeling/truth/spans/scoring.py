"""How good marked stretches are against right ones, and how far two annotators mark alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from labeling.truth.spans.candidates import overlapping
from labeling.truth.spans.marks import Answer, Indexes, Span
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

    def __add__(self, other: Rates) -> Rates:
        return Rates(
            self.hits + other.hits, self.found + other.found, self.given + other.given, self.right + other.right
        )


NOTHING = Rates(0, 0, 0, 0)


def strict(answers: Sequence[Answer], gold: Sequence[Answer]) -> Rates:
    """A stretch is right where both borders and the type are."""
    hits = given = right = 0
    for one, other in zip(answers, gold, strict=True):
        mine, true = set(one), set(other)
        hits, given, right = hits + len(mine & true), given + len(mine), right + len(true)
    return Rates(hits, hits, given, right)


def strict_by_type(answers: Sequence[Answer], gold: Sequence[Answer], n_labels: int) -> list[Rates]:
    """`strict` for each type, in order; their sum is that of all."""
    given, right, hit = Counter[int](), Counter[int](), Counter[int]()
    for one, other in zip(answers, gold, strict=True):
        mine, true = set(one), set(other)
        for counts, spans in ((given, mine), (right, true), (hit, mine & true)):
            counts.update(span[2] for span in spans)
    return [Rates(hit[label], hit[label], given[label], right[label]) for label in range(n_labels)]


def partial_by_type(answers: Sequence[Answer], gold: Sequence[Answer], n_labels: int) -> list[Rates]:
    """For each type: a stretch is right where it shares a code point with a right one of its type.

    Cost O(n log n) in stretches, where those of one answer do not overlap each other much.
    """
    mine, true = _table(answers), _table(gold)
    reach = max((int(side[:, 2].max(initial=0)) for side in (mine, true)), default=0) + 1
    line = [(side[:, 0] * n_labels + side[:, 3]) * reach for side in (mine, true)]
    places = [side[:, 1:3] + at[:, None] for side, at in zip((mine, true), line, strict=True)]
    one, other = overlapping(*places)
    hit, found = (np.bincount(side[np.unique(at), 3], minlength=n_labels) for side, at in ((mine, one), (true, other)))
    given, right = (np.bincount(side[:, 3], minlength=n_labels) for side in (mine, true))
    return [Rates(*(int(counts[label]) for counts in (hit, found, given, right))) for label in range(n_labels)]


def _table(answers: Sequence[Answer]) -> Indexes:
    """Text, start, end and type of every stretch, (S, 4)."""
    rows = [(at, *span) for at, answer in enumerate(answers) for span in set(answer)]
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


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
