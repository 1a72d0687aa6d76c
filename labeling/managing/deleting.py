"""Deleting for good what was put away: texts and all that was said about them go; what was paid stays booked.

A batch leaves its name, its purse and, for each answer that cost money, a task without a text, so that the books of its
project still add up. A project goes with its books, since nobody is left who may read them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.fields.files import FieldFile
from django.db.models.functions import Cast, Concat, Now

from labeling.files import imported_pictures
from labeling.live import nudges
from labeling.models import Batch, Belief, Decision, Escalation, Instance, LedgerEntry, Project, Reservation, Task, Vote
from labeling.money import ledger


class CannotDelete(Exception):
    """What must not be deleted now; the message is one sentence that says why and what to do."""


@transaction.atomic
def delete_batch(batch: Batch, typed: str) -> None:
    """Delete the texts, answers and labels of a batch that was put away. Raises CannotDelete."""
    locked = Batch.objects.select_for_update().get(pk=batch.pk)
    _check(locked.archived_at is not None, locked.name, typed, Reservation.objects.filter(task__batch=locked))
    pictures = imported_pictures.files_of(locked.instances.all())
    imported_pictures.forget_zip(locked)
    _empty(locked.tasks.all(), locked.instances.all())
    for purse in locked.project.purses.filter(batch=locked):
        ledger.set_cap(purse, purse.spent_microdollars)
    for rows in (locked.skipped_rows, locked.chunks, locked.certificates, locked.alarms, locked.looks, locked.rounds):
        rows.all().delete()
    files = [locked.file]
    Batch.objects.filter(pk=locked.pk).update(
        deleted_at=Now(), file="", mapping={}, attributes=[], check_cuts={}, error=""
    )
    _discard(files, pictures)
    nudges.announce(locked.project_id)


@transaction.atomic
def delete_project(project: Project, typed: str) -> None:
    """Delete a project that was put away, with its batches, its people's answers and its books. Raises CannotDelete."""
    locked = Project.objects.select_for_update().get(pk=project.pk)
    _check(locked.archived_at is not None, locked.name, typed, Reservation.objects.filter(task__project=locked))
    files = [batch.file for batch in locked.batches.all()]
    pictures = imported_pictures.files_of(locked.instances.all())
    for batch in locked.batches.all():
        imported_pictures.forget_zip(batch)
    _forget(LedgerEntry.objects.filter(purse__project=locked))
    _empty(locked.tasks.all(), locked.instances.all())
    _forget(Reservation.objects.filter(task__project=locked))
    locked.delete()
    _discard(files, pictures)


def _discard(files: Iterable[FieldFile], pictures: set[str]) -> None:
    """Delete uploaded files, and pictures of nobody else, once it is certain that no row names them any more."""
    for file in files:
        if file.name:
            transaction.on_commit(partial(file.storage.delete, file.name))
    transaction.on_commit(partial(imported_pictures.drop_unused, pictures))


def _check(put_away: bool, name: str, typed: str, calls: QuerySet[Reservation]) -> None:
    if not put_away:
        raise CannotDelete(f"Put {name} away first; only what is put away can be deleted.")
    if typed.split() != name.split():
        raise CannotDelete(f"Nothing was deleted: type the name {name} exactly as it stands here.")
    if calls.filter(state__in=ledger.OPEN).exists():
        raise CannotDelete(
            "Nothing was deleted: money is still held for answers of it. Book the calls of unknown outcome on the page "
            "Money; cards that people hold come back by themselves."
        )


def _empty(tasks: QuerySet[Task], instances: QuerySet[Instance]) -> None:
    """Delete tasks with all that was said about them; those that money was held for stay, without a text."""
    inside = {"task__in": tasks.values("pk")}
    Reservation.objects.filter(**inside).update(escalation=None, note="")
    Escalation.objects.filter(**inside).delete()
    for rows in (Decision.objects.all(), Belief.objects.all(), Vote.objects.all()):
        _forget(rows.filter(**inside))
    paid = Exists(Reservation.objects.filter(task=OuterRef("pk")))
    _forget(tasks.filter(~paid))
    tasks.update(gold=None, gold_marks=None, slice="", check_probability=None, stage=Task.Stage.DECIDED)
    _forget(instances.filter(~Exists(Task.objects.filter(instance=OuterRef("pk")))))
    number = Cast("pk", CharField())
    instances.update(
        external_id=Concat(Value("deleted "), number), digest=number, parts=[], images=None, about={}, groups={}
    )


def _forget(rows: QuerySet[Any]) -> None:
    """Delete rows in one statement. Votes and entries never vanish otherwise, which their querysets refuse."""
    rows.order_by()._raw_delete(rows.db)
