"""Checks: gold labels no method has seen, drawn checks with their probability, and the weights that follow."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
import pytest

from fairness import reports
from labeling.checks import draws, results
from labeling.managing import leftovers
from labeling.models import Batch, Decision, Escalation, Task, Vote
from labeling.money import ledger
from labeling.web.views.batches import accepted
from reviewers.queue import answering, claiming, undoing
from tests.labeling.managed import person, settled_batch

pytestmark = pytest.mark.django_db


@pytest.fixture
def settled(project: Any) -> Batch:
    project.check_share = 0
    project.save()
    return settled_batch(project)


def answer(batch: Batch, name: str, *, right: bool = True) -> Task:
    """The next question of a person, answered with the label as it stands or with another one."""
    claimed = claiming.claim(person(batch.project, name))
    assert claimed is not None
    task = claimed.escalation.task
    stands = Decision.objects.current().get(task=task).label
    other = batch.project.first_question.labels.exclude(pk=stands.pk).first()
    answering.submit(claimed, stands if right else other, uuid.uuid4())
    return task


def test_gold_that_no_method_has_seen_checks_the_labels(settled: Batch) -> None:
    assert results.load(settled).weights is None, "every group is checked alike"
    Task.objects.filter(batch=settled, position__lt=10, gold__isnull=False).update(slice="validation")
    found = results.load(settled)
    assert len(found.task) == 115 and found.learned == 5
    assert found.checks.sum() == 55 and found.right[found.checks].mean() == pytest.approx(44 / 55)


def test_drawn_tasks_carry_the_probability_of_all_draws_of_their_group(settled: Batch) -> None:
    could = draws.could_be_checked(settled, draws.Group(("Group",), "Harbour")).count()
    assert draws.draw(settled, 5, group="Harbour") == 5
    assert draws.draw(settled, 10, group="Harbour") == 10
    drawn = Task.objects.filter(batch=settled, check_probability__isnull=False)
    assert drawn.count() == 15 and set(drawn.values_list("instance__groups__Group", "slice")) == {("Harbour", "audit")}
    assert set(drawn.values_list("check_probability", flat=True)) == {15 / could}
    asked = Escalation.objects.open().filter(reason="audit", to="person")
    assert asked.count() == 15 and asked.values("task").distinct().count() == 15


def test_a_draw_takes_no_more_than_there_is_and_nobody_s_known_label(settled: Batch) -> None:
    could = draws.could_be_checked(settled, draws.Group(("Group",), "Old Town")).count()
    assert draws.draw(settled, 500, group="Old Town") == could
    assert draws.draw(settled, 1, group="Old Town") == 0
    assert not Task.objects.filter(gold__isnull=False, check_probability__isnull=False).exists()


def test_an_expert_s_label_is_not_drawn(settled: Batch) -> None:
    Decision.objects.filter(task__batch=settled, task__gold=None).update(decided_by="expert")
    assert draws.draw(settled, 10) == 0


def test_a_confirming_check_counts_as_right_for_who_settled_it(settled: Batch) -> None:
    Task.objects.filter(batch=settled).update(gold=None)
    draws.draw(settled, 1)
    task = answer(settled, "ann")
    found = results.load(settled)
    assert found.task[found.checks].tolist() == [task.pk]
    assert found.right[found.checks].tolist() == [True] and results.BY[found.by[found.checks][0]] == "crowd"


def test_an_error_stays_an_error_after_the_check_corrected_it(settled: Batch) -> None:
    Task.objects.filter(batch=settled).update(gold=None)
    draws.draw(settled, 1)
    task = answer(settled, "ann", right=False)
    found = results.load(settled)
    assert found.right[found.checks].tolist() == [False] and results.BY[found.by[found.checks][0]] == "crowd"
    case = claiming.claim(person(settled.project, "eve", "expert"))
    assert case is not None and case.escalation.task == task
    answering.submit(case, case.escalation.task.decisions.first().label, uuid.uuid4())
    found = results.load(settled)
    assert found.right[found.checks].tolist() == [True], "the expert found the crowd right after all"


def test_a_check_that_was_taken_back_counts_no_more(settled: Batch) -> None:
    Task.objects.filter(batch=settled).update(gold=None)
    draws.draw(settled, 1)
    answer(settled, "ann")
    undoing.undo(person(settled.project, "ann"))
    assert results.load(settled).checks.sum() == 0


def test_of_a_changed_answer_to_a_check_the_first_one_counts_and_the_later_one_is_kept(settled: Batch) -> None:
    Task.objects.filter(batch=settled).update(gold=None)
    draws.draw(settled, 1)
    ann = person(settled.project, "ann")
    task = answer(settled, "ann", right=False)
    done = undoing.last_answers(ann, 1)[0]
    stands = Decision.objects.filter(task=task).first().label
    undoing.change(done, stands, uuid.uuid4())
    found = results.load(settled)
    assert found.checks.sum() == 1 and not found.right[found.checks].any()
    assert Vote.objects.current().get(task=task, annotator=ann).label == stands


def test_the_place_of_a_check_in_the_queue_tells_nothing(settled: Batch) -> None:
    Task.objects.filter(batch=settled).update(gold=None)
    tasks = list(settled.tasks.all())
    Task.objects.filter(pk__in=[task.pk for task in tasks[:60]]).update(stage="open")
    for place, task in enumerate(tasks[:60]):
        Escalation.objects.create(task=task, to="person", reason="uncertain", why=".", priority=1.5 - place / 100)
    draws.draw(settled, 40)
    reasons = list(Escalation.objects.open().order_by("-priority", "pk").values_list("reason", flat=True))
    half = len(reasons) // 2
    early = reasons[:half].count("audit")
    assert 12 <= early <= 28, "of 40, about half in the first half of the queue"
    assert "uncertain" in reasons[:5] and "uncertain" in reasons[-5:]


def test_checks_nobody_has_answered_are_pending(settled: Batch) -> None:
    draws.draw(settled, 3, group="Harbour")
    answer(settled, "ann")
    assert results.load(settled).pending == {"Harbour": 2}


def test_weights_make_every_group_count_by_its_size() -> None:
    group = np.array([0] * 90 + [1] * 10, dtype=np.int32)
    looked_at = np.array([n < 9 or 90 <= n < 95 for n in range(100)])
    zeros = np.zeros(100)
    weight = results.inverse_probability(group, np.zeros(100, dtype=np.int64), looked_at, zeros, zeros > 0)
    assert np.unique(weight[:9]).tolist() == [10.0] and np.unique(weight[90:95]).tolist() == [2.0]
    assert weight[looked_at].sum() == pytest.approx(100)


def test_unequal_chances_weigh_by_their_inverse_within_a_group() -> None:
    looked_at, chance = np.ones(4, dtype=bool), np.array([0.1, 0.1, 0.2, 0.2])
    weight = results.inverse_probability(
        np.zeros(4, dtype=np.int32), np.zeros(4, dtype=np.int64), looked_at, chance, np.zeros(4, dtype=bool)
    )
    assert weight[0] / weight[2] == pytest.approx(2) and weight.mean() == pytest.approx(1)


@pytest.mark.slow
def test_weighted_checks_estimate_the_whole_when_one_group_is_checked_more(settled: Batch) -> None:
    """Simulated many times: the mean estimate is the true share although the worse group is checked five times more."""
    rng = np.random.default_rng(3)
    group = np.repeat([0, 1], [900, 100]).astype(np.int32)
    right = rng.random(1000) < np.where(group == 0, 0.95, 0.6)
    estimates = []
    for _ in range(300):
        chance = np.where(group == 0, 0.08, 0.4)
        looked_at = rng.random(1000) < chance
        weight = results.inverse_probability(group, np.zeros(1000, np.int64), looked_at, np.zeros(1000), group < 0)
        estimates.append(np.average(right[looked_at], weights=weight[looked_at]))
    assert np.mean(estimates) == pytest.approx(right.mean(), abs=0.006)


def test_checks_that_follow_once_more_is_settled_are_announced_with_their_price_and_no_others_come(
    settled: Batch,
) -> None:
    type(settled.project).objects.update(wage_microdollars_per_hour=12_000_000)
    settled.project.refresh_from_db()
    settled.tasks.filter(position__gte=60).update(stage="open")
    foreseen = reports._to_follow(settled, 30, settled.project.first_question)
    assert draws.draw(settled, 12) == 12
    settled.refresh_from_db(fields=["check_cuts"])
    left, each = leftovers.of(settled), draws.price_of_one(settled)
    assert 0 < left.checks < foreseen and each and left.check_price == left.checks * each
    price = ledger.dollars(left.check_price)
    announced = f"Up to {left.checks} more follow as open tasks are settled, for about {price}."
    assert draws.words(settled, 12).endswith(announced)
    assert f"{left.checks} of them are drawn at random for a check, for about {price}." in accepted(left)
    settled.tasks.update(stage="decided")
    assert draws.draw_slice(settled) == left.checks and draws.draw_slice(settled) == 0
