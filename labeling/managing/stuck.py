"""Questions to people that nobody is left to answer: everybody has skipped them, or has answered already."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db import transaction

from labeling.live import nudges
from labeling.models import Annotator, Escalation, Membership, Project, Vote
from labeling.models.escalation import EscalationQuerySet
from labeling.people.access import Role
from labeling.rounds import settling

AUDIT = Escalation.Reason.AUDIT


@dataclass(frozen=True, slots=True)
class Stuck:
    """How many tasks are stuck, and how many checks by lot; no label waits for the checks, estimates do."""

    tasks: int
    checks: int


def count(project: Project) -> Stuck:
    """Both counts, with as few queries as one."""
    found = set(questions(project).values_list("task_id", "reason"))
    return Stuck(len({task for task, reason in found if reason != AUDIT}), sum(reason == AUDIT for _, reason in found))


def questions(project: Project) -> EscalationQuerySet:
    """Open questions to people that each of those who label has skipped, or has answered the task of.

    Checks by lot are among them. Where a project has no annotators, all its members label.
    """
    waiting = Escalation.objects.open().to_people().in_project(project.pk).not_paused()
    done: dict[int, set[int]] = defaultdict(set)
    skipped = waiting.filter(assignments__state="skipped")
    for task, user in skipped.values_list("task_id", "assignments__annotator__user_id"):
        done[task].add(user)
    answers = Vote.objects.current().filter(task__in=waiting.values("task"), annotator__kind=Annotator.Kind.PERSON)
    for task, user in answers.values_list("task_id", "annotator__user_id"):
        done[task].add(user)
    labelers = _who_labels(project)
    return waiting.filter(task__in=[task for task, users in done.items() if labelers <= users])


def _who_labels(project: Project) -> set[int]:
    members = Membership.objects.filter(project=project)
    annotators = set(members.filter(role=Role.ANNOTATOR).values_list("user_id", flat=True))
    paused = Annotator.objects.filter(project=project, kind=Annotator.Kind.PERSON, paused_at__isnull=False)
    there = annotators or set(members.values_list("user_id", flat=True))
    return there - set(paused.values_list("user_id", flat=True))


@transaction.atomic
def ask_experts(project: Project, who: Annotator) -> int:
    """Make a case of each of these tasks; returns how many there were."""
    cases = 0
    for task in sorted(set(questions(project).exclude(reason=AUDIT).values_list("task_id", flat=True))):
        question = Escalation.objects.open().to_people().filter(task=task).select_related("task__instance").first()
        if question is not None:
            question.task.lock()
            settling.flag(question, "Everybody skipped it, or has answered already.", who)
            cases += 1
    return cases


@transaction.atomic
def checks_to_experts(project: Project) -> int:
    """Let experts answer these checks, after the cases that hold a batch up; returns how many there were."""
    stuck = (
        questions(project).filter(reason=AUDIT).exclude(task__in=Escalation.objects.open().to_experts().values("task"))
    )
    keys = list(stuck.values_list("pk", flat=True))
    moved = Escalation.objects.open().to_people().filter(pk__in=keys).update(to=Annotator.Kind.EXPERT, priority=0)
    nudges.announce(project.pk, nudges.QUEUE)
    return moved
