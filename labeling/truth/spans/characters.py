"""Plain answers to compare with: exact majority, and votes over single code points."""

from __future__ import annotations

import numpy as np

from labeling.truth import methods
from labeling.truth.spans.candidates import ranges
from labeling.truth.spans.marks import Answer, Indexes, Marks, answers_of
from labeling.truth.votes import Bools, Floats, Votes

MOST_VOTES = 5_000_000
"""Votes of Dawid-Skene over code points: 60 MB, and a few times that in work."""


def exact_majority(marks: Marks) -> list[Answer]:
    """The stretches that more than half of those who answered marked alike, borders and type."""
    rows = np.stack([marks.task, marks.start, marks.end, marks.label], axis=1)
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    seen = np.bincount(marks.seen_task, minlength=marks.n_tasks)
    kept = distinct[counts > seen[distinct[:, 0]] / 2]
    task, start, end, label = kept.T
    return answers_of(task, start, end, label, marks.n_tasks)


def by_majority(marks: Marks) -> list[Answer]:
    """Each code point gets what most say of it, "nothing" included; the first type in a tie, nothing last."""
    pieces = Pieces.of(marks)
    shares = pieces.shares(marks)
    return pieces.stretches(shares, shares.max(axis=1) > 1 - shares.sum(axis=1), marks)


def by_half(marks: Marks) -> list[Answer]:
    """Each code point gets the type that most give it, where at least half of those who answered give that type."""
    pieces = Pieces.of(marks)
    shares = pieces.shares(marks)
    return pieces.stretches(shares, shares.max(axis=1) >= 0.5 - 1e-9, marks)


def by_dawid_skene(marks: Marks) -> list[Answer]:
    """Dawid-Skene over code points that anybody marked, each a task of its own with T types and nothing."""
    pieces = Pieces.of(marks)
    votes, first = pieces.votes(marks)
    belief = methods.method("dawid_skene")(votes).belief[first]
    return pieces.stretches(belief[:, :-1], belief.argmax(axis=1) < marks.n_labels, marks)


class Pieces:
    """Code points that somebody marked, put together where nobody's mark begins or ends: `start` to `end`, (P,), in one
    line of all texts, of text `task`; vote v says that `by[v]` gives piece `where[v]` the type `label[v]`.

    What nobody marked is in no piece.
    """

    def __init__(self, edges: Indexes, where: Indexes, marks: Marks, mark: Indexes) -> None:
        used, self.where = np.unique(where, return_inverse=True)
        self.start, self.end = edges[used], edges[used + 1]
        self.task = np.zeros(len(used), dtype=np.int64)
        self.task[self.where] = marks.task[mark]
        self.by, self.label = marks.annotator[mark], marks.label[mark]

    @classmethod
    def of(cls, marks: Marks) -> Pieces:
        """All pieces; of an annotator's overlapping marks the later one counts. Cost grows with marks that overlap."""
        shift = marks.offset()[marks.task]
        start, end = marks.start + shift, marks.end + shift
        edges = np.unique(np.concatenate([start, end]))
        first, last = np.searchsorted(edges, start), np.searchsorted(edges, end)
        mark, where = ranges(first, last - first)
        _, latest = np.unique((where * marks.n_annotators + marks.annotator[mark])[::-1], return_index=True)
        kept = len(mark) - 1 - latest
        return cls(edges, where[kept], marks, mark[kept])

    def shares(self, marks: Marks) -> Floats:
        """Share of each type among those who answered, (P, T)."""
        cells = np.bincount(self.where * marks.n_labels + self.label, minlength=len(self.task) * marks.n_labels)
        seen = np.bincount(marks.seen_task, minlength=marks.n_tasks)[self.task]
        shares: Floats = cells.reshape(len(self.task), marks.n_labels) / seen[:, None]
        return shares

    def votes(self, marks: Marks) -> tuple[Votes, Indexes]:
        """Each code point as a task, its types and nothing as labels, and the first code point of each piece.

        Where there were more than `MOST_VOTES`, pieces are shortened in proportion, to one code point at least.
        """
        order = np.lexsort((marks.seen_by, marks.seen_task))
        counts = np.bincount(marks.seen_task, minlength=marks.n_tasks)
        piece, entry = ranges((np.cumsum(counts) - counts)[self.task], counts[self.task])
        by = marks.seen_by[order[entry]]
        label = np.full(len(piece), marks.n_labels)
        place = np.searchsorted(piece * marks.n_annotators + by, self.where * marks.n_annotators + self.by)
        label[place] = self.label
        size = self.end - self.start
        total = int(size[piece].sum())
        copies = size if total <= MOST_VOTES else np.maximum(size * MOST_VOTES // total, 1)
        first = np.cumsum(copies) - copies
        vote, point = ranges(first[piece], copies[piece])
        task, annotator, said = (column.astype(np.int32) for column in (point, by[vote], label[vote]))
        return Votes(task, annotator, said, int(copies.sum()), marks.n_annotators, marks.n_labels + 1), first

    def stretches(self, shares: Floats, on: Bools, marks: Marks) -> list[Answer]:
        """Neighbouring pieces of one type, where `on`, as one stretch."""
        label = np.where(on, shares.argmax(axis=1), -1)
        apart = np.concatenate([[True], self.start[1:] > self.end[:-1]])[: len(label)]
        begins = np.flatnonzero(apart | (np.diff(label, prepend=-2) != 0))
        ends = np.append(begins[1:], len(label))[: len(begins)] - 1
        kept = label[begins] >= 0
        begins, ends = begins[kept], ends[kept]
        task = self.task[begins]
        shift = marks.offset()[task]
        return answers_of(task, self.start[begins] - shift, self.end[ends] - shift, label[begins], marks.n_tasks)
