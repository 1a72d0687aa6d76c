"""Who cost what: people and machines on one bill, exact to the micro-dollar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from labeling.models import Annotator, Batch, LedgerEntry, Project, Purse, Question, Reservation, Vote

Kind = Annotator.Kind


@dataclass(frozen=True, slots=True)
class Line:
    """What annotators of one kind, or one annotator, answered, cost and still hold. Money in micro-dollars."""

    kind: str
    name: str
    answers: int
    spent: int
    held: int
    share: float


@dataclass(frozen=True, slots=True)
class Meter:
    """Money under one or several caps, in micro-dollars."""

    cap: int
    spent: int
    held: int

    @property
    def free(self) -> int:
        return self.cap - self.spent - self.held

    @property
    def spent_share(self) -> float:
        return self.spent / self.cap if self.cap else 0.0

    @property
    def held_share(self) -> float:
        return self.held / self.cap if self.cap else 0.0


def meter(scope: Batch | Project) -> Meter:
    """The purse of a batch, or all purses of a project's batches together, within the project's own cap."""
    purses = Purse.objects.filter(batch=scope) if isinstance(scope, Batch) else batch_purses(scope)
    sums = purses.aggregate(cap=Sum("cap_microdollars"), spent=Sum("spent_microdollars"), held=Sum("held_microdollars"))
    together = Meter(sums["cap"] or 0, sums["spent"] or 0, sums["held"] or 0)
    joint = Purse.objects.filter(project=scope, batch=None, day=None).first() if isinstance(scope, Project) else None
    free = min(together.free, joint.free_microdollars) if joint else together.free
    return Meter(together.spent + together.held + free, together.spent, together.held)


def of_purse(purse: Purse) -> Meter:
    return Meter(purse.cap_microdollars, purse.spent_microdollars, purse.held_microdollars)


def batch_purses(project: Project) -> QuerySet[Purse]:
    purses = Purse.objects.filter(project=project, batch__isnull=False).select_related("batch__project")
    return purses.order_by("-batch")


def by_kind(scope: Batch | Project, question: Question | None = None) -> list[Line]:
    """One line for each kind of annotator that answered or cost anything, about all questions or about one."""
    names = {Kind.MODEL: "Models", Kind.PAID: "Paid models", Kind.PERSON: "People", Kind.EXPERT: "Experts"}
    about = Q() if question is None else Q(task__question=question)
    return _lines(scope, about, "annotator__kind", {str(kind): (str(kind), name) for kind, name in names.items()})


def by_annotator(scope: Batch | Project) -> list[Line]:
    """One line for each annotator that answered or cost anything, the dearest first."""
    project = scope.project if isinstance(scope, Batch) else scope
    names = {one.pk: (one.kind, one.name) for one in project.annotators.all()}
    return sorted(_lines(scope, Q(), "annotator_id", names), key=lambda line: (-line.spent, -line.answers))


def _lines(scope: Batch | Project, about: Q, by: str, names: Mapping[Any, tuple[str, str]]) -> list[Line]:
    inside = about & (Q(task__batch=scope) if isinstance(scope, Batch) else Q(task__project=scope))
    answers = dict(Vote.objects.current().filter(inside).values_list(by).annotate(Count("pk")).order_by())
    spent, held = _booked(inside, by)
    total = sum(spent.values())
    return [
        Line(kind, name, answers.get(key, 0), spent.get(key, 0), held.get(key, 0), spent.get(key, 0) / max(total, 1))
        for key, (kind, name) in names.items()
        if key in answers or key in spent or key in held
    ]


def _booked(inside: Q, by: str) -> tuple[dict[Any, int], dict[Any, int]]:
    """Settled and held money by `by`."""
    state = Reservation.State
    rows = Reservation.objects.filter(inside)
    settled = rows.filter(state=state.SETTLED).values_list(by).annotate(Sum("cost_microdollars")).order_by()
    waiting = rows.filter(state__in=[state.HELD, state.UNKNOWN])
    return dict(settled), dict(waiting.values_list(by).annotate(Sum("reserved_microdollars")).order_by())


@dataclass(frozen=True, slots=True)
class Movement:
    """What one transaction did to one purse, in micro-dollars by account; `first` is one of its entries."""

    first: LedgerEntry
    free: int
    held: int
    spent: int


def movements(project: Project, before: int | None, count: int) -> tuple[list[Movement], int | None]:
    """The newest movements older than the entry `before`, and the entry behind which the next page starts, or None."""
    rows = LedgerEntry.objects.filter(purse__project=project).order_by("-pk")
    rows = rows.select_related(
        "purse__batch", "reservation__task__project", "reservation__task__batch", "reservation__task__instance"
    )
    entries = list((rows.filter(pk__lt=before) if before else rows)[: 3 * count + 3])
    together: dict[tuple[object, int], list[LedgerEntry]] = {}
    for entry in entries:
        together.setdefault((entry.transaction, entry.purse_id), []).append(entry)
    shown = list(together.values())[:count]
    more = len(together) > count
    return [_movement(moved) for moved in shown], shown[-1][-1].pk if more else None


def _movement(entries: list[LedgerEntry]) -> Movement:
    account = LedgerEntry.Account
    by = {entry.account: entry.microdollars for entry in entries}
    return Movement(entries[0], by.get(account.FREE, 0), by.get(account.HELD, 0), by.get(account.SPENT, 0))
