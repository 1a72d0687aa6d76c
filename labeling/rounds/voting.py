"""One model of the crowd votes on one chunk of tasks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from labeling import known, models
from labeling.crowd import base
from labeling.crowd.base import Answer, ConcurrentVoter, Question, Voter
from labeling.crowd.errors import (
    ABOUT_ONE_TEXT,
    CrowdError,
    Misconfigured,
    MustStay,
    NeedsExamples,
    NotAsked,
    TextTooLong,
    Unable,
    Unreadable,
    Unsuitable,
)
from labeling.models import Annotator, Batch, Chunk, Project, Task, Vote, bulk
from labeling.models.task import TaskQuerySet
from labeling.people import voters
from labeling.rounds import calls, fallback, paid_voting, teaching
from labeling.rounds.sheets import Sheet, sheets_of

LOOK_SECONDS = 0.5
SITS_OUT = (NeedsExamples, Unsuitable, Unable)
"""Why a model does not vote on a question, and no failure of it."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries before the breaker opens: 1, 2, 4, 8 and so on, at most this."""
WRITTEN = [field.attname for field in Vote._meta.concrete_fields if field.name not in ("id", "created_at")]
SAID = attrgetter(*WRITTEN)


def vote_on(chunk: Chunk) -> bool:
    """Ask the model about each task of the chunk that has no vote of it; every answer is kept, whatever comes after.

    True if there may be more to do right now. A model that cannot read tasks of this kind, or has nothing to learn
    from, sits out with its reason. One that fails in any other way rests, and the others go on; after many failures in
    a row, or one that only a person can mend, it is left alone until somebody says to try again.
    """
    try:
        failure = _vote(chunk)
    except SITS_OUT as reason:
        chunk.annotator.sit_out(str(reason))
        chunk.batch.chunks.unfinished().filter(annotator=chunk.annotator).update(done_at=chunk.batch.created_at)
        return True
    except CrowdError as error:
        failure = error
    except Exception:
        chunk.give_back()
        raise
    chunk.give_back()
    if failure is not None:
        _rest(chunk, failure)
    return True


def _vote(chunk: Chunk) -> CrowdError | None:
    """Ask the questions of the project, and write what was answered; the failure that ended it, if any.

    All questions together where the model answers several in one call, else one after the other. What it cannot
    answer, or has nothing to learn for, is left out and told. Raises that reason where it holds for all questions.
    """
    questions = list(chunk.batch.project.questions.all())
    together = len(questions) > 1 and voters.joins(chunk.annotator)
    unfit: list[tuple[models.Question, CrowdError]] = []
    if together:
        unfit = _unfit(chunk, questions)
        left_out = [question for question, _ in unfit]
        turns = [fit] if (fit := [one for one in questions if one not in left_out]) else []
    else:
        turns = [[question] for question in questions]
    for place, asked in enumerate(turns):
        try:
            failure, finished = _vote_about(chunk, asked, last=place == len(turns) - 1)
        except SITS_OUT as reason:
            unfit += [(question, reason) for question in asked]
            continue
        if failure or not finished:
            return failure
    if len(unfit) == len(questions):
        raise unfit[0][1]
    if unfit:
        chunk.annotator.sit_out(" ".join(f"Sits out at “{asked}”: {reason}" for asked, reason in unfit))
        chunk.finish()
    return None


def _unfit(chunk: Chunk, questions: Sequence[models.Question]) -> list[tuple[models.Question, CrowdError]]:
    """The questions that a model sits out, with the reason. Raises any other CrowdError."""
    unfit: list[tuple[models.Question, CrowdError]] = []
    for question in questions:
        try:
            voters.ready(chunk.annotator, chunk.batch, question)
        except SITS_OUT as reason:
            unfit.append((question, reason))
    return unfit


def _vote_about(chunk: Chunk, questions: Sequence[models.Question], *, last: bool) -> tuple[CrowdError | None, bool]:
    """Ask these questions; the failure that ended it, and whether nothing is left to ask. The `last` ends the chunk."""
    voter = voters.panel(chunk.annotator, chunk.batch, questions)
    sheets = sheets_of(askable(chunk, questions, outside=voter.outside).order_by("position"), questions)
    if chunk.annotator.priced:
        failure = paid_voting.vote(chunk, voter, sheets, all_of_it=last)
        return failure, not askable(chunk, questions, outside=voter.outside).exists()
    run = Run(chunk, voter, questions, sheets)
    again = teaching.revisions(chunk, voter, questions[0]) if len(questions) == 1 else ()
    votes = [*again, *run.votes()]
    done = run.finished and last
    kept = keep(chunk, votes, done=done) or keep(chunk, votes, done=done)  # a text may be made local-only meanwhile
    if run.finished and not chunk.annotator.failures:
        chunk.annotator.note_success()
    return run.failure, run.finished and kept


def _rest(chunk: Chunk, failure: CrowdError) -> None:
    """Note the failure; the model rests, or is left alone."""
    annotator, wait = chunk.annotator, failure.retry_after or 0.0
    pause = min(2.0**annotator.failures, LONGEST_PAUSE)
    if not isinstance(failure, Unreadable):
        annotator.note_failure(str(failure), permanent=failure.permanent, retry_after=max(wait, pause))
    if failure.permanent or annotator.failures >= Chunk.TRIES:
        chunk.give_up()


@dataclass(slots=True)
class Run:
    """A model's way through the open tasks of a chunk. `asked`: sheets handed over; `failure`: what ended it.

    `apart`: sheets that are too long to be asked about in one call; they are asked about at last, task by task.
    """

    chunk: Chunk
    voter: Voter
    questions: Sequence[models.Question]
    sheets: list[Sheet]
    asked: list[Sheet] = field(default_factory=list)
    apart: list[Sheet] = field(default_factory=list)
    told: int = 0
    failure: CrowdError | None = None
    stopped: bool = False
    looked: float = field(default_factory=time.monotonic)
    renewed: float = field(default_factory=time.monotonic)
    _labels: dict[int, tuple[models.Question, list[models.Label]]] = field(init=False)

    def __post_init__(self) -> None:
        self._labels = {question.pk: (question, question.label_list()) for question in self.questions}

    @property
    def finished(self) -> bool:
        """Whether nothing is left to ask."""
        return self.failure is None and self.told == len(self.sheets) + len(self.apart)

    def votes(self) -> Iterator[Vote]:
        """The vote on each task that was answered, not yet saved."""
        yield from self._votes(self.sheets)
        if self.apart:
            yield from self._votes(self.apart)

    def _votes(self, sheets: Sequence[Sheet]) -> Iterator[Vote]:
        before = len(self.asked)
        for place, outcome in enumerate(base.outcomes(self.voter, self._questions(sheets), self.pulse), before):
            if isinstance(outcome, TextTooLong) and self.asked[place].tasks[1:]:
                self.apart += self.asked[place].apart()
                self.told += 1
                continue
            answer = self._answer(outcome)
            self.told += answer is not None or isinstance(outcome, MustStay)
            if answer is not None:
                yield from self._of(self.asked[place], answer)
                self._note(answer)
            if not self.pulse() and not isinstance(self.voter, ConcurrentVoter):
                return

    def _of(self, sheet: Sheet, answer: Answer) -> Iterator[Vote]:
        """A vote on each task of a sheet; where nothing was said, an abstention on each."""
        parts = answer.parts or [answer] * len(sheet.tasks)
        for task, part in zip(sheet.tasks, parts, strict=True):
            question, labels = self._labels[task.question_id]
            yield voters.vote(task, self.chunk.annotator, part, question, labels)

    def _questions(self, sheets: Sequence[Sheet]) -> Iterator[Question]:
        for sheet in sheets:
            if self.failure or not self.pulse():
                return
            self.asked.append(sheet)
            yield sheet.shown()

    def _answer(self, outcome: Answer | CrowdError) -> Answer | None:
        """The answer; a server that will not read this one text abstains on it. Any other failure is remembered."""
        if isinstance(outcome, Answer):
            return outcome
        if isinstance(outcome, (MustStay, NotAsked)):
            return None
        if isinstance(outcome, ABOUT_ONE_TEXT) and isinstance(self.voter, ConcurrentVoter):
            return Answer(None, raw=str(outcome), model=self.voter.name)
        self.failure = self.failure or outcome
        return None

    def _note(self, answer: Answer) -> None:
        """Answers that name no label count as failures; a readable one ends their row."""
        annotator = self.chunk.annotator
        if not answer.unreadable:
            if annotator.failures:
                annotator.note_success()
            return
        sentence = calls.unreadable(annotator, answer)
        if annotator.note_failure(sentence, permanent=False) >= Annotator.BREAKER:
            self.failure = self.failure or Unreadable(sentence)

    def pulse(self) -> bool:
        """Keep the lease; False once the batch or its model is paused."""
        now = time.monotonic()
        if now - self.renewed > settings.LEASE_SECONDS / 3:
            self.chunk.renew(settings.LEASE_SECONDS)
            self.renewed = now
        if not self.stopped and now - self.looked >= LOOK_SECONDS:
            self.stopped = not Chunk.objects.wanted().filter(pk=self.chunk.pk, batch__paused_at=None).exists()
            self.looked = now
        return not self.stopped


def keep(chunk: Chunk, votes: list[Vote], *, done: bool) -> bool:
    """Write these votes, and finish the chunk with them if nothing is left, if it is still ours.

    Votes of an outside model on texts that must stay by now are dropped. False where that changed at this very moment.
    """
    try:
        with transaction.atomic():
            if chunk.finish() if done else chunk.renew(settings.LEASE_SECONDS):
                bulk.write(Vote, WRITTEN, map(SAID, _kept(chunk, votes)), unless_there=True)
    except IntegrityError:
        return False
    return True


def _kept(chunk: Chunk, votes: list[Vote]) -> list[Vote]:
    if not chunk.annotator.outside:
        return votes
    leaving = set(chunk.tasks().may_leave().values_list("pk", flat=True))
    return [vote for vote in votes if vote.task_id in leaving]


def leave_out(batch: Batch) -> bool:
    """What happens when only models that were left alone still owe votes: go on without them, or wait for a person.

    True where the project goes on to the next choice. Raises Misconfigured, which names the model and says what to do.
    """
    stuck = batch.chunks.given_up().select_related("annotator")
    if batch.project.when_model_fails != Project.WhenModelFails.WAIT:
        return bool(stuck.update(done_at=batch.created_at))
    annotator = stuck.order_by("id")[0].annotator
    raise Misconfigured(
        f"{annotator.error} Then try again, or pause {annotator} on the page of the crowd to go on without it."
    )


def leave_out_stopped(batch: Batch) -> bool:
    """Go on without members that cost money while paid calls are stopped, where the project goes on to the next choice.

    True where there were any.
    """
    if batch.project.when_model_fails == Project.WhenModelFails.WAIT:
        return False
    return bool(batch.chunks.wanted().stopped().rest("Paid calls were stopped."))


def askable(chunk: Chunk, questions: Sequence[models.Question], *, outside: bool) -> TaskQuerySet:
    """The chunk's tasks about these questions without a vote of this model, and without those that must not leave.

    What waits for the answer to another question is not among them. A model that joined after the batch was read votes
    on what is open, and on what is known, so that it can be weighed; so does one that costs money, once the batch has
    been weighed without it.
    """
    annotator, batch = chunk.annotator, chunk.batch
    tasks = chunk.tasks().filter(question__in=questions).asked().without_votes_of(chunk.annotator_id)
    late = batch.taught_at is not None and annotator.created_at > batch.taught_at
    if late or batch.stage == Batch.Stage.DONE or (annotator.priced and batch.rounds.exists()):
        tasks = tasks.filter(Q(stage=Task.Stage.OPEN) | Q(pk__in=known.tasks(batch.project_id).values("pk")))
    if annotator.priced:
        return fallback.unasked(tasks, annotator).select_related("question", "batch__project", "instance")
    return tasks.may_leave() if outside else tasks
