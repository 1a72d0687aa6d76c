"""Members of the crowd that cost money and rest for a batch: how far they came, and why they rest."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Max

from labeling.models import Annotator, Batch


@dataclass(frozen=True, slots=True)
class Resting:
    """One member that votes no more in a batch: it voted on `voted` of `tasks` tasks, which cost `spent` in all."""

    annotator: Annotator
    voted: int
    tasks: int
    spent: int
    why: str


def resting(batch: Batch) -> list[Resting]:
    """The members that rest in a batch, those that joined first first."""
    why = dict(batch.chunks.resting().values_list("annotator").annotate(Max("why")).order_by())
    members = batch.project.annotators.filter(pk__in=why).order_by("pk")
    return [_resting(batch, member, why[member.pk]) for member in members]


def _resting(batch: Batch, member: Annotator, why: str) -> Resting:
    costs = member.votes.current().filter(task__batch=batch).values_list("cost_microdollars", flat=True)
    return Resting(member, len(costs), batch.rows_new, sum(costs), why)
