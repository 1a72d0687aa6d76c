"""Settled labels and the checks that tell how right they are: gold labels no method has seen, and drawn checks.

A check compares the label as it stood when the check was drawn with the known or the person's answer; so what a
check corrected afterwards still counts as the error it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from labeling.models import Batch, Decision, Escalation, Label, Project, Task
from labeling.models.grouping import By as Attributes
from labeling.models.grouping import chosen, group_name
from labeling.truth.votes import Bools, Floats, Ints

By = Decision.By
BY = (By.CROWD.value, By.PAID.value, By.PERSON.value, By.EXPERT.value, By.FILE.value)


@dataclass(frozen=True, slots=True)
class Checked:
    """Settled tasks outside the validation slice, arrays of shape (N,).

    `label`: place of the label, as it stood when it was checked. `by`: place in `BY` of who settled it then.
    `truth`: the checked answer's place, -1 where there was no check. `group`: place in `groups`.
    `weight`: inverse of the probability to be checked, 1 for tasks that were not. `when`: seconds since 1970 of the
    check, 0 without one. `learned`: tasks of the validation slice, left out. `pending`: drawn checks nobody has
    answered yet, by group name.
    """

    task: NDArray[np.int64]
    label: Ints
    by: Ints
    truth: Ints
    group: Ints
    weight: Floats
    when: Floats
    labels: tuple[Label, ...]
    groups: tuple[str, ...]
    learned: int
    pending: dict[str, int]

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


def load(scope: Batch | Project, grouped: Attributes | None = None) -> Checked:
    """Everything settled in a batch or a project, with its checks; `grouped` by these attributes, else by the first."""
    grouped = chosen(scope) if grouped is None else grouped
    question = (scope.project if isinstance(scope, Batch) else scope).first_question
    labels = question.label_list()
    inside = Q(task__batch=scope) if isinstance(scope, Batch) else Q(task__project=scope)
    inside &= Q(task__question=question)
    place = {label.pk: index for index, label in enumerate(labels)}
    drawn = answered(inside, labels)
    rows = _rows(scope, inside, place, drawn, grouped)
    groups = tuple(sorted({row[4] for row in rows}))
    index = {name: number for number, name in enumerate(groups)}
    columns = [np.array([row[c] for row in rows]) for c in (0, 1, 2, 3, 5, 6, 7)]
    group = np.array([index[row[4]] for row in rows], dtype=np.int32)
    task, label, by, truth, when, chance, batch = columns
    weight = inverse_probability(group, batch, truth >= 0, chance, by == BY.index(By.EXPERT))
    return Checked(
        task.astype(np.int64),
        label.astype(np.int32),
        by.astype(np.int32),
        truth.astype(np.int32),
        group,
        weight,
        when.astype(np.float64),
        tuple(labels),
        groups,
        scope.tasks.learnable().count(),
        _pending(inside, grouped),
    )


Row = tuple[int, int, int, int, str, float, float, int]


def _rows(
    scope: Batch | Project, inside: Q, place: dict[int, int], drawn: dict[int, Check], grouped: Attributes
) -> list[Row]:
    """(task, label, by, truth, group, when, chance, batch) of every settled or checked task outside the slice."""
    by_name = {name: number for number, name in enumerate(BY)}
    now = {
        task: (place[label], by_name[by], made.timestamp())
        for task, label, by, made in Decision.objects.current()
        .filter(inside)
        .values_list("task_id", "label_id", "decided_by", "created_at")
    }
    tasks = scope.tasks.exclude(slice=Task.Slice.VALIDATION).order_by("pk")
    rows: list[Row] = []
    group_of = group_name(grouped, "instance__groups")
    for pk, batch, group, gold, chance in tasks.values_list("pk", "batch_id", group_of, "gold_id", "check_probability"):
        check = drawn.get(pk)
        if check is not None:
            known = (check.label, by_name[check.by], check.truth)
            rows.append((pk, *known, group, check.when.timestamp(), chance or 0.0, batch))
        elif pk in now:
            label, by, made = now[pk]
            truth = place.get(gold, -1) if gold else -1
            rows.append((pk, label, by, truth, group, made if gold else 0.0, 0.0, batch))
    return rows


def answered(inside: Q, labels: list[Label]) -> dict[int, Check]:
    """The answered checks by task; an expert's standing word counts before the person's answer.

    Of somebody who changed their answer the first one counts, since only that one is surely independent of what they
    may have learned meanwhile; the later one is kept as the task's answer. One that was only taken back counts not.
    """
    place: dict[int | None, int] = {label.pk: index for index, label in enumerate(labels)}
    first: dict[int, Decision] = {}
    said: dict[tuple[int, int], tuple[int, datetime, int]] = {}
    told: dict[int, tuple[int | None, datetime, int]] = {}
    audits = Escalation.objects.filter(inside, reason=Escalation.Reason.AUDIT, task__gold=None).order_by("pk")
    for audit in audits.select_related("checks", "vote__correction"):
        if audit.checks is not None:
            first.setdefault(audit.task_id, audit.checks)
        if audit.vote is None or not audit.vote.label_id:
            continue
        who, when = audit.vote.annotator_id, audit.closed_at or audit.created_at
        independent = said.setdefault((audit.task_id, who), (audit.vote.label_id, when, who))
        if not hasattr(audit.vote, "correction"):
            told[audit.task_id] = independent
    for made in Decision.objects.current().filter(inside, decided_by=By.EXPERT).order_by("pk"):
        if made.task_id in first and made.pk > first[made.task_id].pk and made.annotator_id:
            told[made.task_id] = (made.label_id, made.created_at, made.annotator_id)
    return {
        task: Check(place[first[task].label_id], first[task].decided_by, place[label], when, by, first[task].confidence)
        for task, (label, when, by) in told.items()
        if task in first
    }


def _pending(inside: Q, grouped: Attributes) -> dict[str, int]:
    waiting = Escalation.objects.open().filter(inside, reason=Escalation.Reason.AUDIT)
    counts: dict[str, int] = {}
    for group in waiting.values_list(group_name(grouped, "task__instance__groups"), flat=True):
        counts[group] = counts.get(group, 0) + 1
    return counts


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
    stratum = np.unique(np.stack([batch, group], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    could = np.bincount(stratum, ~by_expert | checked)
    weight = np.where(checked, could[stratum] / np.maximum(np.bincount(stratum, checked), 1)[stratum], 1.0)
    drawn = checked & (chance > 0)
    odds = np.divide(1.0, chance, out=np.zeros(len(chance)), where=drawn)
    mean = np.bincount(stratum, odds) / np.maximum(np.bincount(stratum, drawn), 1)
    weight[drawn] *= odds[drawn] / mean[stratum[drawn]]
    return weight
