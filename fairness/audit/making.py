"""An audit begins: its sentences become tasks that are never settled, in a batch of their own that is put away."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from fairness.audit import jobs
from fairness.audit.sentences import Sentence
from fairness.models import Audit, AuditMember
from labeling.checks import results
from labeling.models import Annotator, Batch, Instance, Project, Question, Task
from labeling.money import ledger
from labeling.routing.lots import lot

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FRAME, VARIANT, CHECK = "frame", "variant", "check"
"""What the tasks of an audit are compared by: sentences by the first two, copies of checked tasks by the task's key."""
TITLE = "Text"
MOST_CHECKS = 300


class CannotAudit(Exception):
    """An audit that cannot begin; the message is one sentence that says what to do."""


@transaction.atomic
def begin(
    question: Question,
    name: str,
    sentences: Sequence[Sentence],
    annotators: Sequence[Annotator],
    by: User | None = None,
    cap_microdollars: int = 0,
) -> Audit:
    """Put the sentences to these annotators, for at most so much money. Raises CannotAudit, and Refused by the ledger.

    The batch is put away from the start, so that no page, export or weighing counts it; its budget is its own, and the
    project's caps hold as well.
    """
    if question.answers.in_text:
        raise CannotAudit("Stretches of one sentence are none of another; ask a question about whole texts.")
    return _begin(question, name, _sentences(question.project, sentences), annotators, by, cap_microdollars)


@transaction.atomic
def begin_checks(
    question: Question, annotators: Sequence[Annotator], by: User | None = None, cap_microdollars: int = 0
) -> Audit:
    """Put copies of the checked tasks to these annotators, so that they stand beside those who answered in earnest.

    The copies settle nothing either, and what is said to them teaches nobody. Of more than 300 some by lot.
    Raises CannotAudit, and Refused by the ledger.
    """
    found = results.load(question.project, question=question)
    keys = sorted(found.task[found.checks].tolist(), key=lambda key: lot("lineup", str(key)))[:MOST_CHECKS]
    tasks = Task.objects.filter(pk__in=keys).select_related("batch", "project").order_by("pk")
    shown = [Shown(one.parts, {CHECK: str(one.pk)}, one.instance.images, _stays(one)) for one in tasks]
    if not shown:
        raise CannotAudit("No task is checked yet; draw checks in the report of a batch first.")
    return _begin(question, f"{len(shown):,} checked tasks", shown, annotators, by, cap_microdollars)


def _stays(task: Task) -> bool:
    return task.instance.local_only or task.batch.local_only


@dataclass(frozen=True, slots=True)
class Shown:
    """What one task of an audit shows, and what it is compared by."""

    parts: list[list[str]]
    groups: dict[str, str]
    images: Any = None
    local_only: bool = False


def _begin(
    question: Question,
    name: str,
    shown: Sequence[Shown],
    annotators: Sequence[Annotator],
    by: User | None,
    cap_microdollars: int,
) -> Audit:
    if not annotators:
        raise CannotAudit("Choose at least one model to put the sentences to.")
    project = question.project
    batch = Batch.objects.create(
        project=project,
        name=f"Audit: {name}"[:120],
        stage=Batch.Stage.DONE,
        archived_at=timezone.now(),
        created_by=by,
        rows_read=len(shown),
        rows_new=len(shown),
    )
    ledger.open_purse(batch, cap_microdollars)
    _write(batch, question, shown)
    audit = Audit.objects.create(project=project, question=question, batch=batch, name=name[:120], made_by=by)
    AuditMember.objects.bulk_create(AuditMember(audit=audit, annotator=one) for one in annotators)
    transaction.on_commit(lambda: jobs.go_on(audit.pk))
    return audit


def _sentences(project: Project, sentences: Sequence[Sentence]) -> list[Shown]:
    title = _title(project)
    return [Shown([[title, one.text]], {FRAME: one.frame, VARIANT: one.variant}) for one in sentences]


def _write(batch: Batch, question: Question, shown: Sequence[Shown]) -> None:
    rows = [
        Instance(
            project=batch.project,
            batch=batch,
            position=place,
            external_id=f"audit-{batch.pk}-{place}",
            digest=hashlib.md5(f"audit {batch.pk} {place}".encode(), usedforsecurity=False).hexdigest(),
            parts=one.parts,
            images=one.images,
            groups=one.groups,
            local_only=one.local_only,
        )
        for place, one in enumerate(shown)
    ]
    made = Instance.objects.bulk_create(rows, batch_size=500)
    Task.objects.bulk_create(
        [
            Task(
                instance=one,
                project=batch.project,
                batch=batch,
                question=question,
                position=one.position,
                stage=Task.Stage.NOT_ASKED,
            )
            for one in made
        ],
        batch_size=500,
    )


def _title(project: Project) -> str:
    """What the project calls the texts it shows, so that models are asked as they are in earnest."""
    first = Instance.objects.filter(project=project, batch__archived_at=None).order_by("-pk").first()
    return str(first.parts[0][0]) if first is not None and first.parts else TITLE


def again(audit: Audit) -> None:
    """Ask those again that were left with a reason."""
    audit.members.exclude(error="").update(done_at=None, error="")
    transaction.on_commit(lambda: jobs.go_on(audit.pk))
