"""The datasheet as files and on its pages: what they say, whom they name, what they refuse."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from fairness.disclosure import files, rubric
from fairness.disclosure.sections import sections
from fairness.disclosure.sheet import sheet
from labeling.models import Annotator, Batch, Statement
from tests.labeling.four_kinds import four_kinds
from tests.labeling.managed import told

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


PAGE, FORM = "/p/city/batches/{}/datasheet/", "/p/city/about-data/"


def run(*arguments: str) -> tuple[str, str, int]:
    out, err = StringIO(), StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except SystemExit as left:
        return out.getvalue(), err.getvalue(), int(left.code or 0)
    return out.getvalue(), err.getvalue(), 0


def test_the_command_writes_every_format(batch: Batch, tmp_path: Path) -> None:
    for form, begin in (("html", b"<!doctype html>"), ("md", b"# Datasheet of May"), ("json", b'{\n "format"')):
        path = tmp_path / f"sheet.{form}"
        out, err, code = run("datasheet", str(batch.pk), "--format", form, "--output", str(path))
        assert (out, code) == ("", 0) and str(path) in err
        assert path.read_bytes().startswith(begin)
    _, err, code = run(
        "datasheet", str(batch.pk), "--format", "croissant", "--output", str(tmp_path / "croissant.json")
    )
    assert code == 0 and "2 files of data beside it" in err
    assert (tmp_path / "labels-question-1.parquet").exists() and (tmp_path / "provenance.parquet").exists()
    taken = str(tmp_path / "provenance.parquet")
    _, err, code = run("datasheet", str(batch.pk), "--format", "croissant", "--output", taken)
    assert code == 2 and "is the name of a file with data" in err
    _, err, code = run("datasheet", str(batch.pk), "--output", "")
    assert code == 2 and "--output is empty" in err
    run("datasheet", str(batch.pk), "--format", "croissant", "--output", str(tmp_path / "all.zip"))
    assert "croissant.json" in zipfile.ZipFile(tmp_path / "all.zip").namelist()


def test_the_same_rows_give_the_same_bytes(batch: Batch) -> None:
    assert all(make(batch) == make(batch) for make in files.FORMATS.values())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("7777",), "There is no batch '7777'; batches:"),
        (("city",), "There is no batch 'city'"),
        (("{}", "--output", "/nowhere/sheet.html"), "The folder /nowhere does not exist"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(batch: Batch, arguments: tuple[str, ...], sentence: str) -> None:
    out, err, code = run("datasheet", *(one.format(batch.pk) for one in arguments))
    assert (out, code) == ("", 2) and sentence in err
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("datasheet", str(batch.pk), "--format", "pdf")


def test_the_files_of_labels_come_again_by_the_command_that_the_sheet_names(batch: Batch, tmp_path: Path) -> None:
    told = sheet(batch)["questions"][0]["labels_file"]
    words = told["command"].split()
    assert words[:2] == ["manage.py", "export"]
    path = tmp_path / told["name"]
    run(*words[1:-1], str(path))
    data = path.read_bytes()
    assert (len(data), data.count(b"\n")) == (told["bytes"], told["rows"])
    assert hashlib.sha256(data).hexdigest() == told["sha256"]


def test_the_votes_are_weighed_again_as_the_sheet_says(batch: Batch, tmp_path: Path) -> None:
    export, aggregate = (line.split() for line in sheet(batch)["reproduce"]["weighing"])
    path = tmp_path / export[-1]
    assert run(*export[1:-1], str(path))[2] == 0
    out, _, code = run("aggregate", str(path), *aggregate[3:], "--json")
    assert code == 0 and json.loads(out)["tasks"] == 120


def test_people_are_numbered_and_keys_stay_in_the_house(batch: Batch) -> None:
    for name in ("ann", "bob", "eve"):
        User.objects.filter(username=name).update(first_name="Xanthippe", last_name=name)
        Annotator.objects.filter(user__username=name).update(name=f"Xanthippe {name}")
    for form in ("html", "md", "json"):
        text = files.FORMATS[form](batch)[""].decode()
        assert "Xanthippe" not in text and "OPENAI_API_KEY" not in text
        assert "Person 1" in text and "Expert 1" in text and "gpt-4.1" in text
    with zipfile.ZipFile(BytesIO(files.packed(files.as_croissant(batch)))) as packed:
        assert all(b"Xanthippe" not in packed.read(name) for name in packed.namelist())


def test_what_an_attacker_writes_stays_text(batch: Batch) -> None:
    batch.project.label_list()[0].__class__.objects.filter(position=0).update(description="<script>alert(1)</script>|x")
    Statement.objects.create(
        project=batch.project, key="purpose", words="<img src=x onerror=alert(1)> [a](javascript:b)"
    )
    html, text = (files.FORMATS[form](batch)[""].decode() for form in ("html", "md"))
    assert "<script>" not in html and "<img" not in html
    assert "<script>" not in text and r"\[a\](javascript" in text and r"\|x" in text


def test_who_led_and_when_it_was_handed_over_is_told_of_each_task(batch: Batch) -> None:
    told_of = {one["task"]: one for one in sheet(batch, with_instances=True)["provenance"]}
    assert len(told_of) == 120
    by_person, beside, by_expert, alone = (told_of[f"M-{n}"] for n in (20, 24, 30, 50))
    assert (by_person["decided_by"], by_person["led_by"]) == ("person", "human")
    assert by_person["handed_over"]["to"] == "person" and by_person["decisions_before"] == 1
    assert (beside["decided_by"], beside["led_by"]) == ("crowd", "equal")
    assert (by_expert["decided_by"], by_expert["led_by"], by_expert["handed_over"]) == ("expert", "human", None)
    assert (by_person["guidelines_version"], alone["guidelines_version"]) == (1, None)
    assert alone["led_by"] == "model" or alone["answers"]["person"] == 1


def test_every_dimension_of_datarubrics_has_evidence_with_a_page_that_opens(batch: Batch, manager: Client) -> None:
    entries = sheet(batch)["rubric"]
    dimensions = [(one["group"], one["dimension"]) for one in entries]
    assert len(dimensions) == len(set(dimensions)) == 17
    for one in entries:
        assert one["values"] and one["evidence"] and one["from"] in (rubric.LOG, rubric.FORM)
        for evidence in one["evidence"]:
            assert evidence["says"] and manager.get(evidence["link"].partition("#")[0]).status_code == 200
    by = {one["dimension"]: one["values"] for one in entries}
    assert by["annotators"] == ["single human expert", "multiple human non-experts", "AI model"]
    assert by["image"] == [rubric.NONE] and by["novelty"] == [rubric.UNSAID]
    assert "automatic verification" in by["quality assurance"]


def test_the_form_asks_what_the_log_cannot_know_and_the_sheet_tells_it(batch: Batch, manager: Client) -> None:
    page = told(manager.get(FORM))
    assert "14 of 14 questions are not answered" in page.replace("Fourteen", "14")
    answer = manager.post(
        FORM, {"license": "CC BY 4.0", "novelty_ticks": ["derived from what was there"], "novelty": "from the mail"}
    )
    assert answer.status_code == 302
    assert "CC BY 4.0" in told(manager.get(PAGE.format(batch.pk)))
    entry = next(one for one in sheet(batch)["rubric"] if one["dimension"] == "novelty")
    assert entry["values"] == ["derived from what was there"]
    assert entry["evidence"][0]["says"] == "derived from what was there; from the mail"
    manager.post(FORM, {"license": ""})
    assert Statement.objects.get(key="license").words == ""


def test_a_tick_that_is_not_offered_is_refused(manager: Client, project: Any) -> None:
    answer = manager.post(FORM, {"novelty_ticks": ["stolen"]})
    assert answer.status_code == 422 and "Tick only what stands here." in told(answer)
    assert not Statement.objects.exists()


def test_who_may_see_and_who_may_answer(batch: Batch, client: Client) -> None:
    for name, sees in (("ann", False), ("eve", True), ("max", True)):
        client.force_login(User.objects.get(username=name))
        for address in (PAGE.format(batch.pk), f"{PAGE.format(batch.pk)}file/?format=json", FORM):
            assert (client.get(address).status_code == 200) == sees, (name, address)
        assert (client.post(FORM, {"license": "mine"}).status_code == 302) == (name == "max")
    client.logout()
    assert client.get(PAGE.format(batch.pk)).status_code == 302


def test_an_override_stands_with_its_reason(batch: Batch) -> None:
    (alarm,) = sheet(batch)["events"]["alarms"]
    assert [answer["what"] for answer in alarm["answers"]] == ["override"]
    assert "The harbour writes in dialect." in files.as_markdown(batch)[""].decode()


def test_the_page_offers_every_file(batch: Batch, manager: Client) -> None:
    page = manager.get(PAGE.format(batch.pk))
    for form, ending in files.ENDINGS.items():
        address = f"{PAGE.format(batch.pk)}file/?format={form}"
        assert address in page.content.decode()
        answer = manager.get(address)
        assert answer["Content-Disposition"].endswith(f'.{ending}"') and answer["X-Content-Type-Options"] == "nosniff"
    assert manager.get(f"{PAGE.format(batch.pk)}file/?format=exe").status_code == 404


def test_groups_without_enough_checks_are_insufficient_data_never_a_number(project: Any) -> None:
    from tests.labeling.managed import settled_batch

    few = sheet(settled_batch(project, 40))["questions"][0]
    assert few["right"]["share"] == {"insufficient_data": "20 of 30 checked"}
    assert all("value" not in row["share_right"] for row in few["fairness"][0]["groups"])
    assert few["calibration"] == {"insufficient_data": "20 of 30 checked"}


def test_every_kind_has_its_sheet(project: Any) -> None:
    told_of = sheet(four_kinds(project))
    assert [one["kind"] for one in told_of["questions"]] == ["choice", "choices", "scale", "spans"]
    for one in told_of["questions"]:
        assert one["right"]["checks"] >= 30 and one["workers"] and one["labels_file"]["rows"] > 30
        assert [by["attribute"] for by in one["fairness"]] == ["Group", "Sex"]
        cells = one["workers"][0].get("confusion") or one["workers"][0]["parts"]
        assert cells and (one["calibration"].get("after") or one["calibration"]["insufficient_data"])
    assert len([one for one in sections(told_of) if one.key.startswith("question-")]) == 4
    assert told_of["instances"]["with_pictures"] == 8


def test_files_come_from_no_cache(batch: Batch, manager: Client) -> None:
    address = f"{PAGE.format(batch.pk)}file/?format=json"
    before = json.loads(manager.get(address).content)["questions"][0]["known_from_the_file"]
    batch.tasks.filter(gold=None).update(gold=batch.project.label_list()[0])
    assert json.loads(manager.get(address).content)["questions"][0]["known_from_the_file"] == 120 > before


def test_the_page_follows_what_people_say(batch: Batch, manager: Client) -> None:
    assert "Half of it is mine" not in told(manager.get(PAGE.format(batch.pk)))
    Statement.objects.create(project=batch.project, key="creator", words="Half of it is mine")
    assert "Half of it is mine" in told(manager.get(PAGE.format(batch.pk)))


def test_help_needs_no_models() -> None:
    told_in = subprocess.run(
        [sys.executable, "manage.py", "datasheet", "--help"], capture_output=True, text=True, check=True
    )
    assert "croissant" in told_in.stdout
