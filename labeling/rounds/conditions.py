"""Questions that are asked only where another one was answered so: their tasks wait, are opened, or are not asked.

A task waits while the question before it is open about its instance. Once that one is settled, by whomever, it is
opened, and the crowd, paid models and people are asked; settled otherwise, it is closed as not asked, which holds up no
batch and stands in no file of labels. Where a label changes while its batch is at work, both ways are gone back, and so
they are in every batch where the condition itself changes (`managing/asked_after.py`); what was answered meanwhile
stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from django.db import transaction
from django.db.models.functions import Now

from labeling.models import Batch, Decision, Escalation, Question, Task
from labeling.models.question import space_of

Stage = Task.Stage
SOME = 500


@transaction.atomic
def asks_more(batch: Batch, come_from: str) -> bool:
    """Bring the waiting tasks up to date; where some can be asked by now, let the crowd vote on them. True if it will.

    `come_from`: the stage that the batch is taken out of.
    """
    opened = apply(batch)
    if not opened:
        return False
    for chunk in batch.chunks.filter(done_at__isnull=False, why=""):
        if chunk.tasks().filter(pk__in=opened).exists():
            batch.chunks.filter(pk=chunk.pk).update(done_at=None, leased_until=None, failures=0)
    return batch.move(Batch.Stage.VOTING, come_from=Batch.Stage(come_from))


def apply(batch: Batch) -> list[int]:
    """Let the tasks of follow-up questions wait, open or close as things stand; returns the keys of those opened."""
    opened = _always_asked(batch)
    for question in batch.project.questions.filter(asked_after__isnull=False).select_related("asked_after"):
        opened += _apply(batch, question)
    return opened


def _always_asked(batch: Batch) -> list[int]:
    """Open what waits, or was not asked, though its question has no condition any more; returns the keys."""
    stages = [Stage.WAITING, Stage.NOT_ASKED]
    held = list(batch.tasks.filter(stage__in=stages, question__asked_after=None).values_list("pk", flat=True))
    for some in _in_parts(held):
        Task.objects.filter(pk__in=some, stage__in=stages).update(stage=Stage.OPEN)
    return held


def _apply(batch: Batch, question: Question) -> list[int]:
    answered = _answered(batch, question)
    before = question.asked_after
    not_asked = set(batch.tasks.filter(question=before, stage=Stage.NOT_ASKED).values_list("instance_id", flat=True))
    moved: dict[tuple[str, str], list[int]] = {}
    tasks = batch.tasks.about(question).exclude(stage=Stage.DECIDED).order_by("pk")
    for pk, instance, stage in tasks.values_list("pk", "instance_id", "stage").iterator(2000):
        holds = False if instance in not_asked else answered.get(instance)
        wanted = Stage.WAITING if holds is None else Stage.OPEN if holds else Stage.NOT_ASKED
        if stage != wanted:
            moved.setdefault((stage, wanted), []).append(pk)
    for (stage, new), keys in moved.items():
        for some in _in_parts(keys):
            Task.objects.filter(pk__in=some, stage=stage).update(stage=new)
            if stage == Stage.OPEN:
                _withdraw(some)
    return [pk for (_, wanted), keys in moved.items() if wanted == Stage.OPEN for pk in keys]


def _answered(batch: Batch, question: Question) -> dict[int, bool]:
    """Of each instance about which the question before is settled, whether it is settled as the condition says."""
    before = question.asked_after
    assert before is not None
    labels, kind = before.label_list(), before.answers
    space, places = space_of(labels), {label.pk: place for place, label in enumerate(labels)}
    settled = Decision.objects.current().filter(task__batch=batch, task__question=before)
    found: dict[int, bool] = {}
    holds: dict[str, bool] = {}
    for instance, label, marks in settled.values_list("task__instance_id", "label_id", "marks").iterator(2000):
        plain = marks if label is None else places[label]
        key = json.dumps(plain)
        if key not in holds:
            holds[key] = kind.meets(kind.from_marks(plain, space), question.asked_if, space)
        found[instance] = holds[key]
    return found


def _withdraw(tasks: Sequence[int]) -> None:
    """Nobody is asked about what waits or is not asked."""
    waiting = Escalation.objects.open().filter(task__in=tasks).exclude(reason=Escalation.Reason.AUDIT)
    waiting.update(state=Escalation.State.WITHDRAWN, closed_at=Now())


def _in_parts(keys: list[int]) -> Iterator[list[int]]:
    return (keys[first : first + SOME] for first in range(0, len(keys), SOME))
