"""What is put away: out of sight, at rest, and restorable; nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from labeling.managing import budgets
from labeling.models import Annotator, Batch, Project
from tests.labeling.managed import told

pytestmark = pytest.mark.django_db


def as_user(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


class TestBatches:
    @pytest.mark.slow
    def test_a_batch_is_put_away_rests_and_comes_back_paused(self, manager: Client, batch: Any) -> None:
        address = f"/p/city/archive/batches/{batch.pk}/"
        page = told(manager.post(address, {"action": "archive"}, follow=True))
        assert "is put away; its labels stay" in page and "Bring back" in page
        batch.refresh_from_db()
        assert batch.archived_at and batch.paused_at and not Batch.objects.at_work().exists()
        assert batch.name not in told(manager.get("/p/city/"))
        assert f"/batches/{batch.pk}/" not in told(manager.get("/p/city/crowd/"))
        assert manager.get(f"/p/city/batches/{batch.pk}/").status_code == 200
        manager.post(address, {"action": "restore"})
        batch.refresh_from_db()
        assert batch.archived_at is None and batch.paused_at
        assert batch.name in told(manager.get("/p/city/"))

    def test_nothing_wakes_a_batch_that_is_put_away(self, manager: Client, batch: Any, project: Any) -> None:
        manager.post(f"/p/city/archive/batches/{batch.pk}/", {"action": "archive"})
        Batch.objects.filter(pk=batch.pk).update(error="The budget is used up.")
        budgets.wake(project)
        page = told(manager.post(f"/p/city/batches/{batch.pk}/control/", {"action": "resume"}, follow=True))
        assert "is put away; bring it back first" in page
        assert Batch.objects.get(pk=batch.pk).paused_at is not None

    def test_putting_away_twice_keeps_the_first_date(self, manager: Client, batch: Any) -> None:
        address = f"/p/city/archive/batches/{batch.pk}/"
        manager.post(address)
        first = Batch.objects.get(pk=batch.pk).archived_at
        manager.post(address)
        assert Batch.objects.get(pk=batch.pk).archived_at == first


def test_a_model_is_put_away_asked_nothing_and_comes_back(manager: Client, project: Any) -> None:
    model = Annotator.objects.create(project=project, kind="model", name="Wordy one", spec="word_logistic")
    assert "Wordy one" in told(manager.get("/p/city/crowd/"))
    manager.post(f"/p/city/archive/voters/{model.pk}/", {"action": "archive"})
    assert not Annotator.objects.crowd().filter(pk=model.pk).exists()
    manager.get("/p/city/archive/")  # takes the message that names it
    cache.clear()  # the report on the crowd may be kept for some seconds
    assert "Wordy one" not in told(manager.get("/p/city/crowd/")) and "Wordy one" in told(
        manager.get("/p/city/archive/")
    )
    manager.post(f"/p/city/archive/voters/{model.pk}/", {"action": "restore"})
    assert Annotator.objects.crowd().filter(pk=model.pk).exists()


class TestProjects:
    def test_a_project_is_closed_to_all_but_managers_and_comes_back(self, manager: Client, batch: Any) -> None:
        page = told(manager.post("/p/city/archive/project/", {"action": "archive"}, follow=True))
        assert "This project is put away" in page and "Bring the project back" in page
        assert "people still are" not in page, "nobody is asked"
        project = Project.objects.get()
        assert project.archived_at and project.calls_stopped_at
        assert not Batch.objects.filter(paused_at=None).exists()
        for name in ("ann", "eve"):
            answer = as_user(name).get("/p/city/label/", follow=True)
            assert answer.status_code == 403 and "put away" in told(answer)
        projects = told(manager.get("/?all"))
        assert "Put away" in projects and "/p/city/archive/" in projects
        assert "/p/city/archive/" not in told(as_user("ann").get("/?all"))
        manager.post("/p/city/archive/project/", {"action": "restore"})
        assert Project.objects.get().archived_at is None and as_user("ann").get("/p/city/label/").status_code == 200


@pytest.mark.parametrize("address", ["batches/1/", "voters/1/", "project/"])
def test_only_managers_put_away(batch: Any, address: str) -> None:
    assert as_user("eve").post(f"/p/city/archive/{address}").status_code == 403
    assert as_user("ann").get("/p/city/archive/").status_code == 403
