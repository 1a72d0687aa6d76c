"""Short ways to put a question, a belief or an answer there."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import User

from labeling.models import Annotator, Belief, Escalation, Task, Vote
from reviewers.models import Assignment
from reviewers.queue import answering


def person(project: Any, name: str, kind: str = "person") -> Annotator:
    return Annotator.of(project, User.objects.get(username=name), kind)


def ask(task: Task, to: str = "person", priority: float = 1.0, slot: int = 0) -> Escalation:
    return Escalation.objects.create(
        task=task, to=to, reason="uncertain", why="The crowd is torn.", priority=priority, slot=slot
    )


def believe(task: Task, *shares: float) -> Belief:
    labels = task.project.label_list()
    best = max(range(len(shares)), key=shares.__getitem__)
    return Belief.objects.create(
        task=task, probabilities=list(shares), base=list(shares), label=labels[best], confidence=shares[best],
        entropy=1.0, method="auto",
    )  # fmt: skip


def answer(assignment: Assignment, position: int, **more: Any) -> answering.Given:
    label = assignment.annotator.project.label_list()[position]
    return answering.submit(assignment, label, uuid.uuid4(), **more)


def say(task: Task, annotator: Annotator, position: int | None, raw: str = "", **more: Any) -> Vote:
    """A vote that is simply there; without a position it is an abstention."""
    label = None if position is None else task.project.first_question.labels.all()[position]
    return Vote.objects.create(task=task, annotator=annotator, label=label, raw=raw, **more)


def model(project: Any, name: str, kind: str = "model") -> Annotator:
    price = 2000 if kind == "paid" else None
    return Annotator.objects.create(project=project, kind=kind, name=name, spec="replay", price_microdollars=price)


def make_case(task: Task, first: int = 0, second: int = 1) -> Escalation:
    """Ann and Bob disagree on a task, which makes it an expert's case."""
    ann, bob = person(task.project, "ann"), person(task.project, "bob")
    say(task, ann, first, "Lamps are roads.")
    say(task, bob, second)
    names = task.project.label_list()
    why = f"People are split between {names[first]} and {names[second]}."
    return Escalation.objects.create(task=task, to="expert", reason="people_disagree", why=why, priority=1.0)
