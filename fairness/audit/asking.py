"""One annotator answers some sentences of an audit: free answers are written together, each paid one is held, then
booked.

A worker may die anywhere: what is answered stands, what was on its way keeps its money held, and the rest is asked by
whoever leases the audit next.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from fairness.models import Audit, AuditMember
from labeling.crowd import base
from labeling.crowd.base import Answer, Question, Voter
from labeling.crowd.errors import ABOUT_ONE_TEXT, CrowdError, MustStay, NotAsked
from labeling.jobs import what_happened
from labeling.live import nudges
from labeling.models import Annotator, Batch, Project, Reservation, Task, Vote
from labeling.models.task import TaskQuerySet
from labeling.money import ledger
from labeling.people import voters
from labeling.rounds import calls, fallback
from labeling.rounds.calls import Call
from labeling.rounds.sheets import Sheet

TOGETHER = 200
"""Sentences of one turn; after it others may come first."""


def step(audit_id: int) -> bool:
    """Put some sentences to the next annotator that owes answers; True if there is more to do right now."""
    audit = Audit.objects.select_related("project", "question", "batch").get(pk=audit_id)
    member = audit.members.filter(done_at=None).select_related("annotator__project").first()
    if member is None or not audit.lease(settings.LEASE_SECONDS):
        return False
    _give_up_lost_calls(audit)
    try:
        why = _ask(audit, member)
    except CrowdError as error:
        why = str(error)
    except Exception as error:
        AuditMember.objects.filter(pk=member.pk).update(done_at=Now(), error=what_happened(error)[:300])
        raise
    finally:
        audit.release()
    if why is not None:
        AuditMember.objects.filter(pk=member.pk).update(done_at=Now(), error=why[:300])
    nudges.announce(audit.project_id, nudges.PROGRESS)
    return audit.members.filter(done_at=None).exists()


def _give_up_lost_calls(audit: Audit) -> None:
    """Whoever leases an audit is alone with it, so what is held by now was asked by a worker that died."""
    for held in Reservation.objects.filter(task__batch=audit.batch_id, state=Reservation.State.HELD):
        ledger.keep_unknown(held, calls.CUT_OFF)


def _ask(audit: Audit, member: AuditMember) -> str | None:
    """Ask about up to two hundred sentences; None where there may be more, else "" when all are answered, or why not.

    Raises CrowdError where the annotator cannot serve.
    """
    annotator = member.annotator
    tasks = list(owed(audit, annotator)[:TOGETHER])
    if not tasks:
        return ""
    if annotator.paused_at:
        return f"{annotator} is paused; let it go on on the page of the crowd, then ask again."
    voter = voters.ready(annotator, lessons(audit), audit.question)
    run = Run(audit, annotator, voter, deque(tasks))
    try:
        run.ask()
    finally:
        run.keep_what_nobody_knows()
    return run.ended


def owed(audit: Audit, annotator: Annotator) -> TaskQuerySet:
    """The sentences that it has not answered and may be asked about, in their order."""
    return fallback.unasked(audit.batch.tasks.all(), annotator).order_by("position").select_related("question", "batch")


def lessons(audit: Audit) -> Batch:
    """The batch by whose lessons models answer: the newest in sight, so that they answer as they do in earnest."""
    newest = audit.project.batches.listed().filter(deleted_at=None).order_by("-pk").first()
    return newest or audit.batch


@dataclass(slots=True)
class Run:
    """The way of one annotator through some sentences. `sent`: those on their way, each with its money or None.

    `ended`: why it is left, None where it may go on.
    """

    audit: Audit
    annotator: Annotator
    voter: Voter
    unasked: deque[Task]
    sent: deque[tuple[Task, Call | None]] = field(default_factory=deque)
    ready: list[Vote] = field(default_factory=list)
    ended: str | None = None
    stopped: bool = False
    renewed: float = field(default_factory=time.monotonic)

    def ask(self) -> None:
        """Ask one sentence after the other; free answers are written at the end, paid ones one by one."""
        for outcome in base.outcomes(self.voter, self._questions(), self.pulse, self.more):
            if not self.sent:  # it failed before it took a question
                assert isinstance(outcome, CrowdError)
                self.ended = str(outcome)
                break
            task, held = self.sent[0]
            if isinstance(outcome, Answer):
                self._take(task, held, outcome)
            else:
                self._fail(task, held, outcome)
            self.sent.popleft()
            if held is not None and calls.halt_if_dearer(self.annotator, calls.cost_of(outcome), held.holds):
                self.ended = f"{self.annotator} billed more than it states, and is paused."
        Vote.objects.bulk_create(self.ready, ignore_conflicts=True)

    def _questions(self) -> Iterator[Question]:
        while self.unasked and self.ended is None and self.pulse():
            task = self.unasked[0]
            try:
                held = self._hold(task) if self.annotator.charges else None
            except ledger.Refused as refusal:
                if not (isinstance(refusal, ledger.TooLittle) and self.sent):
                    self.ended = str(refusal)
                return
            self.unasked.popleft()
            self.sent.append((task, held))
            yield voters.question(task)

    @transaction.atomic
    def _hold(self, task: Task) -> Call:
        """Hold the most that asking once can cost. Raises ledger.Refused."""
        if not self.audit.renew(settings.LEASE_SECONDS):
            raise ledger.Refused("Another worker goes on with this audit.")
        return calls.hold(self.voter, self.annotator, Sheet((task,)))

    def _take(self, task: Task, held: Call | None, answer: Answer) -> None:
        if held is not None:
            calls.book(held.held[0], answer)
        else:
            row = voters.vote(task, self.annotator, answer, self.audit.question, self.audit.question.label_list())
            self.ready.append(row)

    def _fail(self, task: Task, held: Call | None, error: CrowdError) -> None:
        """A text that it will not read is an abstention; any other failure ends its turn with the reason."""
        if held is not None:
            calls.book_failure(held, error)
        if isinstance(error, ABOUT_ONE_TEXT) and error.charged is not None:
            answer = Answer(None, raw=str(error), model=self.voter.name, cost_microdollars=error.spent_microdollars)
            self._take(task, None, answer)
        elif not isinstance(error, (MustStay, NotAsked)):
            self.ended = self.ended or str(error)

    def more(self, asked: Question, microdollars: int) -> bool:
        """Hold so much in all for a sentence that is to be asked about once more; False where there is not so much."""
        held = next(held for task, held in self.sent if task.external_id == asked.task)
        return held is None or calls.raise_hold(held, microdollars)

    def pulse(self) -> bool:
        """Keep the lease; False once it has passed on, or the project's paid calls are stopped."""
        if time.monotonic() - self.renewed > settings.LEASE_SECONDS / 3:
            self.stopped = self.stopped or not self.audit.renew(settings.LEASE_SECONDS)
            self.renewed = time.monotonic()
        if self.annotator.charges and not self.stopped:
            self.stopped = Project.objects.filter(pk=self.audit.project_id, calls_stopped_at__isnull=False).exists()
            if self.stopped:
                self.ended = self.ended or ledger.STOPPED
        return not self.stopped

    def keep_what_nobody_knows(self) -> None:
        """Of calls whose outcome was not booked nobody knows the price."""
        for _, held in self.sent:
            if held is not None:
                held.keep_unknown(calls.CUT_OFF)
