"""Paid answers: hold the money, ask, settle what it did cost, take the answer in. May be killed at any point.

Each question is leased before anything else, and its money is held in the same transaction that renews the lease,
right before its call. A call whose worker died is never repeated: its money stays held until somebody looks it up.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from labeling import models
from labeling.crowd import base
from labeling.crowd.base import Answer, Question
from labeling.crowd.errors import ABOUT_ONE_TEXT, CrowdError, MustStay, NotAsked
from labeling.models import Annotator, Batch, Chunk, Escalation, Project, Reservation
from labeling.models.chunk import ChunkQuerySet
from labeling.models.escalation import EscalationQuerySet
from labeling.money import ledger
from labeling.people import voters
from labeling.rounds import calls, settling

TOGETHER = 8
LOST = "The call was cut off; its money stays held until somebody looks it up."
State = Escalation.State


def ask_some(questions: EscalationQuerySet) -> bool:
    """Ask one paid model up to eight of these questions; True if more can be asked right now.

    Raises CrowdError for a failure that only a person can mend, where the project's policy is to wait for that
    person (the money held for it is given back first).
    """
    asked = _claim(questions)
    if not asked:
        return False
    run = Run(deque(asked))
    try:
        failures = [failure for failure in run.answers() if not isinstance(failure, ABOUT_ONE_TEXT)]
    finally:
        run.give_back_leases()
    waits = run.batch.project.when_model_fails == Project.WhenModelFails.WAIT
    for failure in failures:
        if failure.permanent and waits:
            raise failure
    run.annotator.refresh_from_db()
    return not (run.stopped or run.annotator.rests)


def _claim(questions: EscalationQuerySet) -> list[Escalation]:
    """Lease up to eight free questions to the same model, skipping models that rest and calls that may be under way."""
    rests = Q(annotator__retry_at__gt=Now()) | Q(annotator__paused_at__isnull=False)
    under_way = Reservation.objects.filter(escalation=OuterRef("pk"), state__in=ledger.OPEN)
    candidates = (
        questions.exclude(rests)
        .filter(~Exists(under_way))
        .select_related("annotator", "task__question", "task__batch__project", "task__instance")
    )
    mine: list[Escalation] = []
    for question in candidates[: 2 * TOGETHER]:
        same = not mine or _alike(mine[0], question)
        if same and len(mine) < TOGETHER and question.lease(settings.LEASE_SECONDS):
            mine.append(question)
    return mine


def _alike(one: Escalation, other: Escalation) -> bool:
    """Whether both put one question of the project to one model, so that it answers them with one brief."""
    return (one.annotator_id, one.task.question_id) == (other.annotator_id, other.task.question_id)


@dataclass(slots=True)
class Run:
    """A handful of leased questions and their way to one model; `sent` are those whose money is held."""

    unasked: deque[Escalation]
    sent: deque[tuple[Escalation, Reservation]] = field(default_factory=deque)
    stopped: bool = False
    failed: bool = False
    renewed: float = field(default_factory=time.monotonic)
    annotator: Annotator = field(init=False)
    batch: Batch = field(init=False)
    asked: models.Question = field(init=False)

    def __post_init__(self) -> None:
        first = self.unasked[0]
        assert first.annotator is not None
        self.annotator, self.batch, self.asked = first.annotator, first.task.batch, first.task.question

    def answers(self) -> Iterator[CrowdError]:
        """Ask and book one question after the other; yields every failure once it is booked."""
        try:
            voter = voters.ready(self.annotator, self.batch, self.asked)
        except CrowdError as error:
            _note(self.annotator, error)
            yield error
            return
        for outcome in base.outcomes(voter, self.questions(voter), self.pulse, self.more):
            if not self.sent:  # it failed before it took a question
                assert isinstance(outcome, CrowdError)
                _note(self.annotator, outcome)
                yield outcome
                return
            question, held = self.sent[0]
            if isinstance(outcome, Answer):
                _take(question, held, outcome)
            else:
                _book_failure(question, held, outcome)
            self.sent.popleft()
            self.stopped = calls.halt_if_dearer(self.annotator, calls.cost_of(outcome), held) or self.stopped
            if isinstance(outcome, (Answer, NotAsked)):
                self.failed = self.failed or _garbles(question)
                continue
            if not isinstance(outcome, ABOUT_ONE_TEXT):
                self.failed = True
            yield outcome

    def questions(self, voter: base.Voter) -> Iterator[Question]:
        """Each question right before its call, its money held; no more after a failure or a stop."""
        while self.unasked and not self.failed and self.pulse():
            question = self.unasked.popleft()
            try:
                held = _hold(question, voter)
            except ledger.TooLittle as refusal:
                if ledger.waits_for_calls(self.batch.project):  # what they do not use comes back
                    self._wait_for_money(question)
                    return
                withdraw(question, str(refusal))
                continue
            except ledger.Refused as refusal:
                withdraw(question, str(refusal))
                continue
            if held is not None:
                self.sent.append((question, held))
                yield voters.question(question.task)

    def _wait_for_money(self, question: Escalation) -> None:
        """Ask no more now: after our own calls at once, after those of other workers in a second."""
        if self.sent:
            self.unasked.appendleft(question)
            return
        self.stopped = True
        mine = Escalation.objects.open().filter(pk=question.pk, fence=question.fence)
        mine.update(leased_until=Now() + timedelta(seconds=1))

    def more(self, asked: Question, microdollars: int) -> bool:
        """Hold so much in all for a question that is to be asked once more; False where there is not so much."""
        held = next(held for question, held in self.sent if question.task.external_id == asked.task)
        return calls.raise_hold(held, microdollars)

    def pulse(self) -> bool:
        """Keep the leases; False once paid calls are stopped or the batch is paused."""
        if time.monotonic() - self.renewed > settings.LEASE_SECONDS / 3:
            for question in (*self.unasked, *(question for question, _ in self.sent)):
                question.renew(settings.LEASE_SECONDS)
            self.renewed = time.monotonic()
        halted = Q(project__calls_stopped_at__isnull=False) | Q(paused_at__isnull=False)
        self.stopped = self.stopped or Batch.objects.filter(halted, pk=self.batch.pk).exists()
        return not self.stopped

    def give_back_leases(self) -> None:
        """Let others ask at once what was not asked here; what was, and was not booked, nobody knows the price of."""
        for question, held in self.sent:
            ledger.keep_unknown(held, calls.CUT_OFF)
            withdraw(question, LOST)
        for question in self.unasked:
            Escalation.objects.open().filter(pk=question.pk, fence=question.fence).update(leased_until=None)


@transaction.atomic
def _hold(question: Escalation, voter: base.Voter) -> Reservation | None:
    """Reserve the most that asking once can cost; None where the question has passed on to another worker.

    Raises ledger.Refused where money or permission is lacking.
    """
    assert question.annotator is not None
    if not question.renew(settings.LEASE_SECONDS):
        return None
    return calls.hold(voter, question.annotator, question.task, question)


@transaction.atomic
def _take(question: Escalation, held: Reservation, answer: Answer) -> None:
    """Book an answer: the vote, its price and what it changes are one transaction."""
    assert question.annotator is not None
    vote = calls.book(held, answer)
    if vote is None:
        withdraw(question, f"{calls.STAYS} The answer came too late and is not kept.")
        return
    settling.settle(question, vote)
    calls.note(question.annotator, answer)


def _garbles(question: Escalation) -> bool:
    """Whether the model has answered so often without a label that it rests."""
    return question.annotator is not None and question.annotator.failures >= Annotator.BREAKER


def _book_failure(question: Escalation, held: Reservation, error: CrowdError) -> None:
    """Give back what was not charged, book what was, keep what nobody knows; then wait, or withdraw the question."""
    calls.book_failure(held, error)
    if error.charged is None:
        withdraw(question, f"{error} The money stays held until somebody looks it up.")
    if isinstance(error, ABOUT_ONE_TEXT):
        withdraw(question, str(error))
    if not isinstance(error, (NotAsked, MustStay)) and question.annotator is not None:
        _note(question.annotator, error)
    wait = timedelta(seconds=error.retry_after or 1)
    Escalation.objects.open().filter(pk=question.pk, fence=question.fence).update(leased_until=Now() + wait)


def _note(annotator: Annotator, error: CrowdError) -> None:
    permanent = error.permanent and not isinstance(error, ABOUT_ONE_TEXT)
    annotator.note_failure(str(error), permanent=permanent, retry_after=error.retry_after)


def withdraw(question: Escalation, why: str) -> None:
    """Do not ask any more; the next weighing finds another way for the task."""
    if question.close(State.WITHDRAWN):
        Escalation.objects.filter(pk=question.pk).update(why=f"{question.why} {why}")


def give_up_lost_calls() -> int:
    """Calls whose worker died between asking and booking: nobody knows whether they were charged. Returns how many.

    Their money stays held, and the same question is not asked, and paid, a second time.
    """
    waiting = Reservation.objects.filter(state=Reservation.State.HELD)
    asked = waiting.filter(escalation__leased_until__lt=Now()).select_related("escalation")
    voted = waiting.filter(~Exists(_chunks_at_work()), escalation=None, annotator__kind=Annotator.Kind.MODEL)
    lost = [*asked, *voted]
    for held in lost:
        ledger.keep_unknown(held, calls.CUT_OFF)
        if held.escalation:
            withdraw(held.escalation, LOST)
    return len(lost)


def _chunks_at_work() -> ChunkQuerySet:
    """Of a call to a member of the crowd: the chunk that it belongs to, while a worker holds it."""
    task = OuterRef("task__position")
    mine = Chunk.objects.filter(batch=OuterRef("task__batch"), annotator=OuterRef("annotator"))
    return mine.filter(first__lte=task, last__gte=task, leased_until__gte=Now())
