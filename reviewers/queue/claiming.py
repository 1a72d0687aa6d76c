"""Who gets which question. Nobody ever gets another's task."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from labeling.live import nudges
from labeling.models import Annotator, Escalation, Reservation, Vote
from labeling.models.escalation import EscalationQuerySet
from labeling.money import ledger
from labeling.people import skill
from labeling.truth import bayes
from reviewers.models import Assignment, AssignmentQuerySet

State = Assignment.State
AHEAD = 8


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
    best = None if spare else _best_for(annotator, _free(annotator).filter(~skipped))
    if best is not None and (question := free.filter(pk=best).first()) is not None:
        return take(question, annotator)
    questions = list(free.filter(~skipped)[: spare + 1])
    if len(questions) <= spare:
        questions += free.filter(skipped)[: spare + 1 - len(questions)]
    return take(questions[0], annotator) if len(questions) > spare else None


def _best_for(annotator: Annotator, free: EscalationQuerySet) -> int | None:
    """The question among the next few that this person's answer is worth most to, by their own skill.

    None where too little is known of them, or where it makes no difference: then the first one it is. Whoever is less
    sure of the label than they are right helps most; nobody is left without a question, and no question for ever.
    """
    if annotator.kind != Annotator.Kind.PERSON or not skill.of(annotator).proven:
        return None
    told = free.filter(task__belief__isnull=False).values_list("pk", "task__belief__probabilities")[:AHEAD]
    rows = list(told)
    if len(rows) < 2:
        return None
    worth = bayes.gain(np.array([chances for _, chances in rows]), np.array(annotator.confusion))
    return rows[int(worth.argmax())][0] if np.ptp(worth) > 1e-9 else None


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
        give_up(other, State.VOID)
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
        give_up(lapsed, State.EXPIRED)
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


def put_back(assignment: Assignment) -> None:
    """Give a question back untouched, as if it had never been handed out."""
    if give_up(assignment, State.VOID):
        nudges.announce(assignment.annotator.project_id, nudges.QUEUE)


@transaction.atomic
def give_up(assignment: Assignment, state: str) -> bool:
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
    return sum(give_up(assignment, State.EXPIRED) for assignment in mine.select_related("escalation", "pay"))
