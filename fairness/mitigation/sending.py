"""The tasks of a plan go to people: their labels are open again until somebody has answered, history stays."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from labeling.live import nudges
from labeling.models import Annotator, Batch, Escalation, Task
from labeling.rounds import decisions

SOME = 500
WHY = "Its group has more errors than others; a manager asked for people."


@transaction.atomic
def to_people(batch: Batch, tasks: Sequence[int]) -> int:
    """Ask one person about each of these tasks of the batch that machines settled; returns how many."""
    sent = 0
    for start in range(0, len(tasks), SOME):
        some = Task.objects.filter(batch=batch, pk__in=list(tasks[start : start + SOME])).decided()
        keys = list(some.values_list("pk", flat=True))
        decisions.reopen_machines(Task.objects.filter(pk__in=keys))
        opened = list(Task.objects.filter(pk__in=keys).undecided().order_by("pk"))
        Escalation.objects.bulk_create(
            Escalation(task=one, to=Annotator.Kind.PERSON, reason=Escalation.Reason.SENT_BACK, why=WHY)
            for one in opened
        )
        sent += len(opened)
    nudges.announce(batch.project_id, nudges.QUEUE, nudges.PROGRESS)
    return sent
