"""Answers between tables and files: a question with all that reading and writing its rows needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labeling import said
from labeling.files.gold import GoldReader
from labeling.files.tables import UnusableFile
from labeling.models import Batch, Label, Project, Question, Task
from labeling.models.question import space_of

if TYPE_CHECKING:
    from labeling.kinds.base import Space


@dataclass(frozen=True)
class Asking:
    """A question with its labels in order and what can be answered, read once for many rows."""

    question: Question
    labels: list[Label]
    space: Space

    @classmethod
    def of(cls, question: Question) -> Asking:
        """Two queries."""
        return cls(question, question.label_list(), question.space())

    @classmethod
    def with_labels(cls, question: Question, labels: list[Label]) -> Asking:
        """The question as it would be with these labels, which need not be saved."""
        return cls(question, labels, space_of(labels))

    @property
    def number(self) -> int:
        """The question's number in its project, from 1."""
        return self.question.position + 1

    @property
    def spread(self) -> bool:
        """Whether a table holds an answer in one row for each of its labels."""
        return self.question.answers.form == "cells"

    @cached_property
    def reader(self) -> GoldReader:
        """Reads answers out of a column `label`."""
        return self.gold_in("label")

    def gold_in(self, column: str) -> GoldReader:
        """Reads known answers out of a column."""
        return GoldReader.of(column, self.question.answers, self.space, overlaps=self.question.overlaps)

    def cells(self, row: said.Row) -> list[Any]:
        """The cells in which a file of ours holds what a vote or a decision says; none for an abstention."""
        return self._cells(said.plain(row, self.labels))

    def gold_cells(self, task: Task) -> list[Any]:
        """The same of what the task's file says; none where it says nothing."""
        return self._cells(said.gold(task, self.labels))

    def _cells(self, plain: Any) -> list[Any]:
        if plain is None:
            return []
        kind = self.question.answers
        return kind.written(kind.from_marks(plain, self.space), self.space)

    def value(self, cells: Sequence[Any]) -> Any:
        """An answer as one JSON value: a label, a list of labels, or a list of stretches; None for no answer."""
        if not cells:
            return None
        return [cell for cell in cells if cell != ""] if self.spread else cells[0]

    def plain(self, raw: Any, text: str = "") -> Any:
        """What a cell says as a table holds it, None for an abstention. Raises ValueError with one sentence."""
        found = self.reader.read({"label": raw}, text)
        return None if found is None else found.plain

    def probabilities(self, given: Sequence[float] | None) -> Any:
        """By label where there is one for each, else the list."""
        if given is None or len(given) != len(self.labels) or self.question.answers.in_text:
            return given
        return dict(zip((label.name for label in self.labels), given, strict=True))


def askings(scope: Batch | Project, number: int | None = None) -> dict[int, Asking]:
    """The questions of a project by key, or the one with this number, from 1. Raises UnusableFile."""
    project = scope.project if isinstance(scope, Batch) else scope
    found = {one.pk: Asking.of(one) for one in project.questions.all() if number in (None, one.position + 1)}
    if not found:
        count = project.questions.count()
        raise UnusableFile(f"{project.name} has no question {number}; its questions are numbered 1 to {count}.")
    return found


def as_rows(record: dict[str, Any], asking: Asking, only_first: Sequence[str] = ()) -> list[dict[str, Any]]:
    """A record as rows of a table: of a set of labels one for each, one with an empty label for none; else one.

    `only_first`: fields that stand in the first of the rows alone, so that sums over rows are right. Marks are JSON.
    """
    label = record["label"]
    if asking.spread and isinstance(label, list):
        rows = [{**record, "label": one} for one in label or [""]]
        return [rows[0], *({**row, **dict.fromkeys(only_first)} for row in rows[1:])]
    return [{**record, "label": json.dumps(label, ensure_ascii=False) if isinstance(label, list) else label}]
