"""What workers run: short functions, ids in, one call out, safe to repeat. Progress lives in rows, not in the queue."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models.functions import Now
from django.utils.module_loading import import_string
from django_tasks import task

from labeling.checks import alarms
from labeling.files import imported_pictures, picture_store
from labeling.models import Annotator, Batch, Instance, Project
from labeling.people import trials
from labeling.rounds import asking, kind_skills, reviewing, skills, story

QUIET_SECONDS = 10
"""A batch under review is looked after again when no worker has touched it for so long."""
log = logging.getLogger(__name__)
ANSWERS_BETWEEN = 25


@task()
def advance(batch_id: int) -> None:
    """Take a batch one step further and come back while there is more to do."""
    reads = Batch.objects.filter(pk=batch_id, stage=Batch.Stage.IMPORTING).exists()
    try:
        more = story.advance(batch_id)
    except Exception as error:
        log.exception("Batch %s", batch_id)
        Batch.objects.get(pk=batch_id).stop(what_happened(error))
        raise
    if more:
        advance.enqueue(batch_id)
    if reads and not Batch.objects.filter(pk=batch_id, stage=Batch.Stage.IMPORTING).exists():
        make_thumbnails.enqueue(batch_id)


@task()
def make_thumbnails(batch_id: int) -> None:
    """Make the small pictures of a batch that are missing."""
    for file in sorted(imported_pictures.files_of(Instance.objects.filter(batch=batch_id))):
        picture_store.make_small(file)


@task()
def make_thumbnail(file: str) -> None:
    """Make the small one of a picture that somebody looks at."""
    picture_store.make_small(file)


@task()
def try_out(annotator_id: int) -> None:
    """Find out whether a model that joined can work at all; the Crowd page tells what is wrong."""
    trials.note(Annotator.objects.select_related("project").get(pk=annotator_id))


@task()
def weigh_people(project_id: int) -> None:
    """Learn anew how good everybody is who is asked after the crowd."""
    skills.refresh(project_id)
    kind_skills.refresh(Project.objects.get(pk=project_id))
    alarms.look_at_project(Project.objects.get(pk=project_id))


def note_answer(project_id: int) -> None:
    """Count a person's answer; after every few, everybody's skill is learnt anew once this transaction is committed."""
    name = f"answers.{project_id}"
    cache.add(name, 0, timeout=None)
    if cache.incr(name) % ANSWERS_BETWEEN == 0:
        transaction.on_commit(lambda: weigh_people.enqueue(project_id))


def what_happened(error: Exception) -> str:
    """One sentence about an error that nobody foresaw, for the page of the batch."""
    words = " ".join(str(error).split())[:150]
    told = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return f"Something unforeseen stopped this batch ({told}); nothing done is lost. Try again; the log says more."


def start(batch: Batch) -> None:
    """Wake the workers for a batch, once this transaction is committed."""
    transaction.on_commit(lambda: _wake(batch.pk))


def _wake(batch_id: int) -> None:
    Batch.objects.filter(pk=batch_id).update(touched_at=Now())
    for _ in range(settings.WORKERS):
        advance.enqueue(batch_id)


def sweep() -> int:
    """Wake the workers for every batch at work that none has touched for a lease's time; returns how many batches.

    A worker that was killed leaves its chunk leased and its wake-up lost; this is what brings the batch back. What else
    there is to bring back is named in the settings (`SWEEPS`).
    """
    asking.give_up_lost_calls()
    silent = list(Batch.objects.without_a_worker(settings.LEASE_SECONDS).values_list("pk", flat=True))
    for batch_id in silent:
        _wake(batch_id)
    for batch in reviewing.due():
        if batch.claim_attention(QUIET_SECONDS):
            advance.enqueue(batch.pk)
    for path in settings.SWEEPS:
        import_string(path)()
    return len(silent)
