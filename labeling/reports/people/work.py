"""What each person, expert and paid model did, and how far their answers can be trusted, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.db.models import Count, F, Q, Sum

from labeling import models
from labeling.models import Annotator, Decision, Label, Project, Reservation, Vote
from labeling.models.vote import VoteQuerySet
from labeling.people import skill
from labeling.people.skill import Skill
from labeling.reports.estimates import Measured, share
from labeling.reports.money import ways
from labeling.reports.people import disagreement
from labeling.reports.people.disagreement import Cause, Shared

Kind = Annotator.Kind
LEAST = 10
LEAST_TIMED = 5
RECENT = 300
NOT_PAID = Measured(0.0)
CLEAR_SLIP = 0.15
"""How often a label must be taken for another to be told."""


@dataclass(frozen=True, slots=True)
class Slip:
    """`truth` is answered as `answer` with a chance of `share`."""

    truth: Label
    answer: Label
    share: float


@dataclass(frozen=True, slots=True)
class Row:
    """One annotator. `agreement`: with other people on the same tasks. `overruled`: by an expert's word, of the tasks
    where an expert decided. `seconds`: median of an answer, None where too few are timed. `settled`: final labels.
    `each_right`: dollars for one right answer, by what was booked for their answers and by their skill."""

    annotator: Annotator
    skill: Skill
    accuracy: Measured
    agreement: Measured
    overruled: Measured
    answers: int
    settled: int
    seconds: float | None
    slip: Slip | None
    each_right: Measured

    @property
    def shares(self) -> list[tuple[str, Measured]]:
        """The columns of shares with their names."""
        return [("Right", self.accuracy), ("Agree", self.agreement), ("Overruled", self.overruled)]

    @property
    def change(self) -> str:
        """The last alarm in a sentence; empty where there is none."""
        change = self.skill.change
        if change is None:
            return ""
        way = "Worse" if change.worse else "Better"
        return f"{way} since {change.ago + 1:,} answers: {change.before:.0%} right before, {change.after:.0%} after."


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who is asked after the crowd, and why people differ."""

    rows: list[Row]
    cause: Cause

    @property
    def paid(self) -> bool:
        """Whether anybody's answers cost something."""
        return any(row.each_right is not NOT_PAID for row in self.rows)


def people(project: Project) -> People:
    """Everybody of a project who has answered or may be asked, people first, and the cause of their disagreement."""
    asked = project.first_question
    everybody = list(project.annotators.filter(kind__in=[Kind.PERSON, Kind.EXPERT, Kind.PAID]))
    skills = models.Skill.objects.by_annotator(asked, [one.pk for one in everybody])
    shared = shared_tasks(project)
    with_others = disagreement.by_person(shared)
    given, overruled, settled, booked = _given(project), _overruled(project), _settled(project), _booked(project)
    seconds, labels = _seconds(project, everybody), asked.label_list()
    rows = [
        _row(
            one, skills[one.pk], labels, with_others, given, overruled, settled, seconds.get(one.pk), booked.get(one.pk)
        )
        for one in sorted(everybody, key=lambda one: (one.kind != Kind.PERSON, one.kind == Kind.PAID, one.name))
    ]
    return People(rows, disagreement.cause(shared, rows_by_key(rows), labels))


def rows_by_key(rows: Iterable[Row]) -> dict[int, tuple[str, Skill]]:
    """Name and skill of each person who is no expert, by key."""
    return {one.annotator.pk: (one.annotator.name, one.skill) for one in rows if one.annotator.kind == Kind.PERSON}


def why_people_differ(project: Project) -> Cause:
    """The cause alone, for a report's sentence."""
    everybody = project.annotators.filter(kind=Kind.PERSON)
    names = dict(everybody.values_list("pk", "name"))
    skills = models.Skill.objects.by_annotator(project.first_question, names)
    known = {pk: (names[pk], skill.of(row)) for pk, row in skills.items()}
    return disagreement.cause(shared_tasks(project), known, project.label_list())


def shared_tasks(project: Project) -> Shared:
    """The labels that people gave to tasks, by task: the newest few thousand answers."""
    votes = _of_people(project).order_by("-pk").values_list("task_id", "annotator_id", "label_id")
    by_task: Shared = defaultdict(dict)
    for task, annotator, label in votes[: disagreement.MOST]:
        by_task[task].setdefault(annotator, label)
    return {task: given for task, given in by_task.items() if len(given) > 1}


def _of_people(project: Project) -> VoteQuerySet:
    mine = Annotator.objects.filter(project=project, kind=Kind.PERSON)
    about = Vote.objects.current().filter(annotator__in=mine, task__question=project.first_question)
    return about.filter(label__isnull=False)


def _row(
    one: Annotator, kept: models.Skill, labels: Sequence[Label], with_others: dict[int, tuple[int, int]],
    given: dict[int, int], overruled: dict[int, tuple[int, int]], settled: dict[int, int], seconds: float | None,
    booked: tuple[int, int] | None,
) -> Row:  # fmt: skip
    found = skill.of(kept)
    return Row(
        one,
        found,
        _accuracy(found),
        share(*with_others.get(one.pk, (0, 0)), minimum=LEAST, counted="shared tasks"),
        share(*overruled.get(one.pk, (0, 0)), minimum=LEAST, counted="decided by an expert"),
        given.get(one.pk, 0),
        settled.get(one.pk, 0),
        seconds,
        _slip(kept, found, labels),
        _each_right(booked, _accuracy(found)),
    )


def _each_right(booked: tuple[int, int] | None, right: Measured) -> Measured:
    """Dollars for one right answer, of (micro-dollars, answers); None where nothing was booked."""
    spent, answers = booked or (0, 0)
    return replace(ways.each_right(spent, answers, right), reason=right.reason) if spent else NOT_PAID


def _booked(project: Project) -> dict[int, tuple[int, int]]:
    """Micro-dollars booked for the answers of each annotator, and for how many."""
    settled = Reservation.objects.filter(task__project=project, state=Reservation.State.SETTLED).order_by()
    rows = settled.values_list("annotator").annotate(spent=Sum("cost_microdollars"), n=Count("pk"))
    return {key: (spent, n) for key, spent, n in rows}


def _accuracy(found: Skill) -> Measured:
    reason = "" if found.estimable else f"worth {found.evidence:.0f} of {skill.ESTIMABLE:.0f} checked answers"
    return Measured(found.accuracy, found.low, found.high, found.estimable, reason)


def _slip(kept: models.Skill, found: Skill, labels: Sequence[Label]) -> Slip | None:
    """The label most often taken for another; None below `CLEAR_SLIP`, or where the skill is not proven."""
    if kept.confusion is None or not found.proven or len(labels) < 2:
        return None
    wrong = np.array(kept.confusion)[:, : len(labels)]
    np.fill_diagonal(wrong, 0)
    truth, answer = divmod(int(wrong.argmax()), wrong.shape[1])
    often = float(wrong[truth, answer])
    return Slip(labels[truth], labels[answer], often) if often >= CLEAR_SLIP else None


def _given(project: Project) -> dict[int, int]:
    votes = Vote.objects.current().filter(annotator__in=_asked(project), label__isnull=False)
    return dict(votes.order_by().values_list("annotator").annotate(Count("pk")))


def _asked(project: Project) -> list[int]:
    asked = project.annotators.filter(kind__in=[Kind.PERSON, Kind.EXPERT, Kind.PAID])
    return list(asked.values_list("pk", flat=True))


def _overruled(project: Project) -> dict[int, tuple[int, int]]:
    """By annotator: how many of their answers an expert's final word contradicts, and on how many it was said.

    A word of their own is no judgement.
    """
    final = Q(task__decisions__superseded_at=None, task__decisions__decided_by=Decision.By.EXPERT)
    own = Q(task__decisions__annotator__user=F("annotator__user"))
    votes = Vote.objects.current().filter(annotator__in=_asked(project), label__isnull=False)
    judged = votes.filter(final, task__decisions__annotator__isnull=False).exclude(own, annotator__user__isnull=False)
    against = Count("pk", filter=~Q(label=F("task__decisions__label")))
    counted = judged.order_by().values("annotator").annotate(n=Count("pk"), against=against)
    return {row["annotator"]: (row["against"], row["n"]) for row in counted}


def _settled(project: Project) -> dict[int, int]:
    final = Decision.objects.current().filter(task__project=project, annotator__isnull=False)
    return dict(final.order_by().values_list("annotator").annotate(Count("pk")))


def _seconds(project: Project, everybody: Sequence[Annotator]) -> dict[int, float]:
    """Median seconds of an answer of each person, from their latest ones."""
    took: dict[int, list[float]] = defaultdict(list)
    timed = Vote.objects.current().filter(annotator__in=_asked(project), seconds__gt=0).order_by("-pk")
    for annotator, seconds in timed.values_list("annotator_id", "seconds")[: RECENT * max(len(everybody), 1)]:
        took[annotator].append(seconds)
    return {key: float(np.median(each)) for key, each in took.items() if len(each) >= LEAST_TIMED}
