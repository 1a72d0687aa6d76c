"""Put away what is no longer needed: batches, voters, whole projects. Out of sight, at rest, and restorable."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Coalesce, Now

from labeling.live import nudges
from labeling.managing import budgets
from labeling.models import Annotator, Batch, Project
from labeling.people import rules


def put_away_batch(batch: Batch) -> None:
    """Out of the lists and paused: no vote, no question, no call. Labels stay; its texts still count as there."""
    at_rest = {"archived_at": Now(), "paused_at": Coalesce("paused_at", Now()), "error": ""}
    Batch.objects.filter(pk=batch.pk, archived_at=None).update(**at_rest)
    nudges.announce(batch.project_id)


def restore_batch(batch: Batch) -> None:
    """Back into the lists, still paused: whoever restores it decides when it goes on."""
    Batch.objects.filter(pk=batch.pk).update(archived_at=None)
    nudges.announce(batch.project_id)


@transaction.atomic
def put_away_voter(annotator: Annotator) -> None:
    """Out of the crowd's page and asked nothing more; what it said stays and counts."""
    rules.pause(annotator)
    Annotator.objects.filter(pk=annotator.pk, archived_at=None).update(archived_at=Now())


@transaction.atomic
def restore_voter(annotator: Annotator) -> None:
    """Back on the crowd's page, and asked again."""
    Annotator.objects.filter(pk=annotator.pk).update(archived_at=None)
    rules.go_on(annotator)


@transaction.atomic
def put_away_project(project: Project) -> None:
    """Closed to all but its managers; every batch is paused, and paid calls are stopped."""
    Project.objects.filter(pk=project.pk, archived_at=None).update(archived_at=Now())
    project.batches.filter(paused_at=None).update(paused_at=Now())
    budgets.stop_calls(project)


def restore_project(project: Project) -> None:
    """Open to its members again; batches stay paused and paid calls stopped until a manager lets them go on."""
    Project.objects.filter(pk=project.pk).update(archived_at=None)
    nudges.announce(project.pk)
