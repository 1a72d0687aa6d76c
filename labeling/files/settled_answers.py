"""Settled answers out of the tables, in the form that writers of foreign formats take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from labeling import said
from labeling.files import exports, picture_store
from labeling.files.foreign.settled import Asked, Settled, Shown
from labeling.files.tables import UnusableFile
from labeling.kinds.base import Space
from labeling.models import Batch, Decision, Label, Project, Question, Task

ROWS = 2000


@dataclass(frozen=True, slots=True)
class Asking:
    """A question with all that is needed to read its rows without a query."""

    question: Question
    labels: list[Label]
    space: Space
    asked: Asked

    @classmethod
    def of(cls, question: Question) -> Asking:
        """Two queries."""
        labels, space = question.label_list(), question.space()
        ends = (space.values[0], space.values[-1]) if space.values else None
        names = tuple(label.name for label in labels)
        return cls(question, labels, space, Asked(question.position + 1, question.wording, question.kind, names, ends))

    def cells(self, row: said.Row) -> list[Any]:
        """The cells in which a file of ours holds what a vote or a decision says; none for an abstention."""
        answer = said.of(row, self.question, self.labels)
        return [] if answer is None else self.question.answers.written(answer, self.space)

    def gold_cells(self, task: Task) -> list[Any]:
        """The same of what the task's file says; none where it says nothing."""
        plain = said.gold(task, self.labels)
        if plain is None:
            return []
        return self.question.answers.written(self.question.answers.from_marks(plain, self.space), self.space)


def askings(scope: Batch | Project, number: int | None = None) -> dict[int, Asking]:
    """The questions of a project by key, or one of them by its number from 1. Raises UnusableFile for no such number."""
    project = scope.project if isinstance(scope, Batch) else scope
    found = {one.pk: Asking.of(one) for one in project.questions.all() if number in (None, one.position + 1)}
    if not found:
        count = project.questions.count()
        raise UnusableFile(f"{project.name} has no question {number}; its questions are numbered 1 to {count}.")
    return found


def settled(scope: Batch | Project, chosen: dict[int, Asking]) -> Iterator[Settled]:
    """One record for each instance about which something is settled, in the order in which they came."""
    decisions = exports.decided(scope).filter(task__question__in=list(chosen))
    for _, rows in groupby(decisions.iterator(ROWS), key=lambda decision: decision.task.instance_id):
        yield _settled(list(rows), chosen)


def _settled(decisions: Sequence[Decision], chosen: dict[int, Asking]) -> Settled:
    task = decisions[0].task
    answers = tuple(
        (asking.asked, asking.cells(decision))
        for decision in decisions
        for asking in (chosen[decision.task.question_id],)
    )
    images = tuple(Shown(one["title"], one["file"], partial(picture_store.read, one["file"])) for one in task.images)
    return Settled(task.external_id, task.text, answers, images, dict(task.groups))
