"""The page of what can be done: each step with before and after, and what its buttons do."""

from __future__ import annotations

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from fairness.mitigation import plan
from fairness.models import ThresholdPolicy
from labeling.models import Batch, Belief, Decision, Escalation, Task
from labeling.models.grouping import chosen
from tests.labeling.managed import settled_batch, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def unequal(project: object) -> Batch:
    """240 tasks, half of them checked; in Harbour every third label of the checked ones is wrong, in Old Town none."""
    batch = settled_batch(project, 240, wrong_every=1000)
    labels = batch.project.label_list()
    place = {label.pk: at for at, label in enumerate(labels)}
    harbour = Task.objects.filter(batch=batch, instance__groups__Group="Harbour", gold__isnull=False)
    for at, task in enumerate(harbour.order_by("position")):
        if at % 3 == 0:
            Task.objects.filter(pk=task.pk).update(gold=labels[(place[task.decisions.get().label_id] + 1) % 3])
    Belief.objects.filter(task__batch=batch).update(confidence=0.9)
    return batch


def plan_of(batch: Batch) -> plan.Plan:
    found = plan.plan(batch, chosen(batch), batch.project.first_question)
    assert found is not None
    return found


def address(batch: Batch, name: str = "mitigation") -> str:
    return reverse(name, args=["city", batch.pk])


def test_each_step_has_its_before_and_after(unequal: Batch) -> None:
    found = plan_of(unequal)
    quota = {line.group: line for line in found.quota}
    assert quota["Harbour"].more == 60 and quota["Harbour"].after < quota["Harbour"].before
    assert found.pooled is not None and found.pooled.used and found.pooled.gap_after < found.pooled.gap_before
    routes = {line.group: line for line in found.routes}
    assert routes["Harbour"].sent > 0 and routes["Old Town"].sent == 0
    assert routes["Harbour"].after < routes["Harbour"].before
    assert len(found.tasks) == routes["Harbour"].sent <= 60


def test_the_first_button_draws_checks_by_quota(manager: Client, unequal: Batch) -> None:
    answer = manager.post(address(unequal), {"act": "checks"})
    assert answer.status_code == 302
    drawn = Task.objects.filter(batch=unequal, check_probability__isnull=False)
    assert drawn.count() == 60 and {task.groups["Group"] for task in drawn} == {"Harbour"}


def test_the_second_button_asks_people_and_keeps_the_labels_in_the_history(manager: Client, unequal: Batch) -> None:
    sent = plan_of(unequal).tasks
    before = dict(Decision.objects.filter(task__in=sent).values_list("task_id", "label_id"))
    manager.post(address(unequal), {"act": "people"})
    assert Escalation.objects.open().to_people().filter(task__in=sent).count() == len(sent) > 0
    assert Task.objects.filter(pk__in=sent, stage="open").count() == len(sent)
    assert dict(Decision.objects.filter(task__in=sent).values_list("task_id", "label_id")) == before
    others = Decision.objects.current().filter(task__batch=unequal).exclude(task__in=sent)
    assert others.count() == 240 - len(sent)


def test_a_policy_file_holds_each_label_as_it_is_and_says_who_approved(manager: Client, unequal: Batch) -> None:
    found = plan_of(unequal)
    label = next(iter(found.policies))
    assert manager.post(address(unequal, "policy_file"), {"label": label, "reason": " "}).status_code == 302
    assert not ThresholdPolicy.objects.exists()
    labels = dict(Decision.objects.current().filter(task__batch=unequal).values_list("task_id", "label__name"))
    answer = manager.post(address(unequal, "policy_file"), {"label": label, "reason": "Board, 3 May, section 5"})
    text = b"".join(answer.streaming_content if not answer.is_async else _collected(answer)).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 240 and {row["reason"] for row in rows} == {"Board, 3 May, section 5"}
    by_id = {task.external_id: labels[task.pk] for task in Task.objects.filter(batch=unequal)}
    assert all(row["label"] == by_id[row["task"]] for row in rows)
    assert dict(Decision.objects.current().filter(task__batch=unequal).values_list("task_id", "label__name")) == labels
    kept = ThresholdPolicy.objects.get()
    assert kept.approved_by == User.objects.get(username="max") and set(kept.thresholds) == {"Harbour", "Old Town"}


def _collected(answer: object) -> list[bytes]:
    from asgiref.sync import async_to_sync

    async def collect() -> list[bytes]:
        return [part async for part in answer]  # type: ignore[attr-defined]

    return async_to_sync(collect)()


def test_the_page_shows_all_five_steps(manager: Client, unequal: Batch) -> None:
    page = told(manager.get(address(unequal)))
    for words in ("1. Check more", "2. Confidence by group", "3. More people", "4. Guidelines", "5. A threshold"):
        assert words in page
    assert "Used" in page and "Off." in page and "Ask people about" in page


def test_a_batch_without_checks_says_what_is_missing(manager: Client, batch: Batch) -> None:
    assert "Nothing can be weighed up yet" in told(manager.get(address(batch)))


@pytest.mark.parametrize("name", ["ann", "eve"])
def test_only_managers_decide(client: Client, batch: Batch, name: str) -> None:
    client.force_login(User.objects.get(username=name))
    assert client.get(address(batch)).status_code == 403
    assert client.post(address(batch, "policy_file")).status_code == 403
