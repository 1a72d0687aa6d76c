"""Labels that Concord exported, as they read back: one record an instance, whatever was asked about it.

An export has a row for each settled task, of a set of labels one for each label. Here the rows about one instance are
one record: `label` and `gold` are those of the first question, `label 2` and `gold 2` those of the second, and so on.
What is JSON in a cell is a value again. No database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

OWN = frozenset({"task", "confidence", "decided_by", "provenance"})
"""What all labels have that Concord exported, beside answers; the short file of `label` lacks provenance and texts."""
SHORT = (
    *("task", "label", "confidence", "decided_by", "below_threshold", "entropy", "cost_usd", "votes"),
    *("group", "gold", "differs_from_gold"),
)
GROUP, QUESTION, IMAGES, IMAGES_ALT, ABOUT, LOCAL_ONLY = (
    "group",
    "question",
    "images",
    "images_alt",
    "about",
    "local_only",
)
FIELDS = frozenset(
    {*SHORT, QUESTION, IMAGES, IMAGES_ALT, ABOUT, LOCAL_ONLY}
    | {"batch", "slice", "annotator", "why", "decided_at", "provenance", "text", "parts"}
)
"""All fields of an export but for the group attributes, which are called as they are."""
TITLED = ("parts", IMAGES, IMAGES_ALT, ABOUT)
ANSWERS = ("label", "gold")
BETWEEN = (";", "|", ",")
"""What may stand between labels in one cell, the first that makes labels of all parts."""
NUMBERED = re.compile(r"(label|gold) [1-9][0-9]*")


def is_labels(names: Iterable[str]) -> bool:
    """Whether these are the fields of labels that Concord exported."""
    return OWN.issubset(names)


def column(attribute: str) -> str:
    """The field of a group attribute; one that is called like another field gets a longer name."""
    return f"{GROUP} {attribute}" if attribute in FIELDS or NUMBERED.fullmatch(attribute) else attribute


def attributes(names: Iterable[str]) -> list[str]:
    """The fields of group attributes; `group`, which repeats the first of them, only where it is the only one."""
    there = list(names)
    own = [name for name in there if name not in FIELDS and not NUMBERED.fullmatch(name)]
    return own or [name for name in there if name == GROUP]


def named(field: str, number: int) -> str:
    """What the answer to a question is called, by the question's number from 1."""
    return field if number == 1 else f"{field} {number}"


def numbers(names: Iterable[str]) -> list[int]:
    """The numbers of the questions that a file of ours has answers to."""
    there = set(names)
    later = sorted(int(name.split()[1]) for name in there if NUMBERED.fullmatch(name))
    return sorted({*([1] if "label" in there else []), *later})


def folded(records: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """The records, those of our exports that are about one instance together; all others as they come.

    Rows of an instance stand one behind another, as they were exported.
    """
    held: tuple[int, dict[str, Any]] | None = None
    for line, record in records:
        if held and _same(held[1], record):
            _join(held[1], _read(record))
            continue
        if held:
            yield held
        held = (line, _read(record)) if isinstance(record, dict) and is_labels(record) else None
        if held is None:
            yield line, record
    if held:
        yield held


def _same(one: Mapping[str, Any], other: Any) -> bool:
    """Whether a row is about the same instance as a record."""
    if not isinstance(other, dict) or not is_labels(other):
        return False
    return bool(one["task"] == other["task"] and one.get("batch") == other.get("batch"))


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its answers under the names of its question, and JSON in cells as values."""
    record = {**row, **{name: _value(row[name]) for name in TITLED if name in row}}
    if isinstance(record.get("parts"), dict):
        record["text"] = record["parts"]
    number = _number(record.pop(QUESTION, None))
    answers = {name: record.pop(name) for name in ANSWERS if name in record}
    if "label" in answers:
        answers["label"] = _label(answers["label"])
    return record | {named(name, number): value for name, value in answers.items()}


def _number(told: Any) -> int:
    return int(told) if str(told or "").isdecimal() and int(told) else 1


def _label(value: Any) -> Any:
    """What is settled: an empty cell is a set of no labels; a label that looks like several is one in a list."""
    told = _value(value)
    if not isinstance(told, str):
        return told
    return told if told and not any(sign in told for sign in BETWEEN) else [told] * bool(told)


def _value(cell: Any) -> Any:
    """What JSON in a cell says; the cell itself where it is none."""
    if not isinstance(cell, str) or not cell.startswith(("{", "[")):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


def _join(record: dict[str, Any], row: Mapping[str, Any]) -> None:
    """Take a further row about the same instance in: a further label, or the answer to another question."""
    for name, value in row.items():
        if name not in record:
            record[name] = value
        elif name == "label" or (NUMBERED.fullmatch(name) and name.startswith("label")):
            record[name] = [*_listed(record[name]), *_listed(value)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
