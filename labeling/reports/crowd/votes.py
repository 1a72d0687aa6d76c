"""Votes of a project's machines with what is known about the truth, as arrays: the ground of the crowd page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Avg, Count, Q, Sum

from labeling.checks import results
from labeling.models import Annotator, Belief, Question, Task, Vote
from labeling.truth.votes import Bools, Floats, Ints, Votes

MOST_KNOWN = 4000
MOST_BELIEVED = 2000


@dataclass(frozen=True, slots=True)
class Known:
    """Machine votes with a label on tasks whose truth is known or believed.

    `truth`: (n_tasks,) place of the known label, -1 where only believed. `belief`: (n_tasks, n_labels), one-hot where
    known. `annotators`: the machines behind the columns. `learned`: (n_tasks,) tasks of the validation slice.
    `tasks`: their keys.
    """

    votes: Votes
    truth: Ints
    belief: Floats
    annotators: tuple[Annotator, ...]
    learned: Bools
    tasks: tuple[int, ...] = ()

    @property
    def on_known(self) -> Bools:
        """Which votes are on tasks with a known label, shape (V,)."""
        which: Bools = self.truth[self.votes.task] >= 0
        return which

    def only_known(self) -> Floats:
        """The belief with rows of zeros where the truth is not known."""
        rows: Floats = np.where((self.truth >= 0)[:, None], self.belief, 0.0)
        return rows


def load(question: Question) -> Known:
    """The newest 4,000 tasks with a known label (the file's, or a check's) and 2,000 more with a belief.

    About a question of one label.
    """
    project = question.project
    labels = {label.pk: place for place, label in enumerate(question.label_list())}
    truth = known_truths(question, labels)
    believed = _believed(question, set(truth))
    tasks = [*truth, *believed]
    belief = np.zeros((len(tasks), len(labels)))
    belief[np.arange(len(truth)), list(truth.values())] = 1.0
    if believed:
        belief[len(truth) :] = np.array(list(believed.values()))
    annotators = tuple(project.annotators.machines().order_by("-kind", "pk"))
    truths = np.array([*truth.values(), *[-1] * len(believed)], dtype=np.int32)
    taught = set(project.tasks.learnable().values_list("pk", flat=True))
    learned = np.array([task in taught for task in tasks], dtype=np.bool_)
    return Known(_votes(tasks, annotators, labels), truths, belief, annotators, learned, tuple(tasks))


def known_truths(question: Question, labels: dict[int, int]) -> dict[int, int]:
    """Known label by task, newest tasks first: gold labels of the files, and answers to drawn checks."""
    mine = Task.objects.filter(project=question.project_id, question=question, gold__isnull=False)
    gold = mine.order_by("-pk").values_list("pk", "gold_id")
    found = {pk: labels[label] for pk, label in gold[:MOST_KNOWN] if label in labels}
    checks = results.load(question.project, question=question)
    answers = zip(checks.task[checks.checks].tolist(), checks.truth[checks.checks].tolist(), strict=True)
    return {**found, **dict(list(answers)[-MOST_KNOWN:])}


def _believed(question: Question, known: set[int]) -> dict[int, list[float]]:
    about = Belief.objects.filter(task__project=question.project_id, task__question=question)
    rows = about.order_by("-pk").values_list("task_id", "base")
    return {task: base for task, base in rows[: MOST_BELIEVED + len(known)] if task not in known}


def _votes(tasks: list[int], annotators: tuple[Annotator, ...], labels: dict[int, int]) -> Votes:
    place = {pk: index for index, pk in enumerate(tasks)}
    column = {one.pk: index for index, one in enumerate(annotators)}
    rows = Vote.objects.current().filter(task__in=tasks, annotator__in=column, label__isnull=False).order_by("pk")
    latest = {(task, who): label for task, who, label in rows.values_list("task_id", "annotator_id", "label_id")}
    entries = [(place[task], column[who], labels[label]) for (task, who), label in latest.items()]
    table = np.array(entries, dtype=np.int32).reshape(-1, 3)
    return Votes(table[:, 0], table[:, 1], table[:, 2], len(tasks), len(annotators), len(labels))


def habits(question: Question) -> dict[int, dict[str, Any]]:
    """Counts over all votes of each machine on a question: `n`, `none` (abstentions), `cost`, mean `seconds`."""
    machines = question.project.annotators.machines()
    rows = Vote.objects.current().filter(annotator__in=machines, task__question=question).order_by()
    silent = Q(label__isnull=True, marks__isnull=True)
    counted = rows.values("annotator").annotate(
        n=Count("pk"), none=Count("pk", filter=silent), cost=Sum("cost_microdollars"), seconds=Avg("seconds")
    )
    return {row["annotator"]: dict(row) for row in counted}
