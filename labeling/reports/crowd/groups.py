"""How right each voter, and the labels of all together, are in each group of tasks: a language, a place, a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labeling.models import Belief, Question, Task
from labeling.reports.crowd.votes import Known
from labeling.reports.estimates import Measured, share
from labeling.truth.by_group import standing
from labeling.truth.languages import is_language
from labeling.truth.votes import Ints

MOST_GROUPS = 8
"""The largest groups are shown."""
CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One voter. `cells`: how right it is, group by group; `best`: in which groups nobody is more often right."""

    pk: int
    kind: str
    name: str
    cells: tuple[Measured, ...]
    best: tuple[bool, ...]

    @property
    def pairs(self) -> list[tuple[Measured, bool]]:
        return list(zip(self.cells, self.best, strict=True))


@dataclass(frozen=True, slots=True)
class GroupTable:
    """`attribute`: what parts the tasks; `names`: the groups; `together`: the likeliest labels, on what nobody learned
    from. `own_crowds`: each group is labeled by a crowd of its own, as languages are."""

    attribute: str
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    together: tuple[Measured, ...]
    own_crowds: bool


def table(question: Question, known: Known, names: dict[int, str]) -> GroupTable | None:
    """The table by the project's first attribute, None where it has none, all known tasks are of one group
    or nobody voted.

    `names`: of the annotators, by key.
    """
    attribute = question.project.group_name
    groups, place = _places(attribute, known) if attribute else ([], np.zeros(0, dtype=np.int32))
    if len(groups) < 2 or not known.votes.n_annotators:
        return None
    found = standing(known.votes, np.where(place < 0, len(groups), place).astype(np.int32), known.truth, 0.0)
    n, right = found.n[:, : len(groups)], found.right[:, : len(groups)]
    shares = np.divide(right, n, out=np.zeros_like(right), where=n > 0)
    rows = [
        Row(
            one.pk,
            one.kind,
            names[one.pk],
            tuple(share(float(r), float(k), counted="known labels") for r, k in zip(right[j], n[j], strict=True)),
            tuple((shares[j] >= shares.max(axis=0)).tolist()),
        )
        for j, one in enumerate(known.annotators)
        if one.archived_at is None and n[j].sum() > 0
    ]
    rows.sort(key=lambda row: -float(np.mean([cell.value or 0.0 for cell in row.cells])))
    return GroupTable(attribute, tuple(groups), tuple(rows), _together(known, place, groups), is_language(attribute))


def _places(attribute: str, known: Known) -> tuple[list[str], Ints]:
    """The largest groups by name, and the group of each task, -1 for none of them."""
    on_known = [task for task, truth in zip(known.tasks, known.truth.tolist(), strict=True) if truth >= 0]
    told: dict[int, str] = {}
    for begin in range(0, len(on_known), CHUNK):
        rows = Task.objects.filter(pk__in=on_known[begin : begin + CHUNK])
        told |= {pk: str(groups.get(attribute, "")) for pk, groups in rows.values_list("pk", "instance__groups")}
    counted: dict[str, int] = {}
    for name in filter(None, told.values()):
        counted[name] = counted.get(name, 0) + 1
    largest = sorted(counted, key=lambda name: (-counted[name], name))[:MOST_GROUPS]
    place = {name: at for at, name in enumerate(sorted(largest))}
    return sorted(largest), np.array([place.get(told.get(task, ""), -1) for task in known.tasks], dtype=np.int32)


def _together(known: Known, place: Ints, groups: Sequence[str]) -> tuple[Measured, ...]:
    """How right the likeliest labels are in each group."""
    at = {task: i for i, task in enumerate(known.tasks)}
    wanted = np.flatnonzero((known.truth >= 0) & ~known.learned)
    right, n = np.zeros(len(groups)), np.zeros(len(groups))
    for begin in range(0, len(wanted), CHUNK):
        tasks = [known.tasks[i] for i in wanted[begin : begin + CHUNK].tolist()]
        for task, base in Belief.objects.filter(task__in=tasks).values_list("task_id", "base"):
            i = at[task]
            if place[i] >= 0 and base:
                n[place[i]] += 1
                right[place[i]] += int(np.argmax(base)) == known.truth[i]
    return tuple(share(float(r), float(k), counted="known labels") for r, k in zip(right, n, strict=True))
