"""A project's questions: more can be asked until its first batch is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from labeling.models import Label, Project, Question


class TooLate(ValueError):
    """The project's instances are there already; the message says what to do."""


@transaction.atomic
def add(project: Project, kind: str, wording: str, labels: Sequence[Label], **more: Any) -> Question:
    """Ask one more question about every instance, after those there are. Saves the labels, which name no question yet.

    Raises TooLate once a batch is there: its instances would have no task for it.
    """
    if Project.objects.select_for_update().get(pk=project.pk).batches.exists():
        raise TooLate(
            f"The project {project.name!r} has batches already, whose texts would lack the new question; "
            "ask it in a new project."
        )
    made = Question.objects.create(
        project=project, position=project.questions.count(), kind=kind, wording=wording, **more
    )
    for place, label in enumerate(labels):
        label.question, label.position = made, place
    Label.objects.bulk_create(labels)
    return made
