"""An audit begins: its sentences become tasks that are never settled, in a batch of their own that is put away."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from fairness.audit import jobs
from fairness.audit.sentences import Sentence
from fairness.models import Audit, AuditMember
from labeling.models import Annotator, Batch, Instance, Project, Question, Task
from labeling.money import ledger

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FRAME, VARIANT = "frame", "variant"
TITLE = "Text"


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
    if not annotators:
        raise CannotAudit("Choose at least one model to put the sentences to.")
    if question.answers.in_text:
        raise CannotAudit("Stretches of one sentence are none of another; ask a question about whole texts.")
    project = question.project
    batch = Batch.objects.create(
        project=project,
        name=f"Audit: {name}"[:120],
        stage=Batch.Stage.DONE,
        archived_at=timezone.now(),
        created_by=by,
        rows_read=len(sentences),
        rows_new=len(sentences),
    )
    ledger.open_purse(batch, cap_microdollars)
    _write(batch, question, sentences)
    audit = Audit.objects.create(project=project, question=question, batch=batch, name=name[:120], made_by=by)
    AuditMember.objects.bulk_create(AuditMember(audit=audit, annotator=one) for one in annotators)
    transaction.on_commit(lambda: jobs.go_on(audit.pk))
    return audit


def _write(batch: Batch, question: Question, sentences: Sequence[Sentence]) -> None:
    title = _title(batch.project)
    rows = [
        Instance(
            project=batch.project,
            batch=batch,
            position=place,
            external_id=f"audit-{batch.pk}-{place}",
            digest=hashlib.md5(f"audit {batch.pk} {place}".encode(), usedforsecurity=False).hexdigest(),
            parts=[[title, one.text]],
            groups={FRAME: one.frame, VARIANT: one.variant},
        )
        for place, one in enumerate(sentences)
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
