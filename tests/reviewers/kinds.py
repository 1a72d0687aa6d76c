"""A project that asks in a given kind, with one text for each task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labeling.models import Annotator, Batch, Instance, Label, Task, Vote
from labeling.models.question import Question

NAMES = {
    "choice": ("Water", "Roads", "Noise"),
    "choices": ("Water", "Roads", "Noise"),
    "scale": ("1", "2", "3", "4", "5", "6", "7"),
    "spans": ("Person", "Place", "Organisation"),
}
TEXT = "Maria flew from Oslo to Zürich 🙂 with Norwegian Air."


def asks(batch: Batch, kind: str, names: Sequence[str] = (), text: str = "", **more: Any) -> Question:
    """Make the project of a batch ask in this kind; returns its question."""
    batch.project.check_share = 0
    batch.project.save()
    question = batch.project.questions.get()
    question.kind, question.wording = kind, more.pop("wording", "What is it?")
    for name, value in more.items():
        setattr(question, name, value)
    question.save()
    batch.tasks.update(gold=None, slice="")
    question.labels.all().delete()
    Label.objects.bulk_create(
        Label(question=question, position=place, name=name) for place, name in enumerate(names or NAMES[kind])
    )
    for place, task in enumerate(batch.tasks.all()):
        says(task, text or f"{TEXT} {place}")
    return question


def says(task: Task, text: str) -> None:
    """Give a task another text."""
    Instance.objects.filter(pk=task.instance_id).update(parts=[["Text", text]])


def mark(task: Task, annotator: Annotator, answer: Any, raw: str = "") -> Vote:
    """A vote that is simply there: the position of a label, or marks."""
    one = task.question.one_label
    label = task.question.label_list()[answer] if one else None
    return Vote.objects.create(task=task, annotator=annotator, label=label, marks=None if one else answer, raw=raw)
