"""Every page of the managers: who gets in, by which verb, and that nothing of another project is reachable."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from labeling.models import Annotator, Batch, Membership, Project, Reservation, Task
from labeling.money import ledger

pytestmark = pytest.mark.django_db

EXPERT = [
    "project",
    "batch",
    "batch_rows",
    "batch_methods",
    "rounds",
    "replay",
    "tasks",
    "task",
    "crowd",
    "batch_csv",
    "project_csv",
]
MANAGER = ["import", "money", "money_calls", "money_ledger", "settings", "people"]
MONEY = ["money_caps", "money_switch", "money_policy", "money_reconcile"]
POSTS = ["batch_control", "check_more", "voter", "member", *MONEY]
EVERYTHING = EXPERT + MANAGER + POSTS


def address(name: str, project: Project, batch: Batch) -> str:
    slug, task = project.slug, Task.objects.filter(batch=batch).first()
    voter, member = Annotator.objects.filter(project=project).first(), project.memberships.first()
    of_batch = {"batch", "batch_rows", "batch_methods", "rounds", "replay", "batch_control", "check_more"}
    keys = {"task": task, "voter": voter, "member": member}
    if name == "money_reconcile":
        call = Reservation.objects.filter(task__batch=batch).first()
        return reverse(name, args=[slug, call.pk if call else 1])
    if name in keys:
        return reverse(name, args=[slug, keys[name].pk if keys[name] else 1])
    if name == "batch_csv":
        return reverse("batch_export", args=[slug, batch.pk, "csv"])
    if name == "project_csv":
        return reverse("project_export", args=[slug, "csv"])
    return reverse(name, args=[slug, batch.pk] if name in of_batch else [slug])


@pytest.fixture
def voter(project: Any, batch: Any) -> Annotator:
    """A model, with a call that was cut off."""
    made = Annotator.objects.create(project=project, kind="model", name="Alpha", spec="word_logistic")
    ledger.keep_unknown(ledger.reserve(batch.tasks.all()[0], made, 100), "The line broke.")
    return made


@pytest.fixture
def signed_in(client: Client) -> Any:
    def enter(name: str) -> Client:
        client.force_login(User.objects.get(username=name))
        return client

    return enter


def statuses(client: Client, batch: Batch, names: list[str], verb: str = "") -> dict[str, int]:
    """The status of each page; changes are posted, the rest is read, unless a verb is named."""
    found = {}
    for name in names:
        method = verb or ("post" if name in POSTS else "get")
        found[name] = getattr(client, method)(address(name, batch.project, batch)).status_code
    return found


def test_the_anonymous_are_sent_to_sign_in(client: Client, batch: Any, voter: Any) -> None:
    assert set(statuses(client, batch, EVERYTHING).values()) == {302}
    assert client.get(batch.get_absolute_url())["Location"].startswith("/sign-in/")


def test_strangers_learn_nothing(client: Client, batch: Any, voter: Any) -> None:
    client.force_login(User.objects.create_user("stranger"))
    found = statuses(client, batch, EVERYTHING)
    assert [name for name, status in found.items() if status != 404] == []


def test_annotators_are_refused(signed_in: Any, batch: Any, voter: Any) -> None:
    found = statuses(signed_in("ann"), batch, EVERYTHING)
    assert [name for name, status in found.items() if status != 403] == []


def test_experts_are_refused_where_managers_decide(signed_in: Any, batch: Any, voter: Any) -> None:
    found = statuses(signed_in("eve"), batch, MANAGER + POSTS)
    assert [name for name, status in found.items() if status != 403] == []


@pytest.mark.slow
def test_experts_may_read(signed_in: Any, batch: Any, voter: Any) -> None:
    found = statuses(signed_in("eve"), batch, EXPERT)
    assert [name for name, status in found.items() if status != 200] == []


@pytest.mark.slow
def test_managers_may_read_everything(signed_in: Any, batch: Any, voter: Any) -> None:
    found = statuses(signed_in("max"), batch, EXPERT + MANAGER)
    assert [name for name, status in found.items() if status != 200] == []


def test_reading_pages_take_no_other_verb(signed_in: Any, batch: Any, voter: Any) -> None:
    only_read = ["project", "batch", "batch_rows", "rounds", "tasks", "task", "batch_csv", "project_csv"]
    only_read += ["money", "money_calls", "money_ledger"]
    found = statuses(signed_in("max"), batch, only_read, "post")
    found |= statuses(signed_in("max"), batch, MANAGER + EXPERT, "delete")
    assert [name for name, status in found.items() if status != 405] == []


def test_changes_are_posts(signed_in: Any, batch: Any, voter: Any) -> None:
    found = statuses(signed_in("max"), batch, POSTS, "get")
    assert [name for name, status in found.items() if status != 405] == []


def test_the_keys_of_another_project_are_not_found(signed_in: Any, batch: Any, voter: Any) -> None:
    mine = Project.objects.create(name="Mine", slug="mine")
    Membership.objects.create(project=mine, user=User.objects.get(username="ann"), role="manager")
    client = signed_in("ann")
    keyed = [name for name in POSTS if name not in MONEY[:3]]
    for name in ["batch", "batch_rows", "batch_methods", "rounds", "replay", "task", "batch_csv", *keyed]:
        url = address(name, batch.project, batch).replace("/p/city/", "/p/mine/")
        answer = client.post(url) if name in POSTS else client.get(url)
        assert answer.status_code == 404, name


def test_absurd_keys_are_not_found(signed_in: Any, batch: Any) -> None:
    client = signed_in("max")
    for number in ("999999999999999999999999", "0"):
        for place in ("batches", "tasks"):
            assert client.get(f"/p/city/{place}/{number}/").status_code == 404


def test_a_new_project_is_one_press_away_for_managers_alone(signed_in: Any, batch: Any) -> None:
    page, account = f"/p/city/tasks/{batch.tasks.first().pk}/", reverse("account")
    link = f'href="{reverse("project_new")}"'
    told = {
        name: [link in signed_in(name).get(at).content.decode() for at in (page, account)] for name in ("max", "eve")
    }
    assert told == {"max": [True, True], "eve": [False, False]}
