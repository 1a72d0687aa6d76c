"""The unknowns of a marking question: each distinct stretch that somebody marked, and what everybody said of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.truth.spans.marks import Answer, Indexes, Marks
from labeling.truth.votes import Floats, Ints, Votes


@dataclass(frozen=True, slots=True)
class Candidates:
    """`task`, `start`, `end`: (C,) each distinct stretch, by task and place. `first`, `last`: (C,) the same in one line
    of all texts (`Marks.offset`).

    `votes`: votes on candidates, types 0 to T - 1 and T for "none". Whoever marked the stretch itself votes for its
    type; whoever marked one that overlaps votes in part for that type, by the overlap (intersection over union), and
    for none with the rest; whoever answered and marked nothing there votes none.
    """

    task: Indexes
    start: Indexes
    end: Indexes
    first: Indexes
    last: Indexes
    votes: Votes

    def __len__(self) -> int:
        return len(self.task)

    @property
    def n_types(self) -> int:
        """Number of types T."""
        return self.votes.n_labels - 1

    def known(self, tasks: Ints, answers: list[Answer]) -> Ints:
        """What is known about each candidate, (C,): its type, T for none, -1 on texts whose answer is not known."""
        labels = np.full(len(self), -1, dtype=np.int32)
        right = {
            task: {span[:2]: span[2] for span in answer} for task, answer in zip(tasks.tolist(), answers, strict=True)
        }
        places = zip(self.task.tolist(), self.start.tolist(), self.end.tolist(), strict=True)
        for at, (task, start, end) in enumerate(places):
            if task in right:
                labels[at] = right[task].get((start, end), self.n_types)
        return labels


def find(marks: Marks) -> Candidates:
    """All candidates. Cost grows with the marks that overlap, not with the length of the texts."""
    offset = marks.offset()
    place = np.stack([marks.start + offset[marks.task], marks.end + offset[marks.task]], axis=1)
    distinct, where = np.unique(place, axis=0, return_index=True)
    task = marks.task[where]
    votes = _votes(marks, place, distinct, task)
    return Candidates(task, marks.start[where], marks.end[where], distinct[:, 0], distinct[:, 1], votes)


def _votes(marks: Marks, place: Indexes, distinct: Indexes, task: Indexes) -> Votes:
    candidate, by, label, share = _nearest(marks, place, distinct)
    asked, asked_by = _asked(marks, task)
    rest = np.ones(len(asked))
    rest[np.searchsorted(asked * marks.n_annotators + asked_by, candidate * marks.n_annotators + by)] = 1 - share
    none = rest > 0
    about = np.concatenate([candidate, asked[none]]).astype(np.int32)
    who = np.concatenate([by, asked_by[none]]).astype(np.int32)
    what = np.concatenate([label, np.full(int(none.sum()), marks.n_labels)]).astype(np.int32)
    weight = np.concatenate([share, rest[none]]).astype(np.float32)
    return Votes(about, who, what, len(distinct), marks.n_annotators, marks.n_labels + 1, weight)


def _nearest(marks: Marks, place: Indexes, distinct: Indexes) -> tuple[Indexes, Indexes, Indexes, Floats]:
    """Of each candidate and annotator the mark that overlaps most: candidate, annotator, type and overlap in (0, 1]."""
    candidate, mark = overlapping(distinct, place)
    inner = np.minimum(distinct[candidate, 1], place[mark, 1]) - np.maximum(distinct[candidate, 0], place[mark, 0])
    outer = np.maximum(distinct[candidate, 1], place[mark, 1]) - np.minimum(distinct[candidate, 0], place[mark, 0])
    share = inner / outer
    by, label = marks.annotator[mark], marks.label[mark]
    order = np.lexsort((label, -share, by, candidate))
    best = order[np.flatnonzero(np.diff(candidate[order] * marks.n_annotators + by[order], prepend=-1))]
    return candidate[best], by[best], label[best], share[best]


def overlapping(places: Indexes, others: Indexes) -> tuple[Indexes, Indexes]:
    """Pairs (place, other) of stretches, (P, 2) and (O, 2), that share a code point; two index arrays.

    Cost O(n log n + pairs): of two that overlap, either the other begins inside the place, or the place begins inside
    the other and behind its beginning.
    """
    place, other = _beginning_in(places[:, 0], places[:, 1], others[:, 0])
    after, before = _beginning_in(others[:, 0] + 1, others[:, 1], places[:, 0])
    return np.concatenate([place, before]), np.concatenate([other, after])


def _beginning_in(first: Indexes, last: Indexes, begins: Indexes) -> tuple[Indexes, Indexes]:
    """Pairs (range, beginning) where the beginning lies in `first` to `last`, exclusive."""
    order = np.argsort(begins, kind="stable")
    low, high = (np.searchsorted(begins[order], edge) for edge in (first, last))
    row, within = ranges(low, np.maximum(high - low, 0))
    return row, order[within]


def _asked(marks: Marks, task: Indexes) -> tuple[Indexes, Indexes]:
    """Everybody who answered the text of each candidate: candidate and annotator, sorted by both."""
    order = np.lexsort((marks.seen_by, marks.seen_task))
    counts = np.bincount(marks.seen_task, minlength=marks.n_tasks)
    first = np.cumsum(counts) - counts
    candidate, within = ranges(first[task], counts[task])
    return candidate, marks.seen_by[order[within]]


def ranges(first: Indexes, count: Indexes) -> tuple[Indexes, Indexes]:
    """For each i the numbers `first[i]`, ..., `first[i] + count[i] - 1`: i repeated, and the numbers."""
    row = np.repeat(np.arange(len(first)), count)
    begun = np.cumsum(count) - count
    return row, np.arange(len(row)) - begun[row] + first[row]
