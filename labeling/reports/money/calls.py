"""The log of every paid answer: who was asked what, what was held and what it did cost; paid models and their state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Avg, Count, F, Q, QuerySet, Sum

from labeling.models import Annotator, Chunk, Escalation, Project, Reservation, Vote
from labeling.models.keys import whole
from labeling.money import ledger
from labeling.reports.tasks.answers import Reader, Shown

PAGE = 50
SHOWN = ("annotator", "task__project", "task__batch", "task__instance", "task__question", "escalation", "call")
State = Reservation.State
MODELS, PEOPLE = "models", "people"
WHO = {MODELS: [Annotator.Kind.PAID, Annotator.Kind.MODEL], PEOPLE: [Annotator.Kind.PERSON, Annotator.Kind.EXPERT]}


@dataclass(frozen=True, slots=True)
class Call:
    """Money held for one answer, and the answer as it came, if it did; `shown`: what it says, None for nothing."""

    held: Reservation
    vote: Vote | None
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of calls, newest first; `before` is the key behind which the next page starts, or None."""

    calls: list[Call]
    before: int | None
    filters: dict[str, str]

    @property
    def query(self) -> str:
        return urlencode({**self.filters, "before": self.before or ""})


def page_of(project: Project, asked: Mapping[str, Any]) -> Page:
    """The calls that `asked` selects by `who` and `state`; other names and values are ignored."""
    filters = {name: value for name, value in _chosen(asked).items() if value}
    calls = Reservation.objects.filter(task__project=project)
    if "who" in filters:
        calls = calls.filter(annotator__kind__in=WHO[filters["who"]])
    if "state" in filters:
        calls = calls.filter(state=filters["state"])
    if key := whole(str(asked.get("before", ""))):
        calls = calls.filter(pk__lt=key)
    found = list(calls.select_related(*SHOWN).prefetch_related("others", "call__others").order_by("-pk")[: PAGE + 1])
    return Page(_with_answers(found[:PAGE]), found[PAGE - 1].pk if len(found) > PAGE else None, filters)


def _chosen(asked: Mapping[str, Any]) -> dict[str, str]:
    who, state = str(asked.get("who", "")), str(asked.get("state", ""))
    return {"who": who if who in WHO else "", "state": state if state in State.values else ""}


def _with_answers(calls: list[Reservation]) -> list[Call]:
    """The calls with what the same annotator says about the same task now; a call that failed has no answer."""
    votes = Vote.objects.current().filter(task__in=[one.task_id for one in calls]).select_related("label")
    said = {(vote.task_id, vote.annotator_id): vote for vote in votes.order_by("pk")}
    readers = {question.pk: Reader(question) for question in {one.task.question for one in calls}}
    found = []
    for one in calls:
        vote = said.get((one.task_id, one.annotator_id)) if one.state == State.SETTLED else None
        found.append(Call(one, vote, readers[one.task.question_id].row(vote, one.task.text)))
    return found


@dataclass(frozen=True, slots=True)
class PaidModel:
    """One model that costs money: micro-dollars spent and per answer; tasks that wait for it; what its breaker does."""

    annotator: Annotator
    answers: int
    spent: int
    each: float | None
    unknown: int
    waiting: int

    @property
    def state(self) -> str:
        """What it does now, in a word or two."""
        if self.annotator.paused_at:
            return "paused"
        if self.annotator.rests:
            return "rests"
        if self.annotator.priced and self.annotator.error and not self.annotator.failures:
            return "rests in a batch"
        return "is tried again" if self.annotator.failures else "answers"


def paid_models(project: Project) -> list[PaidModel]:
    """Every model of a project that costs money, those that joined first first."""
    mine = Reservation.objects.filter(task__project=project).values_list("annotator").order_by()
    settled = Q(state=State.SETTLED)
    rows = mine.annotate(
        answers=Count("pk", filter=settled),
        spent=Sum("cost_microdollars", filter=settled),
        each=Avg("cost_microdollars", filter=settled),
        unknown=Count("pk", filter=Q(state=State.UNKNOWN, call=None)),
    )
    booked = {row[0]: row[1:] for row in rows}
    open_ones = Escalation.objects.in_project(project.pk).open().to_paid().listed().values_list("annotator")
    waiting = {**_votes_due(project), **dict(open_ones.annotate(Count("pk")).order_by())}
    found = []
    for one in project.annotators.charging().order_by("pk"):
        answers, spent, each, unknown = booked.get(one.pk, (0, 0, None, 0))
        found.append(PaidModel(one, answers, spent or 0, each, unknown, waiting.get(one.pk, 0)))
    return found


def _votes_due(project: Project) -> dict[int, int]:
    """Tasks on which members of the crowd that cost money still have to vote."""
    due = Chunk.objects.wanted().filter(batch__project=project, annotator__in=project.annotators.charging())
    return dict(due.values_list("annotator").annotate(n=Sum(F("last") - F("first") + 1)).order_by())


def unknown_outcomes(project: Project) -> QuerySet[Reservation]:
    """Calls that were cut off, oldest first, ready to be shown with the task and the model they belong to."""
    unknown = ledger.unreconciled(project).prefetch_related("others")
    return unknown.select_related("annotator", "task__project", "task__instance")
