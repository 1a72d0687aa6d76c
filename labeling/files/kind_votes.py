"""Answers of any kind out of files: votes with a worker, known answers without; bad rows are told and left out."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from labeling.files.tables import UnusableFile, open_table, open_text
from labeling.kinds.base import AnswerTable, Kind, Known, NoAnswer, Space, UnusableAnswer
from labeling.kinds.cells import Rules, clean, listed, unguarded
from labeling.truth.votes import Ints

NOBODY = ""
"""Stands for the worker of a known answer."""
AGAIN = "\0"
"""Behind the name of a worker who answers once more; no file holds it."""
ANSWER = "label"
"""What exports call an answer of any kind."""
Row = tuple[str, str, Any]


@dataclass(frozen=True, slots=True)
class Raw:
    """A file's answers before anybody says what they mean.

    `answers`: by (task, worker), each a cell, a list of cells or a JSON value. `occurring`: how often each label is
    named. `blank`: rows that are no answer.
    """

    path: str
    answers: dict[tuple[str, str], Any]
    occurring: Mapping[str, int]
    blank: int = 0
    notes: tuple[str, ...] = ()


def read_raw(path: str, kind: Kind, columns: Sequence[str], rules: Rules, *, keep_all: bool = False) -> Raw:
    """The answers of a file, as they are written; `columns`: its task, worker (unless known answers) and label.

    A worker's later answer to a task replaces the earlier one; where an answer has many rows, all of a pair are one
    answer. `keep_all`: an earlier answer stays, under the worker's name with AGAIN behind it. Raises UnusableFile.
    """
    answers: dict[tuple[str, str], Any] = {}
    nameless = repeated = blank = 0
    with _opened(path, kind, columns) as (rows, notes):
        for task, worker, cell in rows:
            if not task or (not worker and len(columns) > 2):
                nameless += 1
            elif isinstance(cell, str) and _says_nothing(cell, kind, rules):
                blank += 1
            elif kind.form == "cells":
                answers.setdefault((task, worker), []).append(cell)
            else:
                while keep_all and (task, worker) in answers:
                    worker += AGAIN
                repeated += (task, worker) in answers
                answers[task, worker] = cell
    if not answers:
        raise UnusableFile(f"{path} holds no answer; each row needs {', '.join(columns)}.")
    occurring = Counter(name for cell in answers.values() for name in kind.named(cell))
    return Raw(path, answers, occurring, blank, (*notes, *_about_rows(path, nameless, repeated)))


def table_of(raw: Raw, kind: Kind, space: Space, names: Mapping[str, str]) -> tuple[AnswerTable, tuple[str, ...]]:
    """What the raw answers mean in `space`, and sentences about those that mean nothing. Raises UnusableFile.

    `names`: the one spelling of each label that occurs.
    """
    answers, pairs, bad, blank = [], [], defaultdict[str, list[str]](list), raw.blank
    for pair, cell in raw.answers.items():
        try:
            answers.append(_read(kind.respelled(cell, names), kind, space, pair[0], bad))
            pairs.append(pair)
        except NoAnswer:
            blank += 1
        except UnusableAnswer as error:
            bad[str(error)].append(pair[0])
    if not answers:
        raise UnusableFile(f"{raw.path} holds no usable answer" + (f": {next(iter(bad))}." if bad else "."))
    tasks, task = _numbered([pair[0] for pair in pairs])
    workers, worker = _numbered([pair[1] for pair in pairs])
    table = AnswerTable(space, tasks, workers, task, worker, kind.pack(answers, space))
    return table, (*raw.notes, *_about_answers(raw.path, bad, blank))


def known_of(table: AnswerTable, tasks: Sequence[str]) -> tuple[Known, int]:
    """The known answers in a table of nobody's, by their place among `tasks`, and how many have no such task."""
    place = {task: at for at, task in enumerate(tasks)}
    moved = np.array([place.get(task, -1) for task in table.tasks], dtype=np.int32)[table.task]
    found = table.only(moved >= 0)
    return Known(moved[moved >= 0], found.answers), int((moved < 0).sum())


def _read(cell: Any, kind: Kind, space: Space, task: str, bad: dict[str, list[str]]) -> Any:
    """One answer; parts of it that cannot be used are told and left out. Raises NoAnswer, UnusableAnswer."""
    try:
        return kind.read(cell, space, task)
    except UnusableAnswer:
        if not isinstance(cell, list):
            raise
    good: list[Any] = []
    for part in cell:
        try:
            kind.read([part], space, task)
            good.append(part)
        except UnusableAnswer as error:
            bad[str(error)].append(task)
    if not good:
        raise NoAnswer("no part of it can be used")
    return kind.read(good, space, task)


def _says_nothing(cell: str, kind: Kind, rules: Rules) -> bool:
    """Whether a cell is no answer: a word for missing; a blank, too, unless it says that nothing was chosen."""
    return kind.form == "cell" if not cell else rules.is_missing(cell)


@contextmanager
def _opened(path: str, kind: Kind, columns: Sequence[str]) -> Iterator[tuple[Iterator[Row], list[str]]]:
    notes: list[str] = []
    if kind.form == "line" and not _is_csv(path):
        with open_text(path) as stream:
            yield _lines(path, stream, columns, notes), notes
        return
    columns = _there(path, columns) if kind.form == "line" else columns
    with open_table(path, columns, lists=kind.form == "cells") as table:
        notes.extend(table.notes)
        cells = _cells(table.rows, len(columns) > 2, table.own)
        yield {"line": _valued(path, cells, notes), "cells": _unpacked(cells)}.get(kind.form, cells), notes


def _unpacked(rows: Iterator[Row]) -> Iterator[Row]:
    """A list of labels in one cell, as JSON lines hold it, as a row for each of them."""
    for task, worker, cell in rows:
        for label in _listed(cell):
            yield task, worker, label


def _listed(cell: str) -> list[str]:
    if not cell.startswith("["):
        return [cell]
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        return [cell]
    return [one if isinstance(one, str) else json.dumps(one) for one in found] or [""]


def _is_csv(path: str) -> bool:
    """Whether a file is called a CSV and holds no JSON lines all the same."""
    if not path.removesuffix(".gz").lower().endswith((".csv", ".tsv")):
        return False
    with open_text(path) as stream:
        return not next(stream, "{").lstrip().startswith("{")


def _there(path: str, columns: Sequence[str]) -> Sequence[str]:
    """The columns with `label` for the answer where the file has that alone, as exports do."""
    with open_text(path) as stream:
        header = next(stream, "")
    return columns if columns[-1] in header else (*columns[:-1], ANSWER)


def _valued(path: str, rows: Iterator[Row], notes: list[str]) -> Iterator[Row]:
    """Rows whose answer is JSON in a cell of a CSV, as an export has it; an empty cell is no answer."""
    bad: list[str] = []
    for task, worker, cell in rows:
        try:
            yield task, worker, json.loads(cell) if cell else None
        except (ValueError, RecursionError):
            bad.append(task)
    if bad:
        notes.append(f"Answers of {path} that are no JSON, left out: {len(bad):,} (task {listed(bad, 3)}).")


def _cells(rows: Iterator[Sequence[str]], with_worker: bool, own: bool) -> Iterator[Row]:
    cleaned: dict[str, str] = {}
    for row in rows:
        cells = unguarded(row) if own else row
        for cell in cells:
            if cell not in cleaned:
                cleaned[cell] = clean(cell)
        task, label = cleaned[cells[0]], cleaned[cells[-1]]
        yield task, cleaned[cells[1]] if with_worker else NOBODY, label


def _lines(path: str, stream: Iterator[str], columns: Sequence[str], notes: list[str]) -> Iterator[Row]:
    """The named fields of JSON lines; a line that is no such object is told and left out."""
    bad: list[int] = []
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            cells = [item[name] for name in columns[:-1]]
            cells.append(item[columns[-1]] if columns[-1] in item else item[ANSWER])
        except (ValueError, KeyError, TypeError, RecursionError):
            bad.append(number)
            continue
        yield clean(str(cells[0])), clean(str(cells[1])) if len(columns) > 2 else NOBODY, cells[-1]
    if bad:
        notes.append(
            f"Lines of {path} that are no JSON object with {', '.join(columns)}, left out: {len(bad):,} "
            f"(line {listed(map(str, bad))})."
        )


def _about_rows(path: str, nameless: int, repeated: int) -> Iterator[str]:
    if nameless:
        yield f"Rows of {path} without a task or a worker, left out: {nameless:,}."
    if repeated:
        yield f"Rows of {path} that answer a task again: {repeated:,}; the last answer counts."


def _about_answers(path: str, bad: Mapping[str, Sequence[str]], blank: int) -> Iterator[str]:
    for why, tasks in bad.items():
        yield f"Answers of {path} left out, {len(tasks):,} (task {listed(tasks, 3)}): {why}."
    if blank:
        yield f"Rows of {path} that are no answer: {blank:,}."


def _numbered(names: Sequence[str]) -> tuple[list[str], Ints]:
    place = {name: at for at, name in enumerate(dict.fromkeys(names))}
    return list(place), np.array([place[name] for name in names], dtype=np.int32)


def read_item_texts(path: str, fields: Sequence[str]) -> dict[str, str]:
    """Text by task from JSON lines with `task` or `id` and named fields, newlines between. Raises UnusableFile."""
    texts: dict[str, str] = {}
    with open_text(path) as stream:
        for number, line in enumerate(filter(str.strip, stream), start=1):
            try:
                item = json.loads(line)
                texts[clean(str(item["task"] if "task" in item else item["id"]))] = "\n".join(
                    str(item[name]) for name in fields
                )
            except (ValueError, KeyError, TypeError) as error:
                raise UnusableFile(
                    f"{path} line {number} is no JSON object with task (or id), {', '.join(fields)}."
                ) from error
    return texts
