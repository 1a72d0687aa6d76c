"""Plain answers to compare with: exact majority, and votes over single code points."""

from __future__ import annotations

import numpy as np

from labeling.truth import methods
from labeling.truth.spans.marks import Answer, Indexes, Marks, answers_of
from labeling.truth.votes import Bools, Floats, Votes


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
    """Dawid-Skene over code points, each a task of its own with T types and nothing."""
    pieces = Pieces.of(marks)
    belief = methods.method("dawid_skene")(pieces.votes(marks)).belief
    return pieces.stretches(belief[:, :-1], belief.argmax(axis=1) < marks.n_labels, marks)


class Pieces:
    """Code points that somebody marked, (P,) in one line of all texts, and who says what of them.

    What nobody marked is nothing by every rule but Dawid-Skene's, whose share of it is known all the same.
    """

    def __init__(self, at: Indexes, task: Indexes, by: Indexes, label: Indexes) -> None:
        self.at, self.where = np.unique(at, return_inverse=True)
        self.task = np.zeros(len(self.at), dtype=np.int64)
        self.task[self.where] = task
        self.by, self.label = by, label

    @classmethod
    def of(cls, marks: Marks) -> Pieces:
        """Every marked code point; of an annotator's overlapping marks the later one counts."""
        offset, size = marks.offset(), marks.end - marks.start
        mark = np.repeat(np.arange(len(size)), size)
        within = np.arange(len(mark)) - np.repeat(np.cumsum(size) - size, size)
        at = marks.start[mark] + offset[marks.task[mark]] + within
        cell = at * marks.n_annotators + marks.annotator[mark]
        _, last = np.unique(cell[::-1], return_index=True)
        kept = len(cell) - 1 - last
        return cls(at[kept], marks.task[mark][kept], marks.annotator[mark][kept], marks.label[mark][kept])

    def shares(self, marks: Marks) -> Floats:
        """Share of each type among those who answered, (P, T)."""
        cells = np.bincount(self.where * marks.n_labels + self.label, minlength=len(self.at) * marks.n_labels)
        seen = np.bincount(marks.seen_task, minlength=marks.n_tasks)[self.task]
        shares: Floats = cells.reshape(len(self.at), marks.n_labels) / seen[:, None]
        return shares

    def votes(self, marks: Marks) -> Votes:
        """Each code point as a task, its types and nothing as labels."""
        seen = [np.zeros(0, dtype=np.int64)] * marks.n_tasks
        order = np.argsort(marks.seen_task, kind="stable")
        counts = np.bincount(marks.seen_task, minlength=marks.n_tasks)
        for task, group in enumerate(np.split(marks.seen_by[order], np.cumsum(counts)[:-1])):
            seen[task] = group
        point = np.repeat(np.arange(len(self.at)), counts[self.task])
        by = np.concatenate([seen[task] for task in self.task.tolist()]) if len(self.at) else point
        cell = self.where * marks.n_annotators + self.by
        order = np.argsort(cell)
        place = np.searchsorted(cell[order], point * marks.n_annotators + by)
        place = np.minimum(place, max(len(cell) - 1, 0))
        label = np.full(len(point), marks.n_labels)
        if len(cell):
            named = cell[order][place] == point * marks.n_annotators + by
            label[named] = self.label[order[place[named]]]
        said_of, said_by, said = (column.astype(np.int32) for column in (point, by, label))
        return Votes(said_of, said_by, said, len(self.at), marks.n_annotators, marks.n_labels + 1)

    def stretches(self, shares: Floats, on: Bools, marks: Marks) -> list[Answer]:
        """Neighbouring code points of one type, where `on`, as one stretch."""
        label = np.where(on, shares.argmax(axis=1), -1)
        begins = np.flatnonzero((np.diff(self.at, prepend=-2) > 1) | (np.diff(label, prepend=-2) != 0))
        ends = np.append(begins[1:], len(self.at)) - 1
        kept = label[begins] >= 0
        begins, ends = begins[kept], ends[kept]
        task = self.task[begins]
        offset = marks.offset()[task]
        return answers_of(task, self.at[begins] - offset, self.at[ends] + 1 - offset, label[begins], marks.n_tasks)
