"""Known labels: what the file, an expert, or people have settled. Derived from rows each time, never copied.

A label of the file is known for sure, an expert's as well. What people settled is known as far as the project's rule
says: where enough of them agree, or where the skill of one makes the label sure enough by itself; what the crowd
believed plays no part in that, or it would confirm itself. Every known label carries its certainty as a weight, and
whether it was chosen at random: most tasks that people see were chosen for being hard, so that only the others are a
fair sample. Estimates of how right labels are do not rest on known labels but on checks (`checks/results.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import numpy as np
from django.db.models import Exists, OuterRef

from labeling.models import Decision, Mistake, Project, Question, Skill, Task, Vote
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


@dataclass(frozen=True, slots=True)
class Right:
    """A known answer of any kind: `plain` is its plain form (`labeling.said`), `source` as above."""

    task: int
    plain: Any
    source: str
    since: datetime


def tasks(project_id: int, question: Question | None = None) -> TaskQuerySet:
    """All tasks whose answer may be known: those of the validation slice, and those with a person's answer.

    About one question, or about all of the project's.
    """
    asked = Task.objects.filter(project_id=project_id)
    asked = asked if question is None else asked.about(question)
    said = Vote.objects.current().of_people().answering().filter(task=OuterRef("pk"))
    return asked.learnable() | asked.decided().filter(Exists(said))


def labels(project: Project, question: Question | None = None) -> list[Known]:
    """The known labels of a question, the project's first one unless another is named, as of now.

    At most `MOST`, chosen by a lot that stays the same.
    """
    asked = question or project.first_question
    found = [*of_the_file(project, asked), *_of_people(project, asked)]
    return found if len(found) <= MOST else sorted(found, key=_preferred(asked))[:MOST]


def labels_by(project: Project, moment: datetime | None, question: Question | None = None) -> list[Known]:
    """Those that were known at a moment, and all of the file; without a moment those of the file alone."""
    if moment is None:
        return list(of_the_file(project, question))
    return [one for one in labels(project, question) if one.source == By.FILE or one.since <= moment]


def answers(question: Question) -> dict[int, Any]:
    """The known answers to a question of any kind in plain form, by task: of the file, of experts, of people."""
    return {one.task: one.plain for one in rights(question)}


def rights(question: Question) -> list[Right]:
    """The same with when and from whom each is known, once a task; what the file says goes before what people say."""
    if question.votes_are_enough:
        return [Right(one.task, one.label, one.source, one.since) for one in labels(question.project, question)]
    places = {label.pk: place for place, label in enumerate(question.label_list())}
    learnable = Task.objects.learnable().filter(project=question.project_id, question=question)
    settled = Decision.objects.current().filter(task__project=question.project_id, task__question=question)
    of_people = settled.filter(decided_by__in=[By.EXPERT, By.PERSON])
    of_the_file = learnable.values_list("pk", "gold_id", "gold_marks", "instance__created_at")
    rows = [
        *of_people.values_list("task_id", "label_id", "marks", "created_at", "decided_by"),
        *((*row, By.FILE.value) for row in of_the_file),
    ]
    found = {
        task: Right(task, marks if label is None else places[label], source, since)
        for task, label, marks, since, source in rows
    }
    return list(found.values())


def taught(question: Question, moment: datetime | None) -> dict[int, Any]:
    """What models may learn of a question: the answers that were known at a moment, in plain form, by task.

    Without a moment those of the file alone. At most `MOST`, chosen by a lot that stays the same.
    """
    if question.votes_are_enough:
        return {one.task: one.label for one in labels_by(question.project, moment, question)}
    known_then = [one for one in rights(question) if one.source == By.FILE or (moment and one.since <= moment)]
    return {one.task: one.plain for one in sorted(known_then, key=_lot)[:MOST]}


def _preferred(question: Question) -> Callable[[Known], tuple[bool, bool, float]]:
    """Cases of mistakes that recur teach before others, then what is sure, then whatever the lot says."""
    lessons = Mistake.objects.cases(question)
    return lambda one: (one.task not in lessons, not one.sure, _lot(one))


def _lot(one: Known | Right) -> float:
    return lot("known", str(one.task))


def of_the_file(project: Project, question: Question | None = None) -> Iterator[Known]:
    """The labels of a question, the first one unless another is named, that the methods may learn from."""
    asked = question or project.first_question
    places = {label.pk: place for place, label in enumerate(asked.label_list())}
    rows = Task.objects.learnable().filter(project=project, question=asked, gold__isnull=False).order_by("pk")
    for pk, gold, since in rows.values_list("pk", "gold_id", "instance__created_at"):
        yield Known(pk, places[gold], By.FILE, 1.0, True, True, None, since)


@dataclass(frozen=True, slots=True)
class _Answer:
    annotator: int
    kind: str
    label: int
    since: datetime


def _of_people(project: Project, question: Question) -> Iterator[Known]:
    """Settled tasks that a person or an expert has answered; a task of the validation slice has its label already."""
    places = {label.pk: place for place, label in enumerate(question.label_list())}
    if not places:
        return
    answers = _answers(question, places)
    people = project.annotators.people().values_list("pk", flat=True)
    skills = Skill.objects.by_annotator(question, people)
    skill = {pk: confusion_of(one, len(places)) for pk, one in skills.items()}
    proven = {pk for pk, one in skills.items() if (one.skill or {}).get("evidence", 0) >= LEAST_EVIDENCE}
    about = Decision.objects.current().filter(task__project=project, task__question=question, label__isnull=False)
    decided = about.exclude(decided_by=By.FILE)
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


def _answers(question: Question, places: dict[int, int]) -> dict[int, list[_Answer]]:
    """What people and experts said, by task."""
    found: dict[int, list[_Answer]] = {}
    about = Vote.objects.current().of_people().filter(task__project=question.project_id, task__question=question)
    votes = about.filter(label__isnull=False).order_by("pk")
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


def confusion_of(kept: Skill, n_labels: int) -> Floats:
    """An annotator's confusion matrix as last inferred; before that, a careful prior: right nine times of ten."""
    if kept.confusion is not None:
        return clipped(np.array(kept.confusion), 1e-3)
    counts = np.zeros((n_labels, n_labels + 1))
    np.fill_diagonal(counts, PERSON_RIGHT * PERSON_STRENGTH / n_labels)
    counts[:, :n_labels] += (1 - PERSON_RIGHT) * PERSON_STRENGTH / n_labels / n_labels
    return clipped(shrunken(counts), 1e-3)
