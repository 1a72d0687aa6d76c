"""Answers of people who were shown a suggestion, out of a file (docs/commands.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from fairness.suggestions import NONE, Assisted, Floats, Ints
from labeling.files.tables import UnusableFile, open_table
from labeling.files.votes import GOLD_COLUMNS, matched, read_known
from labeling.kinds.cells import Meaning, Rules, clean, decide, number, unguarded


@dataclass(frozen=True, slots=True)
class Columns:
    """What the file calls its columns; empty for one that it has not. `by`: columns that tell conditions apart."""

    after: str
    shown: str
    before: str = ""
    seconds_before: str = ""
    seconds_after: str = ""
    worker: str = "worker"
    task: str = "task"
    by: tuple[str, ...] = ()

    def named(self) -> tuple[str, ...]:
        wished = (self.task, self.worker, self.after, self.shown, self.before, self.seconds_before, self.seconds_after)
        return tuple(dict.fromkeys(name for name in (*wished, *self.by) if name))


@dataclass(frozen=True, slots=True)
class AssistedFile:
    """`conditions`: for each answer the values of the columns that tell conditions apart, joined; empty without such.

    `notes`: what a reader of the file should know, in sentences.
    """

    answers: Assisted
    conditions: list[str]
    notes: tuple[str, ...]


def read_assisted(path: str, columns: Columns, gold: str, rules: Rules) -> AssistedFile:
    """The rows that name a task and a worker; `gold`: a file of right labels, or empty. Raises UnusableFile."""
    cells, notes = _cells(path, columns)
    known = read_known(gold, rules, GOLD_COLUMNS).labels if gold else {}
    right = [known.get(task, "") for task in cells[columns.task]]
    if gold and not any(right):
        raise UnusableFile(f"{gold} names no task of {path}; tasks are matched by the name in column task.")
    said = [cells[name] for name in (columns.before, columns.after, columns.shown) if name]
    meaning = decide(Counter(chain(right, *said)), rules)
    fits = _fit(gold, meaning.of(right), said, rules) if gold else ()
    answers = Assisted(
        np.unique(cells[columns.worker], return_inverse=True)[1].ravel(),
        _labels(cells[columns.shown], meaning),
        _labels(cells[columns.after], meaning),
        _labels(cells[columns.before], meaning) if columns.before else None,
        _labels(right, meaning) if gold else None,
        *(_seconds(path, name, cells) for name in (columns.seconds_before, columns.seconds_after)),
    )
    conditions = [", ".join(values) for values in zip(*(cells[name] for name in columns.by), strict=True)]
    return AssistedFile(
        answers,
        conditions,
        tuple(dict.fromkeys((*notes, *meaning.notes, *fits, *_unlabelled(columns, cells, meaning)))),
    )


def _fit(gold: str, right: Sequence[str], said: Sequence[Sequence[str]], rules: Rules) -> tuple[str, ...]:
    """How right labels and those that people said or saw fit. Raises UnusableFile where they share none."""
    given = decide(Counter(chain(*said)), rules).names()
    return matched(gold, Counter(label for label in right if label), given, rules)


def _cells(path: str, columns: Columns) -> tuple[dict[str, list[str]], list[str]]:
    """The columns of the rows that name a task and a worker, and sentences about the others."""
    names = columns.named()
    with open_table(path, names) as table:
        rows = [[clean(cell) for cell in (unguarded(row) if table.own else row)] for row in table.rows]
        notes = list(table.notes)
    task, worker = names.index(columns.task), names.index(columns.worker)
    kept = [row for row in rows if row[task] and row[worker]]
    if not kept:
        raise UnusableFile(f"{path} holds no answer; each line needs {', '.join(names)}.")
    if len(kept) < len(rows):
        notes.append(f"Rows of {path} without a task or a worker, left out: {len(rows) - len(kept):,}.")
    return {name: [row[at] for row in kept] for at, name in enumerate(names)}, notes


def _labels(cells: Sequence[str], meaning: Meaning) -> Ints:
    places = {name: place for place, name in enumerate(meaning.names())}
    return np.array([places.get(name, NONE) for name in meaning.of(cells)], dtype=np.int32)


def _seconds(path: str, name: str, cells: dict[str, list[str]]) -> Floats | None:
    if not name:
        return None
    found = [number(cell) for cell in cells[name]]
    if not any(value is not None for value in found):
        raise UnusableFile(f"The column {name} of {path} holds no number; seconds are numbers.")
    return np.array([np.nan if value is None else float(value) for value in found])


def _unlabelled(columns: Columns, cells: dict[str, list[str]], meaning: Meaning) -> list[str]:
    """How many answers have no label before or after, which are never right."""
    told = []
    for name in (columns.before, columns.after):
        none = sum(not label for label in meaning.of(cells[name])) if name else 0
        if none:
            told.append(f"Answers without a label in {name}: {none:,}; they count as not right.")
    return told
