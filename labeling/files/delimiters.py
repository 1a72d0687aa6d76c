"""What stands between the fields of a CSV file: a comma, a semicolon, a tab or a bar, found out by looking."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from labeling.kinds.cells import clean

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SNIFFED_LINES = 20


def delimiter_of(lines: Sequence[str], columns: Sequence[str] = ()) -> str:
    """What stands between the fields: the first delimiter under which the header has the columns.

    Without such a one, the one that cuts header and lines alike into most fields; a comma where none does.
    """
    header = lines[0] if lines else ""
    cut = {delimiter: next(csv.reader([header], delimiter=delimiter), []) for delimiter in DELIMITERS}
    for delimiter, names in cut.items():
        if columns and all(has_column(names, column) for column in columns):
            return delimiter
    even = [delimiter for delimiter, names in cut.items() if len(names) > 1 and _even(lines, delimiter, len(names))]
    return max(even or [","], key=lambda delimiter: len(cut[delimiter]))


def has_column(header: Sequence[str], column: str) -> bool:
    """Whether the header has the column, if need be in another case or with blanks around it."""
    return column in header or plain(column) in map(plain, header)


def plain(name: str) -> str:
    """A column's name without case and outer blanks, a byte order mark included."""
    return clean(name).casefold()


def _even(lines: Sequence[str], delimiter: str, width: int) -> bool:
    """Whether most of the first rows have as many fields as the header; the last may be cut off in the middle."""
    try:
        rows = [row for row in csv.reader(lines[:SNIFFED_LINES], delimiter=delimiter) if row][1:]
    except csv.Error:
        return False
    return sum(len(row) == width for row in rows) * 2 >= len(rows)
