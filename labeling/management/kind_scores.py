"""How right the answers to a question of any kind are, on known answers that no method has seen, for `label`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from labeling import said
from labeling.kinds.base import Answers, AnswerTable, Kind, taken
from labeling.models import Annotator, Batch, Belief, Decision, Label, Question
from labeling.models.annotator import AnnotatorQuerySet
from labeling.rounds import kind_weighing

LEAST_ANSWERED = 0.9
"""The share of the known tasks that a model must have answered to be called the best."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Figures of the answers, of the plain majority and of the best single model, each as its kind scores them.

    `plain`: the first figure of each of the kind's plain answers. All but `checked` are empty where nothing is known.
    """

    checked: int
    answers: dict[str, Any]
    majority: dict[str, Any]
    best: dict[str, Any]
    best_name: str
    plain: dict[str, float | None]


def score(batch: Batch, question: Question) -> Scored:
    """Score the answers as they stand, settled, else believed; a task that nobody has answered is not scored."""
    kind, labels = question.answers, question.label_list()
    known = {task.pk: said.gold(task, labels) for task in batch.tasks.about(question).scorable()}
    standing = _standing(known, labels)
    tasks = sorted(standing)
    if not tasks:
        return Scored(0, {}, {}, {}, "", {})
    annotators = batch.project.annotators.all()
    table = _by_models(kind_weighing.answers(question, labels, tasks), annotators)
    gold, given = (_packed(kind, [of[pk] for pk in tasks], table) for of in (known, standing))
    plain = {name: kind.score(one, gold, table.space) for name, one in kind.baselines(table).items()}
    name, best = _best(kind, table, gold, {str(one.pk): one.name for one in annotators})
    return Scored(
        len(tasks),
        kind.score(given, gold, table.space),
        next(iter(plain.values()), {}),
        best,
        name,
        {name: one[kind.metrics[0]] for name, one in plain.items()},
    )


def _by_models(table: AnswerTable, annotators: AnnotatorQuerySet) -> AnswerTable:
    """The answers of the crowd alone."""
    crowd = {str(pk) for pk in annotators.filter(kind=Annotator.Kind.MODEL).values_list("pk", flat=True)}
    columns = [at for at, name in enumerate(table.annotators) if name in crowd]
    return table.only(np.isin(table.annotator, columns))


def _standing(known: dict[int, Any], labels: list[Label]) -> dict[int, Any]:
    """The answer to each of the known tasks in plain form, where there is one."""
    rows: list[said.Row] = [
        *Belief.objects.filter(task__in=list(known)),
        *Decision.objects.current().filter(task__in=list(known)),
    ]
    return {row.task_id: said.plain(row, labels) for row in rows}


def _packed(kind: Kind, plain: list[Any], table: AnswerTable) -> Answers:
    answers = [kind.from_marks(one, table.space, name) for one, name in zip(plain, table.tasks, strict=True)]
    return kind.pack(answers, table.space)


def _best(kind: Kind, table: AnswerTable, gold: Answers, names: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """The model that does best by the kind's first figure, of those that answered nearly all of the known tasks."""
    found: list[tuple[float, str, dict[str, Any]]] = []
    for column, name in enumerate(table.annotators):
        at = np.flatnonzero(table.annotator == column)
        if len(at) and len(at) >= LEAST_ANSWERED * len(table.tasks):
            scores = kind.score(taken(table.answers, at), taken(gold, table.task[at]), table.space)
            merit = scores.get("merit", scores[kind.metrics[0]])
            found.append((-1.0 if merit is None else float(merit), names[name], scores))
    _, name, scores = max(found, key=lambda each: (each[0], each[1]), default=(0.0, "", dict[str, Any]()))
    return name, scores
