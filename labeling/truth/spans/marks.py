"""Marked stretches of text as arrays, and who looked at which text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.truth.votes import Ints

Span = tuple[int, int, int]
"""Start, end (exclusive) and the index of the type."""
Answer = tuple[Span, ...]
Indexes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Marks:
    """Mark m: annotator `annotator[m]` marked code points `start[m]` to `end[m]` (exclusive) of text `task[m]` as type
    `label[m]`, all (M,).

    `seen_task`, `seen_by`: (E,) who answered which text, once a pair, whether or not anything was marked there: whoever
    answered and left a stretch unmarked said "none" about it.
    """

    task: Indexes
    annotator: Indexes
    start: Indexes
    end: Indexes
    label: Indexes
    seen_task: Indexes
    seen_by: Indexes
    n_tasks: int
    n_annotators: int
    n_labels: int

    def offset(self) -> Indexes:
        """Where each text begins when all are laid behind each other, (n_tasks,): spans of two texts never meet."""
        reach = np.zeros(self.n_tasks, dtype=np.int64)
        np.maximum.at(reach, self.task, self.end)
        return np.concatenate([[0], np.cumsum(reach + 1)[:-1]]) if self.n_tasks else reach


def marks_of(
    answers: list[Answer], task: Ints, annotator: Ints, n_tasks: int, n_annotators: int, n_labels: int
) -> Marks:
    """Marks out of one answer an entry; `task`, `annotator`: (E,). A stretch marked twice alike counts once."""
    own = [tuple(dict.fromkeys(answer)) for answer in answers]
    entry = np.repeat(np.arange(len(own)), [len(answer) for answer in own])
    flat = np.array([span for answer in own for span in answer], dtype=np.int64).reshape(-1, 3)
    seen_task, seen_by = task.astype(np.int64), annotator.astype(np.int64)
    columns = flat[:, 0], flat[:, 1], flat[:, 2]
    return Marks(seen_task[entry], seen_by[entry], *columns, seen_task, seen_by, n_tasks, n_annotators, n_labels)


def answers_of(task: Indexes, start: Indexes, end: Indexes, label: Indexes, n_tasks: int) -> list[Answer]:
    """Spans, (S,) each, as one answer a task, in the order of the text."""
    found: list[list[Span]] = [[] for _ in range(n_tasks)]
    order = np.lexsort((label, end, start))
    for at, *span in zip(*(column[order].tolist() for column in (task, start, end, label)), strict=True):
        found[at].append((span[0], span[1], span[2]))
    return [tuple(spans) for spans in found]
