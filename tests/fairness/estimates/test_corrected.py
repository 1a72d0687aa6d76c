"""The page of estimates: weighted by how checks were drawn, sharpened by beliefs, and told on how many checks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from fairness.estimates import corrected
from labeling.models import Batch, Task
from labeling.models.grouping import chosen
from tests.labeling.managed import settled_batch, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def table_of(batch: Batch) -> corrected.Table:
    found = corrected.table(batch, chosen(batch), batch.project.first_question)
    assert found is not None
    return found


def test_evenly_drawn_checks_give_the_plain_share_right(settled: Batch) -> None:
    found = table_of(settled).choose("right", "")
    assert sum(line.checks for line in found.lines) == 60 and sum(line.tasks for line in found.lines) == 120
    by_hand = {}
    for group in ("Harbour", "Old Town"):
        tasks = Task.objects.filter(batch=settled, instance__groups__Group=group, gold__isnull=False)
        by_hand[group] = np.mean([task.gold_id == task.decisions.get().label_id for task in tasks])
    assert {line.group: line.alone.value for line in found.lines} == pytest.approx(by_hand)


def test_the_true_share_of_a_label_rests_on_the_checks_and_all_tasks(settled: Batch) -> None:
    label = settled.project.label_list()[0]
    found = table_of(settled).choose("true", label.name)
    tasks = Task.objects.filter(batch=settled, gold__isnull=False, instance__groups__Group="Harbour")
    share = tasks.filter(gold=label).count() / tasks.count()
    line = next(line for line in found.lines if line.group == "Harbour")
    assert line.alone.value == pytest.approx(share) and line.both.value is not None
    width = (line.both.high - line.both.low) / (line.alone.high - line.alone.low)
    assert 0.2 < width < 0.95


def test_without_checks_there_is_no_table(project: Any) -> None:
    bare = settled_batch(project, 40, gold_every=1000)
    Task.objects.filter(batch=bare).update(gold=None)
    assert corrected.table(bare, chosen(bare), project.first_question) is None


def test_the_page_tells_each_number_with_its_checks(manager: Client, settled: Batch) -> None:
    address = reverse("estimates", args=[settled.project.slug, settled.pk])
    page = told(manager.get(address))
    assert "60 checks speak for 120 settled tasks" in page and "By checks alone" in page
    for measure in ("found", "false", "true", "distortion"):
        assert corrected.MEASURES[measure][0] in told(manager.get(address, {"measure": measure}))


def test_a_batch_without_checks_says_what_is_missing(manager: Client, batch: Batch) -> None:
    page = told(manager.get(reverse("estimates", args=[batch.project.slug, batch.pk])))
    assert "Nothing can be compared yet" in page


@pytest.mark.parametrize(("name", "status"), [("ann", 403), ("eve", 200), ("max", 200)])
def test_annotators_do_not_see_it(client: Client, settled: Batch, name: str, status: int) -> None:
    client.force_login(User.objects.get(username=name))
    assert client.get(reverse("estimates", args=[settled.project.slug, settled.pk])).status_code == status
