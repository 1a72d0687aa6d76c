"""Records out of files, whatever their form: CSV under any usual delimiter, JSON by line, in an array, over lines."""

from __future__ import annotations

import csv
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from labeling.files import label_studio_tasks, own_labels
from labeling.files.delimiters import SNIFFED_LINES, delimiter_of
from labeling.files.json_values import NotJson, on_lines, spread
from labeling.files.tables import UnusableFile, is_own, open_text
from labeling.kinds.cells import unguarded

JSON_NAMES = (".jsonl", ".ndjson", ".json")
SNIFFED = 1 << 16
MOST_FIELDS = 1000
SECONDS = 10.0
EVERY = 100


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that cannot be used, and why in one sentence."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written: `csv` with its delimiter, JSON by `line`, or JSON `spread` over lines."""

    kind: str
    delimiter: str = ""


def form_of(path: str, delimiter: str = "") -> Form:
    """Look at the start of a file; `delimiter`: what stands between the fields of a CSV, found out where empty."""
    with open_text(path) as stream:
        start = stream.read(SNIFFED)
    if _is_json(path, start):
        return Form("spread" if _is_spread(start) else "line")
    return Form("csv", delimiter or delimiter_of(start.splitlines(keepends=True)[:SNIFFED_LINES]))


def _is_json(path: str, start: str) -> bool:
    name = path.removesuffix(".gz").lower()
    if name.endswith(JSON_NAMES):
        return True
    head = start.lstrip()
    return _whole(head.partition("\n")[0]) if name.endswith((".csv", ".tsv")) else head.startswith("{")


def _is_spread(start: str) -> bool:
    """Whether values go over several lines, or stand in one array."""
    head = start.lstrip()
    lines = [line for line in head.splitlines() if line.startswith(head[:1])]
    if head.startswith("["):
        return len(lines) < 2 or not _whole(lines[0], list)
    return "\n" in head.rstrip() and not any(map(_whole, lines[:SNIFFED_LINES]))


def _whole(line: str, kind: type = dict) -> bool:
    try:
        return isinstance(json.loads(line), kind)
    except (ValueError, RecursionError):
        return False


def read_records(path: str, delimiter: str = "") -> Iterator[tuple[int, dict[str, Any] | Bad]]:
    """Every record with its line, in order, or why it is none; of our own labels one an instance (`own_labels`).

    Raises UnusableFile for an unusable CSV header.
    """
    form = form_of(path, delimiter)
    with open_text(path) as stream:
        is_csv = form.kind == "csv"
        rows = _csv_records(path, stream, form.delimiter) if is_csv else _json_records(stream, form)
        yield from own_labels.folded(rows)


def for_seconds(records: Iterator[Any], seconds: float) -> Iterator[Any]:
    """What comes within so many seconds of computing; a look must not keep a process busy."""
    started = time.thread_time()
    for number, record in enumerate(records):
        if number % EVERY == EVERY - 1 and time.thread_time() - started > seconds:
            return
        yield record


def field_names(path: str, delimiter: str = "", most_rows: int | None = None) -> list[str]:
    """The fields a file offers: a CSV header, or the keys of all records, of the first `most_rows` if need be.

    Records are JSON objects, or our own labels read back. "All" is what ten seconds of computing reach. Raises
    UnusableFile for more than 1,000 fields, or for a CSV that has one twice.
    """
    form = form_of(path, delimiter)
    if form.kind == "csv":
        with open_text(path) as stream:
            header = [name for name in _header(path, csv.reader(stream, delimiter=form.delimiter)) if name]
        if not own_labels.is_labels(header):
            return header
    names: dict[str, None] = {}
    for _, record in for_seconds(islice(read_records(path, delimiter), most_rows), SECONDS):
        names.update(dict.fromkeys(record if isinstance(record, dict) else {}))
        _check_width(path, len(names))
    return [name for name in names if name.strip()]


def _check_width(path: str, width: int) -> None:
    if width > MOST_FIELDS:
        raise UnusableFile(
            f"{Path(path).name} has {width:,} fields, more than {MOST_FIELDS:,}; keep those that are needed."
        )


def _header(path: str, reader: Iterator[list[str]]) -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise UnusableFile(f"The header line of {Path(path).name} is not valid CSV: {error}.") from error
    _check_width(path, len(header))
    twice = [name for name, times in Counter(header).items() if name and times > 1]
    if twice:
        raise UnusableFile(f"{Path(path).name} has two fields called {twice[0]!r}; give one of them another name.")
    return header


def _json_records(stream: TextIO, form: Form) -> Iterator[tuple[int, dict[str, Any] | Bad]]:
    for line, value in on_lines(stream) if form.kind == "line" else spread(stream):
        if isinstance(value, NotJson):
            behind = "" if form.kind == "line" else "; nothing behind it can be read"
            yield line, Bad(line, f"It is not JSON: {value}{behind}.")
        elif isinstance(value, dict):
            yield line, label_studio_tasks.unfolded(value)
        else:
            yield line, Bad(line, "It is not a JSON object with named fields.")


def _csv_records(path: str, stream: TextIO, delimiter: str) -> Iterator[tuple[int, dict[str, Any] | Bad]]:
    reader = csv.reader(stream, delimiter=delimiter)
    header = _header(path, reader)
    own = is_own(header)
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, Bad(line, f"It is not valid CSV: {error}.")
            continue
        if not values:
            continue
        if len(values) != len(header):
            yield line, Bad(line, f"It has {len(values)} fields; the header has {len(header)}.")
        else:
            yield line, dict(zip(header, unguarded(values) if own else values, strict=True))
