"""Answers of every kind leave as files, feed the commands unchanged, and come in again."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from labeling import said
from labeling.files import exports, imported_votes, leaving
from labeling.files.tables import UnusableFile
from labeling.models import Annotator, Batch, Decision, Label, Membership, Project, Task, Vote
from tests import questions
from tests.commands import Shell
from tests.labeling.managed import told

pytestmark = pytest.mark.django_db
TEXT = "Ann lives in Oslo."
ANSWERS = {"choices": [["wet"], []], "scale": ["2", "3"], "spans": [[[0, 3, "PER"], [13, 17, "LOC"]], []]}
NUMBERS = {"choices": 2, "scale": 3, "spans": 4}


def asked(name: str) -> Project:
    """A project with a question of each kind, and a batch of two texts."""
    project = Project.objects.create(name=name, slug=name)
    Label.objects.bulk_create(
        Label(question=project.first_question, name=name, position=place) for place, name in enumerate(("yes", "no"))
    )
    questions.question(project, "choices", ["wet", "dark"])
    questions.question(project, "scale", ["1", "2", "3"])
    questions.question(project, "spans", ["PER", "LOC"])
    questions.batch_of(project, [TEXT, "Nobody is here, ever."])
    return project


@pytest.fixture
def project() -> Project:
    """Two models and a person have answered every question about both texts; the first model's answers stand."""
    made = asked("kinds")
    workers = [
        Annotator.objects.create(project=made, kind="model", name=name, spec=f"{Annotator.RECORDED}{name}")
        for name in ("one", "two")
    ]
    for task in made.tasks.select_related("question"):
        place = task.instance.position
        raw = ["yes", "no"][place] if task.question.position == 0 else ANSWERS[task.question.kind][place]
        answer = task.question.answers.read(raw, task.question.space())
        for worker, cost in zip(workers, (0, 10), strict=True):
            columns = said.columns(task.question, answer)
            Vote.objects.create(task=task, annotator=worker, cost_microdollars=cost, **columns)
        columns = said.columns(task.question, answer)
        Decision.objects.create(task=task, **columns, decided_by="crowd", confidence=0.9, entropy=0.1, why="")
        Task.objects.filter(pk=task.pk).update(stage="decided")
    return made


def exported(project: Project, path: Path, *options: str) -> Path:
    Shell("export").run(project.slug, "--output", str(path), *options)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["choices", "scale", "spans"])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_exported_votes_feed_aggregate_and_come_in_again(
    project: Project, tmp_path: Path, kind: str, form: str
) -> None:
    number = str(NUMBERS[kind])
    votes = exported(project, tmp_path / f"v.{form}", "--what", "votes", "--question", number, "--format", form)
    result = Shell("aggregate").run_json(str(votes), "--kind", kind)
    assert (result["tasks"], result["annotators"]) == (2, 2)
    other = asked("copy")
    taken = imported_votes.take_in(other, str(votes), number=NUMBERS[kind])
    assert (taken.new, taken.known) == (4, 0)
    again = imported_votes.take_in(other, str(votes), number=NUMBERS[kind])
    assert (again.new, again.known) == (0, 4)
    assert answers_of(other, kind) == answers_of(project, kind) != []


def answers_of(project: Project, kind: str) -> list[tuple[object, ...]]:
    votes = Vote.objects.filter(task__project=project, task__question__kind=kind)
    rows = votes.order_by("task__position", "annotator__name")
    return list(rows.values_list("task__instance__parts", "annotator__name", "marks", "label__name"))


def test_votes_on_all_questions_name_them_and_sums_over_rows_are_right(project: Project, tmp_path: Path) -> None:
    path = exported(project, tmp_path / "v.csv", "--what", "votes")
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["question"] for row in rows} == {"1", "2", "3", "4"}
    assert sum(float(row["cost_usd"] or 0) for row in rows) == pytest.approx(8 * 10 / 1e6)
    taken = imported_votes.take_in(asked("copy"), str(path))
    assert taken.new == Vote.objects.filter(task__project=project).count() == 16


def test_labels_leave_with_lists_and_marks(project: Project, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in exports.jsonl(project)]
    first = {row["question"]: row["label"] for row in rows if row["task"] == rows[0]["task"]}
    assert first == {1: "yes", 2: ["wet"], 3: "2", 4: [[0, 3, "PER"], [13, 17, "LOC"]]}
    path = exported(project, tmp_path / "labels.csv", "--question", "2")
    with path.open() as stream:
        assert [row["label"] for row in csv.DictReader(stream)] == ["wet", ""]


def test_every_foreign_format_leaves_by_the_command(project: Project, tmp_path: Path) -> None:
    marks = ("--question", "4")
    assert "Oslo -X- -X- B-LOC" in exported(project, tmp_path / "a.conll", "--format", "conll", *marks).read_text()
    folder = exported(project, tmp_path / "brat", "--format", "brat", *marks)
    assert any("LOC 13 17\tOslo" in path.read_text() for path in folder.glob("*.ann"))
    rows = exported(project, tmp_path / "a.jsonl", "--format", "doccano", *marks).read_text().splitlines()
    assert json.loads(rows[0])["label"] == [[0, 3, "PER"], [13, 17, "LOC"]]
    tasks = json.loads(exported(project, tmp_path / "a.json", "--format", "label-studio").read_text())
    assert len(tasks) == 2
    assert len(tasks[0]["annotations"][0]["result"]) == 5
    assert 'name="label_4"' in (tmp_path / "a.xml").read_text()
    assert exported(project, tmp_path / "hf.zip", "--format", "hf").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--format", "conll", "--question", "1"), "no form for these answers"),
        (("--format", "doccano"), "say which with --question, 1 to 4"),
        (("--format", "brat", "--what", "votes"), "brat holds settled answers"),
        (("--format", "hf", "--what", "ledger"), "movements of money leave as csv or jsonl."),
        (("--question", "9"), "its questions are numbered 1 to 4"),
        (("--format", "hf", "--output", "-"), "is a folder of files"),
    ],
)
def test_what_cannot_leave_is_one_sentence(
    project: Project, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    output = () if "--output" in options else ("--output", str(tmp_path / "out"))
    assert words in Shell("export").refusal(project.slug, *output, *options)


def test_a_recorded_answer_that_cannot_be_is_refused_with_its_task(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    task = project.tasks.first().external_id  # type: ignore[union-attr]
    path.write_text(f"task,worker,label\n{task},new,7\n")
    with pytest.raises(UnusableFile, match=r"answer of 'new' to task .*7 is outside the scale 1 to 3"):
        imported_votes.take_in(project, str(path), number=3)
    path.write_text(f'task,worker,label\n{task},new,"[[0, 999, ""PER""]]"\n')
    with pytest.raises(UnusableFile, match="ends behind its text"):
        imported_votes.take_in(project, str(path), number=4)


def test_a_zip_for_the_browser_tells_what_was_widened(project: Project, tmp_path: Path) -> None:
    task = project.tasks.get(question__position=3, instance__position=1)
    Decision.objects.filter(task=task).update(marks=[[0, 3, 0]])  # Nob|ody
    with (tmp_path / "a.zip").open("wb") as stream:
        leaving.as_zip(project, "conll", 4, stream)
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == ["labels.conll", "notes.txt"]


def test_batches_leave_alone(project: Project) -> None:
    batch = project.batches.get()
    assert isinstance(batch, Batch)
    assert len(list(exports.records(batch, 1))) == 2


def test_the_page_saves_plain_files_and_zips_for_other_programs_and_refuses_in_a_sentence(
    project: Project, client: Client, django_user_model: Any
) -> None:
    expert = django_user_model.objects.create(username="eve")
    Membership.objects.create(project=project, user=expert, role="expert")
    client.force_login(expert)
    address = f"/p/{project.slug}/export/"
    assert "Hugging Face datasets" in told(client.get(address))
    plain = client.get(address, {"what": "labels", "format": "csv", "question": "2"})
    assert b"".join(plain).decode().splitlines()[1].split(",")[1] == "wet"
    answer = client.get(
        address, {"what": "labels", "format": "brat", "question": "4", "batch": project.batches.get().pk}
    )
    assert answer["Content-Disposition"].endswith('-labels-brat.zip"')
    assert "annotation.conf" in zipfile.ZipFile(io.BytesIO(b"".join(answer))).namelist()
    refused = client.get(address, {"what": "labels", "format": "conll", "question": "1"})
    assert refused.status_code == 422
    assert "no form for these answers" in told(refused)
    assert client.get(address, {"what": "ledger", "format": "csv"}).status_code == 403
    assert "holds settled answers" in told(client.get(address, {"what": "votes", "format": "hf"}))
    client.force_login(django_user_model.objects.create(username="stranger"))
    assert client.get(address).status_code == 404
