"""Paid answers: hold the money, ask, settle what it did cost, take the answer in. May be killed at any point.

Each question is leased before anything else, and its money is held in the same transaction that renews the lease,
right before its call. All that a model is asked about one instance is asked in one call, where it can. A call whose
worker died is never repeated: its money stays held until somebody looks it up.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from labeling import models
from labeling.crowd import base
from labeling.crowd.base import Answer, Question
from labeling.crowd.errors import ABOUT_ONE_TEXT, CrowdError, MustStay, NotAsked, TextTooLong
from labeling.models import Annotator, Batch, Chunk, Escalation, Project, Reservation, Task
from labeling.models.chunk import ChunkQuerySet
from labeling.models.escalation import EscalationQuerySet
from labeling.money import ledger
from labeling.people import voters
from labeling.rounds import calls, settling
from labeling.rounds.calls import Call
from labeling.rounds.sheets import Sheet, sheets_of

TOGETHER = 8
LOST = "The call was cut off; its money stays held until somebody looks it up."
State = Escalation.State


def ask_some(questions: EscalationQuerySet) -> bool:
    """Ask one paid model in up to eight calls what these questions ask; True if more can be asked right now.

    Raises CrowdError for a failure that only a person can mend, where the project's policy is to wait for that
    person (the money held for it is given back first).
    """
    asked = _claim(questions)
    if not asked:
        return False
    run = Run.of(asked)
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
    """Lease free questions for up to eight calls of one model, skipping models that rest, and calls under way.

    A model that can is asked in one call all that it is asked about an instance.
    """
    rests = Q(annotator__retry_at__gt=Now()) | Q(annotator__paused_at__isnull=False)
    under_way = Reservation.objects.filter(escalation=OuterRef("pk"), state__in=ledger.OPEN)
    candidates = (
        questions.exclude(rests)
        .filter(~Exists(under_way))
        .select_related("annotator", "task__question", "task__batch__project", "task__instance")
    )
    mine: list[Escalation] = []
    first = candidates.first()
    if first is None:
        return mine
    assert first.annotator is not None
    alike = candidates.filter(annotator=first.annotator)
    together = _joins(first.annotator)
    alike = alike if together else alike.filter(task__question=first.task.question_id)
    for question in alike[: 2 * TOGETHER]:
        instances = {one.task.instance_id for one in mine}
        if question.task.instance_id in instances or len(instances) == TOGETHER:
            continue
        beside = alike.filter(task__instance=question.task.instance_id).order_by("task__position")
        mine += [one for one in (beside if together else [question]) if one.lease(settings.LEASE_SECONDS)]
    return mine


def _joins(annotator: Annotator) -> bool:
    """Whether it answers several questions in one call; why it cannot be asked at all is told when it is."""
    try:
        return voters.joins(annotator)
    except CrowdError:
        return False


@dataclass(slots=True)
class Run:
    """A handful of leased questions and their way to one model; `sent` are the calls whose money is held.

    `wanted`: the leased questions by task. `apart`: sheets that are too long to be asked about in one call.
    """

    unasked: deque[Sheet]
    wanted: dict[int, Escalation]
    annotator: Annotator
    batch: Batch
    asked: list[models.Question]
    sent: deque[Call] = field(default_factory=deque)
    apart: list[Sheet] = field(default_factory=list)
    stopped: bool = False
    failed: bool = False
    renewed: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, questions: Sequence[Escalation]) -> Run:
        """A run for leased questions to one model about one batch."""
        annotator, batch = questions[0].annotator, questions[0].task.batch
        assert annotator is not None
        by_key = {one.task.question_id: one.task.question for one in questions}
        asked = sorted(by_key.values(), key=lambda one: one.position)
        sheets = sheets_of([one.task for one in questions], asked)
        return cls(deque(sheets), {one.task_id: one for one in questions}, annotator, batch, asked)

    def answers(self) -> Iterator[CrowdError]:
        """Ask and book one call after the other; yields every failure once it is booked.

        What was too long to be asked in one call is asked at last, question by question.
        """
        try:
            voter = voters.panel(self.annotator, self.batch, self.asked)
        except CrowdError as error:
            _note(self.annotator, error)
            yield error
            return
        yield from self._answers(voter)
        if self.apart:
            self.unasked.extend(self.apart)
            self.apart = []
            yield from self._answers(voter)

    def _answers(self, voter: base.Voter) -> Iterator[CrowdError]:
        for outcome in base.outcomes(voter, self.questions(voter), self.pulse, self.more):
            if not self.sent:  # it failed before it took a question
                assert isinstance(outcome, CrowdError)
                _note(self.annotator, outcome)
                yield outcome
                return
            call = self.sent[0]
            asked = [self.wanted[task.pk] for task in call.sheet.tasks]
            divided = isinstance(outcome, TextTooLong) and bool(asked[1:])
            if isinstance(outcome, Answer):
                _take_all(asked, call, outcome)
            elif divided:
                calls.book_failure(call, outcome)
                self.apart += call.sheet.apart()
            else:
                _book_failure(asked, call, outcome)
            self.sent.popleft()
            self.stopped = calls.halt_if_dearer(self.annotator, calls.cost_of(outcome), call.holds) or self.stopped
            if divided:
                continue
            if isinstance(outcome, (Answer, NotAsked)):
                self.failed = self.failed or _garbles(asked[0])
                continue
            if not isinstance(outcome, ABOUT_ONE_TEXT):
                self.failed = True
            yield outcome

    def questions(self, voter: base.Voter) -> Iterator[Question]:
        """Each sheet right before its call, its money held; no more after a failure or a stop."""
        while self.unasked and not self.failed and self.pulse():
            sheet = self.unasked.popleft()
            try:
                call = _hold([self.wanted[task.pk] for task in sheet.tasks], sheet, voter)
            except ledger.TooLittle as refusal:
                if ledger.waits_for_calls(self.batch.project):  # what they do not use comes back
                    self._wait_for_money(sheet)
                    return
                if sheet.tasks[1:]:
                    self.unasked.extendleft(reversed(sheet.apart()))  # one of them may still fit
                    continue
                self._withdraw(sheet, str(refusal))
                continue
            except ledger.Refused as refusal:
                self._withdraw(sheet, str(refusal))
                continue
            if call is not None:
                self.sent.append(call)
                yield call.sheet.shown()

    def _withdraw(self, sheet: Sheet, why: str) -> None:
        for task in sheet.tasks:
            withdraw(self.wanted[task.pk], why)

    def _wait_for_money(self, sheet: Sheet) -> None:
        """Ask no more now: after our own calls at once, after those of other workers in a second."""
        if self.sent:
            self.unasked.appendleft(sheet)
            return
        self.stopped = True
        for question in (self.wanted[task.pk] for task in sheet.tasks):
            mine = Escalation.objects.open().filter(pk=question.pk, fence=question.fence)
            mine.update(leased_until=Now() + timedelta(seconds=1))

    def more(self, asked: Question, microdollars: int) -> bool:
        """Hold so much in all for a call that is to be made once more; False where there is not so much."""
        return calls.raise_hold(next(call for call in self.sent if call.is_about(asked)), microdollars)

    def pulse(self) -> bool:
        """Keep the leases; False once paid calls are stopped or the batch is paused."""
        if time.monotonic() - self.renewed > settings.LEASE_SECONDS / 3:
            for sheet in (*self.unasked, *self.apart, *(call.sheet for call in self.sent)):
                for task in sheet.tasks:
                    self.wanted[task.pk].renew(settings.LEASE_SECONDS)
            self.renewed = time.monotonic()
        halted = Q(project__calls_stopped_at__isnull=False) | Q(paused_at__isnull=False)
        self.stopped = self.stopped or Batch.objects.filter(halted, pk=self.batch.pk).exists()
        return not self.stopped

    def give_back_leases(self) -> None:
        """Let others ask at once what was not asked here; what was, and was not booked, nobody knows the price of."""
        for call in self.sent:
            call.keep_unknown(calls.CUT_OFF)
            self._withdraw(call.sheet, LOST)
        for sheet in (*self.unasked, *self.apart):
            for question in (self.wanted[task.pk] for task in sheet.tasks):
                Escalation.objects.open().filter(pk=question.pk, fence=question.fence).update(leased_until=None)


@transaction.atomic
def _hold(asked: Sequence[Escalation], sheet: Sheet, voter: base.Voter) -> Call | None:
    """Reserve the most that asking once can cost; None where all of it has passed on to another worker.

    What the model has been asked about before is withdrawn. Raises ledger.Refused where money or permission is lacking.
    """
    mine = {one.task_id: one for one in asked if one.renew(settings.LEASE_SECONDS)}
    if not mine:
        return None
    annotator = asked[0].annotator
    assert annotator is not None
    call = calls.hold(voter, annotator, sheet.only(mine), mine)
    for left_out in mine.keys() - {task.pk for task in call.sheet.tasks}:
        withdraw(mine[left_out], calls.asked_before(annotator))
    return call


@transaction.atomic
def _take_all(asked: Sequence[Escalation], call: Call, answer: Answer) -> None:
    """Book what a call answered to each question; how it answers is noted with its model."""
    call.lock()
    for question, held, part in zip(asked, call.held, answer.each, strict=True):
        _take(question, held, part)
    annotator = asked[0].annotator
    assert annotator is not None
    if not annotator.outside or Task.objects.may_leave().filter(pk=asked[0].task_id).exists():
        calls.note(annotator, answer)


@transaction.atomic
def _take(question: Escalation, held: Reservation, answer: Answer) -> None:
    """Book an answer: the vote, its price and what it changes are one transaction."""
    vote = calls.book(held, answer)
    if vote is None:
        withdraw(question, f"{calls.STAYS} The answer came too late and is not kept.")
    else:
        settling.settle(question, vote)


def _garbles(question: Escalation) -> bool:
    """Whether the model has answered so often without a label that it rests."""
    return question.annotator is not None and question.annotator.failures >= Annotator.BREAKER


def _book_failure(asked: Sequence[Escalation], call: Call, error: CrowdError) -> None:
    """Give back what was not charged, book what was, keep what nobody knows; then wait, or withdraw the questions."""
    calls.book_failure(call, error)
    wait = timedelta(seconds=error.retry_after or 1)
    for question in asked:
        if error.charged is None:
            withdraw(question, f"{error} The money stays held until somebody looks it up.")
        if isinstance(error, ABOUT_ONE_TEXT):
            withdraw(question, str(error))
        Escalation.objects.open().filter(pk=question.pk, fence=question.fence).update(leased_until=Now() + wait)
    if not isinstance(error, (NotAsked, MustStay)) and asked[0].annotator is not None:
        _note(asked[0].annotator, error)


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
