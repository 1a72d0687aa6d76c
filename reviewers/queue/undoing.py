"""The last thing somebody did is taken back, or changed."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.db import transaction

from labeling.live import nudges
from labeling.models import Annotator, Decision, Escalation, Label, Task, Vote
from labeling.rounds import decisions, settling
from reviewers.models import Assignment
from reviewers.queue import answering, following, holding, looks
from reviewers.queue.answering import Conflict, Given

State = Assignment.State


def last_answers(annotator: Annotator, count: int = 10) -> list[Assignment]:
    """What this person did last, newest first: answers that still stand, skips and flags."""
    done = Assignment.objects.filter(annotator=annotator, closed_at__isnull=False)
    stands = done.exclude(state__in=[State.EXPIRED, State.VOID]).exclude(vote__correction__isnull=False)
    told = stands.select_related("vote__label", "escalation__task__question", "escalation__task__instance")
    told = told.prefetch_related("escalation__task__question__labels").order_by("-closed_at", "-pk")
    return looks.together(told[: count * max(len(annotator.project.questions.all()), 1)])[:count]


@transaction.atomic
def undo(annotator: Annotator, assignment: Assignment | None = None) -> Assignment | None:
    """Take back the last thing this person did (or the one given) and put it on their desk again, before the rest.

    What was sent from one card is taken back as one. An expert has one case at a time, and gives back the one in hand.

    Returns the new assignment, or None where there is nothing to take back, it was taken back before, or an
    expert has settled the task since. Raises Conflict where a colleague has the question now.
    """
    target = assignment or next(iter(last_answers(annotator, 1)), None)
    if target is None:
        return None
    card = looks.of(target)
    looks.lock(card)
    questions = []
    for one in card:
        if (question := _open_again(one)) is not None:
            _leave(one, question)
            if not following.rests(question, card):
                questions.append(question)
    if not questions:
        return None
    if annotator.kind == Annotator.Kind.EXPERT:
        holding.clear([annotator])
    for again in holding.desk_of(annotator).filter(escalation__in=questions):
        holding.give_up(again, State.VOID)  # skipped, and in hand once more
    nudges.announce(annotator.project_id, nudges.QUEUE)
    return holding.cards_of([holding.take(question, annotator) for question in questions])[0]


def withdraw(done: Assignment) -> None:
    """Take an answer back without asking this person again: another answer on the same card leaves it unasked."""
    question = _open_again(done)
    if question is not None and not following.rests(question, [done]):
        question.close(Escalation.State.WITHDRAWN)
        Task.objects.filter(pk=question.task_id, stage=Task.Stage.OPEN).update(stage=Task.Stage.WAITING)


@transaction.atomic
def change(
    assignment: Assignment,
    label: Label | None,
    key: uuid.UUID,
    *,
    marks: Any = None,
    seconds: float = 0,
    note: str = "",
) -> Given:
    """Replace an earlier answer, skip or flag by this answer, leaving the desk as it is. An answer is paid once.

    The same answer once more changes nothing. Raises Conflict where it cannot be changed any more, or `key` came
    with another label before.
    """
    assignment.escalation.task.lock()
    if told := answering.repeated(Vote.objects.filter(key=key), assignment, (label, marks), key, note):
        return told
    earlier = assignment.vote
    if earlier is not None and (earlier.label, earlier.marks) == (label, marks) and note in ("", earlier.raw):
        return Given(earlier, before=earlier)
    question = _open_again(assignment)
    if question is None:
        raise Conflict("This one is settled for good and cannot be changed any more.")
    _leave(assignment, question)
    held = holding.take(question, assignment.annotator, paid=earlier is None)
    given = answering.submit(held, label, key, marks=marks, seconds=seconds, note=note)
    return replace(given, before=earlier)


def _leave(target: Assignment, question: Escalation) -> None:
    """Take a skip or flag out of the history. Raises Conflict where the question lies on another desk."""
    question.lock()
    if other := holding.holder(question, besides=target.annotator):
        raise Conflict(f"{other.annotator} has this one now.")
    Assignment.objects.filter(pk=target.pk, vote=None).update(state=State.VOID)


def _open_again(target: Assignment) -> Escalation | None:
    """The question behind something this person did, open once more; None where it stays closed."""
    if target.state in (State.EXPIRED, State.VOID, State.LIVE) or _settled_by_expert(target):
        return None
    if target.vote is not None:
        return None if Vote.objects.filter(corrects=target.vote).exists() else settling.retract(target.vote)
    if target.state == State.FLAGGED:
        return settling.unflag(target.escalation)
    waits = target.escalation.state == Escalation.State.OPEN
    return target.escalation if waits else None


def _settled_by_expert(target: Assignment) -> bool:
    """Whether an expert other than this person has had the last word on the task."""
    final = decisions.current(target.escalation.task_id).filter(decided_by=Decision.By.EXPERT)
    return final.exclude(annotator__user=target.annotator.user_id).exists()
