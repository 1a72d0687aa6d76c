"""What answers to a question did cost by day, label, group or annotator: for each decided, and for each right one.

The ground is that of the one number for "right": settled tasks outside the slice that methods learn from, each with all
that was paid about it. What is paid about a task counts wholly in its row, whoever was paid; of annotators each has
what it was paid itself, beside the tasks that it had the last word on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date
from functools import partial

import numpy as np
from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from numpy.typing import NDArray

from labeling.checks import results
from labeling.checks.compared import part_answers
from labeling.checks.results import Checked
from labeling.models import Annotator, Decision, Project, Question, Reservation, Vote
from labeling.models.grouping import attributes
from labeling.reports import kept
from labeling.reports.batch import levels
from labeling.reports.estimates import Measured
from labeling.reports.money.ways import UNKNOWN, each_right

MICRO = 1_000_000
DAY, LABEL, ANNOTATOR, GROUP = "day", "label", "annotator", "group"
MOST_ROWS = 60
NOBODY = "the crowd, by its votes"
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cost:
    """One row. `spent`: micro-dollars; `answers`: votes, None where they are not told apart; `decided`: settled tasks.

    `each`: dollars for one of them; `right`: how many are right, by the checks; `each_right`: dollars for a right one.
    """

    kind: str
    name: str
    answers: int | None
    spent: int
    decided: int
    right: Measured

    @property
    def each(self) -> float | None:
        return self.spent / MICRO / self.decided if self.decided else None

    @property
    def each_right(self) -> Measured:
        return each_right(self.spent, self.decided, self.right) if self.spent else UNKNOWN


@dataclass(frozen=True, slots=True)
class Costs:
    """The rows by what was chosen, and all of them together. `choices`: (address, name) of each way to look at it.

    `twice`: rows share tasks, so that they add up to more than there are. `more`: rows that are not shown.
    """

    by: str
    head: str
    choices: tuple[tuple[str, str], ...]
    rows: tuple[Cost, ...]
    whole: Cost
    twice: bool = False
    more: int = 0


def choices(project: Project) -> tuple[tuple[str, str], ...]:
    """Ways to look at the costs, as an address says them and as people read them."""
    groups = ((f"{GROUP}-{place}", name) for place, name in enumerate(attributes(project)))
    return ((DAY, "Day"), (LABEL, "Label"), *groups, (ANNOTATOR, "Annotator"))


def costs(question: Question, wanted: str = "") -> tuple[Costs, int]:
    """The costs by what is wanted, else by day, and in how many seconds newer numbers are to be had."""
    project = question.project
    offered = choices(project)
    by = wanted if wanted in dict(offered) else DAY
    paid = Reservation.objects.filter(task__project=project, task__question=question)
    version = (kept.version(), paid.aggregate(sum=Sum("cost_microdollars"))["sum"])
    name = f"costs.{project.pk}.{project.created_at.timestamp()}.{question.position}.{by}"
    return kept.keep_and_tell(name, version, partial(_costs, question, by, offered))


def _costs(question: Question, by: str, offered: tuple[tuple[str, str], ...]) -> Costs:
    project, place = question.project, by.removeprefix(f"{GROUP}-")
    grouped = (attributes(project)[int(place)],) if by.startswith(GROUP) else None
    found = results.load(project, grouped, question)
    ground = _Ground(question, found)
    write = {DAY: _by_day, LABEL: _by_label, ANNOTATOR: _by_annotator}.get(by, _by_group)
    rows = write(ground)
    everything = np.ones(len(found.task), dtype=np.bool_)
    whole = replace(ground.row("", "All together", everything), spent=sum(ground.spent.values()))
    twice = by == LABEL and not question.one_label
    return Costs(by, dict(offered)[by], offered, tuple(rows[:MOST_ROWS]), whole, twice, max(len(rows) - MOST_ROWS, 0))


class _Ground:
    """Settled tasks with their checks, and what was paid about each task."""

    def __init__(self, question: Question, found: Checked) -> None:
        self.question, self.found = question, found
        self.booked = Reservation.objects.filter(
            task__project=question.project_id, task__question=question, state=Reservation.State.SETTLED
        ).order_by()
        sums = self.booked.values_list("task").annotate(sum=Sum("cost_microdollars"))
        self.spent: dict[int, int] = {task: int(cost or 0) for task, cost in sums}
        self._each = np.array([self.spent.get(task, 0) for task in found.task.tolist()], dtype=np.int64)

    def row(self, kind: str, name: str, which: Bools) -> Cost:
        """A row of some of the settled tasks, (N,), with all that was paid about them."""
        return Cost(kind, name, None, int(self._each[which].sum()), int(which.sum()), right_of(self.found, which))


def right_of(found: Checked, which: Bools) -> Measured:
    """How many of some settled answers are right, (N,): the number that the pages call right."""
    columns = ("task", "label", "by", "truth", "group", "weight", "when")
    return levels.settled(replace(found, **{name: getattr(found, name)[which] for name in columns}))


def _by_day(ground: _Ground) -> list[Cost]:
    """Newest first: what was paid on a day, and what was decided on it, in UTC."""
    sums = ground.booked.annotate(day=TruncDate("closed_at", tzinfo=UTC)).values_list("day")
    paid: Mapping[date, int] = dict(sums.annotate(sum=Sum("cost_microdollars")))
    decided = _decided(ground.question)
    made = [decided[task][0] if task in decided else None for task in ground.found.task.tolist()]
    days = sorted({day for day in made if day} | set(paid), reverse=True)
    of = np.array([days.index(day) if day else -1 for day in made], dtype=np.int64)
    return [
        replace(ground.row("", f"{day:%-d %b %Y}", of == place), spent=int(paid.get(day) or 0))
        for place, day in enumerate(days)
    ]


def _by_label(ground: _Ground) -> list[Cost]:
    """In the order of the labels; an answer of several parts counts in the row of each of them."""
    if not len(ground.found.task):
        return []
    names, said, _ = part_answers(ground.found)
    return [ground.row("", name, said[:, place]) for place, name in enumerate(names) if said[:, place].any()]


def _by_group(ground: _Ground) -> list[Cost]:
    """The largest first."""
    found = ground.found
    rows = [ground.row("", name or "none", found.group == place) for place, name in enumerate(found.groups)]
    return sorted(rows, key=lambda row: -row.decided)


def _by_annotator(ground: _Ground) -> list[Cost]:
    """The dearest first: what each was paid itself, and the tasks on which it had the last word."""
    decided = _decided(ground.question)
    last = np.array([decided[task][1] if task in decided else -1 for task in ground.found.task.tolist()], np.int64)
    paid = dict(ground.booked.values_list("annotator").annotate(sum=Sum("cost_microdollars")))
    answers = dict(_votes(ground.question))
    those = ground.question.project.annotators.order_by("pk")
    rows = [
        replace(_own(ground, one, last), spent=int(paid.get(one.pk) or 0), answers=answers.get(one.pk, 0))
        for one in those
        if one.pk in answers or one.pk in paid
    ]
    crowd = replace(ground.row("crowd", NOBODY, last == 0), spent=0)
    return [*([crowd] if crowd.decided else []), *sorted(rows, key=lambda row: (-row.spent, -(row.answers or 0)))]


def _own(ground: _Ground, one: Annotator, last: NDArray[np.int64]) -> Cost:
    return ground.row(one.kind, one.name, last == one.pk)


def _decided(question: Question) -> dict[int, tuple[date, int]]:
    """By task the day of its decision, and the key of who made it, 0 where it was nobody in particular."""
    rows = Decision.objects.current().filter(task__project=question.project_id, task__question=question)
    days = rows.annotate(day=TruncDate("created_at", tzinfo=UTC)).values_list("task_id", "day", "annotator_id")
    return {task: (day, who or 0) for task, day, who in days.iterator(2000)}


def _votes(question: Question) -> Sequence[tuple[int, int]]:
    votes = Vote.objects.current().filter(task__project=question.project_id, task__question=question)
    return list(votes.values_list("annotator").annotate(n=Count("pk")).order_by())
