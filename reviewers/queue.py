"""Who gets which question, and what becomes of the answer. Nobody ever gets another's task.

Whoever changes several rows locks them in one order, so that no two people wait for each other: the task, the
question, the assignment, the money.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from labeling.live import nudges
from labeling.models import Annotator, Decision, Escalation, Label, Reservation, Vote
from labeling.models.escalation import EscalationQuerySet
from labeling.money import ledger
from labeling.rounds import decisions, settling, story
from reviewers.models import Assignment, AssignmentQuerySet

State = Assignment.State
MICRO = 1_000_000


class Conflict(Exception):
    """An answer that contradicts one already given under the same key; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Given:
    """What became of an answer: `vote`, and `extra` where the task had passed on to somebody else meanwhile."""

    vote: Vote
    extra: bool = False
    taken_by: str = ""


def waiting_for(annotator: Annotator) -> EscalationQuerySet:
    """Questions this person may be asked: open, of their kind, not answered by them, not on another desk."""
    answered = Vote.objects.current().filter(task=OuterRef("task"), annotator=annotator)
    others = Assignment.objects.unexpired().filter(escalation=OuterRef("pk")).exclude(annotator=annotator)
    questions = Escalation.objects.open().in_project(annotator.project_id).filter(to=annotator.kind)
    return questions.filter(~Exists(answered), ~Exists(others)).order_by("-priority", "pk")


def desk_of(annotator: Annotator) -> AssignmentQuerySet:
    """Everything this person holds and may still answer, oldest first."""
    mine = Assignment.objects.live().filter(annotator=annotator, escalation__state=Escalation.State.OPEN)
    return mine.select_related("escalation__task__batch").order_by("pk")


def own(annotator: Annotator, key: int) -> Assignment | None:
    """One of the questions this person holds or held."""
    found = Assignment.objects.filter(annotator=annotator, pk=key).select_related("escalation__task__batch").first()
    return found.known_to(annotator) if found else None


def claim(annotator: Annotator) -> Assignment | None:
    """The question on this person's desk, else the next one of the queue; None where nothing waits.

    Raises ledger.Refused where the answer is paid and the money is spent.
    """
    return next(iter(hand_out(annotator)), None)


def hand_out(annotator: Annotator, ahead: bool = False) -> list[Assignment]:
    """What this person should see now: nothing, a question or, with `ahead`, that and the one after it.

    Raises ledger.Refused where the first answer is paid and the money is spent.
    """
    there = [held for held in desk_of(annotator) if held.known_to(annotator).fresh or renew(held)]
    if not there:
        tidy(annotator)
        there = [first] if (first := _take_next(annotator)) else []
    if ahead and len(there) == 1 and (second := _take_ahead(annotator)):
        there.append(second)
    return there[: 1 + ahead]


def _take_ahead(annotator: Annotator) -> Assignment | None:
    """One question more than the one on the desk, so that it is there the moment the first is answered.

    Never at the cost of others: as many questions as colleagues are at work stay free. None where that
    leaves nothing, or where its pay cannot be held.
    """
    at_work = Assignment.objects.unexpired().in_project(annotator.project_id).exclude(annotator=annotator)
    others = at_work.filter(annotator__kind=annotator.kind).values("annotator").distinct().count()
    try:
        return _take_next(annotator, spare=others)
    except ledger.Refused:
        return None


def _take_next(annotator: Annotator, spare: int = 0) -> Assignment | None:
    """Take the first free question, if `spare` more than it are free."""
    for _ in range(3):
        try:
            taken = _take_first_free(annotator, spare)
        except IntegrityError:  # somebody else was faster by a hair; look again
            continue
        if taken is not None:
            nudges.announce(annotator.project_id, nudges.QUEUE)
        return taken
    return None


@transaction.atomic
def _take_first_free(annotator: Annotator, spare: int) -> Assignment | None:
    free = _free(annotator).select_for_update(skip_locked=True, of=("self",)).select_related("task__batch")
    skipped = Exists(Assignment.objects.filter(escalation=OuterRef("pk"), annotator=annotator, state=State.SKIPPED))
    questions = list(free.filter(~skipped)[: spare + 1])
    if len(questions) <= spare:
        questions += free.filter(skipped)[: spare + 1 - len(questions)]
    return take(questions[0], annotator) if len(questions) > spare else None


def _free(annotator: Annotator) -> EscalationQuerySet:
    """What waits for this person, without tasks that lie on their own desk already.

    In the order of an index, so that the first few are found without a look at the others.
    """
    mine = Assignment.objects.live().filter(escalation__task=OuterRef("task"), annotator=annotator)
    return waiting_for(annotator).filter(~Exists(mine))


@transaction.atomic
def pick(annotator: Annotator, question: Escalation) -> Assignment | None:
    """Put this very question on the desk and give back what else lies there; None where it is closed or taken."""
    there = desk_of(annotator).filter(escalation=question).first()
    if there is not None and renew(there):
        return there
    question.lock()
    if not waiting_for(annotator).filter(pk=question.pk).exists():
        return None
    for other in desk_of(annotator):
        _give_up(other, State.VOID)
    nudges.announce(annotator.project_id, nudges.QUEUE)
    return take(question, annotator)


def holder(question: Escalation, besides: Annotator | None = None) -> Assignment | None:
    """Who has this question on the desk now, leaving one person out."""
    held = Assignment.objects.unexpired().filter(escalation=question).exclude(annotator=besides)
    return held.select_related("annotator").first()


@transaction.atomic(savepoint=False)
def take(question: Escalation, annotator: Annotator) -> Assignment:
    """Put a question on this person's desk, holding the pay where there is a wage.

    Raises IntegrityError where it lies on another desk, ledger.Refused where the money is spent.
    """
    for lapsed in Assignment.objects.expired().filter(escalation=question).exclude(annotator=annotator):
        _give_up(lapsed, State.EXPIRED)
    until = timezone.now() + timedelta(seconds=annotator.project.lease_seconds)
    taken = Assignment(escalation=question, annotator=annotator, leased_until=until).known_to(annotator)
    taken.pay = _hold_pay(question, annotator)
    taken.save()
    return taken


def _hold_pay(question: Escalation, annotator: Annotator) -> Reservation | None:
    price = pay_for(annotator, annotator.project.pay_seconds)
    return ledger.reserve(question.task, annotator, price) if price else None


def pay_for(annotator: Annotator, seconds: float) -> int:
    """Micro-dollars for so many seconds of this one's work, at most the project's paid seconds, rounded up."""
    paid = min(seconds, annotator.project.pay_seconds)
    return -int(-annotator.project.wage_of(annotator.kind) * paid // 3600)


def renew(assignment: Assignment) -> bool:
    """Keep the question for another lease; False where it is no longer this person's.

    The database's clock rules the lease; what is told of it here is by this machine's clock.
    """
    lease = timedelta(seconds=assignment.annotator.project.lease_seconds)
    kept = Assignment.objects.live().filter(pk=assignment.pk).update(leased_until=Now() + lease)
    assignment.leased_until = timezone.now() + lease if kept else assignment.leased_until
    return bool(kept)


@transaction.atomic
def submit(assignment: Assignment, label: Label | None, key: uuid.UUID, *, seconds: float = 0, note: str = "") -> Given:
    """Take an answer. The same key again is the same answer; a late answer is kept as an extra opinion.

    Raises Conflict where the key came with another label before, or this person has answered the task already.
    """
    task = assignment.escalation.task
    task.lock()
    earlier = list(Vote.objects.filter(Q(key=key) | Q(task=task, annotator=assignment.annotator)).order_by("pk"))
    if repeated := _repeated(earlier, assignment, label, key, note):
        return repeated
    before = earlier[-1] if earlier else None
    if before is not None and not before.withdrawn:
        raise Conflict("You have answered this one already; open it under your last answers to change it.")
    held = _standing(assignment)
    vote = Vote(
        task=task,
        annotator=assignment.annotator,
        label=label,
        raw=note,
        seconds=max(seconds, 0),
        key=key,
        corrects=before,
        extra=held is None,
        cost_microdollars=pay_for(assignment.annotator, seconds) if held and held.pay_id else 0,
    )
    vote.save()
    if held is None:
        _give_up(assignment, State.VOID)
        return Given(vote, extra=True, taken_by=_holder(assignment))
    held.close(State.ANSWERED, vote)
    settling.settle(held.escalation, vote)
    if held.pay:
        ledger.settle(held.pay, vote.cost_microdollars)
    story.finish(task.batch)
    return Given(vote)


def _standing(assignment: Assignment) -> Assignment | None:
    """The hold this person has on the question now, locked: the one given or, where that has ended, a later one."""
    mine = desk_of(assignment.annotator).filter(escalation__task=assignment.escalation.task)
    locked = mine.select_for_update(of=("escalation", "self"), no_key=True)
    held = list(locked.select_related(None).select_related("escalation", "pay"))
    return next((one for one in held if one.pk == assignment.pk), held[0] if held else None)


def _repeated(
    earlier: Iterable[Vote], assignment: Assignment, label: Label | None, key: uuid.UUID, note: str
) -> Given | None:
    """What became of this very answer where it came before. Raises Conflict where its key came with another one."""
    vote = next((one for one in earlier if one.key == key), None)
    if vote is None:
        return None
    same = vote.annotator_id == assignment.annotator_id and vote.task_id == assignment.escalation.task_id
    if not same or vote.label_id != (label.pk if label else None) or vote.raw != note:
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
    _give_up(assignment, State.SKIPPED)
    nudges.announce(assignment.annotator.project_id, nudges.QUEUE)


@transaction.atomic
def flag(assignment: Assignment, note: str) -> None:
    """Hand the question to the experts with a note; again is the same flag.

    Raises Conflict where it no longer lies on this person's desk.
    """
    assignment.escalation.task.lock()
    if _give_up(assignment, State.FLAGGED):
        settling.flag(assignment.escalation, note, assignment.annotator)
    elif not Assignment.objects.filter(pk=assignment.pk, state=State.FLAGGED).exists():
        raise Conflict("This one is no longer on your desk, so it was not flagged.")


def put_back(assignment: Assignment) -> None:
    """Give a question back untouched, as if it had never been handed out."""
    if _give_up(assignment, State.VOID):
        nudges.announce(assignment.annotator.project_id, nudges.QUEUE)


@transaction.atomic
def send_back(assignment: Assignment, note: str) -> None:
    """Return a case to the people, who are asked once more and read the note.

    Raises Conflict where it no longer lies on this expert's desk.
    """
    assignment.escalation.task.lock()
    if not _give_up(assignment, State.VOID):
        raise Conflict("This case is no longer on your desk, so it was not sent back.")
    settling.send_back(assignment.escalation, assignment.annotator, note)


@transaction.atomic
def _give_up(assignment: Assignment, state: str) -> bool:
    """Leave the desk without an answer; what was held for it is free again."""
    assignment.escalation.lock()
    closed = assignment.close(state)
    if closed and assignment.pay:
        ledger.release(assignment.pay, f"{state} without an answer")
    return closed


def tidy(annotator: Annotator | None = None, hours: float = 1) -> int:
    """Clear desks of questions that nobody needs answered any more, or whose lease ended hours ago, with their pay.

    Returns how many left; without an annotator it clears every desk.
    """
    long_ago = Q(leased_until__lt=Now() - timedelta(hours=hours))
    stale = Assignment.objects.live().filter(~Q(escalation__state=Escalation.State.OPEN) | long_ago)
    mine = stale.filter(annotator=annotator) if annotator else stale
    return sum(_give_up(assignment, State.EXPIRED) for assignment in mine.select_related("escalation", "pay"))


def last_answers(annotator: Annotator, count: int = 10) -> list[Assignment]:
    """What this person did last, newest first: answers that still stand, skips and flags."""
    done = Assignment.objects.filter(annotator=annotator, closed_at__isnull=False)
    stands = done.exclude(state__in=[State.EXPIRED, State.VOID]).exclude(vote__correction__isnull=False)
    return list(stands.select_related("vote__label").order_by("-closed_at", "-pk")[:count])


@transaction.atomic
def undo(annotator: Annotator, assignment: Assignment | None = None) -> Assignment | None:
    """Take back the last thing this person did (or the one given) and put it on their desk again.

    Returns the new assignment, or None where there is nothing to take back, it was taken back before, or an
    expert has settled the task since. Raises Conflict where a colleague has the question now.
    """
    target = assignment or next(iter(last_answers(annotator, 1)), None)
    if target is None:
        return None
    target.escalation.task.lock()
    question = _open_again(target)
    if question is None:
        return None
    _leave(target, question)
    for other in Assignment.objects.live().filter(annotator=annotator):
        _give_up(other, State.VOID)
    nudges.announce(annotator.project_id, nudges.QUEUE)
    return take(question, annotator)


@transaction.atomic
def change(assignment: Assignment, label: Label | None, key: uuid.UUID, *, seconds: float = 0, note: str = "") -> Given:
    """Replace an earlier answer, skip or flag by this answer, leaving the desk as it is.

    Raises Conflict where it cannot be changed any more, or `key` came with another label before.
    """
    assignment.escalation.task.lock()
    if repeated := _repeated(Vote.objects.filter(key=key), assignment, label, key, note):
        return repeated
    question = _open_again(assignment)
    if question is None:
        raise Conflict("This one is settled for good and cannot be changed any more.")
    _leave(assignment, question)
    return submit(take(question, assignment.annotator), label, key, seconds=seconds, note=note)


def _leave(target: Assignment, question: Escalation) -> None:
    """Take a skip or flag out of the history. Raises Conflict where the question lies on another desk."""
    question.lock()
    if other := holder(question, besides=target.annotator):
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
