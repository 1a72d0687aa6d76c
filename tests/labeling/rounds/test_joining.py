"""A model joins while a batch is at work, over a real connection on this machine."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from labeling.managing import joining, measuring
from labeling.models import Annotator, Batch, Decision, Task, Vote
from labeling.money import ledger
from labeling.people import recruiting
from labeling.rounds import story, teaching
from tests.fake_openai import FakeOpenAI

pytestmark = pytest.mark.django_db
Stage = Batch.Stage


def spec(server: FakeOpenAI, name: str) -> str:
    return f"chat:{name}@{server.base_url}?local=yes&timeout=5"


def under_review(batch: Batch, server: FakeOpenAI) -> list[Task]:
    """A batch in which one model has voted: of its six tasks one is known, two are settled by the crowd, three open."""
    recruiting.add_models(batch.project, [spec(server, "first")])
    teaching.begin(batch)
    batch.move(Stage.VOTING, come_from=Stage.REVIEWING)
    story.hand_out(batch)
    while batch.stage != Stage.WEIGHING:
        story.collect_votes(batch)
        batch.refresh_from_db()
    tasks = list(batch.tasks.order_by("position"))
    label = batch.project.label_list()[0]
    Task.objects.filter(pk=tasks[0].pk).update(slice="validation", gold=label)
    for task in tasks[:3]:
        Decision.objects.create(task=task, label=label, decided_by="crowd", confidence=0.9, entropy=0.1)
        Task.objects.filter(pk=task.pk).update(stage="decided")
    Batch.objects.filter(pk=batch.pk).update(stage=Stage.REVIEWING)
    batch.refresh_from_db()
    return tasks


def test_it_votes_on_what_is_open_and_what_is_known_and_the_batch_is_weighed_with_it(
    batch: Batch, server: FakeOpenAI
) -> None:
    tasks = under_review(batch, server)
    joined = joining.join(batch.project, "model", spec(server, "second"), User.objects.create_user("ada"))
    assert story.advance(batch.pk)
    batch.refresh_from_db()
    assert batch.stage == Stage.VOTING
    while batch.stage == Stage.VOTING:
        story.advance(batch.pk)
        batch.refresh_from_db()
    voted = set(Vote.objects.filter(annotator=joined).values_list("task_id", flat=True))
    assert voted == {tasks[0].pk, *(task.pk for task in tasks[3:])}
    assert batch.stage == Stage.WEIGHING and Vote.objects.exclude(annotator=joined).count() == 6, "nobody votes twice"


def test_a_paid_model_and_a_batch_that_is_done_change_nothing(batch: Batch, server: FakeOpenAI) -> None:
    under_review(batch, server)
    user = User.objects.create_user("ada")
    joining.join(batch.project, "paid", f"{spec(server, 'dear')}&call=0.01", user)
    assert not story.has_newcomers(batch)
    Batch.objects.update(stage=Stage.DONE)
    joining.join(batch.project, "model", spec(server, "late"), user)
    assert not story.has_newcomers(batch)


@pytest.mark.slow
def test_the_page_says_what_a_newcomer_does(manager: Client, batch: Batch, server: FakeOpenAI) -> None:
    under_review(batch, server)
    told = manager.post("/p/city/crowd/", {"kind": "model", "spec": spec(server, "second")}, follow=True)
    assert "votes, in the batches at work as well, from now on" in told.content.decode()
    assert batch.chunks.filter(annotator=Annotator.objects.get(name="second")).exists()


@pytest.mark.slow
def test_when_batches_are_done_a_newcomer_is_offered_their_known_tasks_and_changes_no_label(
    manager: Client, settled: Batch, server: FakeOpenAI
) -> None:
    Batch.objects.update(stage=Stage.DONE)
    learned = list(settled.tasks.filter(gold__isnull=False).order_by("position")[:24])
    Task.objects.filter(pk__in=[task.pk for task in learned]).update(slice="validation")
    before = list(Decision.objects.values_list("pk", "label", "superseded_at"))
    recruiting.add_models(settled.project, [spec(server, "late"), "naive_bayes"])
    page = manager.get("/p/city/crowd/")
    assert [(offer.annotator.name, offer.tasks) for offer in page.context["offers"]] == [("late", 24)]
    joined = Annotator.objects.get(name="late")
    told = manager.post(f"/p/city/crowd/{joined.pk}/", {"action": "measure"}, follow=True).content.decode()
    assert "late votes on 24 known tasks; no label changes by it." in told and "24 are left" in told
    while story.advance(settled.pk):
        pass
    assert set(joined.votes.values_list("task_id", flat=True)) == {task.pk for task in learned}
    settled.refresh_from_db()
    assert settled.stage == Stage.DONE and list(Decision.objects.values_list("pk", "label", "superseded_at")) == before
    assert not manager.get("/p/city/crowd/").context["offers"]


def test_a_newcomer_that_costs_money_is_measured_within_what_the_batch_has_left(
    settled: Batch, server: FakeOpenAI
) -> None:
    Batch.objects.update(stage=Stage.DONE)
    known = settled.tasks.filter(gold__isnull=False).order_by("position")[:24]
    Task.objects.filter(pk__in=[task.pk for task in known]).update(slice="validation")
    ledger.set_cap(settled.purse, 1)
    priced = f"chat:small@{server.base_url}?local=yes&input=1&output=1"
    [joined] = recruiting.add_models(settled.project, [priced], priced=True)
    assert measuring.begin(joined) == 24
    while story.advance(settled.pk):
        pass
    assert not server.requests and settled.chunks.resting().exists()
