"""A settled task is mended, asked about once more, or made a case; who leaves gives their cards back."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from labeling.models import Batch, Decision, Escalation, Project, Task, Vote
from reviewers import history
from reviewers.models import Assignment
from reviewers.queue import claiming, undoing
from tests.questions import batch_of, question
from tests.reviewers.scenery import answer, ask, believe, person
from tests.reviewers.test_views_annotate import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def settled_task(batch: Batch) -> Task:
    """Ann settled the first task as Roads and lights."""
    ask(batch.tasks.first())
    answer(claiming.claim(person(batch.project, "ann")), 0)
    return batch.tasks.first()


def act(client: Client, task: Task, **told: Any) -> str:
    return client.post(f"{task.get_absolute_url()}mend/", told, follow=True).content.decode()


def test_an_expert_mends_a_settled_task_and_whoever_is_overruled_reads_why(settled_task: Task) -> None:
    labels = settled_task.project.label_list()
    eve = signed_in("eve")
    for place in (1, 2):
        assert "Settled as" in act(eve, settled_task, act="mend", label=labels[place].pk, note="The pipe is the cause.")
    decision = Decision.objects.current().get(task=settled_task)
    assert (decision.label, decision.decided_by) == (labels[2], "expert")
    assert Decision.objects.filter(task=settled_task).count() == 3 and Vote.objects.current().count() == 2
    overruled = history.outcomes(history.overruled(person(settled_task.project, "ann")))
    assert [one.why for one in overruled] == ["The pipe is the cause."]


def test_a_label_that_the_votes_do_not_believe_in_is_said_to_stand(settled_task: Task) -> None:
    believe(settled_task, 0.99, 0.005, 0.005)
    labels, eve = settled_task.project.label_list(), signed_in("eve")
    assert "and that stands" in act(eve, settled_task, act="mend", label=labels[2].pk)
    assert "and that stands" not in act(eve, settled_task, act="mend", label=labels[0].pk)


def test_a_mend_needs_a_label(settled_task: Task) -> None:
    assert "Choose the label that is right" in act(signed_in("eve"), settled_task, act="mend", label="x")
    assert Decision.objects.count() == 1


@pytest.mark.slow
def test_one_more_person_is_asked_about_a_settled_task_and_reads_the_words(settled_task: Task) -> None:
    act(signed_in("max"), settled_task, act="again", note="Whose lamp is it?")
    settled_task.refresh_from_db()
    assert settled_task.stage == "open" and Decision.objects.filter(superseded_at__isnull=False).count() == 1
    assert claiming.claim(person(settled_task.project, "ann")) is None, "she has answered it"
    held = claiming.claim(person(settled_task.project, "bob"))
    assert "Whose lamp is it?" in held.escalation.why
    answer(held, 0)
    assert Decision.objects.current().get(task=settled_task).label.position == 0


def test_one_more_person_is_asked_beside_another_who_is_asked_already(batch: Batch) -> None:
    task = batch.tasks.first()
    ask(task, slot=0)
    ask(task, slot=1)
    answer(claiming.claim(person(batch.project, "ann")), 0)
    act(signed_in("max"), task, act="again", note="Whose lamp is it?")
    assert sorted(Escalation.objects.open().filter(task=task).values_list("slot", flat=True)) == [0, 1]


def test_an_answer_is_taken_back_after_one_more_person_was_asked(settled_task: Task) -> None:
    act(signed_in("max"), settled_task, act="again")
    undoing.undo(person(settled_task.project, "ann"))
    assert Escalation.objects.open().filter(task=settled_task).count() == 2


def test_a_settled_task_becomes_a_case_once(settled_task: Task) -> None:
    for _ in range(2):
        act(signed_in("eve"), settled_task, act="case", note="Two requests in one.")
    assert Escalation.objects.open().to_experts().count() == 1
    assert claiming.claim(person(settled_task.project, "eve", "expert")).escalation.task == settled_task


def test_annotators_cannot_mend(settled_task: Task) -> None:
    assert signed_in("ann").post(f"{settled_task.get_absolute_url()}mend/", {"act": "case"}).status_code == 403


def test_who_is_removed_is_asked_about_first_and_gives_their_cards_back(batch: Batch) -> None:
    ask(batch.tasks.first())
    held = claiming.claim(person(batch.project, "ann"))
    manager, member = signed_in("max"), batch.project.memberships.get(user__username="ann")
    page = f"/p/city/people/{member.pk}/remove/"
    assert "1 open card goes back to the queue" in manager.get(page).content.decode()
    assert Assignment.objects.live().get() == held
    assert "1 open card is back in the queue" in manager.post(page, follow=True).content.decode()
    assert claiming.claim(person(batch.project, "bob")).escalation == held.escalation
    assert signed_in("bob").get(page).status_code == 403


def test_a_step_of_a_scale_is_mended_on_the_page_of_the_task(project: Project) -> None:
    asked = question(project, "scale", ("1", "2", "3"))
    task = batch_of(project, ["One."]).tasks.get(question=asked)
    step = asked.label_list()[2]
    assert "Settled as 3" in act(signed_in("eve"), task, act="mend", label=step.pk, note="Clearly.")
    assert Decision.objects.current().get(task=task).label == step


def test_a_settled_set_of_labels_is_mended_at_the_experts_desk(project: Project) -> None:
    asked = question(project, "choices", ("1", "2"))
    task = batch_of(project, ["One."]).tasks.get(question=asked)
    Decision.objects.create(task=task, marks=[0], decided_by="crowd", confidence=0.9, entropy=0.1)
    Task.objects.filter(pk=task.pk).update(stage="decided")
    eve = signed_in("eve")
    page = eve.get(task.get_absolute_url()).content.decode()
    assert "make it a case: experts answer there" in page and 'name="act" value="mend"' not in page
    answered = act(eve, task, act="case", note="Water as well.")
    assert f'It waits at the <a href="/p/{project.slug}/cases/">experts’ desk</a>' in answered
    task.refresh_from_db()
    assert task.stage == "open" and Escalation.objects.open().to_experts().get().task == task
