"""Tasks of a batch that are not sure enough to be settled and that nobody is asked about: what a manager may do."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from labeling.checks import draws, holds
from labeling.live import nudges
from labeling.managing import budgets
from labeling.models import Annotator, Batch, Belief, Escalation, Task
from labeling.rounds import teaching
from labeling.rounds.kind_answers import Terms

Kind = Annotator.Kind
ROWS = 2000
NO_LABEL = "No model gave a label"
NO_ANSWER = "No model gave an answer"


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
    left = holds.not_held(batch.tasks.unasked(), batch)
    count = left.count()
    each = draws.price_of_one(batch, Kind.PERSON) or 0
    checks = draws.to_follow(batch, left, draws.due(batch), exact=exact) if count else 0
    check_price = checks * (draws.price_of_one(batch) or 0) if checks else 0
    return Leftover(count, count * each * batch.project.people_per_task, checks, check_price)


@transaction.atomic
def ask_people(batch: Batch) -> int:
    """Send every task that is left over to people, beyond the share that they get by themselves; returns how many."""
    left = holds.not_held(batch.tasks.unasked(), batch).select_related("question", "belief__label").order_by("pk")
    tasks = list(left.prefetch_related("question__labels"))
    rows = (_question(task, slot) for task in tasks for slot in range(batch.project.people_per_task))
    Escalation.objects.bulk_create(rows, batch_size=ROWS)
    nudges.announce(batch.project_id, nudges.QUEUE, nudges.PROGRESS)
    return len(tasks)


def _question(task: Task, slot: int) -> Escalation:
    belief = getattr(task, "belief", None)
    why = _doubt(task, belief) if belief is not None and belief.n_votes else _nobody(task)
    asked = Escalation(task=task, to=Kind.PERSON, slot=slot, reason=Escalation.Reason.UNCERTAIN)
    asked.why = f"{why}; a manager asked for people."
    if belief is not None:
        asked.round_id, asked.priority = belief.round_id, belief.entropy
        asked.expected_gain = 1 - belief.confidence
    return asked


def _nobody(task: Task) -> str:
    """That no model had anything to say."""
    return NO_LABEL if task.question.votes_are_enough else NO_ANSWER


def _doubt(task: Task, belief: Belief) -> str:
    """How unsure the crowd is of which answer."""
    terms = Terms.of(task)
    of_what = "of" if task.question.votes_are_enough else "that all of its answer is right:"
    answer = terms.kind.words(terms.answer(belief), terms.space)
    return f"The crowd is only {belief.confidence:.0%} sure {of_what} {answer}"


@transaction.atomic
def accept(batch: Batch) -> None:
    """Settle what is left over by its likeliest answer, however unsure: the batch is weighed once more for that.

    What people or experts are asked about waits for them. Its export marks each such answer (`below_threshold`).
    """
    Batch.objects.filter(pk=batch.pk).update(accept_confidence=0)
    budgets.go_on(batch)
