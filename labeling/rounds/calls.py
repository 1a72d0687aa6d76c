"""One paid call, whoever wants it: what it can cost is held before it, and what came of it is booked after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from labeling.crowd import base
from labeling.crowd.base import Answer, Question
from labeling.crowd.errors import CrowdError
from labeling.crowd.prices import shares
from labeling.models import Annotator, Escalation, Reservation, Task, Vote
from labeling.money import ledger
from labeling.people import voters
from labeling.rounds import fallback
from labeling.rounds.sheets import Sheet

STAYS = "This text must not leave this machine."
CUT_OFF = "The worker stopped before the answer was stored."


@dataclass(frozen=True, slots=True)
class Call:
    """A call about a sheet, and the money held for it: a reservation for each of its tasks."""

    sheet: Sheet
    held: Sequence[Reservation]

    @property
    def holds(self) -> int:
        """Micro-dollars held in all."""
        return sum(one.reserved_microdollars for one in self.held)

    def lock(self) -> None:
        """Hold its tasks until the transaction ends, all before any money moves."""
        tasks = Task.objects.locked().filter(pk__in=[task.pk for task in self.sheet.tasks])
        list(tasks.order_by("pk").values_list("pk"))

    @transaction.atomic
    def keep_unknown(self, why: str) -> None:
        """Keep its money held: nobody knows whether it was charged."""
        for held in self.held:
            ledger.keep_unknown(held, why)

    def is_about(self, asked: Question) -> bool:
        """Whether this is what a voter was asked."""
        return self.sheet.tasks[0].external_id == asked.task and self.sheet.about == asked.about


def hold(
    voter: base.Voter, annotator: Annotator, sheet: Sheet, questions: Mapping[int, Escalation] | None = None
) -> Call:
    """Reserve the most that asking once can cost about those tasks of the sheet that it may be asked about.

    `questions`: what asks for the answers, by task. Raises ledger.Refused where money or permission is lacking.
    """
    tasks = Task.objects.filter(pk__in=[task.pk for task in sheet.tasks])
    if voter.outside and not tasks.may_leave().exists():
        raise ledger.Refused(STAYS)
    sheet = sheet.only(set(fallback.unasked(tasks, annotator).values_list("pk", flat=True)))
    if not sheet.tasks:
        raise ledger.Refused(asked_before(annotator))
    most = most_of(voter, annotator, sheet)
    asked = [(questions or {}).get(task.pk) for task in sheet.tasks]
    try:
        with transaction.atomic():
            return Call(sheet, ledger.reserve_call(sheet.tasks, annotator, most, asked))
    except IntegrityError:  # the database refuses what must stay, also where that was decided at this very moment
        raise ledger.Refused(STAYS) from None


def asked_before(annotator: Annotator) -> str:
    """Why it is not asked about a task."""
    return f"{annotator.name} has been asked about it before."


def most_it_can_cost(voter: base.Voter, annotator: Annotator, task: Task) -> int:
    """Micro-dollars that asking once costs at most: what the voter computes from the prompt, else the stated price."""
    return most_of(voter, annotator, Sheet((task,)))


def most_of(voter: base.Voter, annotator: Annotator, sheet: Sheet) -> int:
    """The same of a call about all of a sheet."""
    ceiling = getattr(voter, "most_it_can_cost", None)
    return int(ceiling(sheet.shown())) if ceiling else int(annotator.price_microdollars or 0)


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


@transaction.atomic
def book_failure(call: Call, error: CrowdError) -> None:
    """Give back what was not charged, book what was, keep what nobody knows."""
    if error.charged is None:
        call.keep_unknown(str(error))
        return
    for held, spent in zip(call.held, shares(error.spent_microdollars, len(call.held)), strict=True):
        if error.charged or error.spent_microdollars:
            ledger.settle(held, spent, str(error))
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


def halt_if_dearer(annotator: Annotator, cost: int, held: int) -> bool:
    """Pause a model that billed more micro-dollars than were held for the call; True where it did."""
    if cost <= held:
        return False
    most = ledger.dollars(held)
    annotator.halt(
        f"{annotator} billed {ledger.dollars(cost)} for one call that costs {most} at most by its stated price. It "
        "is booked in full, and the model is paused; compare the provider's bill with the price, then let it go on."
    )
    return True


def raise_hold(call: Call, microdollars: int) -> bool:
    """Hold so much in all for a call that is to be made once more; False where there is not so much."""
    try:
        ledger.raise_call(call.held, microdollars)
    except ledger.Refused:
        return False
    return True
