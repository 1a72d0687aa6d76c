"""What lies on a person's desk: taken for a look, begun with the first sign of work, kept, given up.

Looking is not taking. A card that merely lies there is this person's alone for a moment, so that it never goes out
twice, and holds no money. The first sign of work makes it a whole lease and holds its pay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from labeling.live import nudges
from labeling.models import Annotator, Escalation
from labeling.money import ledger
from reviewers.models import Assignment, AssignmentQuerySet

State = Assignment.State
AHEAD = 9
MOST = 1 + AHEAD
"""At most so many questions lie on one person's desk, whatever is asked for at once."""


def desk_of(annotator: Annotator) -> AssignmentQuerySet:
    """Everything this person holds and may still answer: what was begun last, then the cards in hand, oldest first."""
    mine = Assignment.objects.live().filter(annotator=annotator, escalation__state=Escalation.State.OPEN)
    return mine.select_related("escalation__task__batch", "escalation__task__instance").order_by(
        F("begun_at").desc(nulls_last=True), "pk"
    )


def in_hand(annotator: Annotator) -> list[Assignment]:
    """The cards on the desk, by the oldest hold of each, without those that nobody has begun and that are paused."""
    there = [held.known_to(annotator) for held in desk_of(annotator)]
    stopped = annotator.paused_at is not None
    return cards_of([held for held in there if held.begun_at or not (stopped or held.escalation.task.batch.paused)])


def cards_of(there: Iterable[Assignment]) -> list[Assignment]:
    """Holds laid together into cards: what a person is asked about one instance. An expert's case stands alone.

    Returns the oldest hold of each card, with the others `together`; cards in the order of what comes first on them.
    """
    cards: dict[tuple[int, int], list[Assignment]] = {}
    for held in there:
        alone = held.annotator.kind == Annotator.Kind.EXPERT
        cards.setdefault((held.escalation.task.instance_id, held.pk if alone else 0), []).append(held)
    return [_one_card(holds) for holds in cards.values()]


def _one_card(holds: list[Assignment]) -> Assignment:
    first, *others = sorted(holds, key=lambda held: held.pk)
    first.together = tuple(others)
    questions = {one.pk: one for one in first.annotator.project.questions.all()} if others else {}
    for held in holds if others else ():
        held.escalation.task.question = questions[held.escalation.task.question_id]
    return first


def whole(cards: Iterable[Assignment]) -> list[Assignment]:
    """Every hold on these cards."""
    return [held for card in cards for held in (card, *card.together)]


def holder(question: Escalation, besides: Annotator | None = None) -> Assignment | None:
    """Who has this question on the desk now, leaving one person out."""
    held = Assignment.objects.unexpired().filter(escalation=question).exclude(annotator=besides)
    return held.select_related("annotator").first()


def alone(annotator: Annotator) -> None:
    """One request of a person after the other, until the transaction ends: taken before any question is locked."""
    Annotator.objects.select_for_update(no_key=True).get(pk=annotator.pk)


@transaction.atomic(savepoint=False)
def take(question: Escalation, annotator: Annotator, *, paid: bool = True) -> Assignment:
    """Put a question on this person's desk as one they work on, holding the pay where there is a wage.

    `paid`: False where this person was paid for the task before. Raises IntegrityError where it lies on another
    desk, ledger.Refused where the money is spent.
    """
    taken = lay_down([question], annotator)[0]
    begin(taken, paid=paid)
    return taken


@transaction.atomic(savepoint=False)
def lay_down(questions: Sequence[Escalation], annotator: Annotator, *, at_work: bool = False) -> list[Assignment]:
    """Put questions on this person's desk to be looked at. Raises IntegrityError where one lies on another desk."""
    lapsed = Assignment.objects.expired().filter(escalation__in=questions).exclude(annotator=annotator)
    for held in lapsed.select_related("escalation", "pay"):
        give_up(held, State.EXPIRED, lapsed=True)
    until = timezone.now() + Assignment.looking(annotator.project, at_work)
    laid = [Assignment(escalation=one, annotator=annotator, leased_until=until) for one in questions]
    return [held.known_to(annotator) for held in Assignment.objects.bulk_create(laid)]


@transaction.atomic
def begin(held: Assignment, *, paid: bool = True) -> None:
    """The first sign of work: the whole lease starts, and the pay is held. Once begun, nothing changes.

    Raises ledger.Refused where the money is spent; the question then lies there as it did.
    """
    if held.begun_at is not None:
        return
    now, lease = timezone.now(), timedelta(seconds=held.annotator.project.lease_seconds)
    first = Assignment.objects.live().filter(pk=held.pk, begun_at=None)
    if not first.update(begun_at=Now(), leased_until=Now() + lease):
        return
    price = pay_for(held.annotator, held.annotator.project.pay_seconds) if paid else 0
    if price:
        held.pay = ledger.reserve(held.escalation.task, held.annotator, price)
        Assignment.objects.filter(pk=held.pk).update(pay=held.pay)
    held.begun_at, held.leased_until = now, now + lease


@transaction.atomic
def begin_card(card: Assignment) -> None:
    """The first sign of work on a card: every question on it is begun, or, where the money is spent, none.

    Raises ledger.Refused where the money is spent.
    """
    for held in whole([card]):
        begin(held)


def affordable(card: Assignment) -> None:
    """Look whether all answers could be paid, holding nothing yet. Raises ledger.Refused where they could not."""
    new = sum(held.begun_at is None for held in whole([card]))
    price = new * pay_for(card.annotator, card.annotator.project.pay_seconds)
    if not price:
        return
    left = ledger.free(card.escalation.task.batch)
    if left < price:
        asked, free = ledger.dollars(price), ledger.dollars(left)
        what = "one answer" if new == 1 else f"{new} answers"
        raise ledger.Refused(f"The money of this batch is spent: {asked} is asked for {what}, {free} is free.")


def pay_for(annotator: Annotator, seconds: float) -> int:
    """Micro-dollars for so many seconds of this one's work, at most the project's paid seconds, rounded up."""
    paid = min(seconds, annotator.project.pay_seconds)
    return -int(-annotator.project.wage_of(annotator.kind) * paid // 3600)


def keep(there: Iterable[Assignment], *, at_work: bool) -> None:
    """Renew what lies on a desk: begun ones for a lease, the others for a moment, longer while somebody is at work.

    The database's clock rules the lease; what is told of it here is by this machine's clock.
    """
    holds = whole(there)
    for begun in (True, False):
        some = [held for held in holds if bool(held.begun_at) == begun]
        if not some:
            continue
        project = some[0].annotator.project
        span = timedelta(seconds=project.lease_seconds) if begun else Assignment.looking(project, at_work)
        stale = [held for held in some if held.seconds_left < Assignment.FRESH * span.total_seconds()]
        if stale:
            mine = Assignment.objects.live().filter(pk__in=[held.pk for held in stale])
            mine.update(leased_until=Now() + span)
        for held in stale:
            held.leased_until = timezone.now() + span


@transaction.atomic
def work_on(held: Assignment) -> Assignment | None:
    """A sign of work on a question this person holds or held: begun or renewed, and all in hand kept with it.

    None where it has gone to somebody else, or was settled. Raises ledger.Refused where the money is spent.
    """
    alone(held.annotator)
    there = in_hand(held.annotator)
    mine = next((one for one in there if any(each.escalation_id == held.escalation_id for each in one.whole)), None)
    if mine is None:
        return take_again(held) if len(there) < MOST else None
    begin_card(mine)
    keep(there, at_work=True)
    return mine


def take_again(held: Assignment) -> Assignment | None:
    """Put a question that left this person's desk on it once more, if it is open and nobody else has it.

    Where nobody had it since, it is the same hold again.
    """
    question = held.escalation
    question.lock()
    gone = held.state in (State.VOID, State.EXPIRED)
    if not gone or question.state != Escalation.State.OPEN or holder(question, besides=held.annotator):
        return None
    if Assignment.objects.filter(escalation=question, pk__gt=held.pk).exists():
        return take(question, held.annotator)
    until = Now() + timedelta(seconds=held.annotator.project.lease_seconds)
    Assignment.objects.filter(pk=held.pk).update(
        state=State.LIVE, closed_at=None, begun_at=None, pay=None, leased_until=until
    )
    held.state, held.closed_at, held.begun_at, held.pay = State.LIVE, None, None, None
    nudges.announce(held.annotator.project_id, nudges.QUEUE)
    begin(held)
    return held


def put_back(held: Assignment) -> None:
    """Give a question back untouched, as if it had never been handed out."""
    if sum(give_up(one, State.VOID) for one in whole([held])):
        nudges.announce(held.annotator.project_id, nudges.QUEUE)


def rest(holds: AssignmentQuerySet) -> int:
    """Nobody is at work on these any more: those that were not begun are given back. Returns how many."""
    card = holds.filter(
        annotator=OuterRef("annotator"), escalation__task__instance=OuterRef("escalation__task__instance")
    )
    idle = list(
        Assignment.objects.live().filter(Exists(card), begun_at=None).select_related("escalation", "pay", "annotator")
    )
    left = [held for held in idle if give_up(held, State.VOID)]
    for project_id in {held.annotator.project_id for held in left}:
        nudges.announce(project_id, nudges.QUEUE)
    return len(left)


@transaction.atomic
def give_up(held: Assignment, state: str, *, lapsed: bool = False) -> bool:
    """Leave the desk without an answer; what was held for it is free again. `lapsed`: only if its lease has ended.

    False where the question is gone with its batch meanwhile: then the hold is gone, too.
    """
    try:
        held.escalation.lock()
    except Escalation.DoesNotExist:
        return False
    closed = held.close(state, lapsed=lapsed)
    if closed and held.pay:
        ledger.release(held.pay, f"{state} without an answer")
    return closed


def tidy(annotator: Annotator | None = None, hours: float = 1) -> int:
    """Clear desks of questions that nobody needs answered any more, or whose lease ended hours ago, with their pay.

    Returns how many left; without an annotator it clears every desk.
    """
    long_ago = Q(leased_until__lt=Now() - timedelta(hours=hours))
    stale = Assignment.objects.live().filter(~Q(escalation__state=Escalation.State.OPEN) | long_ago)
    mine = stale.filter(annotator=annotator) if annotator else stale
    return sum(give_up(held, State.EXPIRED) for held in mine.select_related("escalation", "pay"))


def clear(annotators: Iterable[Annotator]) -> int:
    """Give back everything these hold, begun or not: they have left. Returns how many questions are free again."""
    theirs = Assignment.objects.live().filter(annotator__in=list(annotators)).select_related("escalation", "pay")
    return sum(give_up(held, State.VOID) for held in theirs)
