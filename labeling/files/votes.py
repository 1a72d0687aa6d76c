"""Votes, known labels and texts in files, for the commands that need no database (contracts.md)."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import TextIO

import numpy as np

from labeling.truth.votes import Ints, Votes


class UnusableFile(Exception):
    """A file that cannot be used; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class VoteTable:
    """Votes with the names behind their indexes, each list in order of first appearance (labels sorted)."""

    votes: Votes
    tasks: list[str]
    annotators: list[str]
    labels: list[str]


@contextmanager
def open_text(path: str) -> Iterator[TextIO]:
    """A text stream of `path`: `-` is standard input, a name ending in .gz is unpacked; UTF-8, with or without BOM."""
    try:
        if path == "-":
            yield sys.stdin
            return
        opened = gzip.open(path, "rb") if path.endswith(".gz") else Path(path).open("rb")  # noqa: SIM115
        with opened as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
            yield text
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UnusableFile(f"{path} cannot be read ({error.strerror}); check the name and the rights.") from error
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnusableFile(f"{path} is not a UTF-8 text file; save it as UTF-8 and try again.") from error


def read_rows(path: str, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The named columns of a CSV file, row by row; other columns are ignored.

    Raises UnusableFile where the file has no header, lacks a column, or a row is too short.
    """
    with open_text(path) as stream:
        reader = csv.reader(_without_nul(stream, path))
        try:
            header = next(reader, None)
            if header is None:
                raise UnusableFile(f"{path} is empty; it needs a header line with {','.join(columns)}.")
            pick = _picker([_place(path, header, column) for column in columns])
            for row in filter(None, reader):
                try:
                    picked = pick(row)
                except IndexError:
                    message = f"{path} line {reader.line_num} has {len(row)} fields; it needs {len(header)}."
                    raise UnusableFile(message) from None
                yield picked
        except csv.Error as error:
            raise UnusableFile(f"{path} line {reader.line_num} is not valid CSV ({error}).") from error


def _without_nul(stream: TextIO, path: str) -> Iterator[str]:
    for number, line in enumerate(stream, start=1):
        if "\0" in line:
            raise UnusableFile(f"{path} line {number} has a NUL character; it is not a text file.")
        yield line


def _picker(places: list[int]) -> Callable[[list[str]], tuple[str, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda row: (row[places[0]],)


def _place(path: str, header: list[str], column: str) -> int:
    if column not in header:
        raise UnusableFile(f"{path} has no column {column!r}; its columns are {', '.join(header) or 'none'}.")
    return header.index(column)


def read_votes(path: str, labels: Sequence[str] = (), least_labels: int = 2) -> VoteTable:
    """Read `task,worker,label` rows. A worker's later vote on the same task replaces the earlier one.

    `labels` adds labels that may not occur among the votes (from a gold file). The label set is sorted.
    Raises UnusableFile where there is no vote or fewer than `least_labels` labels.
    """
    tasks, annotators, seen = (defaultdict[str, int](count().__next__) for _ in range(3))
    number_task, number_annotator, number_label = tasks.__getitem__, annotators.__getitem__, seen.__getitem__
    columns = array("i"), array("i"), array("i")
    add_task, add_annotator, add_label = (column.append for column in columns)
    for task, worker, label in read_rows(path, ("task", "worker", "label")):
        add_task(number_task(task))
        add_annotator(number_annotator(worker))
        add_label(number_label(label))
    if not tasks:
        raise UnusableFile(f"{path} holds no vote; each line needs a task, a worker and a label.")
    names = sorted(set(seen) | set(labels))
    if len(names) < least_labels:
        raise UnusableFile(f"{path} knows only the label {names[0]!r}; there must be at least two.")
    task_v, annotator_v, seen_v = (np.frombuffer(column, dtype=np.int32) for column in columns)
    index = {name: place for place, name in enumerate(names)}
    label_v = np.array([index[name] for name in seen], dtype=np.int32)[seen_v]
    keep = _last_of_each(task_v, annotator_v, len(annotators))
    votes = Votes(task_v[keep], annotator_v[keep], label_v[keep], len(tasks), len(annotators), len(names))
    return VoteTable(votes, list(tasks), list(annotators), names)


def _last_of_each(task: Ints, annotator: Ints, n_annotators: int) -> slice | np.ndarray:
    """What to keep so that the last row of each (task, annotator) pair remains, in the rows' order."""
    pair = task.astype(np.int64) * n_annotators + annotator
    if not _repeats(pair):
        return slice(None)
    _, from_the_end = np.unique(pair[::-1], return_index=True)
    return np.sort(len(pair) - 1 - from_the_end)


def _repeats(values: np.ndarray) -> bool:
    ordered = np.sort(values)
    return bool((ordered[1:] == ordered[:-1]).any())


def read_gold(path: str) -> dict[str, str]:
    """Known labels by task from `task,label` rows, in the file's order."""
    gold = {task: label for task, label in read_rows(path, ("task", "label"))}  # noqa: C416
    if not gold:
        raise UnusableFile(f"{path} holds no label; each line needs a task and a label.")
    return gold


def index_gold(gold: dict[str, str], tasks: Sequence[str], labels: Sequence[str]) -> Ints:
    """Label index by task, shape (len(tasks),), -1 where gold has none or names a label outside `labels`."""
    index = {name: place for place, name in enumerate(labels)}
    return np.array([index.get(gold[task], -1) if task in gold else -1 for task in tasks], dtype=np.int32)


def read_texts(path: str, fields: Sequence[str]) -> dict[str, str]:
    """Text by task from a JSONL file of objects with `task` and the named fields, joined by a newline."""
    texts: dict[str, str] = {}
    with open_text(path) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                item = json.loads(line)
            except ValueError as error:
                raise UnusableFile(f"{path} line {number} is not JSON ({error}).") from error
            missing = [name for name in ("task", *fields) if not isinstance(item, dict) or name not in item]
            if missing:
                raise UnusableFile(f"{path} line {number} has no field {missing[0]!r}.")
            texts[str(item["task"])] = "\n".join(str(item[name]) for name in fields)
    return texts
