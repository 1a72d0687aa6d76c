"""What is read of a large scope is brought up to date by what changed, and is then what a first reading would be."""

from __future__ import annotations

import uuid
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from fairness import groups
from labeling.checks import draws, refreshed, results
from labeling.checks.cells import counted
from labeling.checks.results import Checked
from labeling.models import Batch, Decision, Project, Task
from labeling.rounds import decisions
from labeling.rounds.decisions import Verdict
from reviewers.queue import answering, claiming
from tests.labeling.managed import person, settled_batch

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(project: Project, monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setattr(refreshed, "MANY", 1)
    monkeypatch.setattr(refreshed, "LATE_ROWS", 0)
    refreshed.KEPT.clear()
    made = settled_batch(project, tasks=120)
    Task.objects.filter(batch=made, position__gte=100).update(stage="open")
    Decision.objects.filter(task__batch=made, task__position__gte=100).delete()
    return made


def same(batch: Batch) -> Checked:
    """What is read now, after it was held against a first reading."""
    now = results.load(batch)
    refreshed.KEPT.clear()
    anew = results.load(batch)
    for one in fields(Checked):
        mine, theirs = getattr(now, one.name), getattr(anew, one.name)
        if isinstance(mine, np.ndarray):
            assert np.array_equal(mine, theirs), one.name
        elif one.name != "numbers":
            assert mine == theirs, one.name
    return anew


def label_of(batch: Batch, place: int) -> int:
    return batch.project.label_list()[place].pk


def settle(batch: Batch, place: int, label: int) -> None:
    task = batch.tasks.get(position=place)
    decisions.decide(Verdict(task.pk, label_of(batch, label), "crowd", 0.9, 0.1))


def test_newly_settled_superseded_and_reopened_tasks_are_seen(batch: Batch) -> None:
    before = results.load(batch)
    assert len(before.task) == 100
    settle(batch, 110, 0), settle(batch, 105, 1), settle(batch, 4, 2)
    assert len(same(batch).task) == 102
    decisions.reopen(batch.tasks.get(position=7))
    assert len(same(batch).task) == 101 and len(before.task) == 100, "what was read before stays as it was"


def test_only_what_changed_is_read(batch: Batch, django_assert_max_num_queries: Any) -> None:
    results.load(batch)
    settle(batch, 110, 0)
    kept = next(iter(refreshed.KEPT.values()))
    touched = kept.marks.touched(batch, batch.project.first_question)
    assert touched == {batch.tasks.get(position=110).pk}


@pytest.mark.slow
def test_answered_checks_are_seen(batch: Batch) -> None:
    Task.objects.filter(batch=batch).update(gold=None)
    results.load(batch)
    draws.draw(batch, 20)
    same(batch)
    results.load(batch)
    for _ in range(5):
        claimed = claiming.claim(person(batch.project, "ann"))
        assert claimed is not None
        answering.submit(claimed, batch.project.label_list()[0], uuid.uuid4())
    assert same(batch).checks.sum() == 5


def test_small_scopes_are_not_kept(project: Project) -> None:
    refreshed.KEPT.clear()
    results.load(settled_batch(project, 40))
    assert not refreshed.KEPT


def test_counted_cells_tell_what_single_tasks_tell(batch: Batch) -> None:
    found = results.load(batch)
    cells = counted(found)
    assert cells.count is not None and cells.count.sum() == len(found.task) > len(cells.task)
    group, names = groups.merged(found.group, found.groups)
    for of, where in ((found, group), (cells, cells.group)):
        parts, traits = groups.parts_of(of, where, names)
        table = groups.parts_table(parts, traits, groups._whole(of, where, names), groups.Terms(draws=200))
        told = [(row.group, row.n, row.n_positive, row.tpr.value, row.accuracy.low) for row in table.labels[0].rows]
        if of is found:
            first = told
    assert [row[:3] for row in told] == [row[:3] for row in first]
    assert [row[3:] for row in told] == [pytest.approx(row[3:]) for row in first]
