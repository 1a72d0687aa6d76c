"""Known answers of every kind in the cells of a data file: a label, a list, a place on a scale, marked stretches."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from labeling.files.own_labels import BETWEEN
from labeling.files.spellings import LabelSet, folded, is_nothing
from labeling.kinds.cells import clean, number

if TYPE_CHECKING:
    from labeling.kinds.base import Kind, Space

NOTHING = object()
"""A cell that holds no known answer."""


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """`answer` as its kind reads it, `plain` as a table holds it, and `words` for people."""

    answer: Any
    plain: Any
    words: str


@dataclass(frozen=True, slots=True)
class GoldReader:
    """Reads the known answers to one question out of a `column`.

    `space`: what can be answered; without labels whatever occurs is one. `overlaps`: whether parts of an answer may lie
    over one another.
    """

    column: str
    kind: Kind
    space: Space
    overlaps: bool = False
    labels: LabelSet = field(default_factory=LabelSet)

    @classmethod
    def of(cls, column: str, kind: Kind, space: Space, *, overlaps: bool = False) -> GoldReader:
        return cls(column, kind, space, overlaps, LabelSet(space.labels))

    def read(self, record: Mapping[str, Any], text: str = "") -> KnownAnswer | None:
        """The known answer of a record, None where there is none. Raises ValueError with one sentence."""
        from labeling.kinds.base import NoAnswer, UnusableAnswer  # loads numpy, which many files need not

        raw = self.raw(record)
        if raw is NOTHING:
            return None
        try:
            space = replace(self.space, texts={"": text})
            answer = self.kind.read(self.kind.respelled(raw, self._spelling(raw)), space, "")
        except NoAnswer:
            return None
        except UnusableAnswer as error:
            raise ValueError(f"The known answer in {self.column!r} cannot be used: {error}.") from None
        if not self.overlaps and self.kind.overlapping(answer):
            raise ValueError(
                f"The known answer in {self.column!r} has marks that overlap, and the question forbids it."
            )
        return KnownAnswer(answer, self.kind.to_marks(answer, self.space), self.kind.words(answer, self.space))

    def named(self, record: Mapping[str, Any]) -> list[str]:
        """The labels that a record's known answer names, as they are written; none where it cannot be read."""
        try:
            raw = self.raw(record)
        except ValueError:
            return []
        return [] if raw is NOTHING else [name for name in map(clean, self.kind.named(raw)) if not is_nothing(name)]

    def raw(self, record: Mapping[str, Any]) -> Any:
        """What the cell holds, in the form that the kind reads, or NOTHING. Raises ValueError with one sentence."""
        value = record.get(self.column) if self.column else None
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return NOTHING
        if isinstance(value, str) and is_nothing(clean(value)) and clean(value) not in self.labels.exact:
            return NOTHING
        return FORMS[self.kind.form](self, value)

    def _spelling(self, raw: Any) -> dict[str, str]:
        """The label of the set for each name, as far as there is one."""
        return {name: self.labels.match(clean(name)) or clean(name) for name in self.kind.named(raw)}

    def _one(self, value: Any) -> Any:
        """One cell; a list of one, as other tools write it, is that one."""
        if isinstance(value, list):
            if len(value) > 1:
                raise ValueError(f"The field {self.column!r} holds {len(value)} labels; a known label is one.")
            return self._one(value[0]) if value else NOTHING
        if isinstance(value, dict):
            raise ValueError(f"The field {self.column!r} holds a list or an object, not a text.")
        return clean(value) if isinstance(value, str) else json.dumps(value)

    def _many(self, value: Any) -> Any:
        """A list of labels: JSON, or names with ; | or , between."""
        if isinstance(value, str):
            value = self._json(value) if value.strip().startswith("[") else self._parts(value)
        if not isinstance(value, list):
            value = [value]
        if any(isinstance(one, dict | list) for one in value):
            raise ValueError(f"The field {self.column!r} holds a list of lists or objects, not of labels.")
        return [one if isinstance(one, str) else json.dumps(one) for one in value if one is not None]

    def _parts(self, cell: str) -> list[str]:
        if self.labels.names and self.labels.match(clean(cell)):
            return [cell]
        for sign in BETWEEN:
            parts = [part for part in map(clean, cell.split(sign)) if part]
            if len(parts) > 1 and (not self.labels.names or all(map(self.labels.match, parts))):
                return parts
        return [cell]

    def _marks(self, value: Any) -> Any:
        """A list of stretches: [start, end, type], or objects with these names."""
        found = self._json(value) if isinstance(value, str) else value
        return [_stretch(one) for one in found] if isinstance(found, list) else found

    def _json(self, cell: str) -> Any:
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            raise ValueError(f"The field {self.column!r} is no JSON list.") from None


FORMS: dict[str, Callable[[GoldReader, Any], Any]] = {
    "cell": GoldReader._one,
    "cells": GoldReader._many,
    "line": GoldReader._marks,
}
"""How a cell is read, by the form in which files hold the kind's answers."""


def _stretch(one: Any) -> Any:
    """A stretch as a list, also of an object as other tools write it."""
    if not isinstance(one, dict):
        return one
    label = one.get("label", one.get("type", one.get("labels")))
    label = label[0] if isinstance(label, list) and len(label) == 1 else label
    return [one.get("start", one.get("start_offset")), one.get("end", one.get("end_offset")), label]


def label_set(counts: Counter[str]) -> list[str]:
    """The labels that occur, sorted, numbers by size; of names that differ in case alone the most frequent."""
    names = sorted(set(folded(counts).values()))
    values = {name: number(name) for name in names}
    if names and None not in values.values():
        return sorted(names, key=lambda name: values[name] or 0)
    return names
