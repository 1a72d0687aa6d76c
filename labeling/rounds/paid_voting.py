"""A member of the crowd that costs money votes on one chunk: each vote is held before its call, and booked with it.

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
from labeling.crowd.errors import ABOUT_ONE_TEXT, CrowdError, MustStay, NotAsked, Unreadable
from labeling.models import Annotator, Batch, Chunk, Reservation, Task
from labeling.money import ledger
from labeling.people import voters
from labeling.rounds import calls

A_MOMENT = 1.0


def vote(chunk: Chunk, voter: Voter, tasks: list[Task], *, all_of_it: bool = True) -> CrowdError | None:
    """Ask about these tasks of a leased chunk, one hold at a time; the failure that ended it, if any.

    `all_of_it`: nothing else is left in the chunk, which is done when these are.
    """
    run = Run(chunk, voter, deque(tasks))
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
    """The way of one member through a chunk. `sent`: tasks whose money is held; `ended`: why it rests for the batch."""

    chunk: Chunk
    voter: Voter
    unasked: deque[Task]
    sent: deque[tuple[Task, Reservation]] = field(default_factory=deque)
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
        """Ask and book one task after the other."""
        for outcome in base.outcomes(self.voter, self._questions(), self.pulse, self.more):
            if not self.sent:  # it failed before it took a question
                assert isinstance(outcome, CrowdError)
                self.failure = outcome
                return
            task, held = self.sent[0]
            if isinstance(outcome, Answer):
                self._take(held, outcome)
            else:
                self._book_failure(task, held, outcome)
            self.sent.popleft()
            self.stopped = calls.halt_if_dearer(self.annotator, calls.cost_of(outcome), held) or self.stopped

    def _questions(self) -> Iterator[Question]:
        """Each task right before its call, its money held; no more after a failure, a stop, or the end of the money."""
        while self.unasked and self.failure is None and self.pulse():
            task = self.unasked[0]
            try:
                held = self._hold(task)
            except ledger.TooLittle as refusal:
                self._out_of_money(refusal)
                return
            except ledger.Stopped:
                self.stopped = True
                return
            except ledger.Refused:  # its text must stay by now, or a call about it may be under way
                self.unasked.popleft()
                continue
            if held is None:
                self.stopped = True
                return
            self.unasked.popleft()
            self.sent.append((task, held))
            yield voters.question(task)

    @transaction.atomic
    def _hold(self, task: Task) -> Reservation | None:
        """Reserve the most that asking once can cost; None where the chunk has passed on. Raises ledger.Refused."""
        if not self.chunk.renew(settings.LEASE_SECONDS):
            return None
        return calls.hold(self.voter, self.annotator, task)

    def _out_of_money(self, refusal: ledger.TooLittle) -> None:
        """Wait for what calls under way may give back; without any, the member rests for the batch."""
        if self.sent:
            return
        if ledger.waits_for_calls(self.chunk.batch.project):
            self.annotator.wait(A_MOMENT)
        else:
            self.ended = str(refusal)

    def _take(self, held: Reservation, answer: Answer) -> None:
        if calls.book(held, answer) is not None:
            calls.note(self.annotator, answer)
        if answer.unreadable and self.annotator.failures >= Annotator.BREAKER:
            self.failure = self.failure or Unreadable(calls.unreadable(self.annotator, answer))

    def _book_failure(self, task: Task, held: Reservation, error: CrowdError) -> None:
        """Book it; a text that the server will not read is an abstention, what was not asked is asked later."""
        calls.book_failure(held, error)
        if isinstance(error, MustStay) or (error.charged is None and isinstance(error, ABOUT_ONE_TEXT)):
            return
        if isinstance(error, ABOUT_ONE_TEXT):
            self._abstain(task, error)
            return
        if not isinstance(error, NotAsked):
            self.failure = self.failure or error
        if error.charged is not None:
            self.unasked.append(task)

    def _abstain(self, task: Task, error: CrowdError) -> None:
        answer = Answer(None, raw=str(error), model=self.voter.name, cost_microdollars=error.spent_microdollars)
        with suppress(IntegrityError), transaction.atomic():  # a text that must stay by now gets no vote from outside
            voters.vote(task, self.annotator, answer, task.question, task.question.label_list()).save()

    def more(self, asked: Question, microdollars: int) -> bool:
        """Hold so much in all for a task that is to be asked about once more; False where there is not so much."""
        held = next(held for task, held in self.sent if task.external_id == asked.task)
        return calls.raise_hold(held, microdollars)

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
        for _, held in self.sent:
            ledger.keep_unknown(held, calls.CUT_OFF)
