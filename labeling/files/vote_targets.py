"""Recorded answers find the tasks and questions they are about, and become what tables hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labeling.files.answers import Asking, askings
from labeling.files.tables import UnusableFile
from labeling.kinds.cells import clean, listed
from labeling.models import Project

ROWS = 2000
Said = tuple[int | None, Any]
"""The two columns of an answer: a label's key, or marks; both None for an abstention."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One answer of the file, cleaned. `kind`: model, person or expert; a paid model's recorded votes are a model's.

    `label`: the cell as written; `labels`: those of all its rows, where an answer has several.
    """

    task: str
    worker: str
    label: str
    kind: str
    more: Mapping[str, str]
    labels: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        """The task and, as written, the question that it answers."""
        return self.task, clean(self.more["question"])

    @property
    def version(self) -> str:
        """By which prompt or lesson it was given: one worker may answer a task once by each."""
        return clean(self.more["prompt_version"])[:64]


@dataclass(frozen=True, slots=True)
class Answer:
    """A recorded answer with the task it is about and what it says there."""

    row: Recorded
    task: int
    asking: Asking
    said: Said

    @property
    def abstains(self) -> bool:
        return self.said == (None, None)


@dataclass(frozen=True, slots=True)
class Targets:
    """The questions of a project by number, and its tasks by external id and number; `texts` of those with marks."""

    project: Project
    path: str
    asked: Mapping[int, Asking]
    tasks: Mapping[tuple[str, int], int]
    texts: Mapping[str, str]
    number: int

    @classmethod
    def of(cls, project: Project, path: str, rows: Sequence[Recorded], number: int | None) -> Targets:
        """What the rows are about. Raises UnusableFile where a task or a question is not there."""
        asked = {one.number: one for one in askings(project).values()}
        first = number or 1
        named = {row.place[1] for row in rows} - {""}
        if first not in asked or named - set(map(str, asked)):
            wrong = next(iter(sorted(named - set(map(str, asked)))), str(first))
            raise UnusableFile(f"{project.name} has no question {wrong}; its questions are numbered 1 to {len(asked)}.")
        wanted = {row.task for row in rows}
        known = _tasks(project, path, wanted)
        reads = any(one.question.answers.in_text for one in asked.values())
        return cls(project, path, asked, known, _texts(project, wanted) if reads else {}, first)

    def answers(self, rows: Sequence[Recorded]) -> list[Answer]:
        """One for each worker, task and version. Raises UnusableFile for two answers, or one that cannot be."""
        found: dict[tuple[str, str, int, str], Recorded] = {}
        for row in rows:
            number = int(row.place[1] or self.number)
            key = row.worker, row.task, number, row.version
            before = found.get(key)
            if before is None:
                found[key] = replace(row, labels=(row.label,))
            elif self.asked[number].spread and row.label not in before.labels:
                found[key] = replace(before, labels=(*before.labels, row.label))
            elif before.label != row.label and not self.asked[number].spread:
                raise UnusableFile(
                    f"{self.path} has two answers of {row.worker!r} to task {row.task!r}; keep the one that counts."
                )
        return [self._answer(row, number) for (_, _, number, _), row in found.items()]

    def _answer(self, row: Recorded, number: int) -> Answer:
        asking = self.asked[number]
        try:
            plain = asking.plain(_raw(row, asking), self.texts.get(row.task, ""))
        except ValueError as error:
            raise UnusableFile(self._refusal(row, asking, str(error))) from None
        if (row.task, number) not in self.tasks:
            raise UnusableFile(f"{self.path} answers question {number} about {row.task!r}, which is not asked of it.")
        one = asking.question.one_label and plain is not None
        said = (asking.labels[plain].pk, None) if one else (None, plain)
        return Answer(row, self.tasks[row.task, number], asking, said)

    def _refusal(self, row: Recorded, asking: Asking, why: str) -> str:
        names = [label.name for label in asking.labels]
        if asking.question.votes_are_enough:
            return (
                f"{self.path} has the label {row.label!r}, which {self.project.name} does not know; its labels are "
                f"{listed(names)}."
            )
        return f"{self.path}, answer of {row.worker!r} to task {row.task!r}: {why}"


def _raw(row: Recorded, asking: Asking) -> Any:
    """The cell, or of an answer of several rows the list of their labels; JSON of a list is that list."""
    if not asking.spread:
        return row.label
    if len(row.labels) == 1 and row.label.startswith("["):
        try:
            return json.loads(row.label)
        except ValueError:
            return list(row.labels)
    return list(row.labels)


def _tasks(project: Project, path: str, wanted: set[str]) -> dict[tuple[str, int], int]:
    rows = project.tasks.order_by().values_list("instance__external_id", "question__position", "pk")
    known = {(name, position + 1): pk for name, position, pk in rows.iterator(ROWS) if name in wanted}
    strange = sorted(wanted - {name for name, _ in known})
    if strange:
        many = f"{len(strange):,} tasks that do" if len(strange) > 1 else "a task that does"
        raise UnusableFile(
            f"{path} has votes on {many} not exist in {project.name} ({listed(strange)}); import those texts first, "
            "with the same ids, or leave their votes out."
        )
    return known


def _texts(project: Project, wanted: set[str]) -> dict[str, str]:
    rows = project.instances.order_by().values_list("external_id", "parts")
    return {name: "\n".join(text for _, text in parts) for name, parts in rows.iterator(ROWS) if name in wanted}
