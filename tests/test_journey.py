"""One batch, from the file on somebody's disk to the labels back on it, by the pages that people use."""

from __future__ import annotations

import csv
import io
import re
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from labeling.management.demo import city as demonstration
from labeling.models import Batch, Belief, Decision, Escalation, Label, Membership, Project, Vote
from labeling.people import recruiting
from labeling.rounds import story

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")]
MODELS = ["word_logistic", "naive_bayes", "nearest_neighbours"]
SCRIPT = {"HX-Request": "true"}
ROWS = 150


def enter(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def read(answer: Any) -> str:
    assert answer.status_code == 200, answer.status_code
    return b"".join(answer).decode()


@pytest.fixture
def city() -> Project:
    """A project that somebody of the staff opens in the browser, with two more people who label and an expert."""
    User.objects.create_user("max", is_staff=True)
    made = {"name": "City", "question": "Which service should act first?", "group_name": "District", "labels": ""}
    assert enter("max").post("/new/", made)["Location"] == "/p/city/import/"
    project = Project.objects.get()
    for name, role in (("ann", "annotator"), ("bob", "annotator"), ("eve", "expert")):
        Membership.objects.create(project=project, user=User.objects.create_user(name), role=role)
    Project.objects.update(people_per_task=2)
    recruiting.add_models(project, MODELS)
    return project


def upload(manager: Client) -> Batch:
    """Choose the file, look at it, start."""
    lines = (demonstration.FOLDER / "city_requests.jsonl").read_bytes().splitlines()[:ROWS]
    file = SimpleUploadedFile("requests.jsonl", b"\n".join(lines))
    preview = manager.post("/p/city/import/", {"file": file})["Location"]
    page = read(manager.get(preview))
    assert f"{ROWS} rows can be used" in " ".join(page.split())
    found = re.search(r'<textarea name="labels"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found, "the file's known labels are proposed"
    fields = {"text": ["text"], "gold": "gold", "groups": ["district"], "id": "id", "labels": found[1].strip()}
    started = manager.post(preview, {**fields, "name": "March", "validation": 50, "budget": "5"})
    assert started.status_code == 302, "the batch is under way"
    return Batch.objects.get()


def work(batch: Batch) -> None:
    """What a worker does: one step after the other, while there is more."""
    for _ in range(200):
        if not story.advance(batch.pk):
            break
    batch.refresh_from_db()
    assert batch.error == "" and batch.stage == Batch.Stage.REVIEWING


def label(person: Client, position: int) -> None:
    """Answer the card on the page."""
    held = re.search(r'data-card="(\d+)"', read(person.get("/p/city/label/", headers=SCRIPT)))
    assert held
    told = {"label": Label.objects.get(position=position).pk, "key": str(uuid.uuid4()), "seconds": "6"}
    assert person.post(f"/p/city/label/{held[1]}/", told, headers=SCRIPT).status_code == 200


def disagree(one: Client, other: Client) -> Escalation:
    """Both answer what they are handed, each with one label, until they have met on a task."""
    cases = Escalation.objects.open().to_experts().filter(reason="people_disagree")
    for _ in range(10):
        label(one, 0)
        label(other, 1)
        if found := cases.first():
            return found
    raise AssertionError("nobody was asked for a second opinion")


def test_from_an_upload_to_a_report_and_an_export(city: Project) -> None:
    manager, ann, bob, eve = (enter(name) for name in ("max", "ann", "bob", "eve"))

    batch = upload(manager)
    work(batch)
    assert batch.rows_new == ROWS and Label.objects.count() == 6
    assert Vote.objects.count() == ROWS * len(MODELS) and Belief.objects.count() == ROWS
    settled = Decision.objects.filter(decided_by="crowd").count()
    assert 0 < settled < ROWS and Escalation.objects.open().to_people().exists(), "the sure ones only"

    case = disagree(ann, bob)
    page = read(eve.get("/p/city/cases/", {"case": case.pk}))
    assert "People are split between" in page and "ann" in page and "bob" in page and "word logistic" in page
    held = re.search(r'action="(/p/city/cases/\d+/)"', page)
    assert held
    right = Label.objects.get(position=1)
    told = {"label": right.pk, "note": "The pipe is the cause.", "key": str(uuid.uuid4())}
    assert eve.post(held[1], told, headers=SCRIPT).status_code == 200
    assert Decision.objects.current().get(task=case.task).label == right
    assert "The pipe is the cause." in read(ann.get("/p/city/mine/")), "who is overruled reads why"

    report = read(manager.get(f"/p/city/batches/{batch.pk}/"))
    for word in ("March", "How good", "How fair", "How far", "How much", "Southgate", "word logistic"):
        assert word in report, word
    total = Decision.objects.current().count()
    assert total > settled and f"{total}" in report

    exported = list(csv.DictReader(io.StringIO(read(manager.get(f"/p/city/batches/{batch.pk}/labels.csv")))))
    assert len(exported) == total
    row = next(row for row in exported if row["task"] == case.task.external_id)
    assert (row["label"], row["decided_by"], row["why"]) == (right.name, "expert", "The pipe is the cause.")
