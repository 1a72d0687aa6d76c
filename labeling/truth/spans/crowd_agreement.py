"""How far annotators mark alike: F1 of every two, and kappa over code points, each with an interval."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from labeling.truth.agreement import TOO_FEW, Coefficient
from labeling.truth.spans.marks import Answer, Indexes, Marks
from labeling.truth.votes import Floats, Ints

DRAWS = 200
NO_MARKS = "nobody marked anything in a text that two annotators answered"
ALL_ALIKE = "every code point has the same label, so that chance explains all agreement"


@dataclass(frozen=True, slots=True)
class Pair:
    """Annotators `a` and `b`: `n` texts in common, strict `f1` of their marks, None where neither marked anything."""

    a: int
    b: int
    n: int
    f1: float | None


def pairwise_f1(marks: Marks, seed: int = 0) -> Coefficient:
    """Strict F1 of one annotator's marks against another's, over all pairs on a text; 95% bootstrap interval.

    2 * marks both made / marks either made, summed over pairs and texts: symmetric, and not corrected for chance.
    """
    seen = np.bincount(marks.seen_task, minlength=marks.n_tasks)
    rows = np.stack([marks.task, marks.start, marks.end, marks.label], axis=1)
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    alike = np.bincount(distinct[:, 0], counts * (counts - 1.0), marks.n_tasks)
    either = np.bincount(marks.task, seen[marks.task] - 1.0, marks.n_tasks)
    if not (seen > 1).any():
        return Coefficient(None, undefined=TOO_FEW)
    if not either.sum():
        return Coefficient(None, undefined=NO_MARKS)
    compared = np.flatnonzero(seen > 1)
    drawn = _drawn(len(compared), seed)
    values = (drawn @ alike[compared]) / _or_nan(drawn @ either[compared])
    return _coefficient(values)


def token_kappa(marks: Marks, lengths: Ints, seed: int = 0) -> Coefficient:
    """Kappa of every two annotators over all code points, of one of the types or none; 95% bootstrap interval.

    (observed - expected) / (1 - expected), observed the share of pairs that agree on a code point, expected from the
    labels of all pairs together (Scott's pi, which is Fleiss' kappa where everybody answers everything). `lengths`:
    (n_tasks,) code points of each text. Cost grows with the marks, not with the length of the texts.
    """
    agree, pairs, labels = (
        np.zeros(marks.n_tasks),
        np.zeros(marks.n_tasks),
        np.zeros((marks.n_tasks, marks.n_labels + 1)),
    )
    order = np.argsort(marks.task, kind="stable")
    ends = np.cumsum(np.bincount(marks.task, minlength=marks.n_tasks))
    people = _people(marks)
    for task in range(marks.n_tasks):
        n = len(people[task])
        if n < 2 or not lengths[task]:
            continue
        own = order[ends[task - 1] if task else 0 : ends[task]]
        counts, size = _label_counts(marks, own, people[task], int(lengths[task]))
        agree[task] = (counts * (counts - 1)).sum(axis=0) @ size / 2
        pairs[task] = n * (n - 1) / 2 * size.sum()
        labels[task] = (n - 1) * (counts @ size)
    compared = np.flatnonzero(pairs > 0)
    if not len(compared):
        return Coefficient(None, undefined=TOO_FEW)
    drawn = _drawn(len(compared), seed)
    share = drawn @ labels[compared]
    share /= share.sum(axis=1, keepdims=True)
    expected = (share**2).sum(axis=1)
    observed = drawn @ agree[compared] / (drawn @ pairs[compared])
    if expected[0] >= 1 - 1e-12:
        return Coefficient(None, undefined=ALL_ALIKE)
    return _coefficient((observed - expected) / np.where(expected < 1 - 1e-12, 1 - expected, np.nan))


def pairs_of(answers: list[Answer], task: Ints, annotator: Ints, most: int) -> list[Pair]:
    """The pairs of annotators with the most texts in common, at most `most`; one answer an entry."""
    at: defaultdict[int, list[tuple[int, frozenset[tuple[int, int, int]]]]] = defaultdict(list)
    for answer, where, who in zip(answers, task.tolist(), annotator.tolist(), strict=True):
        at[where].append((who, frozenset(answer)))
    met: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    for given in at.values():
        for (a, mine), (b, other) in combinations(sorted(given, key=lambda one: one[0]), 2):
            sums = met[a, b]
            sums[0] += 1
            sums[1] += 2 * len(mine & other)
            sums[2] += len(mine) + len(other)
    busiest = sorted(met.items(), key=lambda item: (-item[1][0], item[0]))[:most]
    return [Pair(a, b, n, alike / either if either else None) for (a, b), (n, alike, either) in busiest]


def _people(marks: Marks) -> list[Indexes]:
    order = np.lexsort((marks.seen_by, marks.seen_task))
    counts = np.bincount(marks.seen_task, minlength=marks.n_tasks)
    return np.split(marks.seen_by[order], np.cumsum(counts)[:-1])


def _label_counts(marks: Marks, own: Indexes, people: Indexes, length: int) -> tuple[Floats, Floats]:
    """How many gave each label (T + 1, S) to each of S stretches in which no label changes, and their sizes, (S,)."""
    edges = np.unique(np.concatenate([[0, length], marks.start[own], marks.end[own]]))
    edges = edges[edges <= length]
    said = np.full((len(people), len(edges) - 1), marks.n_labels)
    first, last = np.searchsorted(edges, marks.start[own]), np.searchsorted(edges, marks.end[own])
    rows = np.searchsorted(people, marks.annotator[own])
    for row, start, end, label in zip(rows, first, last, marks.label[own], strict=True):
        said[row, start:end] = label
    counts = np.stack([(said == label).sum(axis=0) for label in range(marks.n_labels + 1)])
    return counts.astype(np.float64), np.diff(edges).astype(np.float64)


def _drawn(n: int, seed: int) -> Floats:
    """How often each of n texts counts: once each first, then in every resample, (1 + DRAWS, n)."""
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), DRAWS)
    return np.concatenate([np.ones((1, n)), drawn])


def _or_nan(values: Floats) -> Floats:
    found: Floats = np.where(values > 0, values, np.nan)
    return found


def _coefficient(values: Floats) -> Coefficient:
    low, high = np.nanquantile(values[1:], [0.025, 0.975]).tolist()
    return Coefficient(float(values[0]), low, high, resamples=DRAWS, lost=int(np.isnan(values[1:]).sum()))
