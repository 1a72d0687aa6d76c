"""The page and the command of agreement: per label, over time, and models in the place of people."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from fairness.agreement import depth
from labeling.models import Batch, Membership, Task, Vote
from tests.labeling.managed import person, settled_batch, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def voted(project: Any) -> Batch:
    """120 tasks; ann, bob and cy answer all, each as the crowd but on every tenth, which is another one for each."""
    batch = settled_batch(project, 120)
    cy = User.objects.create(username="cy")
    Membership.objects.create(project=project, user=cy, role="annotator")
    labels = project.label_list()
    tasks = list(Task.objects.filter(batch=batch).order_by("position"))
    said = [task.decisions.get().label_id for task in tasks]
    place = {label.pk: at for at, label in enumerate(labels)}
    for shift, name in enumerate(("ann", "bob", "cy")):
        who = person(project, name)
        for at, task in enumerate(tasks):
            other = (place[said[at]] + (at % 10 == 3 + shift)) % 3
            Vote.objects.create(task=task, annotator=who, label=labels[other], seconds=10)
    return batch


def found(batch: Batch, epsilon: float = 0.1) -> depth.Depth:
    told_all = depth.depth(batch, batch.project.first_question, epsilon)
    assert told_all is not None
    return told_all


@pytest.mark.slow
def test_each_label_has_alpha_of_people_and_of_models_beside_its_share(voted: Batch) -> None:
    rows = found(voted).labels
    assert len(rows) == 3 and sum(row.people_share.value or 0 for row in rows) == pytest.approx(1)
    for row in rows:
        assert 0.6 < row.people.value < 1 and row.people.low < row.people.value < row.people.high
        assert row.models.value is not None and row.between.value is not None


@pytest.mark.slow
def test_over_time_tasks_are_cut_into_equal_stretches_by_their_last_vote(voted: Batch) -> None:
    blocks = found(voted).blocks
    assert [block.tasks for block in blocks] == [60, 60]
    assert blocks[0].last <= blocks[1].first + timedelta(seconds=1)
    assert all(block.people.value is not None and block.models_raw.value is not None for block in blocks)


@pytest.mark.slow
def test_a_model_that_agrees_with_people_may_replace_one_and_its_price_stands_beside(voted: Batch) -> None:
    voted.project.wage_microdollars_per_hour = 18_000_000
    voted.project.save()
    told_all = found(voted)
    stands = {one.annotator.name: one for one in told_all.stands}
    assert stands["Alpha"].verdict.may_replace and stands["Alpha"].each == 0
    assert len(stands["Alpha"].verdict.against) == 3 and told_all.person_each == pytest.approx(0.05)
    assert told_all.names == ("ann", "bob", "cy")


@pytest.mark.slow
def test_too_few_people_are_told(settled: Batch) -> None:
    ann = person(settled.project, "ann")
    for task in Task.objects.filter(batch=settled):
        Vote.objects.create(task=task, annotator=ann, label=settled.project.label_list()[0])
    assert all(one.verdict.reason.startswith("0 of 3 people") for one in found(settled).stands)


@pytest.mark.slow
def test_the_page_says_who_may_replace_a_person(manager: Client, voted: Batch) -> None:
    address = reverse("agreement", args=["city", voted.pk])
    page = told(manager.get(address))
    assert "may replace a person" in page and "Label by label" in page and "Over time" in page
    assert "wins at most 20% less often" in told(manager.get(address, {"epsilon": "0.2"}))


def test_a_batch_without_votes_has_a_page(manager: Client, batch: Batch) -> None:
    assert "Nobody has voted yet" in told(manager.get(reverse("agreement", args=["city", batch.pk])))


def test_only_managers_see_how_people_compare(client: Client, batch: Batch) -> None:
    for name in ("ann", "eve"):
        client.force_login(User.objects.get(username=name))
        assert client.get(reverse("agreement", args=["city", batch.pk])).status_code == 403


def command(*options: object) -> str:
    out = io.StringIO()
    call_command("alternative", *map(str, options), stdout=out)
    return out.getvalue()


def refused(*options: object) -> str:
    errors = io.StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("alternative", *map(str, options), stderr=errors)
    assert stopped.value.code == 2
    return errors.getvalue().strip()


@pytest.mark.slow
def test_the_command_tests_models_against_the_people_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    rows = ["task,worker,label"]
    for at in range(60):
        rows += [f"t{at},p{n},{'no' if at % 10 == n else 'yes'}" for n in range(3)]
        rows += [f"t{at},good,yes", f"t{at},bad,no"]
    path.write_text("\n".join([*rows, ""]))
    found_all = json.loads(command(path, "--models", "good,bad", "--json"))
    assert found_all["models"]["good"]["may_replace"] and not found_all["models"]["bad"]["may_replace"]
    assert found_all["models"]["bad"]["alpha"]["value"] < 0
    assert "good may replace a person at 0.10" in command(path, "--models", "good")
    assert "'x' has no vote" in refused(path, "--models", "x")
    assert "--epsilon is a share" in refused(path, "--models", "good", "--epsilon", "1")


@pytest.mark.slow
def test_hs_brexit_the_control_group_passes_for_the_target_group_while_alpha_falls(
    real_data: Callable[[str], Path],
) -> None:
    """Hate is rare, so that who never sees it wins or draws nearly always; only alpha tells."""
    path = real_data("groups/lewidi_hs_brexit_votes.csv")
    one = json.loads(command(path, "--models", "Ann1", "--people", "Ann4,Ann5,Ann6", "--json"))["models"]["Ann1"]
    assert one["may_replace"] and one["alpha_falls"] and one["winning"]["value"] == 1.0
    assert one["alpha"]["value"] == pytest.approx(-0.219, abs=0.001)
    assert "yet alpha falls" in command(path, "--models", "Ann1", "--people", "Ann4,Ann5,Ann6")
