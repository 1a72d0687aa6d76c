"""A member of the crowd that costs money votes on one chunk: each call is held before it is made, and booked with it.

What was answered is written at once, so that nothing is paid twice: a call whose worker died keeps its money held, and
its task is not asked about again until somebody has looked it up. Where the money of the batch ends, the member rests.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from django.conf import settings
from django.db import IntegrityError, transaction

from labeling.crowd import base
from labeling.crowd.base import Answer, Question, Voter
from labeling.crowd.errors import ABOUT_ONE_TEXT, CrowdError, MustStay, NotAsked, TextTooLong, Unreadable
from labeling.crowd.prices import shares
from labeling.models import Annotator, Batch, Chunk, Task
from labeling.money import ledger
from labeling.people import voters
from labeling.rounds import calls
from labeling.rounds.calls import Call
from labeling.rounds.sheets import Sheet

A_MOMENT = 1.0


def vote(chunk: Chunk, voter: Voter, sheets: list[Sheet], *, all_of_it: bool = True) -> CrowdError | None:
    """Ask about these sheets of a leased chunk, one hold at a time; the failure that ended it, if any.

    `all_of_it`: nothing else is left in the chunk, which is done when these are.
    """
    run = Run(chunk, voter, deque(sheets))
    try:
        run.ask()
    finally:
        run.keep_what_nobody_knows()
    if run.ended:
        _rest(chunk, run.ended)
    elif run.finished and all_of_it:
        chunk.finish()
    return run.failure


def _rest(chunk: Chunk, why: str) -> None:
    """Let the member rest for the batch, and say so with it."""
    batch, annotator = chunk.batch, chunk.annotator
    batch.chunks.filter(annotator=annotator).rest(why)
    annotator.sit_out(f"Rests in {batch}: {why}")


@dataclass(slots=True)
class Run:
    """The way of one member through a chunk. `sent`: calls whose money is held; `ended`: why it rests for the batch.

    `apart`: sheets that are too long to be asked about in one call.
    """

    chunk: Chunk
    voter: Voter
    unasked: deque[Sheet]
    sent: deque[Call] = field(default_factory=deque)
    apart: list[Sheet] = field(default_factory=list)
    failure: CrowdError | None = None
    stopped: bool = False
    ended: str = ""
    renewed: float = field(default_factory=time.monotonic)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to ask."""
        return not self.unasked and not self.sent and self.failure is None

    @property
    def annotator(self) -> Annotator:
        return self.chunk.annotator

    def ask(self) -> None:
        """Ask and book one sheet after the other; at last, task by task, those that were too long."""
        self._ask()
        if self.apart:
            self.unasked.extend(self.apart)
            self._ask()

    def _ask(self) -> None:
        for outcome in base.outcomes(self.voter, self._questions(), self.pulse, self.more):
            if not self.sent:  # it failed before it took a question
                assert isinstance(outcome, CrowdError)
                self.failure = outcome
                return
            call = self.sent[0]
            if isinstance(outcome, Answer):
                self._take(call, outcome)
            else:
                self._book_failure(call, outcome)
            self.sent.popleft()
            self.stopped = calls.halt_if_dearer(self.annotator, calls.cost_of(outcome), call.holds) or self.stopped

    def _questions(self) -> Iterator[Question]:
        """Each sheet right before its call, its money held; no more after a failure, a stop, or the money's end."""
        while self.unasked and self.failure is None and self.pulse():
            sheet = self.unasked[0]
            try:
                call = self._hold(sheet)
            except ledger.TooLittle as refusal:
                if sheet.tasks[1:] and not self.sent and not ledger.waits_for_calls(self.chunk.batch.project):
                    self.unasked.popleft()
                    self.unasked.extendleft(reversed(sheet.apart()))  # one of them may still fit
                    continue
                self._out_of_money(refusal)
                return
            except ledger.Stopped:
                self.stopped = True
                return
            except ledger.Refused:  # its text must stay by now, or a call about it may be under way
                self.unasked.popleft()
                continue
            if call is None:
                self.stopped = True
                return
            self.unasked.popleft()
            self.sent.append(call)
            yield call.sheet.shown()

    @transaction.atomic
    def _hold(self, sheet: Sheet) -> Call | None:
        """Reserve the most that asking once can cost; None where the chunk has passed on. Raises ledger.Refused."""
        if not self.chunk.renew(settings.LEASE_SECONDS):
            return None
        return calls.hold(self.voter, self.annotator, sheet)

    def _out_of_money(self, refusal: ledger.TooLittle) -> None:
        """Wait for what calls under way may give back; without any, the member rests for the batch."""
        if self.sent:
            return
        if ledger.waits_for_calls(self.chunk.batch.project):
            self.annotator.wait(A_MOMENT)
        else:
            self.ended = str(refusal)

    def _take(self, call: Call, answer: Answer) -> None:
        """Book what it said to each question: all votes and their price are one transaction."""
        with transaction.atomic():
            call.lock()
            kept = [calls.book(held, part) for held, part in zip(call.held, answer.each, strict=True)]
        if any(kept):
            calls.note(self.annotator, answer)
        if answer.unreadable and self.annotator.failures >= Annotator.BREAKER:
            self.failure = self.failure or Unreadable(calls.unreadable(self.annotator, answer))

    def _book_failure(self, call: Call, error: CrowdError) -> None:
        """Book it; a text that the server will not read is an abstention, what was not asked is asked later."""
        calls.book_failure(call, error)
        if isinstance(error, MustStay) or (error.charged is None and isinstance(error, ABOUT_ONE_TEXT)):
            return
        if isinstance(error, TextTooLong) and call.sheet.tasks[1:]:
            self.apart += call.sheet.apart()
            return
        if isinstance(error, ABOUT_ONE_TEXT):
            spent = shares(error.spent_microdollars, len(call.sheet.tasks))
            for task, share in zip(call.sheet.tasks, spent, strict=True):
                self._abstain(task, error, share)
            return
        if not isinstance(error, NotAsked):
            self.failure = self.failure or error
        if error.charged is not None:
            self.unasked.append(call.sheet)

    def _abstain(self, task: Task, error: CrowdError, spent: int) -> None:
        answer = Answer(None, raw=str(error), model=self.voter.name, cost_microdollars=spent)
        with suppress(IntegrityError), transaction.atomic():  # a text that must stay by now gets no vote from outside
            voters.vote(task, self.annotator, answer, task.question, task.question.label_list()).save()

    def more(self, asked: Question, microdollars: int) -> bool:
        """Hold so much in all for a call that is to be made once more; False where there is not so much."""
        return calls.raise_hold(next(call for call in self.sent if call.is_about(asked)), microdollars)

    def pulse(self) -> bool:
        """Keep the lease; False once the batch or the member is paused, or paid calls are stopped."""
        if time.monotonic() - self.renewed > settings.LEASE_SECONDS / 3:
            self.chunk.renew(settings.LEASE_SECONDS)
            self.renewed = time.monotonic()
        going = Batch.objects.filter(pk=self.chunk.batch_id, paused_at=None, project__calls_stopped_at=None)
        wanted = going.filter(chunks__in=Chunk.objects.filter(pk=self.chunk.pk).wanted())
        self.stopped = self.stopped or not wanted.exists()
        return not self.stopped

    def keep_what_nobody_knows(self) -> None:
        """Of calls whose outcome was not booked nobody knows the price."""
        for call in self.sent:
            call.keep_unknown(calls.CUT_OFF)
