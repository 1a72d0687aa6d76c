"""A voter joins a project: a free model votes in the batches at work as well, on what is open and on what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from labeling import jobs
from labeling.models import Annotator, Batch, Project
from labeling.people import rules
from labeling.rounds import story

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Stage = Batch.Stage


@transaction.atomic
def join(project: Project, kind: str, spec: str, user: User) -> Annotator:
    """Let a voter join, and hand it its part of every batch at work. Raises CrowdError in one sentence.

    A batch that is being read hands out by itself at the end; one that is done stays as it is.
    """
    annotator = rules.join(project, kind, spec, user)
    transaction.on_commit(lambda: jobs.try_out.enqueue(annotator.pk))
    if annotator.kind == Annotator.Kind.MODEL:
        for batch in project.batches.listed().exclude(stage__in=[Stage.IMPORTING, Stage.DONE]):
            story.hand_out(batch)
            jobs.start(batch)
    return annotator
