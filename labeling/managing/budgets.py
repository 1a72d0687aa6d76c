"""What a manager does with money: set caps, stop and allow paid calls; batches that waited for it go on."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from labeling import jobs
from labeling.live import nudges
from labeling.models import Batch, Project, Reservation
from labeling.money import ledger
from labeling.rounds import calls, story


@transaction.atomic
def cap_batch(batch: Batch, microdollars: int) -> None:
    """Set a batch's budget; where it is raised, the batch goes on. Raises ledger.Refused."""
    purse = ledger.open_purse(batch)
    raised = microdollars > purse.cap_microdollars
    ledger.set_cap(purse, microdollars)
    if raised:
        go_on(batch)


@transaction.atomic
def cap_project(project: Project, microdollars: int) -> None:
    """Set what all batches may cost together; where it is raised, they go on. Raises ledger.Refused."""
    before = project.purses.filter(batch=None, day=None).values_list("cap_microdollars", flat=True).first()
    ledger.cap_project(project, microdollars)
    if before is not None and microdollars > before:
        wake(project)


@transaction.atomic
def cap_days(project: Project, microdollars: int | None) -> None:
    """Set what one UTC day may cost, or lift that cap; where there is more room now, batches go on.

    Raises ledger.Refused.
    """
    before = project.day_cap_microdollars
    ledger.cap_days(project, microdollars)
    if before is not None and (microdollars is None or microdollars > before):
        wake(project)


def stop_calls(project: Project) -> None:
    """No new paid call from now on; what is under way is still booked. Stopping twice changes nothing."""
    Project.objects.filter(pk=project.pk, calls_stopped_at=None).update(calls_stopped_at=timezone.now())
    nudges.announce(project.pk)


@transaction.atomic
def allow_calls(project: Project) -> None:
    """Paid calls are allowed again, and batches that wait go on."""
    if Project.objects.filter(pk=project.pk, calls_stopped_at__isnull=False).update(calls_stopped_at=None):
        wake(project)


def wake(project: Project) -> None:
    """Let every batch under way see that more can be asked now; finished ones, and those somebody paused, stay so."""
    for batch in project.batches.listed().exclude(stage=Batch.Stage.DONE):
        go_on(batch)


@transaction.atomic
def book(call: Reservation, charged_microdollars: int | None, note: str) -> None:
    """Book what the provider's bill says about a call of unknown outcome, None for nothing. Raises ledger.Refused.

    A bill above what was held is booked in full and pauses the model, as one that the provider counted itself.
    """
    held = call.held_for_the_call
    ledger.reconcile(call, charged_microdollars, note)
    calls.halt_if_dearer(call.annotator, charged_microdollars or 0, held)
    nudges.announce(call.task.project_id)


def go_on(batch: Batch) -> None:
    """Weigh a batch once more, unless it is still being read or somebody paused it."""
    if batch.paused_at is None or batch.error:
        story.go_on(batch)
        jobs.start(batch)
    nudges.announce(batch.project_id)
