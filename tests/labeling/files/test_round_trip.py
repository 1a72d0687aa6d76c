"""Labels that were exported are read again as texts with their known answers; where they came from nothing changes."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from labeling import said
from labeling.files import guesses, imports, known_answers
from labeling.files.records import field_names
from labeling.files.rows import digest_of
from labeling.files.tables import UnusableFile
from labeling.managing import intake
from labeling.models import Batch, Decision, Instance, Label, Project, Task
from tests import questions
from tests.commands import Shell
from tests.labeling.four_kinds import picture
from tests.labeling.managed import told

pytestmark = pytest.mark.django_db
KINDS = {
    "choice": ["yes", "=no", "maybe, not"],
    "choices": ["wet", "dark", "=loud", "a; b"],
    "scale": ["-1", "0", "1"],
    "spans": ["PER", "LOC"],
}
PLAIN: dict[str, list[Any]] = {
    "choice": [0, 1, 2],
    "choices": [[0, 2], [], [3]],
    "scale": [0, 2, 1],
    "spans": [[[0, 3, 0], [9, 13, 1]], [], [[2, 4, 1]]],
}
TEXTS = [[["Title", "=Ann 😀"], ["Body", "Oslo\nline"]], [["Text", '\'@b, "c"']], [["Text", "-d;|e"]]]
GROUPS: list[dict[str, str]] = [{"town": "+north", "label 2": "x"}, {"town": "south"}, {}]


def project_of(name: str, kinds: list[str]) -> Project:
    """A project that asks a question of each of these kinds, the first one first."""
    made = Project.objects.create(name=name, slug=name)
    first = made.first_question
    type(first).objects.filter(pk=first.pk).update(kind=kinds[0])
    del made.first_question
    names = KINDS[kinds[0]]
    Label.objects.bulk_create(Label(question=first, name=one, position=place) for place, one in enumerate(names))
    for kind in kinds[1:]:
        questions.question(made, kind, KINDS[kind])
    return made


def filled(project: Project, *, pictures: bool = False, unknown: int = 2) -> Project:
    """Three settled instances; of the one at `unknown` nothing was known before."""
    batch = Batch.objects.create(project=project, name="May", stage="done", attributes=["town", "label 2"])
    asked = list(project.questions.all())
    for place, parts in enumerate(TEXTS):
        instance = Instance.objects.create(
            **{"project": project, "batch": batch, "position": place, "external_id": f"T-{place}"},
            **{"parts": parts, "groups": GROUPS[place], "local_only": place == 1, "about": {"day": f"=M{place}"}},
            images=[picture(place)] if pictures and place < 2 else None,
            digest=digest_of(parts, [("Photo", f"as it came {place}")] if pictures and place < 2 else []),
        )
        for each in asked:
            columns = said.of_plain(each, PLAIN[each.kind][place], each.label_list())
            known = {"gold": columns["label"], "gold_marks": columns["marks"]} if place != unknown else {}
            number = place * len(asked) + each.position
            row = {"instance": instance, "project": project, "batch": batch, "question": each, "position": number}
            task = Task.objects.create(**row, stage="decided", **known)
            Decision.objects.create(task=task, **columns, decided_by="crowd", confidence=0.9, entropy=0.1)
    return project


def exported(project: Project, path: Path, *options: str) -> str:
    Shell("export").run(project.slug, "--output", str(path), *options)
    return str(path)


def read_back(project: Project, path: str, **fields: Any) -> Batch:
    """Take a file in as its fields are guessed."""
    names = field_names(path)
    guessed = guesses.guess(path, names, "group", questions=project.questions.count())
    mapping = replace(guessed, **fields)
    labels = [label.name for label in project.label_list()]
    readers = known_answers.readers(project, mapping, labels)
    intake.check_something_new(project, path, "labels", mapping, labels, readers)
    batch = imports.open_batch(project, path, mapping, validation=0)
    imports.take_in(batch)
    return batch


def known_of(project: Project) -> list[Any]:
    """What an instance shows, where it belongs, and what is known of it, by question."""
    rows = [
        (one.external_id, one.parts, one.groups, one.local_only, one.about, sorted(_known(one)))
        for one in project.instances.order_by("external_id")
    ]
    return rows


def _known(instance: Instance) -> list[Any]:
    tasks = Task.objects.filter(instance=instance).select_related("question")
    return [(one.question.position, repr(said.gold(one, one.question.label_list()))) for one in tasks]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_every_kind_fill_another_project_and_change_nothing_in_their_own(
    kind: str, form: str, tmp_path: Path
) -> None:
    project = filled(project_of("one", [kind]))
    path = exported(project, tmp_path / f"labels.{form}", "--format", form)
    other = project_of("other", [kind])
    batch = read_back(other, path)
    assert (batch.rows_read, batch.rows_new, batch.rows_bad) == (3, 3, 0)
    _expect_alike(project, other)
    before = known_of(project)
    with pytest.raises(UnusableFile, match="is in this project already"):
        read_back(project, path)
    assert known_of(project) == before


def _expect_alike(project: Project, other: Project) -> None:
    """The other project holds the same, with a longer name where an attribute is called like an answer's field."""
    longer = [
        (name, parts, {("group label 2" if key == "label 2" else key): value for key, value in groups.items()}, *rest)
        for name, parts, groups, *rest in known_of(project)
    ]
    assert known_of(other) == longer


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_answers_to_several_questions_are_one_text_each(form: str, tmp_path: Path) -> None:
    kinds = ["scale", "choices", "spans", "choice"]
    project = filled(project_of("several", kinds))
    path = exported(project, tmp_path / f"labels.{form}", "--format", form)
    other = project_of("other", kinds)
    batch = read_back(other, path)
    assert (batch.rows_read, batch.rows_new, other.tasks.count()) == (3, 3, 12)
    _expect_alike(project, other)
    with pytest.raises(UnusableFile, match="is in this project already"):
        read_back(project, path)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_was_settled_can_be_taken_for_known_too(form: str, tmp_path: Path) -> None:
    kinds = ["choices", "choice", "scale", "spans"]
    project = filled(project_of("several", kinds))
    path = exported(project, tmp_path / f"labels.{form}", "--format", form)
    other = project_of("other", kinds)
    read_back(other, path, gold="label", golds=("label 2", "label 3", "label 4"))
    settled = filled(project_of("settled", kinds), unknown=-1)
    assert [row[-1] for row in known_of(other)] == [row[-1] for row in known_of(settled)]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_answers_to_one_question_of_several_fill_a_project_that_asks_one(form: str, tmp_path: Path) -> None:
    project = filled(project_of("several", ["choice", "choices"]))
    path = exported(project, tmp_path / f"labels.{form}", "--format", form, "--question", "2")
    other = project_of("other", ["choices"])
    batch = read_back(other, path)
    assert not list(batch.skipped_rows.values_list("reason"))
    assert batch.rows_new == 3
    known = [repr(plain) for plain in PLAIN["choices"][:2]]
    assert [row[-1] for row in known_of(other)] == [[(0, one)] for one in (*known, "None")]
    with pytest.raises(UnusableFile, match="is in this project already"):
        read_back(project, path)


def test_what_must_not_leave_stays_so_in_another_project(tmp_path: Path) -> None:
    project = filled(project_of("one", ["choice"]))
    path = exported(project, tmp_path / "labels.csv")
    with open(path, newline="") as stream:
        assert [row["local_only"] for row in csv.DictReader(stream)] == ["False", "True", "False"]
    other = project_of("other", ["choice"])
    read_back(other, path)
    assert list(other.instances.order_by("position").values_list("local_only", flat=True)) == [False, True, False]
    Instance.objects.filter(project=project).update(local_only=False)
    assert "local_only" not in (tmp_path / exported(project, tmp_path / "again.csv")).read_text().splitlines()[0]


def test_a_text_changed_in_the_file_is_another_text(tmp_path: Path) -> None:
    project = filled(project_of("one", ["choices"]), pictures=True)
    lines = Path(exported(project, tmp_path / "a.jsonl", "--format", "jsonl")).read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    rows[0]["text"]["Body"] = "Bergen"
    changed = tmp_path / "changed.jsonl"
    changed.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(UnusableFile, match="or has the id of a text that is"):
        read_back(project, str(changed))


@pytest.mark.slow
def test_the_command_reads_known_answers_to_all_questions_back_and_finds_nothing_new_where_they_came_from(
    tmp_path: Path,
) -> None:
    kinds = ["choices", "scale"]
    project = filled(project_of("several", kinds))
    path = exported(project, tmp_path / "labels.csv")
    told_fields = ["--gold", "gold", "--group", "town", "--validation", "0", "--output", str(tmp_path / "out.jsonl")]
    refused = Shell("label").refusal(path, "--project", "several", *told_fields)
    assert "Every row of labels.csv is in this project already" in refused
    Shell("label").run_json(path, "--project", project_of("other", kinds).name, *told_fields)
    other = Project.objects.get(name="other")
    assert [row[-1] for row in known_of(other)] == [row[-1] for row in known_of(project)]


class TestPictures:
    def test_change_nothing_where_they_came_from_and_without_them_are_refused_elsewhere(self, tmp_path: Path) -> None:
        project = filled(project_of("one", ["choices"]), pictures=True)
        path = exported(project, tmp_path / "labels.csv")
        with pytest.raises(UnusableFile, match="is in this project already"):
            read_back(project, path)
        with pytest.raises(UnusableFile, match="The pictures are not here"):
            read_back(project_of("other", ["choices"]), path)

    @pytest.mark.parametrize("form", ["csv", "jsonl"])
    def test_come_in_the_zip_that_left_with_them(self, form: str, tmp_path: Path) -> None:
        project = filled(project_of("one", ["choices", "scale"]), pictures=True)
        packed = exported(project, tmp_path / "labels.zip", "--format", form)
        other = project_of("other", ["choices", "scale"])
        with zipfile.ZipFile(packed) as files:
            files.extractall(tmp_path / "here")
        read_back(other, str(tmp_path / "here" / f"labels.{form}"), pictures=str(tmp_path / "here"))
        shown = [[(one["title"], one["alt"], one["width"]) for one in each.images or ()] for each in _of(project)]
        assert [[(one["title"], one["alt"], one["width"]) for one in each.images or ()] for each in _of(other)] == shown
        assert shown[0] == [("Photo", "a street", 64)] and shown[2] == []
        with pytest.raises(UnusableFile, match="is in this project already"):
            read_back(other, str(tmp_path / "here" / f"labels.{form}"), pictures=str(tmp_path / "here"))
        with pytest.raises(UnusableFile, match="is in this project already"):
            read_back(project, str(tmp_path / "here" / f"labels.{form}"), pictures=str(tmp_path / "here"))

    def test_of_votes_there_are_none(self, tmp_path: Path) -> None:
        project = filled(project_of("one", ["choice"]))
        refused = Shell("export").refusal(project.slug, "--what", "votes", "--output", str(tmp_path / "votes.zip"))
        assert refused == "Votes have no pictures; give their file the ending .csv."


def _of(project: Project) -> list[Instance]:
    return list(project.instances.order_by("external_id"))


@pytest.mark.slow
def test_the_pages_read_a_zip_of_pictures_back_and_say_what_lacks_without(
    manager: Client, project: Project, tmp_path: Path
) -> None:
    source = filled(project_of("one", ["choices", "spans"]), pictures=True)
    packed = Path(exported(source, tmp_path / "labels.zip"))
    bare = Path(exported(source, tmp_path / "labels.csv"))
    questions.question(project, "spans", KINDS["spans"])
    type(project.first_question).objects.filter(pk=project.first_question.pk).update(kind="choices")
    project.first_question.labels.all().delete()
    address = manager.post("/p/city/import/", {"file": SimpleUploadedFile("labels.csv", bare.read_bytes())})["Location"]
    assert "comes in the ZIP of an export with its pictures" in told(manager.get(address))
    fields = {"text": "text", "images": "images", "gold": "gold", "gold_2": "gold 2", "id": "task", "name": "Back"}
    wishes = {**fields, "groups": ["town"], "shown": ["about"], "labels": "\n".join(KINDS["choices"]), "budget": "0"}
    refused = manager.post(address, wishes)
    assert refused.status_code == 422 and "bring them in a ZIP with the file" in told(refused)
    address = manager.post("/p/city/import/", {"file": SimpleUploadedFile("a.zip", packed.read_bytes())})["Location"]
    page = told(manager.get(address))
    assert "3 rows can be used" in page and "question 1: 2, question 2: 2" in page
    assert manager.post(address, wishes).status_code == 302
    imports.take_in(Batch.objects.get(project=project))
    assert [row[-1] for row in known_of(project)] == [row[-1] for row in known_of(source)]
