"""From a chosen file to a batch under way: everything that can be refused is refused before a row is written."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction

from labeling import jobs
from labeling.files import guesses, imports, known_answers
from labeling.files.rows import Fields, Key, Readers, Row, read_rows
from labeling.files.tables import UnusableFile
from labeling.files.uploads import Upload
from labeling.managing.label_sets import distinct
from labeling.models import Annotator, Batch, Project
from labeling.money import ledger
from labeling.people import recruiting

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TOGETHER = 500
SECONDS = 10.0


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
    """Open the batch and wake the workers; a file that has its batch already keeps it, however often one starts.

    Raises UnusableFile, CrowdError or Refused, with nothing written.
    """
    try:
        return started(project, upload.token) or _start(project, upload, fields, wishes, user)
    except (IntegrityError, UnusableFile, FileNotFoundError):
        # Two starts at once: the other one was faster, and may have put the file away.
        batch = started(project, upload.token)
        if batch is None:
            raise
        return batch


def started(project: Project, token: str) -> Batch | None:
    """The batch that was made of an upload, if one was."""
    return Batch.objects.filter(project=project, upload=token).first()


def _start(project: Project, upload: Upload, fields: Fields, wishes: Wishes, user: User) -> Batch:
    labels_there = [label.name for label in project.label_list()]
    labels = labels_there or distinct(wishes.labels, project.first_question.answers)
    upload.check_fields(fields)
    fields = guesses.used_texts(str(upload.path), fields)
    readers = known_answers.readers(project, fields, labels)
    check_something_new(project, str(upload.path), upload.name, fields, labels, readers, SECONDS)
    with transaction.atomic():
        batch = imports.open_batch(
            project,
            str(upload.path),
            fields,
            name=wishes.name,
            validation=wishes.validation,
            user=user,
            local_only=wishes.local_only,
            upload=upload.token,
        )
        if not labels_there:
            imports.set_labels(project, labels)
        if wishes.embedded_crowd and not project.annotators.filter(kind=Annotator.Kind.MODEL).exists():
            kinds = [one.kind for one in project.questions.all()]
            recruiting.add_models(project, recruiting.embedded_crowd(len(fields.text), len(fields.images), kinds))
        ledger.open_purse(batch, wishes.budget)
        jobs.start(batch)
    return batch


def check_something_new(
    project: Project,
    path: str,
    name: str,
    fields: Fields,
    labels: list[str],
    readers: Readers = (),
    seconds: float = inf,
) -> None:
    """Raise UnusableFile where no row of the file would become a task: all bad, or all there already.

    `name`: what its owner calls it. Where so many rows are that this would take more than so many seconds of computing,
    the import itself finds out.
    """
    good, first_bad = 0, ""
    pending: list[Key] = []
    started = time.thread_time()
    for row in read_rows(path, fields, labels, settings.MAX_TEXT_BYTES, readers):
        if time.thread_time() - started > seconds:
            return
        if not isinstance(row, Row):
            first_bad = first_bad or f"line {row.line}: {row.reason}"
            continue
        good += 1
        pending.append(row.key)
        if len(pending) == TOGETHER:
            if _any_new(project, pending, fields):
                return
            pending = []
    if not good:
        raise UnusableFile(f"No row of {name} can be used; the first is {first_bad or 'missing: it has none.'}")
    if not pending or not _any_new(project, pending, fields):
        raise UnusableFile(
            f"Every row of {name} is in this project already, or has the id of a text that is; nothing is new."
        )


def _any_new(project: Project, rows: list[Key], fields: Fields) -> bool:
    there = imports.standing(project, rows)
    return any(
        row.digest not in there.texts and (row.id not in there.ids or not row.named or fields.keep_same_id)
        for row in rows
    )


def already_there(project: Project, rows: list[Key]) -> tuple[int, int]:
    """How many of these rows the project has already, and how many have the id of another text in it."""
    same = clashes = 0
    for first in range(0, len(rows), TOGETHER):
        some = rows[first : first + TOGETHER]
        there = imports.standing(project, some)
        known = [row.digest in there.texts for row in some]
        same += sum(known)
        clashes += sum(
            row.named and row.id in there.ids and not is_known for row, is_known in zip(some, known, strict=True)
        )
    return same, clashes
