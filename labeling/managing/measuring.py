"""A model that joined when batches were done votes on their known tasks: the next batch knows how far to trust it.

Models that learn do so by themselves (`rounds/teaching.py`). No label of a batch that is done changes by it; one that
costs money is paid from what the batch's budget has left.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count

from labeling import jobs, known
from labeling.crowd.errors import CrowdError
from labeling.models import Annotator, Batch, Chunk, Project, Vote
from labeling.models.annotator import AnnotatorQuerySet
from labeling.models.chunk import ChunkQuerySet
from labeling.models.task import TaskQuerySet
from labeling.people import recruiting
from labeling.rounds import story

ENOUGH = 300
"""Known tasks of the newest batches; more tell little more."""
FEWEST = 20


@dataclass(frozen=True, slots=True)
class Offer:
    """A member that could vote on so many known tasks of batches that are done, or is doing it."""

    annotator: Annotator
    tasks: int
    under_way: bool


def offers(project: Project) -> list[Offer]:
    """The members of the crowd that have not voted on enough known tasks, those that joined first first."""
    members = [one for one in _members(project) if not recruiting.learns(one.spec)]
    tasks = _known(project)
    counts = dict(tasks.values_list("question").annotate(Count("pk", distinct=True)).order_by()) if members else {}
    if sum(counts.values()) < FEWEST:
        return []
    there = {one.pk: sum(counts.get(asked, 0) for asked in _answered_by(one)) for one in members}
    votes = Vote.objects.filter(task__in=tasks.values("pk"), annotator__in=members)
    voted = dict(votes.values_list("annotator").annotate(Count("task", distinct=True)).order_by())
    busy = set(_chunks(project).wanted().values_list("annotator", flat=True))
    missing = [(one, there[one.pk] - voted.get(one.pk, 0)) for one in members]
    return [Offer(one, count, one.pk in busy) for one, count in missing if count >= FEWEST]


@transaction.atomic
def begin(annotator: Annotator) -> int:
    """Let it vote on those that it has not seen; returns how many they are."""
    tasks = _known(annotator.project).filter(question__in=_answered_by(annotator)).without_votes_of(annotator.pk)
    for batch in _batches(annotator.project):
        places = tasks.filter(batch=batch).values_list("position", flat=True)
        story.hand_out_known(batch, annotator, list(places))
        jobs.start(batch)
    return tasks.count()


def _answered_by(annotator: Annotator) -> list[int]:
    """Keys of the questions in whose kind it can answer; none where it cannot be built."""
    try:
        return [one.pk for one in recruiting.questions_of(annotator)]
    except CrowdError:
        return []


def _members(project: Project) -> AnnotatorQuerySet:
    return project.annotators.crowd().listed().order_by("pk")


def _batches(project: Project) -> list[Batch]:
    """The newest batches that are done, as many as hold enough known tasks."""
    done = project.batches.listed().filter(stage=Batch.Stage.DONE)
    held = known.tasks(project.pk).filter(batch__in=done).values_list("batch")
    counts = dict(held.annotate(Count("pk", distinct=True)).order_by())
    chosen, total = [], 0
    for batch in done.filter(pk__in=counts).order_by("-pk"):
        if total < ENOUGH:
            chosen.append(batch)
            total += counts[batch.pk]
    return chosen


def _known(project: Project) -> TaskQuerySet:
    return known.tasks(project.pk).filter(batch__in=_batches(project))


def _chunks(project: Project) -> ChunkQuerySet:
    return Chunk.objects.filter(batch__project=project, batch__stage=Batch.Stage.DONE)
