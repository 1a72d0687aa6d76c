"""What was put away can be deleted for good by typing its name: texts go, the books still add up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client

from labeling.checks import draws
from labeling.files import exported_votes
from labeling.managing import archives
from labeling.models import (
    Annotator,
    Batch,
    Decision,
    Escalation,
    Instance,
    LedgerEntry,
    Project,
    Reservation,
    Task,
    Vote,
)
from labeling.money import ledger
from reviewers.queue import claiming
from tests.labeling.managed import told
from tests.reviewers.scenery import answer, ask, person
from tests.tasks import put_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid_batch(settled: Batch, project: Any) -> Batch:
    """A settled batch of 120 tasks of which one was answered by a paid model, one is checked, put away."""
    paid = Annotator.objects.create(project=project, kind="paid", name="Dear", spec="chat:dear", price_microdollars=9)
    task = settled.tasks.all()[0]
    ledger.settle(ledger.reserve(task, paid, 900), 700)
    Vote.objects.create(task=task, annotator=paid, label=project.label_list()[0], raw="a text of the batch")
    first = Vote.objects.filter(task=task, annotator__name="Alpha").get()
    Vote.objects.create(task=task, annotator=first.annotator, label=first.label, corrects=first)
    draws.draw(settled, 3)
    settled.file.save("may.csv", ContentFile(b"text\nRequest number 1\n"))
    archives.put_away_batch(settled)
    return settled


def delete(client: Client, batch: Batch, name: str) -> str:
    form = {"action": "delete", "name": name}
    return told(client.post(f"/p/city/archive/batches/{batch.pk}/", form, follow=True))


def test_a_batch_goes_with_all_that_was_said_and_what_it_cost_stays(
    manager: Client, paid_batch: Batch, django_capture_on_commit_callbacks: Any
) -> None:
    file = Path(paid_batch.file.path)
    with django_capture_on_commit_callbacks(execute=True):
        page = delete(manager, paid_batch, " May ")
    assert "May is deleted; what it cost stays in the ledger." in page and "$0.0007 it cost stay in the" in page
    assert not (Vote.objects.exists() or Decision.objects.exists() or Escalation.objects.exists() or file.exists())
    left = Task.objects.get()
    assert (left.parts, left.about, left.groups, left.gold) == ([], {}, {}, None)
    assert left.external_id == f"deleted {left.instance_id}" and Instance.objects.get() == left.instance
    paid_batch.purse.refresh_from_db()
    assert (paid_batch.purse.cap_microdollars, paid_batch.purse.spent_microdollars) == (700, 700)
    assert ledger.faults() == [] and Reservation.objects.get().cost_microdollars == 700
    assert f"deleted {left.instance_id}" in told(manager.get("/p/city/money/ledger/"))
    assert f"deleted {left.instance_id}" in told(manager.get("/p/city/money/calls/"))
    assert "$0.0007" in told(manager.get("/p/city/money/"))


@pytest.mark.slow
def test_a_deleted_batch_has_no_page_and_no_tasks_and_its_texts_may_come_again(
    manager: Client, paid_batch: Batch, project: Any
) -> None:
    before = paid_batch.tasks.all()[0]
    delete(manager, paid_batch, "May")
    left = Task.objects.get()
    for address in (f"batches/{paid_batch.pk}/", f"batches/{paid_batch.pk}/certificate/", f"tasks/{left.pk}/"):
        assert manager.get(f"/p/city/{address}").status_code == 404
    assert f"deleted {left.instance_id}" not in told(manager.get("/p/city/tasks/"))
    for page in ("", "tasks/", "crowd/", "people/", "settings/", "archive/"):
        assert manager.get(f"/p/city/{page}").status_code == 200
    assert list(exported_votes.votes(project)) == []
    again = Batch.objects.create(project=project, name="June")
    put_task(again, position=0, external_id=before.external_id, digest=before.digest, parts=before.parts)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["", "may", "Ma", "May 2"])
def test_nothing_goes_unless_the_name_is_typed(manager: Client, paid_batch: Batch, name: str) -> None:
    told = delete(manager, paid_batch, name)
    assert "type the name May exactly" in told and "<details open><summary>Delete <bdi>May</bdi>" in told
    assert Task.objects.count() == 120 and Batch.objects.get().deleted_at is None


def test_nothing_goes_that_is_not_put_away_or_while_money_is_held(manager: Client, paid_batch: Batch) -> None:
    archives.restore_batch(paid_batch)
    assert "Put May away first" in delete(manager, paid_batch, "May")
    archives.put_away_batch(paid_batch)
    paid = Annotator.objects.get(kind="paid")
    held = ledger.reserve(paid_batch.tasks.all()[5], paid, 500)
    ledger.keep_unknown(held, "The line was cut.")
    assert "money is still held" in delete(manager, paid_batch, "May")
    ledger.reconcile(held, 500, "")
    assert "May is deleted" in delete(manager, paid_batch, "May")


def test_people_s_answers_go_and_their_pay_stays(manager: Client, batch: Batch, project: Any) -> None:
    Project.objects.update(wage_microdollars_per_hour=18_000_000)
    project.refresh_from_db()
    ann = person(project, "ann")
    ask(batch.tasks.all()[0])
    held = claiming.claim(ann)
    assert held is not None
    answer(held, 0, seconds=20.0)
    paid = Reservation.objects.get().cost_microdollars
    assert paid
    archives.put_away_batch(batch)
    delete(manager, batch, batch.name)
    assert Reservation.objects.get().cost_microdollars == paid and not Vote.objects.exists() and ledger.faults() == []


def test_a_project_goes_with_everything(manager: Client, paid_batch: Batch, project: Any) -> None:
    address = "/p/city/archive/project/"
    form = {"action": "delete", "name": project.name}
    assert "away first" in told(manager.post(address, form, follow=True))
    archives.put_away_project(project)
    assert "type the name City requests" in told(manager.post(address, form | {"name": "city"}, follow=True))
    assert Project.objects.exists()
    assert "City requests is deleted." in told(manager.post(address, form, follow=True))
    for table in (Project, Batch, Task, Vote, Annotator, Reservation, LedgerEntry):
        assert not table.objects.exists(), table
    assert User.objects.filter(username="ann").exists()


def test_only_managers_delete(client: Client, paid_batch: Batch) -> None:
    client.force_login(User.objects.get(username="eve"))
    assert (
        client.post(f"/p/city/archive/batches/{paid_batch.pk}/", {"action": "delete", "name": "May"}).status_code == 403
    )
    assert client.post("/p/city/archive/project/", {"action": "delete", "name": "City requests"}).status_code == 403
    assert Task.objects.count() == 120


@pytest.mark.slow
def test_the_shell_says_that_a_deleted_batch_is_not_there(manager: Client, paid_batch: Batch, tmp_path: Path) -> None:
    delete(manager, paid_batch, "May")
    with pytest.raises(SystemExit) as stopped:
        call_command("export", str(paid_batch.pk), what="labels", output=str(tmp_path / "labels.jsonl"))
    assert stopped.value.code == 2
    call_command("export", "city", what="ledger", format="jsonl", output=str(tmp_path / "ledger.jsonl"))
    rows = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert sum(row["usd"] for row in rows if row["account"] == "spent") == pytest.approx(0.0007)
