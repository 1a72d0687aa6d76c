"""One free model votes on one chunk of tasks."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction

from labeling.crowd import base
from labeling.crowd.base import Answer, ConcurrentVoter, Pulse, Voter
from labeling.crowd.errors import ABOUT_ONE_TEXT, CrowdError, NeedsExamples, Unsuitable
from labeling.models import Chunk, Vote
from labeling.models.task import TaskQuerySet
from labeling.people import voters
from labeling.rounds import teaching

TRIES = 4


def vote_on(chunk: Chunk) -> bool:
    """Ask the model about each task of the chunk and write its votes, all at once, if the lease is still ours.

    True if there may be more to do right now. A model that cannot read tasks of this kind, or has nothing to learn
    from, sits out with its reason; any other permanent failure is raised; a passing one is tried again later.
    """
    annotator = chunk.annotator
    try:
        votes = list(_votes(chunk))
    except (NeedsExamples, Unsuitable) as reason:
        annotator.sit_out(str(reason))
        chunk.batch.chunks.unfinished().filter(annotator=annotator).update(done_at=chunk.batch.created_at)
        return True
    except CrowdError as error:
        annotator.note_failure(str(error), permanent=error.permanent)
        if chunk.fail(error.retry_after) >= TRIES or error.permanent:
            raise
        return False
    annotator.note_success()
    with transaction.atomic():
        if chunk.finish():
            Vote.objects.bulk_create(votes, ignore_conflicts=True)
    return True


def _votes(chunk: Chunk) -> Iterator[Vote]:
    voter = voters.ready(chunk.annotator, chunk.batch)
    labels = chunk.batch.project.label_list()
    yield from teaching.revisions(chunk, voter, labels)
    tasks = list(askable(chunk, outside=voter.outside).order_by("position"))
    pulse = _keeping(chunk)
    outcomes = base.outcomes(voter, [voters.question(task) for task in tasks], pulse)
    for task, outcome in zip(tasks, outcomes, strict=True):
        yield voters.vote(task, chunk.annotator, _answer(outcome, voter), labels)
        pulse()


def _answer(outcome: Answer | CrowdError, voter: Voter) -> Answer:
    """The answer; a server that will not read this one text abstains on it. Raises any other failure."""
    if isinstance(outcome, Answer):
        return outcome
    if isinstance(outcome, ABOUT_ONE_TEXT) and isinstance(voter, ConcurrentVoter):
        return Answer(None, raw=str(outcome), model=voter.name)
    raise outcome


def _keeping(chunk: Chunk) -> Pulse:
    """A pulse that keeps the chunk's lease while its answers are awaited."""
    renewed = time.monotonic()

    def pulse() -> bool:
        nonlocal renewed
        if time.monotonic() - renewed > settings.LEASE_SECONDS / 3:
            chunk.renew(settings.LEASE_SECONDS)
            renewed = time.monotonic()
        return True

    return pulse


def askable(chunk: Chunk, *, outside: bool) -> TaskQuerySet:
    """The chunk's tasks without a vote of this model, and without those that must not leave the house."""
    tasks = chunk.tasks().without_votes_of(chunk.annotator_id)
    return tasks.may_leave() if outside else tasks
