"""From a file to a batch in the browser: choose, look, start; and every way in which a file can be unusable."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from labeling.files import uploads
from labeling.models import Annotator, Batch, Label, Project, Purse, Task
from tests.labeling.managed import told

pytestmark = pytest.mark.django_db
ROWS = [
    {"id": "A-1", "text": "The lamp is out.", "gold": "Roads and lights", "district": "Harbour"},
    {"id": "A-2", "text": "The drain smells.", "gold": "Water and drains", "district": "Old Town"},
    {"id": "A-3", "text": "Loud music again.", "gold": None, "district": "Harbour"},
]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def choose(client: Client, content: bytes, name: str = "requests.jsonl", slug: str = "city") -> Any:
    return client.post(f"/p/{slug}/import/", {"file": SimpleUploadedFile(name, content)})


def start(client: Client, address: str, **wishes: Any) -> Any:
    fields = {"text": ["text"], "gold": "gold", "group": "district", "id": ""}
    return client.post(address, {**fields, "name": "April", "validation": 1, "budget": "2.50", **wishes})


def test_a_file_becomes_a_batch_under_way(manager: Client, project: Any) -> None:
    answer = choose(manager, lines(ROWS))
    assert answer.status_code == 302
    page = told(manager.get(answer["Location"]))
    assert "3 rows can be used" in page and "2 have a known label" in page and "The drain smells." in page
    assert not Batch.objects.exists() and not Task.objects.exists()
    answer = start(manager, answer["Location"])
    batch = Batch.objects.get()
    assert answer["Location"] == batch.get_absolute_url() and batch.stage == Batch.Stage.IMPORTING
    assert (batch.name, batch.validation_size, batch.mapping["group"]) == ("April", 1, "district")
    assert Purse.objects.get().cap_microdollars == 2_500_000
    assert list(uploads.folder().iterdir()) == []


def test_the_choice_of_fields_is_shown_again(manager: Client, project: Any) -> None:
    pairs = [{"premise": "A man sleeps.", "hypothesis": "Somebody rests.", "dialect": "north"}]
    address = choose(manager, lines(pairs))["Location"]
    page = told(manager.get(address))
    assert "<h3>Premise</h3>" in page and "<h3>Hypothesis</h3>" in page
    page = told(manager.get(address, {"text": ["hypothesis"], "group": "dialect"}))
    assert "Somebody rests." in page and "<h3>Premise</h3>" not in page


def test_labels_of_a_new_project_come_from_the_page(client: Client) -> None:
    boss = User.objects.create_user("boss", is_staff=True)
    client.force_login(boss)
    client.post("/new/", {"name": "Fresh", "question": "What is it?", "group_name": "Group", "labels": ""})
    assert Project.objects.get().slug == "fresh"
    address = choose(client, lines(ROWS), slug="fresh")["Location"]
    assert "Roads and lights\nWater and drains" in client.get(address).content.decode()
    answer = start(client, address, labels="Roads and lights")
    assert answer.status_code == 422 and "at least two labels and there is one" in told(answer)
    start(client, address, labels="Roads and lights\n\nWater and drains\nOther", embedded_crowd="on")
    assert list(Label.objects.values_list("name", flat=True)) == ["Roads and lights", "Water and drains", "Other"]
    assert Annotator.objects.filter(kind="model").count() >= 3


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", "text\ncaf\xe9\n".encode("latin-1"), "a.csv is not a UTF-8 text file"),
        ("a.xlsx", b"PK", "a.xlsx is neither CSV nor JSONL"),
        ("a.json", b'[{"text": "a"}]', "a.json has no fields"),
        ("a.jsonl", b"\n \n", "a.jsonl is empty"),
    ],
)
def test_an_unusable_file_is_one_sentence(
    manager: Client, project: Any, name: str, content: bytes, sentence: str
) -> None:
    answer = choose(manager, content, name)
    assert answer.status_code == 422 and sentence in told(answer)
    assert not list(uploads.folder().glob("*")) and not Batch.objects.exists()


def test_a_line_without_an_end_is_refused_before_it_fills_memory(
    manager: Client, project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "LONGEST_LINE", 1000)
    answer = choose(manager, b'{"text": "' + b"x" * 5000 + b'"}\n')
    assert "longer than 1,000 bytes" in told(answer) and not list(uploads.folder().glob("*"))


def test_a_missing_field_is_named(manager: Client, project: Any) -> None:
    address = choose(manager, lines(ROWS))["Location"]
    answer = manager.get(address, {"text": ["body"]})
    assert answer.status_code == 422 and "Choose at least one field" in told(answer)
    assert start(manager, address, text=["body"]).status_code == 422
    assert not Batch.objects.exists()


def test_rows_that_cannot_be_used_are_listed_with_their_line(manager: Client, project: Any) -> None:
    content = (
        lines(ROWS) + b'\n{"text": "half\n{"id": "A-5", "text": ""}\n{"id": "A-6", "text": "x", "gold": "Parks"}\n'
    )
    page = told(manager.get(choose(manager, content)["Location"]))
    assert "3 rows can be used, 3 cannot" in page
    assert "It is not JSON" in page and "is empty." in page and "not in the label set" in page


def test_a_file_that_brings_nothing_new_makes_no_batch(manager: Client, batch: Any) -> None:
    there = [{"id": task.external_id, "text": task.text} for task in Task.objects.all()]
    address = choose(manager, lines(there))["Location"]
    answer = start(manager, address, gold="", group="")
    assert answer.status_code == 422 and "in this project already" in told(answer)
    assert Batch.objects.count() == 1


def test_only_bad_rows_make_no_batch(manager: Client, project: Any) -> None:
    address = choose(manager, lines([{"text": "x", "gold": "Parks", "district": "a"}]))["Location"]
    answer = start(manager, address)
    assert answer.status_code == 422 and "can be used" in told(answer) and not Batch.objects.exists()


def test_a_negative_budget_is_refused(manager: Client, project: Any) -> None:
    address = choose(manager, lines(ROWS))["Location"]
    assert start(manager, address, budget="-1").status_code == 422
    assert not Batch.objects.exists()


def test_an_upload_belongs_to_one_visitor_and_one_project(manager: Client, project: Any, client: Client) -> None:
    address = choose(manager, lines(ROWS))["Location"]
    other = Client()
    other.force_login(User.objects.get(username="max"))
    assert other.get(address)["Location"] == "/p/city/import/"
    second = Project.objects.create(name="Second", slug="second")
    second.memberships.create(user=User.objects.get(username="max"), role="manager")
    assert manager.get(address.replace("city", "second"))["Location"] == "/p/second/import/"


def test_names_of_files_are_never_paths(manager: Client, project: Any, tmp_path: Path) -> None:
    choose(manager, lines(ROWS), "../../escape.jsonl")
    kept = list(uploads.folder().iterdir())
    assert [path.suffix for path in kept] == [".jsonl"] and "escape" not in kept[0].name
    assert not list(tmp_path.parent.rglob("escape*"))


def test_forgotten_uploads_are_deleted_after_a_day(manager: Client, project: Any) -> None:
    choose(manager, lines(ROWS))
    (old,) = uploads.folder().iterdir()
    os.utime(old, (time.time() - 90_000,) * 2)
    choose(manager, lines(ROWS[:1]))
    assert not old.exists() and len(list(uploads.folder().iterdir())) == 1


def test_people_s_text_is_only_text(manager: Client, project: Any) -> None:
    evil = "<script>alert(1)</script><b hx-get='/x' onclick='y'>"
    address = choose(manager, lines([{"text": evil, "id": evil, "note": evil}]), "<i>.jsonl")["Location"]
    page = manager.get(address).content.decode()
    assert "<script>alert" not in page and "<b hx-get" not in page and "<i>.jsonl" not in page
