"""What was answered to a question of any kind in a batch, what the file knows, and what was checked, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from labeling.checks import results
from labeling.checks.results import Checked
from labeling.kinds.base import Answers, AnswerTable, Known
from labeling.models import Batch, Question, Task
from labeling.rounds import kind_weighing
from labeling.truth.votes import Bools, Ints

UNCHECKED = -1


@dataclass(frozen=True, slots=True)
class Ground:
    """The batch's tasks in order. `known`: what the file lets methods learn from. `found`: settled answers and checks.

    `truth`, `stands`: (n_tasks,) numbers of the checked answer and of the settled one, -1 where there is none.
    """

    question: Question
    table: AnswerTable
    known: Known | None
    found: Checked
    truth: Ints
    stands: Ints

    def numbers(self, answers: Answers) -> Ints:
        """The numbers of answers, one for each task, (n_tasks,); -2 of those that nothing settled or checked equals."""
        kind, space = self.question.answers, self.table.space
        if self.question.one_label:
            return np.array([kind.to_marks(one, space) for one in answers], dtype=np.int32)
        return np.array([self.found.numbers.known(kind.to_marks(one, space)) for one in answers], dtype=np.int32)

    def right(self, answers: Answers) -> Bools:
        """Which of the checked tasks the answers get wholly right."""
        at = self.truth >= 0
        same: Bools = self.numbers(answers)[at] == self.truth[at]
        return same


def ground(batch: Batch, question: Question) -> Ground:
    """Everything about one question of a batch; checks teach nobody."""
    labels = question.label_list()
    tasks = list(batch.tasks.filter(question=question).order_by("position").values_list("pk", flat=True))
    table = kind_weighing.answers(question, labels, tasks)
    found = results.load(batch, question=question)
    place = {pk: at for at, pk in enumerate(tasks)}
    truth, stands = (np.full(len(tasks), UNCHECKED, dtype=np.int32) for _ in range(2))
    at = np.array([place[pk] for pk in found.task.tolist()], dtype=np.int64)
    truth[at], stands[at] = found.truth, found.label
    return Ground(question, table, _of_the_file(batch, question, table, place), found, truth, stands)


def _of_the_file(batch: Batch, question: Question, table: AnswerTable, place: dict[int, int]) -> Known | None:
    """The known answers of the validation slice."""
    kind, labels = question.answers, {label.pk: at for at, label in enumerate(question.label_list())}
    rows: list[tuple[int, Any]] = [
        (pk, marks if gold is None else labels[gold])
        for pk, gold, marks in Task.objects.learnable()
        .filter(batch=batch, question=question)
        .order_by("position")
        .values_list("pk", "gold_id", "gold_marks")
    ]
    if not rows:
        return None
    right = [kind.from_marks(plain, table.space, str(pk)) for pk, plain in rows]
    return Known(np.array([place[pk] for pk, _ in rows], dtype=np.int32), kind.pack(right, table.space))
