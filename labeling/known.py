"""Known labels: what the file, an expert, or people have settled. Derived from rows each time, never copied.

A label of the file is known for sure, an expert's as well. What people settled is known as far as the project's rule
says: where enough of them agree, or where the skill of one makes the label sure enough by itself; what the crowd
believed plays no part in that, or it would confirm itself. Every known label carries its certainty as a weight, and
whether it was chosen at random: most tasks that people see were chosen for being hard, so that only the others are a
fair sample. Estimates of how right labels are do not rest on known labels but on checks (`checks/results.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import numpy as np
from django.db.models import Exists, OuterRef

from labeling.models import Annotator, Decision, Project, Task, Vote
from labeling.models.task import TaskQuerySet
from labeling.models.vote import VoteQuerySet
from labeling.routing.lots import lot
from labeling.truth import bayes
from labeling.truth.belief import clipped
from labeling.truth.confusion import shrunken
from labeling.truth.skills.verdict import LEAST_EVIDENCE
from labeling.truth.votes import Floats

By = Decision.By
PERSON_STRENGTH = 8.0
PERSON_RIGHT = 0.9
MOST = 5000
"""So many known labels teach at most: a crowd of small models learns little more from further ones."""


@dataclass(frozen=True, slots=True)
class Known:
    """A task whose label is known. `label`: its place in the label list. `source`: file, expert or person.

    `weight`: how sure the label is by itself, up to 1. `sure`: whether the project's rule calls it known; others only
    teach. `at_random`: chosen by lot, and not for being hard. `chance`: the probability of that, where it was logged.
    """

    task: int
    label: int
    source: str
    weight: float
    sure: bool
    at_random: bool
    chance: float | None
    since: datetime

    FILE: ClassVar[str] = By.FILE.value
    EXPERT: ClassVar[str] = By.EXPERT.value
    PERSON: ClassVar[str] = By.PERSON.value


def tasks(project_id: int) -> TaskQuerySet:
    """All tasks whose label may be known: those of the validation slice, and those with a person's answer."""
    said = Vote.objects.current().of_people().filter(task=OuterRef("pk"), label__isnull=False)
    settled = Task.objects.filter(project_id=project_id).decided().filter(Exists(said))
    return Task.objects.learnable().filter(project_id=project_id) | settled


def labels(project: Project) -> list[Known]:
    """The known labels of a project as of now; at most `MOST`, chosen by a lot that stays the same."""
    found = [*of_the_file(project), *_of_people(project)]
    return found if len(found) <= MOST else sorted(found, key=_preferred)[:MOST]


def labels_by(project: Project, moment: datetime | None) -> list[Known]:
    """Those that were known at a moment, and all of the file; without a moment those of the file alone."""
    if moment is None:
        return list(of_the_file(project))
    return [one for one in labels(project) if one.source == By.FILE or one.since <= moment]


def _preferred(one: Known) -> tuple[bool, float]:
    return not one.sure, lot("known", str(one.task))


def of_the_file(project: Project) -> Iterator[Known]:
    places = {label.pk: place for place, label in enumerate(project.label_list())}
    rows = Task.objects.learnable().filter(project=project).order_by("pk")
    for pk, gold, since in rows.values_list("pk", "gold_id", "instance__created_at"):
        yield Known(pk, places[gold], By.FILE, 1.0, True, True, None, since)


@dataclass(frozen=True, slots=True)
class _Answer:
    annotator: int
    kind: str
    label: int
    since: datetime


def _of_people(project: Project) -> Iterator[Known]:
    """Settled tasks that a person or an expert has answered; a task of the validation slice has its label already."""
    places = {label.pk: place for place, label in enumerate(project.label_list())}
    answers = _answers(project, places)
    people = list(project.annotators.people())
    skill = {one.pk: confusion_of(one, len(places)) for one in people}
    proven = {one.pk for one in people if (one.skill or {}).get("evidence", 0) >= LEAST_EVIDENCE}
    decided = Decision.objects.current().filter(task__project=project).exclude(decided_by=By.FILE)
    rows = decided.filter(Exists(_said())).order_by("task_id")
    fields = ("task_id", "label_id", "decided_by", "created_at", "task__check_probability")
    for task, label, by, made, chance in rows.values_list(*fields).iterator(2000):
        said = answers.get(task, [])
        if by == By.EXPERT:
            yield Known(task, places[label], By.EXPERT, 1.0, True, chance is not None, chance, made)
        elif any(one.label == places[label] for one in said):
            weight, sure = _certainty(project, places[label], said, skill, proven)
            if sure or project.learn_from_one:
                since = max(one.since for one in said)
                yield Known(task, places[label], By.PERSON, weight, sure, chance is not None, chance, since)


def _said() -> VoteQuerySet:
    return Vote.objects.current().of_people().filter(task=OuterRef("task"), label__isnull=False)


def _answers(project: Project, places: dict[int, int]) -> dict[int, list[_Answer]]:
    """What people and experts said, by task."""
    found: dict[int, list[_Answer]] = {}
    votes = Vote.objects.current().of_people().filter(task__project=project, label__isnull=False).order_by("pk")
    fields = ("task_id", "annotator_id", "annotator__kind", "label_id", "created_at")
    for task, annotator, kind, label, since in votes.values_list(*fields).iterator(2000):
        found.setdefault(task, []).append(_Answer(annotator, kind, places[label], since))
    return found


def _certainty(
    project: Project, label: int, said: list[_Answer], skill: dict[int, Floats], proven: set[int]
) -> tuple[float, bool]:
    """The chance that the label is right by the people's answers alone, all labels being as likely, and the rule."""
    agree = {one.annotator for one in said if one.label == label}
    n_labels = len(skill[said[0].annotator])
    flat = np.full(n_labels, 1 / n_labels)
    chances = bayes.combine(flat, [one.label for one in said], [skill[one.annotator] for one in said])
    undisputed = all(one.label == label for one in said)
    by_number = undisputed and len(agree) >= project.known_agree
    by_skill = bool(agree & proven) and chances[label] >= project.known_sure
    return float(chances[label]), by_number or by_skill


def confusion_of(annotator: Annotator, n_labels: int) -> Floats:
    """The annotator's confusion matrix as last inferred; before that, a careful prior: right nine times of ten."""
    if annotator.confusion is not None:
        return clipped(np.array(annotator.confusion), 1e-3)
    counts = np.zeros((n_labels, n_labels + 1))
    np.fill_diagonal(counts, PERSON_RIGHT * PERSON_STRENGTH / n_labels)
    counts[:, :n_labels] += (1 - PERSON_RIGHT) * PERSON_STRENGTH / n_labels / n_labels
    return clipped(shrunken(counts), 1e-3)
