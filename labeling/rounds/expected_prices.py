"""What an answer of a paid model is likely to cost, for plans: as far as known never less than it turns out to be.

Best known from the bills of this batch; else from what the model's answers used elsewhere, reckoned for this batch's
texts; before there is an answer, from the texts alone. It is the price of asking one question alone; what a question
adds to a call that is made anyway is told by `call_prices`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from statistics import fmean, stdev
from typing import Protocol, runtime_checkable

from django.db.models import Exists, OuterRef, Q

from labeling import models
from labeling.crowd.base import Question, Voter
from labeling.crowd.errors import CrowdError
from labeling.models import Annotator, Batch, Reservation, Task, Vote
from labeling.people import voters

ENOUGH = 5
LATEST, SAMPLE = 200, 20
SURE = 1.64
"""Standard errors above a mean: the mean of what comes lies below that nineteen times of twenty."""


@runtime_checkable
class Metered(Voter, Protocol):
    """A voter that is paid by the token."""

    def most_tokens(self, question: Question) -> int:
        """The most tokens that a prompt with this question can have."""

    def likely_cost(self, question: Question, share: float = ..., written: float = ...) -> int:
        """Micro-dollars that asking once is likely to cost; `share` of the most tokens, and `written` ones."""


def of(annotator: Annotator, batch: Batch, question: models.Question | None = None) -> int:
    """Micro-dollars of one answer about a text of this batch, to the first question unless another is named."""
    asked = question or batch.project.first_question
    about = Reservation.objects.filter(annotator=annotator, task__batch=batch, task__question=asked)
    booked = about.filter(state=Reservation.State.SETTLED, call=None, others=None)
    bills = list(booked.order_by("-pk").values_list("cost_microdollars", flat=True)[:LATEST])
    if len(bills) >= ENOUGH:
        return ceil(at_most([float(bill or 0) for bill in bills]))
    try:
        voter = voters.ready(annotator, batch, asked)
    except CrowdError:  # why not is told when it is asked
        return annotator.price_microdollars or 0
    if not isinstance(voter, Metered):
        return annotator.price_microdollars or 0
    return _by_tokens(voter, annotator, batch, asked)


def _by_tokens(voter: Metered, annotator: Annotator, batch: Batch, asked: models.Question) -> int:
    """From what its answers used, or will use by a first guess, for a sample of the batch's texts."""
    sample = [voters.question(task) for task in sample_of(batch, asked)]
    if not sample:
        return annotator.price_microdollars or 0
    learnt = usage(voter, annotator, asked)
    return ceil(fmean(voter.likely_cost(question, *learnt) for question in sample))


def sample_of(batch: Batch, asked: models.Question) -> list[Task]:
    """Some tasks of the question, from all over the batch."""
    size = batch.n_tasks // batch.rows_new if batch.rows_new else 1
    places = sorted({batch.rows_new * part // SAMPLE * size + asked.position for part in range(SAMPLE)})
    return list(batch.tasks.filter(position__in=places))


def usage(voter: Metered, annotator: Annotator, asked: models.Question) -> tuple[float, float] | tuple[()]:
    """Of its latest answers to the question: the share of the most tokens that a prompt had, and the tokens written.

    () for too few. Answers of different kinds differ in length, and their prompts in what stands before the text. Of
    calls that asked more nothing is learnt: theirs is a share of all that was read and written.
    """
    held = Reservation.objects.filter(annotator=annotator, task=OuterRef("task"))
    shared = Exists(held.filter(Q(call__isnull=False) | Q(others__isnull=False)))
    votes = Vote.objects.filter(~shared, annotator=annotator, task__question=asked, input_tokens__gt=0)
    latest = list(votes.select_related("task__instance").order_by("-pk")[:SAMPLE])
    if len(latest) < ENOUGH:
        return ()
    shares = [vote.input_tokens / vote.attempts / _most(voter, vote.task) for vote in latest]
    return at_most(shares), at_most([vote.output_tokens for vote in latest])


def _most(voter: Metered, task: Task) -> int:
    return voter.most_tokens(voters.question(task))


def at_most(values: Sequence[float]) -> float:
    """A bound of the mean of what comes next, never above the largest value there was.

    >>> at_most([10.0, 10.0, 10.0]), at_most([0.0, 100.0])
    (10.0, 100.0)
    """
    spread = stdev(values) if len(values) > 1 else 0.0
    return min(fmean(values) + SURE * spread / sqrt(len(values)), max(values))
