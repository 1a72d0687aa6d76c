"""What becomes of an answer, a skip, a flag."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q

from labeling import jobs
from labeling.live import nudges
from labeling.models import Label, Vote
from labeling.money import ledger
from labeling.rounds import settling, story
from reviewers.models import Assignment
from reviewers.queue import holding

State = Assignment.State


class Conflict(Exception):
    """An answer that contradicts one already given under the same key; the message is one sentence."""


class Answered(Conflict):
    """This person has answered the task already, in another window: the later answer is a change."""


@dataclass(frozen=True, slots=True)
class Given:
    """What became of an answer: `vote`, and `extra` where the task had passed on to somebody else meanwhile.

    `before`: what this person had answered, where this is a change of it, or the same once more.
    """

    vote: Vote
    extra: bool = False
    taken_by: str = ""
    before: Vote | None = None


@transaction.atomic
def submit(
    assignment: Assignment,
    label: Label | None,
    key: uuid.UUID,
    *,
    marks: Any = None,
    seconds: float = 0,
    note: str = "",
) -> Given:
    """Take an answer: a label, or `marks` where the kind has more than one.

    The same key again is the same answer; a late answer is kept as an extra opinion.

    Raises Conflict where the key came with another label before, or the answer cannot be paid any more, and Answered
    where this person has answered the task already.
    """
    task = assignment.escalation.task
    task.lock()
    earlier = list(Vote.objects.filter(Q(key=key) | Q(task=task, annotator=assignment.annotator)).order_by("pk"))
    if told := repeated(earlier, assignment, (label, marks), key, note):
        return told
    before = earlier[-1] if earlier else None
    if before is not None and not before.withdrawn:
        raise Answered("You have answered this one already; open it under your last answers to change it.")
    held = _begun(_standing(assignment) or holding.take_again(assignment))
    vote = Vote(
        task=task,
        annotator=assignment.annotator,
        label=label,
        marks=marks,
        raw=note,
        seconds=max(seconds, 0),
        key=key,
        corrects=before,
        extra=held is None,
        cost_microdollars=holding.pay_for(assignment.annotator, seconds) if held and held.pay_id else 0,
    )
    vote.save()
    if held is None:
        holding.give_up(assignment, State.VOID)
        return Given(vote, extra=True, taken_by=_holder(assignment))
    held.close(State.ANSWERED, vote)
    settling.settle(held.escalation, vote)
    if held.pay:
        ledger.settle(held.pay, vote.cost_microdollars)
    story.finish(task.batch)
    jobs.note_answer(task.project_id)
    return Given(vote)


def _begun(held: Assignment | None) -> Assignment | None:
    """The hold with its pay, where the answer itself is the first sign of work."""
    if held is not None and held.begun_at is None and holding.pay_for(held.annotator, 1):
        try:
            holding.begin(held)
        except ledger.Refused as reason:
            raise Conflict(str(reason)) from reason
    return held


def _standing(assignment: Assignment) -> Assignment | None:
    """The hold this person has on the question now, locked: the one given or, where that has ended, a later one."""
    mine = holding.desk_of(assignment.annotator).filter(escalation__task=assignment.escalation.task)
    locked = mine.select_for_update(of=("escalation", "self"), no_key=True)
    there = list(locked.select_related(None).select_related("escalation", "pay"))
    for one in there:
        one.annotator, one.escalation.task = assignment.annotator, assignment.escalation.task
    return next((one for one in there if one.pk == assignment.pk), there[0] if there else None)


def repeated(
    earlier: Iterable[Vote], assignment: Assignment, said: tuple[Label | None, Any], key: uuid.UUID, note: str
) -> Given | None:
    """What became of this very answer where it came before. Raises Conflict where its key came with another one."""
    vote = next((one for one in earlier if one.key == key), None)
    if vote is None:
        return None
    same = vote.annotator_id == assignment.annotator_id and vote.task_id == assignment.escalation.task_id
    label, marks = said
    if not same or (vote.label_id, vote.marks) != (label.pk if label else None, marks) or vote.raw != note:
        raise Conflict("This answer was sent before with another label or note; reload the page to see what is stored.")
    return Given(vote, extra=vote.extra)


def _holder(assignment: Assignment) -> str:
    later = Assignment.objects.filter(escalation=assignment.escalation, pk__gt=assignment.pk).select_related(
        "annotator"
    )
    other = later.last()
    return other.annotator.name if other else ""


def skip(assignment: Assignment) -> None:
    """Put the question back; this person sees it again after all others."""
    holding.give_up(assignment, State.SKIPPED)
    nudges.announce(assignment.annotator.project_id, nudges.QUEUE)


@transaction.atomic
def flag(assignment: Assignment, note: str) -> None:
    """Hand the question to the experts with a note; again is the same flag.

    Raises Conflict where it no longer lies on this person's desk.
    """
    assignment.escalation.task.lock()
    if holding.give_up(assignment, State.FLAGGED):
        settling.flag(assignment.escalation, note, assignment.annotator)
    elif not Assignment.objects.filter(pk=assignment.pk, state=State.FLAGGED).exists():
        raise Conflict("This one is no longer on your desk, so it was not flagged.")


@transaction.atomic
def send_back(assignment: Assignment, note: str) -> None:
    """Return a case to the people, who are asked once more and read the note.

    Raises Conflict where it no longer lies on this expert's desk.
    """
    assignment.escalation.task.lock()
    if not holding.give_up(assignment, State.VOID):
        raise Conflict("This case is no longer on your desk, so it was not sent back.")
    settling.send_back(assignment.escalation, assignment.annotator, note)
