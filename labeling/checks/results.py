"""Settled answers and the checks that tell how right they are: gold answers no method has seen, and drawn checks.

A check compares the answer as it stood when the check was drawn with the known or the person's answer; so what a
check corrected afterwards still counts as the error it was. Answers of every kind are numbered: equal ones have one
number, so that an answer is right where the numbers are the same, and wrong where any part of it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from labeling.checks import refreshed
from labeling.checks.refreshed import Columns, Kept, Marks, Row
from labeling.models import Batch, Decision, Escalation, Label, Project, Question, Task, Vote
from labeling.models.grouping import By as Attributes
from labeling.models.grouping import chosen, group_name
from labeling.models.question import space_of
from labeling.models.task import TaskQuerySet
from labeling.truth.votes import Bools, Floats, Ints

By = Decision.By
UNKNOWN = Q(task__gold__isnull=True, task__gold_marks__isnull=True)
"""The file does not know the task's answer."""
BY = (By.CROWD.value, By.PAID.value, By.PERSON.value, By.EXPERT.value, By.FILE.value)


@dataclass(slots=True)
class Numbers:
    """The answers to a question by number: of one label its place, of other kinds the order in which they come."""

    question: Question
    labels: list[Label]
    answers: list[Any] = field(default_factory=list)
    _place: dict[Any, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.question.one_label:
            self._place = {label.pk: place for place, label in enumerate(self.labels)}
            self.answers = list(range(len(self.labels)))

    def of(self, label: int | None, marks: Any) -> int:
        """The number of an answer from its two columns, -1 where both are empty."""
        if label is not None:
            return self._place[label]
        if marks is None:
            return -1
        key = json.dumps(marks, sort_keys=True)
        if key not in self._place:
            self._place[key] = len(self.answers)
            self.answers.append(marks)
        return self._place[key]

    def said(self, row: Decision | Vote) -> int:
        """The number of what a row says."""
        return self.of(row.label_id, row.marks)

    def known(self, marks: Any) -> int:
        """The number of marks that have one already, else -2, which no answer has."""
        return self._place.get(json.dumps(marks, sort_keys=True), -2)

    def fits_all(self, number: int) -> bool:
        """Whether the answer could be given to any task: stretches of one text are none of another, nothing is."""
        return not self.question.answers.in_text or not self.answers[number]

    def words(self, number: int) -> str:
        """An answer as people read it."""
        kind, space = self.question.answers, space_of(self.labels)
        return kind.words(kind.from_marks(self.answers[number], space), space)


@dataclass(frozen=True, slots=True)
class Checked:
    """Settled tasks of a question outside the validation slice, arrays of shape (N,).

    `label`: number of the answer, as it stood when it was checked: a label's place, else its place in `answers`.
    `by`: place in `BY` of who settled it then. `truth`: the checked answer's number, -1 where there was no check.
    `group`: place in `groups`.
    `weight`: inverse of the probability to be checked, 1 for tasks that were not. `when`: seconds since 1970 of the
    check, 0 without one. `drawn`: checked because its lot was drawn, and not known from the file. `learned`: tasks of
    the validation slice, left out. `pending`: drawn checks nobody has answered yet, by group name. `count`: for how
    many tasks each entry stands (`cells`), None where each is one.
    """

    task: NDArray[np.int64]
    label: Ints
    by: Ints
    truth: Ints
    group: Ints
    weight: Floats
    when: Floats
    drawn: Bools
    numbers: Numbers
    groups: tuple[str, ...]
    learned: int
    pending: dict[str, int]
    count: Floats | None = None

    @property
    def question(self) -> Question:
        """What was asked."""
        return self.numbers.question

    @property
    def labels(self) -> list[Label]:
        """The question's labels in order."""
        return self.numbers.labels

    @property
    def answers(self) -> list[Any]:
        """Every answer in plain form, by its number."""
        return self.numbers.answers

    @property
    def checks(self) -> Bools:
        known: Bools = self.truth >= 0
        return known

    @property
    def right(self) -> Bools:
        """Where the check confirms the label; False where there was none."""
        same: Bools = self.truth == self.label
        return same

    @property
    def weights(self) -> Floats | None:
        """The weights of the checked tasks, (n,), or None where all count alike."""
        used = self.weight[self.checks]
        return None if not len(used) or np.allclose(used, used[0]) else used


@dataclass(frozen=True, slots=True)
class Check:
    """One answered check: the label and who had settled it then, the answer, when it came and from whom.

    `confidence`: of the label when it was settled. `annotator`: key of whoever answered.
    """

    label: int
    by: str
    truth: int
    when: datetime
    annotator: int
    confidence: float


def load(scope: Batch | Project, grouped: Attributes | None = None, question: Question | None = None) -> Checked:
    """Everything settled about a question in a batch or a project, with its checks.

    `grouped` by these attributes, else by the first; about the project's first question unless another is named.
    """
    grouped = chosen(scope) if grouped is None else grouped
    asked = question or (scope.project if isinstance(scope, Batch) else scope).first_question
    inside = about(scope, asked)
    columns, numbers = _columns(scope, asked, inside, grouped)
    columns = columns.sorted_groups()
    known = columns.truth >= 0
    by_expert = columns.by == BY.index(By.EXPERT)
    return Checked(
        columns.task,
        columns.label,
        columns.by,
        columns.truth,
        columns.group,
        inverse_probability(columns.group, columns.batch, known, columns.chance, by_expert),
        columns.when,
        known & (columns.chance > 0),
        numbers,
        columns.names,
        scope.tasks.learnable().filter(question=asked).count(),
        _pending(inside, grouped) if len(columns.task) < refreshed.MANY else _pending_among(columns),
    )


def _columns(scope: Batch | Project, asked: Question, inside: Q, grouped: Attributes) -> tuple[Columns, Numbers]:
    """Everything settled, in columns: of a large scope that was read before, only what has changed is read."""
    labels = asked.label_list()
    key = type(scope).__name__, scope.pk, scope.created_at, asked.pk, grouped, tuple(one.pk for one in labels)
    shape, marks, kept = refreshed.shape(scope), Marks.now(), refreshed.KEPT.get(key)
    touched = kept.marks.touched(scope, asked) if kept is not None and kept.shape == shape else None
    if kept is None or touched is None or len(touched) > refreshed.MOST_CHANGED:
        numbers = Numbers(asked, labels)
        columns = Columns.of(_rows(scope.tasks.about(asked), inside, numbers, answered(inside, numbers), grouped))
    else:
        numbers = kept.numbers
        columns = kept.columns.changed(list(_some_rows(numbers, grouped, sorted(touched))), touched)
    refreshed.keep(key, Kept(shape, marks, columns, numbers))
    return columns, numbers


def _some_rows(numbers: Numbers, grouped: Attributes, tasks: list[int]) -> Iterator[Row]:
    """The rows of single tasks, in order of their keys."""
    for first in range(0, len(tasks), refreshed.AT_ONCE):
        some = tasks[first : first + refreshed.AT_ONCE]
        here = Q(task__in=some)
        yield from _rows(Task.objects.filter(pk__in=some), here, numbers, answered(here, numbers), grouped)


def about(scope: Batch | Project, question: Question) -> Q:
    """Rows of tasks about a question in a batch or a project."""
    inside = Q(task__batch=scope) if isinstance(scope, Batch) else Q(task__project=scope)
    return inside & Q(task__question=question)


def _rows(tasks: TaskQuerySet, inside: Q, numbers: Numbers, drawn: dict[int, Check], grouped: Attributes) -> list[Row]:
    """(task, label, by, truth, group, when, chance, batch) of every settled or checked task outside the slice.

    `tasks`: all that may be meant, and `inside` what is said of them.
    """
    by_name = {name: number for number, name in enumerate(BY)}
    now = {
        task: (numbers.of(label, marks), by_name[by], made.timestamp())
        for task, label, marks, by, made in Decision.objects.current()
        .filter(inside)
        .values_list("task_id", "label_id", "marks", "decided_by", "created_at")
    }
    tasks = tasks.exclude(slice=Task.Slice.VALIDATION).order_by("pk")
    rows: list[Row] = []
    columns = ("pk", "batch_id", group_name(grouped, "instance__groups"), "gold_id", "gold_marks", "check_probability")
    for pk, batch, group, gold, marks, chance in tasks.values_list(*columns):
        check = drawn.get(pk)
        if check is not None:
            known = (check.label, by_name[check.by], check.truth)
            rows.append((pk, *known, group, check.when.timestamp(), chance or 0.0, batch))
        elif pk in now:
            label, by, made = now[pk]
            truth = numbers.of(gold, marks)
            rows.append((pk, label, by, truth, group, made if truth >= 0 else 0.0, 0.0, batch))
    return rows


def answered(inside: Q, numbers: Numbers) -> dict[int, Check]:
    """The answered checks by task; an expert's standing word counts before the person's answer.

    Of somebody who changed their answer the first one counts, since only that one is surely independent of what they
    may have learned meanwhile; the later one is kept as the task's answer. One that was only taken back counts not.
    """
    first: dict[int, Decision] = {}
    said: dict[tuple[int, int], tuple[int, datetime, int]] = {}
    told: dict[int, tuple[int, datetime, int]] = {}
    audits = Escalation.objects.filter(inside, UNKNOWN, reason=Escalation.Reason.AUDIT).order_by("pk")
    for audit in audits.select_related("checks", "vote__correction"):
        if audit.checks is not None:
            first.setdefault(audit.task_id, audit.checks)
        if audit.vote is None or numbers.said(audit.vote) < 0:
            continue
        who, when = audit.vote.annotator_id, audit.closed_at or audit.created_at
        independent = said.setdefault((audit.task_id, who), (numbers.said(audit.vote), when, who))
        if not hasattr(audit.vote, "correction"):
            told[audit.task_id] = independent
    for made in Decision.objects.current().filter(inside, decided_by=By.EXPERT).order_by("pk"):
        if made.task_id in first and made.pk > first[made.task_id].pk and made.annotator_id:
            told[made.task_id] = (numbers.said(made), made.created_at, made.annotator_id)
    return {
        task: Check(numbers.said(first[task]), first[task].decided_by, number, when, by, first[task].confidence)
        for task, (number, when, by) in told.items()
        if task in first
    }


def _pending(inside: Q, grouped: Attributes) -> dict[str, int]:
    waiting = Escalation.objects.open().filter(inside, reason=Escalation.Reason.AUDIT)
    counts: dict[str, int] = {}
    for group in waiting.values_list(group_name(grouped, "task__instance__groups"), flat=True):
        counts[group] = counts.get(group, 0) + 1
    return counts


def _pending_among(columns: Columns) -> dict[str, int]:
    """The same for a large scope, from the few checks that wait anywhere: what is drawn has been settled."""
    waiting = Escalation.objects.open().filter(reason=Escalation.Reason.AUDIT).order_by()
    keys = np.unique(np.fromiter(waiting.values_list("task_id", flat=True), dtype=np.int64))
    at = np.minimum(np.searchsorted(columns.task, keys), len(columns.task) - 1)
    group = columns.group[at[columns.task[at] == keys]]
    count = np.bincount(group, minlength=len(columns.names)).tolist()
    return {name: waits for name, waits in zip(columns.names, count, strict=True) if waits}


def inverse_probability(
    group: Ints, batch: NDArray[np.int64], checked: Bools, chance: Floats, by_expert: Bools
) -> Floats:
    """One over the probability that a task was checked, (N,), 1 where it was not.

    Within a group of a batch, gold labels of the file count as a random sample and drawn checks are one by design, so
    together they are a sample of (gold + drawn) among all labels that could be checked; labels that an expert settled
    are never drawn. Where drawn checks had different logged `chance`s, they weigh by 1 / chance among themselves.
    """
    if not len(group):
        return np.ones(0)
    stratum = _strata(group, batch)
    could = np.bincount(stratum, ~by_expert | checked)
    weight = np.where(checked, could[stratum] / np.maximum(np.bincount(stratum, checked), 1)[stratum], 1.0)
    drawn = checked & (chance > 0)
    odds = np.divide(1.0, chance, out=np.zeros(len(chance)), where=drawn)
    mean = np.bincount(stratum, odds) / np.maximum(np.bincount(stratum, drawn), 1)
    weight[drawn] *= odds[drawn] / mean[stratum[drawn]]
    return weight


def _strata(group: Ints, batch: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of each task's stratum, its group in its batch, (N,)."""
    if batch.min() == batch.max():
        return group.astype(np.int64)
    place = np.unique(batch, return_inverse=True)[1].reshape(-1)
    return place * (int(group.max()) + 1) + group
