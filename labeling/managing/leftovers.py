"""Tasks of a batch that are not sure enough to be settled and that nobody is asked about: what a manager may do."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from labeling.checks import draws
from labeling.live import nudges
from labeling.managing import budgets
from labeling.models import Annotator, Batch, Belief, Escalation
from labeling.rounds import teaching

Kind = Annotator.Kind
ROWS = 2000
NO_LABEL = "No model gave a label"


@dataclass(frozen=True, slots=True)
class Leftover:
    """How many tasks are left, and micro-dollars for asking people about all of them; 0 where they work unpaid.

    `checks`: how many of them are drawn for a check once they are accepted, for `check_price` micro-dollars.
    """

    count: int
    price: int
    checks: int = 0
    check_price: int = 0

    @property
    def roughly(self) -> bool:
        """Whether there are so many that a page tells the expected number of checks."""
        return self.count > draws.MOST_COUNTED


def of(batch: Batch, *, exact: bool = False) -> Leftover:
    """What is left over of a batch that has been weighed; nothing while machines are at work, or wait to learn.

    `exact`: the number of checks is counted, however many tasks there are.
    """
    if batch.stage != Batch.Stage.REVIEWING or teaching.has_a_lot_out(batch):
        return Leftover(0, 0)
    left = batch.tasks.unasked()
    count = left.count()
    each = draws.price_of_one(batch, Kind.PERSON) or 0
    checks = draws.to_follow(batch, left, draws.due(batch), exact=exact) if count else 0
    check_price = checks * (draws.price_of_one(batch) or 0) if checks else 0
    return Leftover(count, count * each * batch.project.people_per_task, checks, check_price)


@transaction.atomic
def ask_people(batch: Batch) -> int:
    """Send every task that is left over to people, beyond the share that they get by themselves; returns how many."""
    beliefs = Belief.objects.filter(task__in=batch.tasks.unasked()).select_related("label").order_by("task")
    left = [(belief, slot) for belief in beliefs for slot in range(batch.project.people_per_task)]
    Escalation.objects.bulk_create((_question(belief, slot) for belief, slot in left), batch_size=ROWS)
    nudges.announce(batch.project_id, nudges.QUEUE, nudges.PROGRESS)
    return len({belief.task_id for belief, _ in left})


def _question(belief: Belief, slot: int) -> Escalation:
    said = f"The crowd is only {belief.confidence:.0%} sure of {belief.label}" if belief.n_votes else NO_LABEL
    return Escalation(
        task_id=belief.task_id,
        round_id=belief.round_id,
        to=Kind.PERSON,
        slot=slot,
        reason=Escalation.Reason.UNCERTAIN,
        why=f"{said}; a manager asked for people.",
        priority=belief.entropy,
        expected_gain=1 - belief.confidence,
    )


@transaction.atomic
def accept(batch: Batch) -> None:
    """Settle what is left over by its likeliest label, however unsure: the batch is weighed once more for that.

    What people or experts are asked about waits for them. Its export marks each such label (`below_threshold`).
    """
    Batch.objects.filter(pk=batch.pk).update(accept_confidence=0)
    budgets.go_on(batch)
