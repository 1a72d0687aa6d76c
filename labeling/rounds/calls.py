"""One paid call, whoever wants it: what it can cost is held before it, and what came of it is booked after it."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from labeling.crowd import base
from labeling.crowd.base import Answer
from labeling.crowd.errors import CrowdError
from labeling.models import Annotator, Escalation, Reservation, Task, Vote
from labeling.money import ledger
from labeling.people import voters
from labeling.rounds import fallback

STAYS = "This text must not leave this machine."
CUT_OFF = "The worker stopped before the answer was stored."


def hold(voter: base.Voter, annotator: Annotator, task: Task, question: Escalation | None = None) -> Reservation:
    """Reserve the most that asking once can cost. Raises ledger.Refused where money or permission is lacking."""
    if voter.outside and not Task.objects.may_leave().filter(pk=task.pk).exists():
        raise ledger.Refused(STAYS)
    if not fallback.unasked(Task.objects.filter(pk=task.pk), annotator).exists():
        raise ledger.Refused(f"{annotator.name} has been asked about it before.")
    most = most_it_can_cost(voter, annotator, task)
    try:
        with transaction.atomic():
            return ledger.reserve(task, annotator, most, question)
    except IntegrityError:  # the database refuses what must stay, also where that was decided at this very moment
        raise ledger.Refused(STAYS) from None


def most_it_can_cost(voter: base.Voter, annotator: Annotator, task: Task) -> int:
    """Micro-dollars that asking once costs at most: what the voter computes from the prompt, else the stated price."""
    ceiling = getattr(voter, "most_it_can_cost", None)
    return int(ceiling(voters.question(task))) if ceiling else int(annotator.price_microdollars or 0)


@transaction.atomic(savepoint=False)
def book(held: Reservation, answer: Answer) -> Vote | None:
    """The vote and its price, in one transaction; locks the task.

    None where the text must stay by now: an answer from outside is then paid for and not kept.
    """
    annotator, task = held.annotator, held.task
    task.lock()
    if annotator.outside and not Task.objects.may_leave().filter(pk=task.pk).exists():
        ledger.settle(held, answer.cost_microdollars, STAYS)
        return None
    vote = voters.vote(task, annotator, answer, task.question, task.question.label_list())
    vote.save()
    ledger.settle(held, answer.cost_microdollars)
    return vote


def book_failure(held: Reservation, error: CrowdError) -> None:
    """Give back what was not charged, book what was, keep what nobody knows."""
    if error.charged is None:
        ledger.keep_unknown(held, str(error))
    elif error.charged or error.spent_microdollars:
        ledger.settle(held, error.spent_microdollars, str(error))
    else:
        ledger.release(held, str(error))


def note(annotator: Annotator, answer: Answer) -> None:
    """An answer that names no label counts as a failure of the model; a readable one ends a row of them."""
    if answer.unreadable:
        annotator.note_failure(unreadable(annotator, answer), permanent=False)
    else:
        annotator.note_success()


def unreadable(annotator: Annotator, answer: Answer) -> str:
    """One sentence about an answer that names no label."""
    words = " ".join((answer.note or answer.raw).split())
    shown = f"{words[:120]} …" if len(words) > 120 else words or "nothing at all"
    return f"{annotator} answers without naming a label; its last answer: {shown}"


def cost_of(outcome: Answer | CrowdError) -> int:
    """Micro-dollars that a call did cost, whatever came of it."""
    return outcome.cost_microdollars if isinstance(outcome, Answer) else outcome.spent_microdollars


def halt_if_dearer(annotator: Annotator, cost: int, held: Reservation) -> bool:
    """Pause a model that billed more than was held for the call; True where it did."""
    if cost <= held.reserved_microdollars:
        return False
    most = ledger.dollars(held.reserved_microdollars)
    annotator.halt(
        f"{annotator} billed {ledger.dollars(cost)} for one answer that costs {most} at most by its stated price. It "
        "is booked in full, and the model is paused; compare the provider's bill with the price, then let it go on."
    )
    return True


def raise_hold(held: Reservation, microdollars: int) -> bool:
    """Hold so much in all for a call that is to be made once more; False where there is not so much."""
    try:
        ledger.raise_hold(held, microdollars)
    except ledger.Refused:
        return False
    return True
