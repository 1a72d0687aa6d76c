"""Every annotator against known answers: what it says given the truth, cell by cell, each rate with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairness.datasheet.plain import Plain, share
from labeling.checks import results
from labeling.kinds.base import AnswerTable
from labeling.models import Batch, Question, Task
from labeling.rounds import kind_weighing
from labeling.truth.votes import Bools

Truths = dict[int, Any]


def workers(batch: Batch, question: Question, names: Mapping[int, str]) -> list[Plain]:
    """Of each annotator with an answer to a known task: how many are right, and its confusion.

    Known is what the file says and what drawn checks found; whoever answered a check is not measured by it.
    """
    truths, checkers = known_truths(batch, question)
    table = kind_weighing.answers(question, question.label_list(), sorted(truths))
    side = _Side.of(table, question, truths)
    out = []
    for place, name in enumerate(table.annotators):
        own = np.flatnonzero(table.annotator == place)
        mine = np.array([at for at in own.tolist() if checkers.get(side.task_of(at)) != int(name)], dtype=np.intp)
        if len(mine):
            out.append({"name": names[int(name)], **side.told(mine)})
    return out


def known_truths(batch: Batch, question: Question) -> tuple[Truths, dict[int, int]]:
    """The known answer by task in plain form, and who gave it where it was a check's."""
    places = {label.pk: place for place, label in enumerate(question.label_list())}
    mine = Task.objects.filter(batch=batch, question=question).exclude(gold__isnull=True, gold_marks__isnull=True)
    rows = mine.values_list("pk", "gold_id", "gold_marks")
    found = {pk: marks if gold is None else places[gold] for pk, gold, marks in rows}
    numbers = results.Numbers(question, question.label_list())
    checks = results.answered(results.about(batch, question), numbers)
    found |= {task: numbers.answers[one.truth] for task, one in checks.items() if task not in found}
    return found, {task: one.annotator for task, one in checks.items()}


@dataclass(frozen=True, slots=True)
class _Side:
    """Answers beside the truth, entry by entry, as traits: of one label each label, else every part as a yes or a no.

    `said`, `true`: (E, P). `right`: (E,), whether the whole answer is.
    """

    table: AnswerTable
    question: Question
    names: tuple[str, ...]
    said: Bools
    true: Bools
    right: Bools

    @classmethod
    def of(cls, table: AnswerTable, question: Question, truths: Truths) -> _Side:
        kind, space = question.answers, table.space
        keys = [int(table.tasks[at]) for at in table.task.tolist()]
        true = kind.pack([kind.from_marks(truths[key], space, str(key)) for key in keys], space)
        names, said = kind.traits(table.answers, space)
        given = [kind.to_marks(one, space) for one in table.answers]
        right = np.array([one == truths[key] for one, key in zip(given, keys, strict=True)], dtype=np.bool_)
        return cls(table, question, names, said, kind.traits(true, space)[1], right)

    def task_of(self, at: int) -> int:
        return int(self.table.tasks[self.table.task[at]])

    def told(self, mine: NDArray[np.intp]) -> Plain:
        right = int(self.right[mine].sum())
        told: Plain = {"known": len(mine), "right": right, "share_right": share(right, len(mine))}
        if self.question.one_label:
            return told | {"confusion": self._cells(mine)}
        return told | {"parts": self._parts(mine)}

    def _cells(self, mine: NDArray[np.intp]) -> list[Plain]:
        """Every cell that holds anything: true label, label said, how often of how many."""
        said, true = self.said[mine].argmax(axis=1), self.true[mine].argmax(axis=1)
        counts = np.zeros((len(self.names), len(self.names)), dtype=np.int64)
        np.add.at(counts, (true, said), 1)
        totals = counts.sum(axis=1)
        return [
            {"truth": self.names[t], "said": self.names[s], "count": int(counts[t, s]), "of": int(totals[t])}
            | {"rate": share(int(counts[t, s]), int(totals[t]))}
            for t, s in np.argwhere(counts).tolist()
        ]

    def _parts(self, mine: NDArray[np.intp]) -> list[Plain]:
        """Of each part: how often it is found where it belongs, and said where it does not."""
        said, true = self.said[mine], self.true[mine]
        rows = []
        for place, name in enumerate(self.names):
            yes, given = true[:, place], said[:, place]
            found, missed_of = int((yes & given).sum()), int(yes.sum())
            false, false_of = int((~yes & given).sum()), int((~yes).sum())
            rows.append(
                {"part": name, "found": found, "of": missed_of, "rate_found": share(found, missed_of)}
                | {"false": false, "of_others": false_of, "rate_false": share(false, false_of)}
            )
        return rows
