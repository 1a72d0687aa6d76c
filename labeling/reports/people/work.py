"""What each person, expert and paid model did, and how far their answers can be trusted, with intervals."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.db.models import Count, F, Q, Sum

from labeling import models
from labeling.models import Annotator, Decision, Label, Project, Question, Reservation, Vote
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
    `each_right`: dollars for one right answer, by what was booked for their answers and by their skill.
    `closeness`: how near to the right answer on the mean; None where an answer is right or wrong."""

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
    closeness: Measured | None = None

    @property
    def shares(self) -> list[tuple[str, Measured]]:
        """The columns of shares with their names."""
        near = [] if self.closeness is None else [("On the mean", self.closeness)]
        return [("Right", self.accuracy), *near, ("Agree", self.agreement), ("Overruled", self.overruled)]

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


def people(project: Project, question: Question | None = None) -> People:
    """Everybody of a project who has answered or may be asked, people first, and the cause of their disagreement.

    About one question, the first one unless another is named.
    """
    asked = question or project.first_question
    everybody = list(project.annotators.filter(kind__in=[Kind.PERSON, Kind.EXPERT, Kind.PAID]))
    skills = models.Skill.objects.by_annotator(asked, [one.pk for one in everybody])
    shared = shared_tasks(asked)
    facts = _facts(asked, shared, everybody)
    rows = [
        _row(one, skills[one.pk], facts)
        for one in sorted(everybody, key=lambda one: (one.kind != Kind.PERSON, one.kind == Kind.PAID, one.name))
    ]
    return People(rows, disagreement.cause(shared, rows_by_key(rows), between(asked)))


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is counted of everybody at once, each by the annotator's key; pairs are a part and its whole."""

    question: Question
    with_others: dict[int, tuple[int, int]]
    given: dict[int, int]
    overruled: dict[int, tuple[int, int]]
    settled: dict[int, int]
    seconds: dict[int, float]
    booked: dict[int, tuple[int, int]]


def _facts(asked: Question, shared: Shared, everybody: Sequence[Annotator]) -> _Facts:
    return _Facts(
        asked,
        disagreement.by_person(shared),
        _given(asked),
        _overruled(asked),
        _settled(asked),
        _seconds(asked, everybody),
        _booked(asked),
    )


def rows_by_key(rows: Iterable[Row]) -> dict[int, tuple[str, Skill]]:
    """Name and skill of each person who is no expert, by key."""
    return {one.annotator.pk: (one.annotator.name, one.skill) for one in rows if one.annotator.kind == Kind.PERSON}


def why_people_differ(question: Question) -> Cause:
    """The cause alone, for a report's sentence."""
    everybody = question.project.annotators.filter(kind=Kind.PERSON)
    names = dict(everybody.values_list("pk", "name"))
    skills = models.Skill.objects.by_annotator(question, names)
    known = {pk: (names[pk], skill.of(row)) for pk, row in skills.items()}
    return disagreement.cause(shared_tasks(question), known, between(question))


def between(question: Question) -> list[Label]:
    """The labels that an answer may be taken for another of; none where an answer is more than one label."""
    return question.label_list() if question.one_label else []


def shared_tasks(question: Question) -> Shared:
    """What people said of tasks, by task: the newest few thousand answers, a label's key or a number of equal marks."""
    votes = _of_people(question).order_by("-pk").values_list("task_id", "annotator_id", "label_id", "marks")
    by_task: Shared = defaultdict(dict)
    numbers: dict[str, int] = {}
    for task, annotator, label, marks in votes[: disagreement.MOST]:
        said = numbers.setdefault(json.dumps(marks), len(numbers)) if label is None else label
        by_task[task].setdefault(annotator, said)
    return {task: given for task, given in by_task.items() if len(given) > 1}


def _of_people(question: Question) -> VoteQuerySet:
    mine = Annotator.objects.filter(project=question.project_id, kind=Kind.PERSON)
    return Vote.objects.current().answering().filter(annotator__in=mine, task__question=question)


def _row(one: Annotator, kept: models.Skill, facts: _Facts) -> Row:
    found = skill.of(kept)
    right = _accuracy(found)
    return Row(
        one,
        found,
        right,
        share(*facts.with_others.get(one.pk, (0, 0)), minimum=LEAST, counted="shared tasks"),
        share(*facts.overruled.get(one.pk, (0, 0)), minimum=LEAST, counted="decided by an expert"),
        facts.given.get(one.pk, 0),
        facts.settled.get(one.pk, 0),
        facts.seconds.get(one.pk),
        _slip(kept, found, between(facts.question)),
        _each_right(facts.booked.get(one.pk), right),
        None if facts.question.votes_are_enough else _closeness(found),
    )


def _each_right(booked: tuple[int, int] | None, right: Measured) -> Measured:
    """Dollars for one right answer, of (micro-dollars, answers); None where nothing was booked."""
    spent, answers = booked or (0, 0)
    return replace(ways.each_right(spent, answers, right), reason=right.reason) if spent else NOT_PAID


def _booked(question: Question) -> dict[int, tuple[int, int]]:
    """Micro-dollars booked for the answers of each annotator, and for how many."""
    settled = Reservation.objects.filter(task__question=question, state=Reservation.State.SETTLED).order_by()
    rows = settled.values_list("annotator").annotate(spent=Sum("cost_microdollars"), n=Count("pk"))
    return {key: (spent, n) for key, spent, n in rows}


def _accuracy(found: Skill) -> Measured:
    reason = "" if found.estimable else f"worth {found.evidence:.0f} of {skill.ESTIMABLE:.0f} checked answers"
    return Measured(found.accuracy, found.low, found.high, found.estimable, reason)


def _closeness(found: Skill) -> Measured:
    near = _accuracy(found)
    return replace(near, value=found.closeness, low=found.close_low, high=found.close_high)


def _slip(kept: models.Skill, found: Skill, labels: Sequence[Label]) -> Slip | None:
    """The label most often taken for another; None below `CLEAR_SLIP`, or where the skill is not proven."""
    if kept.confusion is None or not found.proven or len(labels) < 2:
        return None
    wrong = np.array(kept.confusion)[:, : len(labels)]
    np.fill_diagonal(wrong, 0)
    truth, answer = divmod(int(wrong.argmax()), wrong.shape[1])
    often = float(wrong[truth, answer])
    return Slip(labels[truth], labels[answer], often) if often >= CLEAR_SLIP else None


def _given(question: Question) -> dict[int, int]:
    votes = Vote.objects.current().answering().filter(annotator__in=_asked(question), task__question=question)
    return dict(votes.order_by().values_list("annotator").annotate(Count("pk")))


def _asked(question: Question) -> list[int]:
    asked = question.project.annotators.filter(kind__in=[Kind.PERSON, Kind.EXPERT, Kind.PAID])
    return list(asked.values_list("pk", flat=True))


def _overruled(question: Question) -> dict[int, tuple[int, int]]:
    """By annotator: how many of their answers an expert's final word contradicts, and on how many it was said.

    A word of their own is no judgement.
    """
    final = Q(task__decisions__superseded_at=None, task__decisions__decided_by=Decision.By.EXPERT)
    own = Q(task__decisions__annotator__user=F("annotator__user"))
    votes = Vote.objects.current().answering().filter(annotator__in=_asked(question), task__question=question)
    judged = votes.filter(final, task__decisions__annotator__isnull=False).exclude(own, annotator__user__isnull=False)
    same = Q(label=F("task__decisions__label")) if question.one_label else Q(marks=F("task__decisions__marks"))
    against = Count("pk", filter=~same)
    counted = judged.order_by().values("annotator").annotate(n=Count("pk"), against=against)
    return {row["annotator"]: (row["against"], row["n"]) for row in counted}


def _settled(question: Question) -> dict[int, int]:
    final = Decision.objects.current().filter(task__question=question, annotator__isnull=False)
    return dict(final.order_by().values_list("annotator").annotate(Count("pk")))


def _seconds(question: Question, everybody: Sequence[Annotator]) -> dict[int, float]:
    """Median seconds of an answer of each person, from their latest ones."""
    took: dict[int, list[float]] = defaultdict(list)
    votes = Vote.objects.current().filter(annotator__in=_asked(question), task__question=question)
    timed = votes.filter(seconds__gt=0).order_by("-pk")
    for annotator, seconds in timed.values_list("annotator_id", "seconds")[: RECENT * max(len(everybody), 1)]:
        took[annotator].append(seconds)
    return {key: float(np.median(each)) for key, each in took.items() if len(each) >= LEAST_TIMED}
