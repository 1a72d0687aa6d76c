"""From a file to a batch in the browser: choose, look, start; and every way in which a file can be unusable."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import Workbook

from labeling.files import exports, imports, uploads
from labeling.managing import intake
from labeling.models import Annotator, Batch, Decision, Label, Project, Purse, Task
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
    fields = {"text": ["text"], "gold": "gold", "groups": ["district"], "id": ""}
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
    assert (batch.name, batch.validation_size, batch.mapping["groups"]) == ("April", 1, ["district"])
    assert Purse.objects.get().cap_microdollars == 2_500_000
    assert list(uploads.folder().iterdir()) == []


def test_several_fields_say_which_group_a_text_is_of(manager: Client, project: Any) -> None:
    rows = [{"text": f"Text {n}.", "district": "ns"[n % 2], "gender": "wm"[n // 2], "group": "g"} for n in range(4)]
    address = choose(manager, lines(rows))["Location"]
    page = told(manager.get(address, {"text": ["text"], "groups": ["district", "gender"]}))
    assert "By <bdi>gender</bdi> they fall into 2 groups." in page and '<bdi title="gender">w</bdi>' in page
    start(manager, address, gold="", groups=["district", "gender", "group"], labels="a\nb")
    batch = Batch.objects.get()
    imports.take_in(batch)
    assert batch.attributes == ["district", "gender", "Group"], "a column called group says nothing; the project does"
    assert batch.tasks.get(position=3).groups == {"district": "s", "gender": "m", "Group": "g"}


def test_the_choice_of_fields_is_shown_again(manager: Client, project: Any) -> None:
    pairs = [{"premise": "A man sleeps.", "hypothesis": "Somebody rests.", "dialect": "north"}]
    address = choose(manager, lines(pairs))["Location"]
    page = told(manager.get(address))
    assert "<h3>Premise</h3>" in page and "<h3>Hypothesis</h3>" in page
    page = told(manager.get(address, {"text": ["hypothesis"], "groups": ["dialect"]}))
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", "text\ncaf\xe9\n".encode("latin-1"), "a.csv is not a UTF-8 text file"),
        ("a.pdf", b"%PDF", "a.pdf is neither CSV, JSON, XLSX nor ZIP"),
        ("a.xlsx", b"PK", "a.xlsx is no XLSX workbook"),
        ("a.json", b'["a", "b"]', "a.json has no fields"),
        ("a.csv", b"text,text\n1,2\n", "a.csv has two fields called"),
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
    answer = start(manager, address, gold="", groups=[], id="id")
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


def example(name: str) -> bytes:
    return (Path(__file__).parents[1] / "files" / "examples" / name).read_bytes()


def fresh(client: Client) -> Project:
    """A project without labels and its manager, signed in."""
    project = Project.objects.create(name="Fresh", slug="fresh")
    project.memberships.create(user=User.objects.create_user("boss"), role="manager")
    client.force_login(User.objects.get(username="boss"))
    return project


def look(client: Client, address: str, **chosen: Any) -> Any:
    fields = {"text": ["text"], "gold": "", "groups": [], "id": "", "act": "look"}
    return client.post(address, {**fields, **chosen})


class TestChoosing:
    def test_start_uses_the_fields_that_are_ticked_not_those_shown_before(self, manager: Client, project: Any) -> None:
        address = choose(manager, lines(ROWS))["Location"]
        manager.get(address)
        start(manager, address, text=["district"], gold="", groups=[], offered_validation="1")
        assert Batch.objects.get().mapping["text"] == ["district"]

    def test_another_look_keeps_what_was_written_and_follows_the_fields(self, client: Client) -> None:
        fresh(client)
        address = choose(client, lines(ROWS), slug="fresh")["Location"]
        page = look(client, address, gold="district", name="My batch", labels="", offered_labels="", budget="3")
        assert page.status_code == 200
        words = page.content.decode()
        assert 'value="My batch"' in words and "Harbour\nOld Town" in words and 'value="3"' in words
        page = look(client, address, gold="district", labels="a\nb", offered_labels="Harbour\nOld Town")
        assert "a\nb</textarea>" in page.content.decode()

    def test_after_a_label_error_the_fields_stay_and_start_works(self, client: Client) -> None:
        fresh(client)
        address = choose(client, lines(ROWS), slug="fresh")["Location"]
        answer = start(client, address, labels="only one", gold="district", groups=[])
        page = answer.content.decode()
        assert answer.status_code == 422 and "disabled" not in page.split("<main")[1]
        assert '<option value="district" selected>' in page and "only one" in page
        assert start(client, address, labels="Harbour\nOld Town", gold="district", groups=[]).status_code == 302
        assert Batch.objects.get().mapping["gold"] == "district"

    def test_a_semicolon_file_is_read_said_and_corrected(self, manager: Client, project: Any) -> None:
        address = choose(manager, example("semi.csv"), "semi.csv")["Location"]
        page = told(manager.get(address))
        assert "80 rows can be used" in page and '<option value=";" selected>semicolons</option>' in page
        page = told(manager.post(address, {"act": "look", "delimiter": ",", "cut": ";", "text": ["text"]}))
        assert '<option value="," selected>commas' in page and "id;text;label" in page
        answer = manager.post(address, {"act": "start", "delimiter": ";", "cut": ",", "name": "x"})
        assert answer.status_code == 200 and not Batch.objects.exists()

    def test_a_batch_remembers_what_stands_between_its_fields(self, manager: Client, project: Any) -> None:
        address = choose(manager, example("semi.csv"), "semi.csv")["Location"]
        start(manager, address, gold="", groups=[], delimiter=";", cut=";", id="id")
        assert Batch.objects.get().mapping["delimiter"] == ";"
        assert imports.take_in(Batch.objects.get()) and Task.objects.count() == 80

    def test_a_list_of_objects_and_a_workbook_become_batches(self, manager: Client, project: Any) -> None:
        page = told(manager.get(choose(manager, example("min.json"), "min.json")["Location"]))
        assert "80 rows can be used" in page
        book = Workbook()
        for row in (["text", "gold"], ["The lamp is out.", "Roads and lights"], ["The drain smells.", ""]):
            book.active.append(row)
        packed = io.BytesIO()
        book.save(packed)
        page = told(manager.get(choose(manager, packed.getvalue(), "requests.xlsx")["Location"]))
        assert "2 rows can be used" in page and "1 has a known label" in page and "From the sheet" in page

    def test_known_labels_that_only_later_rows_have_are_found(self, client: Client) -> None:
        fresh(client)
        page = told(client.get(choose(client, example("late_gold.jsonl"), "late_gold.jsonl", "fresh")["Location"]))
        assert "80 rows can be used" in page and "20 have a known label, 2 different ones" in page


class TestShown:
    def test_nothing_stands_beside_the_text_unless_it_is_chosen(self, manager: Client, project: Any) -> None:
        rows = [{**row, "guess": "Parks", "channel": "phone"} for row in ROWS]
        address = choose(manager, lines(rows))["Location"]
        start(manager, address, shown=["channel"])
        imports.take_in(Batch.objects.get())
        task = Task.objects.first()
        assert task is not None and task.about == {"channel": "phone"} and task.beside == [("channel", "phone")]

    def test_what_older_batches_kept_unasked_is_not_shown(self, batch: Any) -> None:
        task = batch.tasks.first()
        task.instance.about = {"gold_copy": "Roads and lights"}
        batch.mapping = {"text": ["text"], "gold": "", "groups": [], "id": ""}
        task.batch = batch
        assert task.beside == []

    def test_the_known_label_is_never_shown(self, manager: Client, project: Any) -> None:
        address = choose(manager, lines(ROWS))["Location"]
        answer = start(manager, address, shown=["gold"])
        assert answer.status_code == 422 and "it would tell the answer" in told(answer)
        assert not Batch.objects.exists()


class TestIds:
    @pytest.mark.slow
    def test_an_id_of_other_texts_is_asked_about_and_nothing_is_lost(self, client: Client) -> None:
        fresh(client)
        address = choose(client, example("doc_id.csv"), "doc_id.csv", "fresh")["Location"]
        assert "have the id of an earlier row" not in told(client.get(address))
        page = told(look(client, address, id="id", gold="label"))
        assert "60 rows have the id of an earlier row, but another text" in page and "take them in" in page
        start(client, address, id="id", gold="label", groups=[], labels="negative\npositive", same_id="keep")
        batch = Batch.objects.get()
        assert imports.take_in(batch) and Task.objects.count() == 80
        assert Task.objects.filter(instance__external_id="doc0").count() == 1

    def test_rows_without_an_id_of_a_second_file_are_no_duplicates(self, manager: Client, project: Any) -> None:
        for name in ("one", "two"):
            content = lines([{"text": f"{name} {n}"} for n in range(3)])
            start(manager, choose(manager, content)["Location"], gold="", groups=[], name=name)
            imports.take_in(Batch.objects.get(name=name))
        assert Task.objects.count() == 6

    def test_what_is_there_already_is_told_before_the_start(self, manager: Client, project: Any) -> None:
        start(manager, choose(manager, lines(ROWS))["Location"], id="id")
        imports.take_in(Batch.objects.get())
        more = [*ROWS, {"id": "A-1", "text": "Another lamp."}, {"id": "A-9", "text": "New."}]
        page = told(manager.get(choose(manager, lines(more))["Location"]))
        assert "3 are in this project already" in page and "1 has the id of another text in this project" in page


class TestLabels:
    def test_labels_that_differ_in_case_alone_are_one_before_a_row_is_written(self, client: Client) -> None:
        fresh(client)
        address = choose(client, example("caselabel.csv"), "caselabel.csv", "fresh")["Location"]
        page = told(client.get(address))
        assert "2 different ones" in page and "Spellings of one label are taken together" in page
        wrong = start(client, address, gold="label", groups=[], labels="negative\nNegative\npositive")
        assert wrong.status_code == 422 and "too alike to tell apart" in told(wrong)
        assert not Label.objects.exists() and not Batch.objects.exists()
        start(client, address, gold="label", groups=[], labels="negative\npositive")
        batch = Batch.objects.get()
        imports.take_in(batch)
        assert (batch.rows_new, batch.rows_bad) == (80, 0) and not batch.tasks.filter(gold=None).exists()

    def test_negative_numbers_are_labels_like_others(self, client: Client) -> None:
        fresh(client)
        address = choose(client, example("negative.csv"), "negative.csv", "fresh")["Location"]
        start(client, address, gold="label", groups=[], labels="-1\n0\n1")
        imports.take_in(Batch.objects.get())
        assert Task.objects.filter(gold__name="-1").count() > 20

    @pytest.mark.parametrize("number", ["9" * 30, "-1", "many", "2.5"])
    def test_a_number_of_known_labels_that_makes_no_sense_is_refused_in_words(
        self, manager: Client, project: Any, number: str
    ) -> None:
        answer = start(manager, choose(manager, lines(ROWS))["Location"], validation=number)
        assert answer.status_code == 422 and "whole number of known labels" in told(answer)


class TestTwice:
    def test_a_second_start_shows_the_same_batch(self, manager: Client, project: Any) -> None:
        address = choose(manager, lines(ROWS))["Location"]
        first, second = start(manager, address), start(manager, address)
        assert first["Location"] == second["Location"] and Batch.objects.count() == 1
        assert manager.get(address)["Location"] == first["Location"]

    def test_the_slower_of_two_starts_at_once_gets_the_batch_of_the_faster(
        self, manager: Client, project: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = choose(manager, lines(ROWS))["Location"]
        faster: list[Any] = []
        before = intake.check_something_new

        def meanwhile(*told: Any) -> None:
            monkeypatch.setattr(intake, "check_something_new", before)
            before(*told)
            faster.append(start(manager, address))

        monkeypatch.setattr(intake, "check_something_new", meanwhile)
        slower = start(manager, address)
        assert slower["Location"] == faster[0]["Location"] and Batch.objects.count() == 1


@pytest.mark.slow
def test_our_own_export_changes_nothing_and_fills_a_new_project(client: Client) -> None:
    project = fresh(client)
    address = choose(client, example("caselabel.csv"), "caselabel.csv", "fresh")["Location"]
    start(client, address, gold="label", groups=[], id="id", labels="negative\npositive")
    batch = Batch.objects.get()
    imports.take_in(batch)
    for task in batch.tasks.all():
        Decision.objects.create(task=task, label=task.gold, decided_by="expert", confidence=1, entropy=0)
    for kind, write in (("csv", exports.as_csv), ("jsonl", exports.jsonl)):
        content = "".join(write(batch)).encode()
        found = choose(client, content, f"labels.{kind}", "fresh")["Location"]
        page = told(client.get(found))
        assert "80 rows can be used" in page and "80 are in this project already" in page
        again = Project.objects.create(name=kind, slug=kind)
        again.memberships.create(user=User.objects.get(username="boss"), role="manager")
        found = choose(client, content, f"labels.{kind}", kind)["Location"]
        text = "parts" if kind == "csv" else "text"
        start(client, found, text=[text], gold="gold", groups=[], id="task", labels="negative\npositive")
        imports.take_in(again.batches.get())
        told_of = Task.objects.order_by("position").values_list(
            "instance__external_id", "instance__digest", "instance__parts", "gold__name"
        )
        assert list(told_of.filter(project=again)) == list(told_of.filter(project=project))


def test_what_the_project_knows_from_before_is_told(manager: Client, project: Any) -> None:
    start(manager, choose(manager, lines(ROWS))["Location"], id="id", validation=2)
    imports.take_in(Batch.objects.get())
    page = told(manager.get(choose(manager, lines([{"text": "A new one."}]))["Location"]))
    assert "No label of this file is known; 2 that this project knows from before" in page


def test_what_stands_on_the_right_is_explained_only_where_it_stands(manager: Client, project: Any) -> None:
    address = choose(manager, lines(ROWS))["Location"]
    assert "Group and known label, on the right, are for you: whoever answers" in told(
        look(manager, address, gold="gold", groups=["district"])
    )
    assert "The group, on the right, is for you: whoever answers" in told(look(manager, address, groups=["district"]))
    assert "The known label, on the right, is for you: whoever answers" in told(look(manager, address, gold="gold"))
    page = told(look(manager, address))
    assert "Whoever answers sees the text and the id" in page and "on the right" not in page


def test_models_that_vote_and_models_that_are_asked_for_money_are_told_apart(manager: Client, project: Any) -> None:
    for name, kind in (("Alpha", "model"), ("Beta", "model"), ("Dear", "paid")):
        project.annotators.create(name=name, kind=kind, spec="word_logistic", price_microdollars=900 * (kind == "paid"))
    page = told(manager.get(choose(manager, lines(ROWS))["Location"]))
    assert "Two models of this project will be asked about every text." in page
    assert "One that costs money is asked what is worth it, within the budget." in page
