"""Final labels: made, superseded, taken back. Every path to a final label goes through here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from labeling.models import Annotator, Batch, Belief, Decision, Escalation, Label, Task, Vote
from labeling.models.decision import DecisionQuerySet
from labeling.models.task import TaskQuerySet

ROWS = 2000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a decision says, before it is a row: a label, or `marks` where the kind has more than one."""

    task_id: int
    label_id: int | None
    decided_by: str
    confidence: float
    entropy: float
    why: str = ""
    annotator_id: int | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    marks: Any = None

    def row(self) -> Decision:
        return Decision(
            task_id=self.task_id,
            label_id=self.label_id,
            marks=self.marks,
            decided_by=self.decided_by,
            annotator_id=self.annotator_id,
            confidence=min(self.confidence, 1.0),
            entropy=max(self.entropy, 0.0),
            why=self.why,
            provenance=self.provenance,
        )


@transaction.atomic
def decide_many(verdicts: Iterable[Verdict]) -> int:
    """Give open tasks their final label; tasks that are settled already are left alone. Returns how many it settled."""
    settled, coming = 0, iter(verdicts)
    while chunk := {verdict.task_id: verdict for verdict in islice(coming, ROWS)}:
        still_open = set(Task.objects.locked().undecided().filter(pk__in=chunk).values_list("pk", flat=True))
        Decision.objects.bulk_create(verdict.row() for pk, verdict in chunk.items() if pk in still_open)
        Task.objects.filter(pk__in=still_open).update(stage=Task.Stage.DECIDED)
        _withdraw(still_open)
        settled += len(still_open)
    return settled


@transaction.atomic(savepoint=False)
def decide(verdict: Verdict, locked: Task | None = None) -> Decision | None:
    """Give one task its final label, superseding an earlier one. None where an expert or the file has the last word.

    A task that the caller has `locked` is not fetched again. Only a settled task has a current decision.
    """
    task = locked or Task.objects.locked().get(pk=verdict.task_id)
    if task.stage == Task.Stage.DECIDED:
        before = current(task.pk).first()
        if before and before.decided_by in Decision.LAST_WORD and verdict.decided_by != Decision.By.EXPERT:
            return None
        current(task.pk).update(superseded_at=Now())
    decision = verdict.row()
    decision.save()
    Task.objects.filter(pk=task.pk).update(stage=Task.Stage.DECIDED)
    task.stage = Task.Stage.DECIDED
    _withdraw({task.pk})
    return decision


def reopen(task: Task) -> None:
    """Take the final label of a locked task back; the decision stays in the history as superseded."""
    if task.stage == Task.Stage.OPEN:
        return
    current(task.pk).update(superseded_at=Now())
    Task.objects.filter(pk=task.pk).update(stage=Task.Stage.OPEN)
    task.stage = Task.Stage.OPEN
    Batch.objects.filter(pk=task.batch_id, stage=Batch.Stage.DONE).update(stage=Batch.Stage.REVIEWING)


@transaction.atomic
def reopen_machines(tasks: TaskQuerySet) -> int:
    """Take the final labels back that the crowd or a paid model gave; they stay in the history as superseded.

    Returns how many. What people, experts or the file settled stays.
    """
    by = [Decision.By.CROWD, Decision.By.PAID]
    made = Decision.objects.current().filter(task__in=tasks.order_by().values("pk"), decided_by__in=by)
    mine, count = list(made.values_list("task_id", flat=True)), 0
    for first in range(0, len(mine), ROWS):
        some = list(
            Task.objects.locked().decided().filter(pk__in=mine[first : first + ROWS]).values_list("pk", flat=True)
        )
        Decision.objects.current().filter(task__in=some, decided_by__in=by).update(superseded_at=Now())
        count += Task.objects.filter(pk__in=some).update(stage=Task.Stage.OPEN)
    batches = Task.objects.filter(pk__in=mine[:1]).values("batch")
    Batch.objects.filter(pk__in=batches, stage=Batch.Stage.DONE).update(stage=Batch.Stage.REVIEWING)
    return count


@transaction.atomic
def restore(decision: Decision) -> None:
    """Give a task back the final label it had, as a new row; nothing changes where that label stands still."""
    if decision.superseded_at is None:
        return
    current(decision.task_id).update(superseded_at=Now())
    again = ("task_id", "label_id", "marks", "decided_by", "annotator_id", "confidence", "entropy", "why", "provenance")
    Decision.objects.create(**{name: getattr(decision, name) for name in again})
    Task.objects.filter(pk=decision.task_id).update(stage=Task.Stage.DECIDED)


def current(task_id: int) -> DecisionQuerySet:
    return Decision.objects.current().filter(task_id=task_id)


def _withdraw(task_ids: set[int]) -> None:
    """Nobody needs to answer for a settled task any more, except where it is a check that must be independent."""
    waiting = Escalation.objects.open().filter(task_id__in=task_ids).exclude(reason=Escalation.Reason.AUDIT)
    waiting.update(state=Escalation.State.WITHDRAWN, closed_at=Now())


def of_belief(belief: Belief, decided_by: str, why: str, annotator: Annotator | None = None) -> Verdict:
    """The verdict that the most believed label be final."""
    provenance = {
        "round": belief.round_id,
        "method": belief.method,
        "calibrated": belief.calibrated,
        "up_to_vote": belief.base_vote,
    }
    return Verdict(
        belief.task_id,
        belief.label_id,
        decided_by,
        belief.confidence,
        belief.entropy,
        why,
        annotator.pk if annotator else None,
        provenance,
        belief.marks,
    )


def of_skill(vote: Vote, label: Label, belief: Belief | None, why: str, skills: dict[str, Any]) -> Verdict:
    """The verdict of what was disputed and is settled by people's skills; `label` need not be that of the last vote."""
    verdict = of_vote(vote, label, belief, Decision.By.PERSON, why)
    return replace(verdict, provenance=verdict.provenance | {"skills": skills})


def of_answer(vote: Vote, belief: Belief | None, decided_by: str, why: str) -> Verdict:
    """The verdict that what a person or an expert answered be final, whatever the kind.

    Its confidence is that of the belief where this says the same; else half, which says that nothing is known of it.
    """
    same = belief is not None and (belief.label_id, belief.marks) == (vote.label_id, vote.marks)
    chance = 1.0 if decided_by == Decision.By.EXPERT else belief.confidence if belief and same else 0.5
    provenance = {"vote": vote.pk, "round": belief.round_id if belief else None}
    entropy = belief.entropy if belief else 0.0
    said = vote.task_id, vote.label_id, decided_by, chance, entropy
    return Verdict(*said, why, vote.annotator_id, provenance, vote.marks)


def of_vote(vote: Vote, label: Label, belief: Belief | None, decided_by: str, why: str) -> Verdict:
    """The verdict of a person or an expert; its confidence is what the belief, their vote counted, gives that label."""
    chance = 1.0 if decided_by == Decision.By.EXPERT else 0.5
    if belief is not None and decided_by != Decision.By.EXPERT:
        chance = float(belief.probabilities[label.position])
    provenance = {"vote": vote.pk, "round": belief.round_id if belief else None}
    entropy = belief.entropy if belief else 0.0
    return Verdict(vote.task_id, label.pk, decided_by, chance, entropy, why, vote.annotator_id, provenance)
