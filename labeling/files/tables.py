"""Named columns out of a file, row by row: CSV with any usual delimiter, or JSONL. A faulty row is never cut to fit."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import TextIO

from labeling.files.delimiters import DELIMITERS, SNIFFED_LINES, delimiter_of, has_column, plain
from labeling.files.own_labels import is_labels
from labeling.kinds.cells import listed, written

csv.field_size_limit(20_000_000)
Row = Sequence[str]
OWN_VOTES = frozenset({"task", "worker", "label", "prompt_version", "created_at"})
BLOCK = 64
"""Lines that are looked at together; so few that the garbage collector is not woken by each block."""
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
MOST_LINES = 5
"""Faulty lines that a refusal names beside the first."""


class UnusableFile(Exception):
    """A file that cannot be used; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, each with the wished columns in their order; read once, while the file is open.

    `blocks`: some rows together, which is faster than one by one. A row holds "" for an optional column that
    is not there. `notes`: how the file is read. `own`: Concord exported it, so that apostrophes guard its formulas.
    """

    blocks: Iterator[list[Row]]
    notes: tuple[str, ...] = ()
    own: bool = False

    @property
    def rows(self) -> Iterator[Row]:
        """The same rows one by one."""
        return chain.from_iterable(self.blocks)


UNREADABLE = {
    FileNotFoundError: "there is no such file",
    IsADirectoryError: "it is a folder",
    PermissionError: "it may not be read by you",
}


def unreadable(path: str, error: OSError) -> str:
    """One sentence about a file that cannot be opened, the same from every command."""
    reason = UNREADABLE.get(type(error), error.strerror)
    return f"{path} cannot be read ({reason}); check the name and the rights."


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
        raise UnusableFile(unreadable(path, error)) from error
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        if path.lower().endswith(WORKBOOKS):
            raise UnusableFile(f"{path} is a workbook; save its sheet as CSV and name that file.") from error
        raise UnusableFile(f"{path} is not a UTF-8 text file; save it as UTF-8 and try again.") from error


@contextmanager
def open_table(
    path: str, columns: Sequence[str], optional: Sequence[str] = (), *, lists: bool = False
) -> Iterator[Table]:
    """The named columns of a CSV or JSONL file; others are ignored, outer blanks and case of their names forgiven.

    `lists`: a list or an object of JSONL is a cell with its JSON, not a fault.
    Raises UnusableFile where the file has no header, lacks a column or has it twice, and, while the rows are read, at
    a row with more or fewer fields than the header.
    """
    with open_text(path) as stream:
        lines = _without_nul(stream, path)
        start = list(islice(lines, SNIFFED_LINES))
        lines = chain(start, lines)
        if start and start[0].lstrip().startswith("{"):
            rows = _json_rows(lines, path, columns, optional, lists)
            yield Table(iter(lambda: list(islice(rows, BLOCK)), []))
        else:
            yield _csv_table(lines, start, path, columns, optional)


def _csv_table(
    lines: Iterator[str], start: list[str], path: str, columns: Sequence[str], optional: Sequence[str]
) -> Table:
    delimiter = delimiter_of(start, columns)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    with _sound_csv(path, reader):
        header = next(reader, [])
    if not any(map(str.strip, header)):
        raise UnusableFile(f"{path} is empty; it needs a header line with {','.join(columns)}.")
    places = [find_column(path, header, column) for column in columns]
    extra = [find_column(path, header, column) if has_column(header, column) else -1 for column in optional]
    blocks = _csv_blocks(reader, path, len(header), _picker([*places, *extra], len(header)))
    notes = () if delimiter == "," else (f"{path} has its fields between {DELIMITERS[delimiter]}.",)
    return Table(blocks, notes, is_own(header))


def is_own(header: Iterable[str]) -> bool:
    """Whether these are the columns of a CSV that Concord exported."""
    names = set(header)
    return is_labels(names) or names >= OWN_VOTES


def find_column(path: str, header: Sequence[str], column: str) -> int:
    """The column's place: its exact name, else one that differs in outer blanks or case. Raises UnusableFile."""
    exact = [place for place, name in enumerate(header) if name == column]
    found = exact or [place for place, name in enumerate(header) if plain(name) == plain(column)]
    if not found:
        raise UnusableFile(f"{path} has no column {column!r}; its columns are {listed(header, 20) or 'none'}.")
    if len(found) > 1:
        raise UnusableFile(f"{path} line 1 has the column {column!r} {len(found)} times; rename all but one of them.")
    return found[0]


def _picker(places: list[int], width: int) -> Callable[[list[str]], Row] | None:
    """What takes the wished columns out of a row; None where the row is those columns already."""
    if places == list(range(width)):
        return None
    if len(places) > 1 and min(places) >= 0:
        return itemgetter(*places)
    return lambda row: tuple(row[place] if place >= 0 else "" for place in places)


def _csv_blocks(
    reader: Iterator[list[str]], path: str, width: int, pick: Callable[[list[str]], Row] | None
) -> Iterator[list[Row]]:
    before = _line(reader)
    with _sound_csv(path, reader):
        while block := list(islice(reader, BLOCK)):
            if set(map(len, block)) != {width}:
                block = list(_even_rows(block, path, width, before, reader))
            yield list(map(pick, block)) if pick else list(block)
            before = _line(reader)


def _even_rows(
    block: list[list[str]], path: str, width: int, before: int, reader: Iterator[list[str]]
) -> Iterator[list[str]]:
    """The rows of a block without those that are blank. Raises UnusableFile, naming lines, for one of another width."""
    ragged: list[tuple[int, int]] = []
    for row in block:
        before += 1 + sum(cell.count("\n") for cell in row)
        if len(row) == width:
            yield row
        elif any(map(str.strip, row)):
            ragged.append((before, len(row)))
    if ragged:
        more = [_line(reader) for row in reader if len(row) != width and any(map(str.strip, row))]
        raise UnusableFile(_ragged(path, ragged[0], width, [line for line, _ in ragged[1:]] + more))


def _ragged(path: str, first: tuple[int, int], width: int, more: list[int]) -> str:
    """The sentence about a row of another width, `first` its line and number of fields, and the lines of the others."""
    said = f"{path} line {first[0]} has {first[1]} fields; it needs {width}, as many as the header"
    lines = f"{'lines' if len(more) > 1 else 'line'} {listed(map(str, more), MOST_LINES)}"
    so_do = f"; so do {len(more):,} more ({lines})" if more else ""
    return f"{said}{so_do}. A text that holds the delimiter stands in quotes."


def _line(reader: Iterator[list[str]]) -> int:
    return int(getattr(reader, "line_num", 0))


@contextmanager
def _sound_csv(path: str, reader: Iterator[list[str]]) -> Iterator[None]:
    try:
        yield
    except csv.Error as error:
        raise UnusableFile(f"{path} line {_line(reader)} is not valid CSV ({error}).") from error


def _without_nul(stream: TextIO, path: str) -> Iterator[str]:
    """The lines of a stream, checked many at a time. Raises UnusableFile for one with a NUL character."""
    return chain.from_iterable(_blocks_without_nul(stream, path))


def _blocks_without_nul(stream: TextIO, path: str) -> Iterator[list[str]]:
    done = 0
    while block := list(islice(stream, BLOCK)):
        if "\0" in "".join(block):
            line = done + 1 + next(place for place, line in enumerate(block) if "\0" in line)
            raise UnusableFile(f"{path} line {line} has a NUL character; it is not a text file.")
        yield block
        done += len(block)


def _json_rows(
    lines: Iterator[str], path: str, columns: Sequence[str], optional: Sequence[str], lists: bool
) -> Iterator[Row]:
    """The fields of JSON objects as cells, "" where one is absent; each of `columns` must be in some row."""
    absent = set(columns)
    for number, line in enumerate(lines, start=1):
        if line.strip():
            item = _object(path, number, line)
            absent.difference_update(item)
            yield tuple(_cell(path, number, item, name, lists) for name in (*columns, *optional))
    if absent:
        raise UnusableFile(f"{path} has no field {min(absent)!r} in any line; each needs {', '.join(columns)}.")


def _object(path: str, number: int, line: str) -> dict[str, object]:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnusableFile(f"{path} line {number} is not JSON ({str(error)[:120]}).") from error
    if not isinstance(item, dict):
        raise UnusableFile(f"{path} line {number} is not a JSON object with named fields.")
    return item


def _cell(path: str, line: int, item: dict[str, object], name: str, lists: bool) -> str:
    if lists and isinstance(item.get(name), list | dict):
        return json.dumps(item[name], ensure_ascii=False)
    try:
        return written(item.get(name))
    except ValueError as error:
        raise UnusableFile(f"{path} line {line}: the field {name!r} {error}") from None
