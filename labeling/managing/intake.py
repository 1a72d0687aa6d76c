"""From a chosen file to a batch under way: everything that can be refused is refused before a row is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from labeling import jobs
from labeling.files import imports
from labeling.files.rows import Fields, Row, read_rows
from labeling.files.uploads import Upload, resolved
from labeling.files.votes import UnusableFile
from labeling.models import Annotator, Batch, Project, Task
from labeling.money import ledger
from labeling.people import recruiting

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_LABELS = 200
LONGEST_LABEL = 120
TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person who starts a batch decides; money in micro-dollars, `labels` only for a project without any."""

    name: str
    labels: tuple[str, ...] = ()
    validation: int | None = None
    budget: int = 0
    local_only: bool = False
    embedded_crowd: bool = False


def start(project: Project, upload: Upload, fields: Fields, wishes: Wishes, user: User) -> Batch:
    """Open the batch and wake the workers. Raises UnusableFile, CrowdError or Refused, with nothing written."""
    labels = [label.name for label in project.label_list()] or distinct(wishes.labels)
    fields = resolved(upload, fields)
    check_something_new(project, upload, fields, labels)
    with transaction.atomic():
        if not project.labels.exists():
            imports.set_labels(project, labels)
        if wishes.embedded_crowd and not project.annotators.filter(kind=Annotator.Kind.MODEL).exists():
            recruiting.add_models(project, recruiting.embedded_crowd(len(fields.text)))
        batch = imports.open_batch(
            project,
            str(upload.path),
            fields,
            name=wishes.name,
            validation=wishes.validation,
            user=user,
            local_only=wishes.local_only,
        )
        ledger.open_purse(batch, wishes.budget)
        jobs.start(batch)
    return batch


def distinct(wished: tuple[str, ...]) -> list[str]:
    """A label set as somebody wrote it down, each once. Raises UnusableFile for fewer than two, or far too many."""
    names = list(dict.fromkeys(name.strip() for name in wished if name.strip()))
    if len(names) < 2:
        there = "is one" if names else "are none"
        raise UnusableFile(f"There must be at least two labels and there {there}; write one on each line.")
    if len(names) > MOST_LABELS:
        raise UnusableFile(f"There are {len(names)} labels, more than {MOST_LABELS}; is this the gold field?")
    if max(map(len, names)) > LONGEST_LABEL:
        raise UnusableFile(f"A label is longer than {LONGEST_LABEL} characters; give it a short name.")
    return names


def check_something_new(project: Project, upload: Upload, fields: Fields, labels: list[str]) -> None:
    """Raise UnusableFile where no row of the file would become a task: all bad, or all there already."""
    good = 0
    pending: list[Row] = []
    for row in read_rows(str(upload.path), fields, labels, settings.MAX_TEXT_BYTES):
        if not isinstance(row, Row):
            continue
        good += 1
        pending.append(row)
        if len(pending) == TOGETHER:
            if _any_new(project, pending):
                return
            pending = []
    if not good:
        raise UnusableFile(f"No row of {upload.name} can be used; the list of bad rows says why.")
    if not pending or not _any_new(project, pending):
        raise UnusableFile(f"Every row of {upload.name} is in this project already, so there is nothing to add.")


def _any_new(project: Project, rows: list[Row]) -> bool:
    there = Task.objects.filter(project=project)
    same = Q(external_id__in=[row.id for row in rows]) | Q(digest__in=[row.digest for row in rows])
    found = list(there.filter(same).values_list("external_id", "digest"))
    ids, digests = {name for name, _ in found}, {digest for _, digest in found}
    return any(row.id not in ids and row.digest not in digests for row in rows)
