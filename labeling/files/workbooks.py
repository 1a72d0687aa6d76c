"""XLSX workbooks become JSON lines when they arrive; from then on they are a file like any other."""

from __future__ import annotations

import json
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from datetime import time as clock
from pathlib import Path
from typing import Any

from labeling.files.records import MOST_FIELDS
from labeling.files.tables import UnusableFile

MOST_UNPACKED = 300_000_000
SECONDS = 60.0
"""Of computing, that reading one workbook may take."""
EVERY = 500


def as_json_lines(workbook: Path, lines: Path, name: str) -> str:
    """Write the first sheet that has rows, a row on the line of its own number; returns what the sheet is called.

    `name`: what its owner calls the file. Raises UnusableFile for a workbook that cannot be read, or is too large.
    """
    from openpyxl import load_workbook  # a fifth of a second, which only those pay who bring a workbook

    _check_size(workbook, name)
    try:
        book = load_workbook(workbook, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # the library raises whatever its parsers do
        raise UnusableFile(f"{name} cannot be read as an XLSX workbook; save it anew, or as CSV.") from error
    try:
        for sheet in book.worksheets:
            if _write(sheet, lines, name):
                return str(sheet.title)
    except UnusableFile:
        raise
    except Exception as error:
        raise UnusableFile(f"{name} breaks off in the middle; save it anew, or as CSV.") from error
    finally:
        book.close()
    raise UnusableFile(f"{name} has no sheet with a header line and rows.")


def _check_size(workbook: Path, name: str) -> None:
    try:
        with zipfile.ZipFile(workbook) as packed:
            size = sum(member.file_size for member in packed.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise UnusableFile(f"{name} is no XLSX workbook; save it anew, or as CSV.") from error
    if size > MOST_UNPACKED:
        raise UnusableFile(
            f"{name} unpacks to {size:,} bytes, more than {MOST_UNPACKED:,}; save it as CSV, which may be larger."
        )


def _write(sheet: Any, lines: Path, name: str) -> bool:
    """Whether the sheet has a header and at least one row. Blank lines stand for the header and for empty rows."""
    started = time.thread_time()
    sheet.reset_dimensions()
    rows: Iterator[tuple[Any, ...]] = sheet.iter_rows(values_only=True, max_col=MOST_FIELDS + 1)
    header: list[str] = []
    found = False
    with lines.open("w", encoding="utf-8") as stream:
        for number, values in enumerate(rows):
            if number % EVERY == 0 and time.thread_time() - started > SECONDS:
                raise UnusableFile(f"{name} takes too long to read; save the sheet as CSV.")
            cells = [_cell(value) for value in values]
            if header:
                pairs = [(title, cell) for title, cell in zip(header, cells, strict=False) if title]
                filled = any(cell is not None for _, cell in pairs)
                # the first row names every field, so that they are offered in the order of the sheet
                record = {title: cell for title, cell in pairs if filled and (cell is not None or not found)}
                found = found or filled
                stream.write(json.dumps(record, ensure_ascii=False) if record else "")
            elif any(cell is not None for cell in cells):
                header = _titles(cells, name)
            stream.write("\n")
    return found


def _titles(cells: list[Any], name: str) -> list[str]:
    titles = ["" if cell is None else str(cell).strip() for cell in cells]
    while titles and not titles[-1]:
        titles.pop()
    if len(titles) > MOST_FIELDS:
        raise UnusableFile(f"{name} has more than {MOST_FIELDS:,} fields; keep those that are needed.")
    twice = [title for title, times in Counter(titles).items() if title and times > 1]
    if twice:
        raise UnusableFile(f"{name} has two fields called {twice[0]!r}; give one of them another name.")
    return titles


def _cell(value: Any) -> Any:
    """A cell as JSON has it; dates and times as ISO 8601, whole numbers without a point, None for nothing."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, datetime) and value.time() == clock():
        return value.date().isoformat()
    if isinstance(value, datetime | date | clock):
        return value.isoformat()
    if value is None or isinstance(value, str | bool | int | float):
        return None if isinstance(value, str) and not value.strip() else value
    return str(value)
