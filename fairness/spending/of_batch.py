"""What labeling a batch spends on each of its groups: time, money, second opinions; rows to arrays to numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Count, Min, Q, QuerySet, Sum
from numpy.typing import NDArray

from fairness.groups import merged
from fairness.intervals import Estimate, Floats
from fairness.spending import numbers
from fairness.spending.numbers import Groups
from labeling.models import Annotator, Batch, Decision, Escalation, Question, Reservation, Task, Vote
from labeling.models.grouping import By, group_name

By_ = Decision.By
MICRO = 1_000_000
ROWS = 2000


@dataclass(frozen=True, slots=True)
class Told:
    """One measure as the page tells it: its head, what it is, and the unit of its numbers."""

    head: str
    about: str
    unit: str


TOLD = (
    Told("Waited", "half of the settled tasks waited less, since they came in", "time"),
    Told("Still open", "of all tasks", "percent"),
    Told("Money", "for each task, machines and people", "usd"),
    Told("Sent on", "to a paid model, a person or an expert, of all tasks", "percent"),
    Told("Overruled", "a person or an expert gave another label than the machine, of its labels", "percent"),
    Told("No answer", "votes of machines that said nothing, of those cast on a task", "percent"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of one group; `differs` where the group surely differs from all others together."""

    told: Told
    found: Estimate
    differs: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One group: how many tasks it has, and its numbers in the order of `TOLD`."""

    group: str
    n: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Spending:
    """Every group, the largest first."""

    rows: tuple[Row, ...]
    told: tuple[Told, ...] = TOLD

    @property
    def differing(self) -> list[tuple[str, str]]:
        """Groups and measures that differ."""
        return [(row.group, cell.told.head) for row in self.rows for cell in row.cells if cell.differs]


@dataclass(frozen=True, slots=True)
class _Tasks:
    """The tasks of a question that were asked: keys in order, (N,), and the place of each one's group in `names`."""

    key: NDArray[np.int64]
    group: Groups
    names: tuple[str, ...]

    def places(self, keys: Iterable[int]) -> NDArray[np.intp]:
        """Where the tasks with these keys stand."""
        return np.searchsorted(self.key, np.fromiter(keys, dtype=np.int64))


def spending(batch: Batch, by: By, question: Question) -> Spending | None:
    """What each group costs; None where fewer than two groups have a task."""
    tasks = _tasks(batch, by, question)
    if len([name for name in tasks.names if name != "without a group"]) < 2:
        return None
    groups, measures = len(tasks.names), _measures(batch, question, tasks)
    columns = [
        numbers.medians(*measures[0], groups, "settled"),
        numbers.shares(measures[1][0] > 0, measures[1][1], groups, "asked"),
        numbers.means(*measures[2], groups, "asked"),
        numbers.shares(measures[3][0] > 0, measures[3][1], groups, "asked"),
        numbers.shares(measures[4][0] > 0, measures[4][1], groups, "labeled by a machine"),
        numbers.means(*measures[5], groups, "voted on"),
    ]
    differs = numbers.differing(measures, groups, by_rank=[True, *[False] * (len(measures) - 1)])
    sizes = np.bincount(tasks.group, minlength=groups)
    rows = [
        Row(
            name,
            int(sizes[at]),
            tuple(_cells(at, columns, differs)),
        )
        for at, name in enumerate(tasks.names)
    ]
    return Spending(tuple(sorted(rows, key=lambda row: -row.n)))


def _cells(group: int, columns: Sequence[Sequence[Estimate]], differs: Sequence[set[int]]) -> Iterator[Cell]:
    for told, column, where in zip(TOLD, columns, differs, strict=True):
        yield Cell(told, column[group], group in where)


def _tasks(batch: Batch, by: By, question: Question) -> _Tasks:
    asked = batch.tasks.about(question).asked().exclude(slice=Task.Slice.VALIDATION).order_by("pk")
    rows = list(asked.values_list("pk", group_name(by, "instance__groups")).iterator(ROWS))
    called, place = np.unique([name for _, name in rows], return_inverse=True)
    group, names = merged(place.astype(np.int32), tuple(str(name) for name in called))
    return _Tasks(np.array([pk for pk, _ in rows], dtype=np.int64), group, names)


def _measures(batch: Batch, question: Question, tasks: _Tasks) -> list[tuple[Floats, Groups]]:
    """The numbers of each measure and the groups of their tasks, in the order of `TOLD`."""
    n, open_ = len(tasks.key), np.zeros(len(tasks.key))
    open_[tasks.places(_keys(batch.tasks.about(question).undecided(), tasks))] = 1
    return [
        _waited(batch, question, tasks),
        (open_, tasks.group),
        (_sums(tasks, _paid(batch, question), n) / MICRO, tasks.group),
        (_sums(tasks, _sent_on(batch, question), n), tasks.group),
        _overruled(batch, question, tasks),
        _silent(batch, question, tasks),
    ]


def _keys(found: QuerySet[Task], tasks: _Tasks) -> list[int]:
    there = np.fromiter(found.order_by().values_list("pk", flat=True), dtype=np.int64)
    return [int(key) for key in there[np.isin(there, tasks.key)]]


def _within(tasks: _Tasks, rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows whose first column is the key of one of the tasks."""
    there = list(rows)
    kept = np.isin(np.array([row[0] for row in there], dtype=np.int64), tasks.key)
    return [row for row, keep in zip(there, kept, strict=True) if keep]


def _sums(tasks: _Tasks, rows: Iterable[tuple[int, int]], n: int) -> Floats:
    """A number for each task, (n,), 0 where there is no row."""
    sums = np.zeros(n)
    inside = _within(tasks, rows)
    sums[tasks.places(key for key, _ in inside)] = [value or 0 for _, value in inside]
    return sums


def _waited(batch: Batch, question: Question, tasks: _Tasks) -> tuple[Floats, Groups]:
    """Seconds from the coming in of the batch to the first label of each settled task."""
    first = Decision.objects.filter(task__batch=batch, task__question=question).exclude(decided_by=By_.FILE)
    rows = _within(tasks, first.order_by().values_list("task").annotate(Min("created_at")))
    began = batch.created_at
    seconds = np.array([_seconds(began, when) for _, when in rows])
    return seconds, tasks.group[tasks.places(key for key, _ in rows)]


def _seconds(began: datetime, when: datetime) -> float:
    return max((when - began).total_seconds(), 0.0)


def _paid(batch: Batch, question: Question) -> Iterable[tuple[int, int]]:
    """Micro-dollars that were paid for answers to each task."""
    booked = Reservation.objects.filter(task__batch=batch, task__question=question, state=Reservation.State.SETTLED)
    return booked.order_by().values_list("task").annotate(Sum("cost_microdollars"))


def _sent_on(batch: Batch, question: Question) -> Iterable[tuple[int, int]]:
    """1 for each task that somebody beyond the free crowd was asked about; checks and probes do not count."""
    reasons = [Escalation.Reason.AUDIT, Escalation.Reason.PROBE]
    asked = Escalation.objects.filter(task__batch=batch, task__question=question).exclude(reason__in=reasons)
    return ((task, 1) for task in asked.order_by().values_list("task", flat=True).distinct())


def _overruled(batch: Batch, question: Question, tasks: _Tasks) -> tuple[Floats, Groups]:
    """1 for each label of a machine that a person or an expert replaced by another one, 0 for those that stand."""
    here = Decision.objects.filter(task__batch=batch, task__question=question).order_by("pk")
    columns = ("task", "label", "marks", "decided_by", "superseded_at")
    machine: dict[int, tuple[Any, Any]] = {}
    over: dict[int, int] = {}
    for task, label, marks, by, superseded in here.values_list(*columns).iterator(ROWS):
        if by in (By_.CROWD, By_.PAID):
            machine[task], over[task] = (label, marks), 0
        elif task in machine and by in (By_.PERSON, By_.EXPERT) and superseded is None:
            over[task] = int(machine[task] != (label, marks))
    rows = _within(tasks, over.items())
    return np.array([float(value) for _, value in rows]), tasks.group[tasks.places(key for key, _ in rows)]


def _silent(batch: Batch, question: Question, tasks: _Tasks) -> tuple[Floats, Groups]:
    """The share of machines' votes on each task that say nothing."""
    votes = Vote.objects.current().filter(task__batch=batch, task__question=question)
    votes = votes.filter(annotator__kind__in=Annotator.MACHINES)
    says = Count("pk", filter=Q(label__isnull=False) | Q(marks__isnull=False))
    counted = votes.order_by().values("task").annotate(cast=Count("pk"), says=says)
    rows = _within(tasks, counted.values_list("task", "cast", "says"))
    share = np.array([1 - answered / cast for _, cast, answered in rows])
    return share, tasks.group[tasks.places(row[0] for row in rows)]
