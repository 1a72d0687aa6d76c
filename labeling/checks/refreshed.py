"""What is known of many settled tasks, brought up to date by those that changed: as columns, with what was read so far.

A million tasks are read once; after that a thousand new answers cost a thousand rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Max
from numpy.typing import NDArray

from labeling.models import Batch, Decision, Escalation, Project, Question, Task, Vote

MANY = 20_000
"""From so many tasks on the columns are kept."""
MOST_CHANGED = 50_000
MOST_KEPT, AT_ONCE = 4, 2000
LATE_ROWS, LATE = 500, timedelta(seconds=5)
"""So much older rows are looked at once more: their transactions may have ended after younger ones."""
Row = tuple[int, int, int, int, str, float, float, int]


@dataclass(frozen=True, slots=True)
class Columns:
    """One entry for each settled or checked task, in order of its key, (N,) each; `group`: place in `names`."""

    task: NDArray[np.int64]
    label: NDArray[np.int32]
    by: NDArray[np.int32]
    truth: NDArray[np.int32]
    group: NDArray[np.int32]
    when: NDArray[np.float64]
    chance: NDArray[np.float64]
    batch: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, rows: Sequence[Row], names: Sequence[str] = ()) -> Columns:
        """From rows in order of their tasks; groups that are not among the `names` come behind them."""
        there = dict.fromkeys([*names, *sorted({row[4] for row in rows} - set(names))])
        place = {name: at for at, name in enumerate(there)}
        types = (np.int64, np.int32, np.int32, np.int32, np.int32, np.float64, np.float64, np.int64)
        columns = [
            np.array([place[row[4]] for row in rows] if at == 4 else [row[at] for row in rows], dtype=kind)
            for at, kind in enumerate(types)
        ]
        return cls(**dict(zip((one.name for one in fields(cls)), columns, strict=False)), names=tuple(there))

    def changed(self, rows: Sequence[Row], touched: Iterable[int]) -> Columns:
        """The same with these rows in place of whatever stood of the tasks that were touched."""
        new = Columns.of(rows, self.names)
        keys = np.unique(np.fromiter(touched, dtype=np.int64))
        at = np.minimum(np.searchsorted(self.task, keys), max(len(self.task) - 1, 0))
        old = at[self.task[at] == keys] if len(self.task) else at[:0]
        if len(old) == len(new.task) and np.array_equal(self.task[old], new.task):
            return self._merged(new, lambda mine, theirs: _put(mine, old, theirs))
        rest = np.delete(self.task, old)
        places = np.searchsorted(rest, new.task)
        return self._merged(new, lambda mine, theirs: np.insert(np.delete(mine, old), places, theirs))

    def _merged(self, new: Columns, join: Any) -> Columns:
        named = {one.name: join(getattr(self, one.name), getattr(new, one.name)) for one in fields(self)[:-1]}
        return Columns(**named, names=new.names)

    def sorted_groups(self) -> Columns:
        """The same with the names that occur, in order."""
        there = np.flatnonzero(np.bincount(self.group, minlength=len(self.names)))
        order = sorted(there.tolist(), key=lambda at: self.names[at])
        place = np.zeros(len(self.names), dtype=np.int32)
        place[order] = np.arange(len(order))
        return replace(self, group=place[self.group], names=tuple(self.names[at] for at in order))


def _put(mine: NDArray[Any], at: NDArray[np.intp], theirs: NDArray[Any]) -> NDArray[Any]:
    copy = mine.copy()
    copy[at] = theirs
    return copy


@dataclass(frozen=True, slots=True)
class Marks:
    """Up to which rows everything was read."""

    decision: int
    escalation: int
    vote: int
    superseded: datetime | None
    closed: datetime | None

    @classmethod
    def now(cls) -> Marks:
        """A few look-ups at the ends of indexes."""
        decision, escalation, vote = (
            int(model.objects.aggregate(top=Max("pk"))["top"] or 0) for model in (Decision, Escalation, Vote)
        )
        over = Decision.objects.filter(superseded_at__isnull=False).aggregate(last=Max("superseded_at"))["last"]
        return cls(decision, escalation, vote, over, Escalation.objects.aggregate(last=Max("closed_at"))["last"])

    def touched(self, scope: Batch | Project, question: Question) -> set[int]:
        """Tasks of a scope of which something was written since: labels, checks, corrected answers.

        Looked up by keys and times alone, and then held against the scope: a scope is large, what is new is not.
        """
        audits = Escalation.objects.filter(reason=Escalation.Reason.AUDIT)
        found = [
            Decision.objects.filter(pk__gt=self.decision - LATE_ROWS),
            _since(Decision.objects.all(), "superseded_at", self.superseded),
            audits.filter(pk__gt=self.escalation - LATE_ROWS),
            _since(audits, "closed_at", self.closed),
            Vote.objects.filter(pk__gt=self.vote - LATE_ROWS, corrects__isnull=False),
        ]
        keys = sorted({task for rows in found for task in rows.order_by().values_list("task_id", flat=True)})
        owner = "batch_id" if isinstance(scope, Batch) else "project_id"
        inside: set[int] = set()
        for first in range(0, len(keys), AT_ONCE):
            rows = Task.objects.filter(pk__in=keys[first : first + AT_ONCE]).order_by()
            places = rows.values_list("pk", owner, "question_id")
            inside |= {pk for pk, of, asked in places if of == scope.pk and asked == question.pk}
        return inside


def _since(rows: Any, field: str, when: datetime | None) -> Any:
    return rows.filter(**{f"{field}__isnull": False} if when is None else {f"{field}__gte": when - LATE})


def shape(scope: Batch | Project) -> object:
    """Changes where more than single tasks may have: an import, a draw of checks, a batch that was emptied."""
    batches = Batch.objects.filter(pk=scope.pk) if isinstance(scope, Batch) else scope.batches.order_by("pk")
    rows = batches.values_list("pk", "rows_new", "check_cuts", "deleted_at", "stage")
    return [(*row[:4], row[4] == Batch.Stage.IMPORTING) for row in rows]


@dataclass(frozen=True, slots=True)
class Kept:
    """What this process has read of a scope, with the numbering of its answers."""

    shape: object
    marks: Marks
    columns: Columns
    numbers: Any


KEPT: dict[object, Kept] = {}


def keep(key: object, found: Kept) -> None:
    """Remember the columns of a large scope, and of a few others."""
    KEPT.pop(key, None)
    if len(found.columns.task) >= MANY:
        KEPT[key] = found
        while len(KEPT) > MOST_KEPT:
            del KEPT[next(iter(KEPT))]
