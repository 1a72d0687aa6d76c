"""The crowd on a question whose answers are more than one label: each voter by the first number of the kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.checks import results
from labeling.crowd.errors import CrowdError
from labeling.kinds.base import Answers, AnswerTable, taken
from labeling.models import Annotator, Question, Task
from labeling.people import recruiting
from labeling.reports.crowd import votes as crowd_votes
from labeling.reports.drawing.heat import Heat, lower_triangle
from labeling.reports.estimates import MINIMUM, Measured, spread
from labeling.rounds import kind_weighing

MOST_SHOWN, MOST_KNOWN, RESAMPLES = 24, 2000, 60
NOTHING = Measured(None, estimable=False)


@dataclass(frozen=True, slots=True)
class KindCrowd:
    """Each machine's merit on known answers, by its key; how alike they answer; who cannot answer at all, and why."""

    merits: dict[int, Measured]
    habits: dict[int, dict[str, Any]]
    known: int
    scored: int
    heat: Heat | None
    unable: dict[int, str]


def load(question: Question, machines: Sequence[Annotator]) -> KindCrowd:
    """Everything about the machines' answers to a question, on the newest tasks whose answer is known."""
    known, taught = known_answers(question)
    table = kind_weighing.answers(question, question.label_list(), list(known))
    kind, space = question.answers, table.space
    right = kind.pack([kind.from_marks(plain, space, str(task)) for task, plain in known.items()], space)
    merits = {one.pk: _merit(question, table, str(one.pk), right) for one in machines}
    return KindCrowd(
        merits,
        crowd_votes.habits(question),
        len(known),
        len(known.keys() - taught),
        _heat(question, table, machines),
        {one.pk: why for one in machines if (why := cannot(one, question))},
    )


def known_answers(question: Question) -> tuple[dict[int, Any], set[int]]:
    """Known answers in plain form by task, the newest 2,000: of the file and of drawn checks; those that teach."""
    mine = Task.objects.filter(project=question.project_id, question=question)
    places = {label.pk: place for place, label in enumerate(question.label_list())}
    told = mine.exclude(gold__isnull=True, gold_marks__isnull=True).order_by("-pk")
    rows = told.values_list("pk", "gold_id", "gold_marks")[:MOST_KNOWN]
    found = {pk: marks if gold is None else places[gold] for pk, gold, marks in rows}
    checks = results.load(question.project, question=question)
    answered = zip(checks.task[checks.checks].tolist(), checks.truth[checks.checks].tolist(), strict=True)
    found |= {task: checks.answers[number] for task, number in list(answered)[-MOST_KNOWN:]}
    return found, set(mine.learnable().values_list("pk", flat=True))


def _merit(question: Question, table: AnswerTable, name: str, right: Answers) -> Measured:
    """The kind's first number on the answers of one voter, with the middle 95% of resamples."""
    if name not in table.annotators:
        return NOTHING
    mine = np.flatnonzero(table.annotator == list(table.annotators).index(name))
    if len(mine) < MINIMUM:
        return Measured(None, estimable=False, reason=f"{len(mine)} of {MINIMUM} known answers")
    told = question.measures.scores[0]
    draws = np.random.default_rng(0).integers(0, len(mine), (RESAMPLES, len(mine)))
    values = [_score(question, table, mine[at], right)[told.key] for at in (np.arange(len(mine)), *draws)]
    return spread(values, len(mine), share=told.unit == "percent")


def _score(question: Question, table: AnswerTable, at: NDArray[np.intp], right: Answers) -> dict[str, Any]:
    given, true = taken(table.answers, at), taken(right, table.task[at])
    found: dict[str, Any] = question.answers.score(given, true, table.space)
    return found


def _heat(question: Question, table: AnswerTable, machines: Sequence[Annotator]) -> Heat | None:
    """How alike every two machines answer, by the kind's number for pairs; the busiest 24."""
    n = {name: int(count) for name, count in zip(table.annotators, np.bincount(table.annotator), strict=False)}
    shown = sorted([one for one in machines if n.get(str(one.pk))], key=lambda one: -n[str(one.pk)])[:MOST_SHOWN]
    if len(shown) < 2:
        return None
    names = {str(one.pk) for one in shown}
    inside = np.array([name in names for name in table.annotators], dtype=np.bool_)[table.annotator]
    pairs = question.answers.agreement(table.only(inside), 0)["pairs"]
    at = {frozenset((row["a"], row["b"])): row for row in pairs}
    key = question.measures.pair.key
    return lower_triangle(
        shown, lambda row, column: _pair(at.get(frozenset((str(shown[row].pk), str(shown[column].pk)))), key)
    )


def _pair(row: dict[str, Any] | None, key: str) -> Measured | None:
    if row is None:
        return None
    if row["n"] < MINIMUM or row[key] is None:
        reason = f"{row['n']} shared tasks" if row["n"] < MINIMUM else "one answer only"
        return Measured(None, estimable=False, reason=reason)
    return Measured(row[key])


def cannot(one: Annotator, question: Question) -> str:
    """Why a machine cannot answer a question of this kind, in a sentence; empty where it can, or nobody can tell."""
    try:
        kinds = recruiting.build(one.spec).kinds
    except CrowdError:
        return ""
    return "" if question.kind in kinds else "It cannot give answers of this kind, so it is not asked this question."
