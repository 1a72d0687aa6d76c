"""A task that everybody skips, or that nobody is left to answer, is the manager's to-do: one press asks an expert."""

from __future__ import annotations

import pytest
from django.test import Client

from labeling.checks import draws
from labeling.models import Batch, Decision, Escalation, Membership, Task
from reviewers.queue import answering, claiming
from tests.labeling.managed import told
from tests.reviewers.scenery import answer, ask, person
from tests.reviewers.test_views_annotate import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(batch: Batch) -> Task:
    """The one task that waits for a person."""
    first = batch.tasks.all()[0]
    ask(first)
    return first


def skip(task: Task, *names: str) -> None:
    for name in names:
        held = claiming.claim(person(task.project, name))
        assert held is not None and held.escalation.task_id == task.pk
        answering.skip(held)


def stuck(manager: Client) -> list[str]:
    return [one.strong for one in manager.get("/p/city/").context["todos"] if one.verb == "Ask an expert"]


@pytest.mark.slow
def test_a_task_that_everybody_skipped_waits_for_the_manager_and_becomes_a_case_by_one_press(
    manager: Client, task: Task
) -> None:
    skip(task, "ann")
    assert stuck(manager) == [], "bob has not seen it yet"
    skip(task, "bob")
    assert stuck(manager) == ["1 task"]
    assert "is stuck" in told(manager.get("/p/city/")) and "everybody who labels skipped it" in told(
        manager.get("/p/city/")
    )
    page = told(manager.post("/p/city/tasks/stuck/", {"act": "case"}, follow=True))
    assert "1 task is a case for the experts now." in page and stuck(manager) == []
    assert not Escalation.objects.open().to_people().exists()
    case = claiming.claim(person(task.project, "eve", "expert"))
    assert case is not None and "Everybody skipped it" in case.escalation.why
    answer(case, 1)
    assert Decision.objects.current().get(task=task).decided_by == "expert"


@pytest.mark.slow
def test_a_task_that_wants_more_opinions_than_there_are_people_is_stuck_as_well(manager: Client, task: Task) -> None:
    ask(task, slot=1)
    ask(task, slot=2)
    for name in ("ann", "bob"):
        answer(claiming.claim(person(task.project, name)), 0)
    left = Escalation.objects.open().to_people().filter(task=task).exists()
    assert stuck(manager) == (["1 task"] if left else [])
    assert left == (claiming.claim(person(task.project, "max")) is not None)


@pytest.mark.slow
def test_without_annotators_all_members_must_have_skipped(manager: Client, task: Task) -> None:
    Membership.objects.filter(role="annotator").delete()
    skip(task, "eve")
    assert stuck(manager) == []
    skip(task, "max")
    assert stuck(manager) == ["1 task"]


@pytest.mark.slow
def test_a_check_by_lot_that_everybody_skipped_goes_to_an_expert_by_one_press(manager: Client, settled: Batch) -> None:
    draws.draw(settled, 1)
    check = Escalation.objects.get(reason="audit")
    skip(check.task, "ann")
    assert stuck(manager) == []
    skip(check.task, "bob")
    assert stuck(manager) == ["1 check at random"]
    page = told(manager.post("/p/city/tasks/stuck/", {"act": "check"}, follow=True))
    assert "1 check waits for the experts now." in page and stuck(manager) == []
    held = claiming.claim(person(settled.project, "eve", "expert"))
    assert held is not None and held.escalation_id == check.pk
    answer(held, 1)
    check.refresh_from_db()
    assert check.state == "answered" and check.checks is not None
    assert "Nothing is stuck any more" in told(manager.post("/p/city/tasks/stuck/", {"act": "check"}, follow=True))


def test_paused_batches_are_left_alone(manager: Client, task: Task) -> None:
    skip(task, "ann", "bob")
    task.batch.stop("")
    assert stuck(manager) == []


def test_a_second_press_says_that_nothing_is_stuck_and_only_managers_may_press(manager: Client, task: Task) -> None:
    assert "Nothing is stuck any more" in told(manager.post("/p/city/tasks/stuck/", follow=True))
    assert signed_in("eve").post("/p/city/tasks/stuck/").status_code == 403
    assert manager.get("/p/city/tasks/stuck/").status_code == 405
