"""Rows out of CSV and JSONL files, one at a time, each either usable or with the reason why not. No database."""

from __future__ import annotations

import csv
import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from labeling.files.votes import UnusableFile, open_text

LONGEST_ID = 200
LONGEST_GROUP = 120
ID_FIELDS = ("id", "task", "external_id")
csv.field_size_limit(100_000_000)


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a file hold what. Without `id` a row is called after its line."""

    text: tuple[str, ...]
    gold: str = ""
    group: str = ""
    id: str = ""

    def named(self) -> tuple[str, ...]:
        return tuple(name for name in (*self.text, self.gold, self.group, self.id) if name)


@dataclass(frozen=True, slots=True)
class Row:
    """A usable row: `parts` are (title, text) pairs, `gold` a label name or empty."""

    line: int
    id: str
    parts: tuple[tuple[str, str], ...]
    gold: str = ""
    group: str = ""
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Hash of the titled texts, equal for rows that ask the same thing."""
        content = json.dumps([[title, _folded(text)] for title, text in self.parts], ensure_ascii=False)
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that cannot be used, and why in one sentence."""

    line: int
    reason: str


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def title_of(name: str) -> str:
    """A field name as people read it: `choice_1` becomes `Choice 1`."""
    return name.replace("_", " ").strip().capitalize()


def check_encoding(path: str) -> None:
    """Raise UnusableFile unless the whole file is UTF-8 text and not empty; reads it once, in constant memory."""
    empty = True
    with open_text(path) as stream:
        while block := stream.read(1 << 20):
            empty = empty and not block.strip()
    if empty:
        raise UnusableFile(f"{Path(path).name} is empty; it needs a line for each text.")


def field_names(path: str) -> list[str]:
    """The fields a file offers: a CSV header, or the keys of the first 50 JSON objects."""
    with open_text(path) as stream:
        if not _is_jsonl(path, stream):
            return next(csv.reader(stream), [])
        names: dict[str, None] = {}
        for _, value in islice(_objects(stream), 50):
            names.update(dict.fromkeys(value if isinstance(value, dict) else {}))
        return list(names)


def fields_for(path: str, text: Sequence[str], gold: str = "", group: str = "", id_field: str = "") -> Fields:
    """Match the wished fields with those of the file. Raises UnusableFile naming what the file does have."""
    there = field_names(path)
    chosen = Fields(tuple(text), gold, group, id_field or next((n for n in ID_FIELDS if n in there), ""))
    for name in chosen.named():
        if name not in there:
            known = ", ".join(there[:20]) or "none that can be read"
            raise UnusableFile(f"{Path(path).name} has no field {name!r}; its fields are {known}.")
    return chosen


def read_rows(path: str, fields: Fields, labels: Sequence[str], limit: int) -> Iterator[Row | Bad]:
    """Every row in order. `labels`: allowed gold labels, empty for any. `limit`: bytes one text may have."""
    allowed = set(labels)
    for line, record in _records(path):
        yield record if isinstance(record, Bad) else _row(line, record, fields, allowed, limit)


def gold_labels(path: str, fields: Fields, limit: int) -> list[str]:
    """The distinct gold labels of the usable rows, sorted."""
    return sorted({row.gold for row in read_rows(path, fields, (), limit) if isinstance(row, Row) and row.gold})


def _records(path: str) -> Iterator[tuple[int, dict[str, Any] | Bad]]:
    with open_text(path) as stream:
        yield from _json_records(stream) if _is_jsonl(path, stream) else _csv_records(stream)


def _is_jsonl(path: str, stream: TextIO) -> bool:
    name = path.removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return True
    if name.endswith((".csv", ".tsv")) or not stream.seekable():
        return False
    start = stream.read(64).lstrip()
    stream.seek(0)
    return start.startswith("{")


def _objects(stream: TextIO) -> Iterator[tuple[int, Any]]:
    for line, text in enumerate(stream, start=1):
        if text.strip():
            try:
                yield line, json.loads(text)
            except (ValueError, RecursionError) as error:
                yield line, Bad(line, f"It is not JSON: {str(error)[:120]}.")


def _json_records(stream: TextIO) -> Iterator[tuple[int, dict[str, Any] | Bad]]:
    for line, value in _objects(stream):
        usable = isinstance(value, dict | Bad)
        yield line, value if usable else Bad(line, "It is not a JSON object with named fields.")


def _csv_records(stream: TextIO) -> Iterator[tuple[int, dict[str, Any] | Bad]]:
    reader = csv.reader(stream)
    header = next(reader, [])
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
            yield line, dict(zip(header, values, strict=True))


def _row(line: int, record: dict[str, Any], fields: Fields, allowed: set[str], limit: int) -> Row | Bad:
    try:
        parts = tuple((title_of(name), _text(record, name)) for name in fields.text)
        gold, group = _text(record, fields.gold).strip(), _text(record, fields.group).strip()
        name = _text(record, fields.id).strip() if fields.id else f"line-{line}"
        others = {key: value for key, value in record.items() if key not in fields.named()}
        about = {str(key)[:60]: _short(value) for key, value in list(others.items())[:8]}
    except ValueError as error:
        return Bad(line, str(error))
    reason = _fault(name, parts, gold, group, allowed, limit)
    return Bad(line, reason) if reason else Row(line, name, parts, gold, group, about)


def _text(record: dict[str, Any], name: str) -> str:
    """The field as text; empty where it is absent. Raises ValueError with a sentence for anything that is no text."""
    value = record.get(name) if name else None
    if value is None:
        return ""
    if isinstance(value, dict | list):
        raise ValueError(f"The field {name!r} holds a list or an object, not a text.")
    text = value if isinstance(value, str) else json.dumps(value)
    if "\0" in text:
        raise ValueError(f"The field {name!r} has a NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"The field {name!r} has half of a character (a lone surrogate).") from None
    return text


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    clean = text.replace("\0", " ").encode("utf-8", "replace").decode()
    return clean[:200]


def _fault(
    name: str, parts: Sequence[tuple[str, str]], gold: str, group: str, allowed: set[str], limit: int
) -> str | None:
    size = max(len(text.encode()) for _, text in parts)
    empty = [title for title, text in parts if not text.strip()]
    if empty:
        return f"The field {empty[0]!r} is empty."
    if size > limit:
        return f"A text has {size:,} bytes; at most {limit:,} are allowed."
    if not name or len(name) > LONGEST_ID:
        return f"The id has {len(name)} characters; it needs 1 to {LONGEST_ID}."
    if len(group) > LONGEST_GROUP:
        return f"The group has {len(group)} characters; at most {LONGEST_GROUP} are allowed."
    if gold and allowed and gold not in allowed:
        return f"The gold label {gold[:60]!r} is not in the label set."
    return None
