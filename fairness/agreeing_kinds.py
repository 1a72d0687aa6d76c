"""Agreement of people and of models on answers of more than one label, by the coefficients of their kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fairness.agreeing import MOST_PAIRED, Measure, Together
from labeling.kinds.base import AnswerTable
from labeling.models import Annotator, Batch, Question
from labeling.reports.drawing.heat import Heat, lower_triangle
from labeling.reports.estimates import MINIMUM, Measured
from labeling.rounds import kind_weighing
from labeling.truth.votes import Bools

MOST_TASKS = 1000
"""Of more tasks an even part is looked at."""
Kind = Annotator.Kind
UNKNOWN = Measured(None, estimable=False)
TOO_FEW = Measured(None, estimable=False, reason="no task has two answers to compare")


def together(batch: Batch, question: Question) -> Together | None:
    """Agreement of people and of models with intervals, and of pairs; None where nobody has answered."""
    tasks = list(batch.tasks.filter(question=question).order_by("position").values_list("pk", flat=True))
    every = -(-max(len(tasks), 1) // MOST_TASKS)
    table = kind_weighing.answers(question, question.label_list(), tasks[::every])
    if not len(table.task):
        return None
    annotators = {str(one.pk): one for one in batch.project.annotators.all()}
    voters = [annotators[name] for name in table.annotators]
    people, models = (_only(table, voters, kinds) for kinds in ((Kind.PERSON,), (Kind.MODEL, Kind.PAID)))
    sides = [_coefficients(question, side, batch.seed) for side in (people, models)]
    rows = [
        Measure(told.name, told.unit, *(side.get(told.key, TOO_FEW) for side in sides))
        for told in question.measures.coefficients
    ]
    return Together(
        tuple(rows),
        _shared(people),
        _shared(models),
        "",
        UNKNOWN,
        UNKNOWN,
        0,
        "",
        0.0,
        pairs(question, table, voters, batch.seed),
        len(np.unique(table.task)),
        every > 1,
    )


def _only(table: AnswerTable, voters: Sequence[Annotator], kinds: Sequence[str]) -> AnswerTable:
    inside: Bools = np.array([one.kind in kinds for one in voters], dtype=np.bool_)
    return table.only(inside[table.annotator])


def _shared(table: AnswerTable) -> int:
    """How many tasks have two answers at least."""
    return int((np.bincount(table.task, minlength=1) >= 2).sum())


def _coefficients(question: Question, table: AnswerTable, seed: int) -> dict[str, Measured]:
    if not _shared(table):
        return {}
    found = question.answers.agreement(table, seed)
    return {told.key: _measured(found[told.key]) for told in question.measures.coefficients}


def _measured(told: dict[str, Any]) -> Measured:
    known = told["value"] is not None and told["low"] is not None
    return Measured(told["value"], told["low"], told["high"], known, told.get("reason") or "")


def pairs(question: Question, table: AnswerTable, voters: Sequence[Annotator], seed: int) -> Heat | None:
    """The kind's agreement of every two of the annotators with most answers, people first, at most twelve."""
    n = np.bincount(table.annotator, minlength=len(voters))
    order = [Kind.PERSON, Kind.EXPERT, Kind.PAID, Kind.MODEL]
    most = sorted(np.flatnonzero(n).tolist(), key=lambda one: -n[one])[:MOST_PAIRED]
    chosen = sorted(most, key=lambda one: (order.index(Kind(voters[one].kind)), one))
    if len(chosen) < 2:
        return None
    rows = question.answers.agreement(table, seed)["pairs"]
    at = {frozenset((row["a"], row["b"])): row for row in rows}
    names, key = [table.annotators[one] for one in chosen], question.measures.pair.key
    return lower_triangle(
        [voters[one] for one in chosen],
        lambda row, column: _pair(at.get(frozenset((names[row], names[column]))), key),
        low=0.3,
    )


def _pair(row: dict[str, Any] | None, key: str) -> Measured | None:
    """One pair; not estimable below 30 shared tasks."""
    if row is None:
        return None
    if row["n"] < MINIMUM or row[key] is None:
        reason = f"{row['n']} shared tasks" if row["n"] < MINIMUM else "one answer only"
        return Measured(None, estimable=False, reason=reason)
    return Measured(row[key])
