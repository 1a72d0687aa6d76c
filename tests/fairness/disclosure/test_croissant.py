"""Croissant 1.1: MLCommons' own reader finds no error, and reads back what the tables hold."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from fairness.disclosure import files
from labeling.models import Batch, Decision, Statement
from tests.labeling.four_kinds import STRETCHES, four_kinds

mlc = pytest.importorskip("mlcroissant", reason="needs mlcroissant: make test installs it")
pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What it unpacks lies with the test."""
    monkeypatch.setattr("mlcroissant._src.core.constants.CROISSANT_CACHE", tmp_path / "cache")


def written(batch: Batch, folder: Path) -> Path:
    for name, data in files.as_croissant(batch).items():
        (folder / (name or "croissant.json")).write_bytes(data)
    return folder / "croissant.json"


def records(dataset: Any, name: str) -> list[dict[str, Any]]:
    """The records of a set, their fields without its name; texts come as bytes."""
    return [{key.partition("/")[2]: _text(value) for key, value in row.items()} for row in dataset.records(name)]


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(one) for one in value]
    return value.decode() if isinstance(value, bytes) else value


def test_mlcroissant_finds_no_error_and_loads_every_record(batch: Batch, tmp_path: Path) -> None:
    Statement.objects.create(project=batch.project, key="license", words="https://spdx.org/licenses/CC-BY-4.0")
    Statement.objects.create(project=batch.project, key="address", words="https://example.org/city")
    Statement.objects.create(project=batch.project, key="creator", words="The city")
    dataset = mlc.Dataset(str(written(batch, tmp_path)))
    issues = dataset.metadata.ctx.issues
    assert not issues.errors and not issues.warnings
    assert dataset.metadata.ctx.conforms_to.value == "http://mlcommons.org/croissant/1.1"
    told = records(dataset, "labels-question-1")
    settled = Decision.objects.current().filter(task__batch=batch)
    assert {row["task"]: row["label"] for row in told} == dict(
        settled.values_list("task__instance__external_id", "label__name")
    )
    assert len(records(dataset, "provenance")) == batch.tasks.count()
    handed = [row for row in records(dataset, "provenance") if row["handed_over_to"]]
    assert len(handed) == 6 and {row["handed_over_because"] for row in handed} == {"the crowd is torn"}


def test_every_kind_of_answer_and_pictures_come_back(project: Any, tmp_path: Path) -> None:
    batch = four_kinds(project)
    dataset = mlc.Dataset(str(written(batch, tmp_path)))
    assert not dataset.metadata.ctx.issues.errors
    for asked in project.questions.all():
        told = records(dataset, f"labels-question-{asked.number}")
        settled = Decision.objects.current().filter(task__batch=batch, task__question=asked)
        assert len(told) == settled.count() > 30
        by_task = {one.task.external_id: one for one in settled.select_related("task__instance", "label")}
        names = [label.name for label in asked.label_list()]
        for row in told:
            made = by_task[row["task"]]
            if asked.one_label:
                assert row["label"] == made.label.name
            elif asked.answers.in_text:
                at = map(names.index, row["labels"])
                stretches = [list(one) for one in zip(row["starts"], row["ends"], at, strict=True)]
                assert stretches == made.marks and all(one in STRETCHES for one in stretches)
                assert row["text"][12:21] == "Mill Road"
            else:
                assert sorted(map(names.index, row["labels"])) == made.marks
    shown = records(dataset, "pictures-png")
    assert len(shown) == 8 and shown[0]["content"].size == (64, 48)
    assert {name for row in told for name in row["pictures"]} <= {row["name"] for row in shown}


def test_hashes_are_those_of_the_files_and_ids_stay_as_they_are(batch: Batch, tmp_path: Path) -> None:
    batch.instances.filter(position=50).update(external_id="0012")
    path = written(batch, tmp_path)
    for one in json.loads(path.read_text())["distribution"]:
        data = (tmp_path / one["contentUrl"]).read_bytes()
        assert one["sha256"] == hashlib.sha256(data).hexdigest() and one["contentSize"] == f"{len(data)} B"
    assert "0012" in {row["task"] for row in records(mlc.Dataset(str(path)), "provenance")}
    (tmp_path / "provenance.parquet").write_bytes(b"something else")
    with pytest.raises(Exception, match=r"Download\(provenance"):
        records(mlc.Dataset(str(path)), "provenance")


def test_groups_may_be_called_anything(batch: Batch, tmp_path: Path) -> None:
    names = {"Town part": "East", "Town_part": "1", "Größe €/m": "=x"}
    batch.instances.update(groups=names)
    Batch.objects.update(attributes=list(names))
    batch.refresh_from_db()
    dataset = mlc.Dataset(str(written(batch, tmp_path)))
    assert not dataset.metadata.ctx.issues.errors
    found = records(dataset, "labels-question-1")[0]
    assert [found[key] for key in found if key.startswith("group_")] == list(names.values())
    asked = next(one for one in dataset.metadata.record_sets if one.uuid == "labels-question-1")
    assert [f"group_{name}" for name in names] == [one.name for one in asked.fields if "group" in one.name]


def test_it_says_in_the_vocabulary_of_responsible_ai_what_the_sheet_says(batch: Batch, tmp_path: Path) -> None:
    told = json.loads(written(batch, tmp_path).read_text())
    assert told["conformsTo"][1] == "http://mlcommons.org/croissant/RAI/1.0"
    assert "GPT: gpt-4.1; gpt-4.1-x; 8 answers, 1 refusals" in told["rai:machineAnnotationTools"]
    assert any("groups by Group" in one for one in told["rai:dataBiases"])
    assert "OPENAI_API_KEY" not in json.dumps(told)
