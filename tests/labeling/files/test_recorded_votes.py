"""Votes go out and come in again: what is exported feeds the commands and other projects unchanged."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from labeling.files import exported_votes, imported_votes
from labeling.files.tables import UnusableFile
from labeling.models import Annotator, Batch, Vote
from labeling.reports.batch.at_work import at_work
from tests.commands import Shell
from tests.labeling.managed import GROUPS, person, told
from tests.reviewers.scenery import say

pytestmark = pytest.mark.django_db


@pytest.fixture
def votes(tmp_path: Path) -> Any:
    def write(*lines: str, header: str = "task,worker,label") -> str:
        path = tmp_path / "votes.csv"
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return str(path)

    return write


def test_every_vote_leaves_with_who_gave_it_how_and_at_what_price(settled: Batch) -> None:
    ann, task = person(settled.project, "ann"), settled.tasks.first()
    label = settled.project.label_list()[1]
    Vote.objects.create(task=task, annotator=ann, label=label, seconds=3.25, cost_microdollars=16_250)
    rows = list(exported_votes.votes(settled))
    assert len(rows) == Vote.objects.current().count()
    row = next(row for row in rows if row["worker"] == "ann")
    assert (row["task"], row["kind"], row["label"]) == (task.external_id, "person", label.name)
    assert (row["seconds"], row["cost_usd"]) == (3.25, 0.01625)
    silent = [row for row in rows if row["worker"] == "Gamma" and row["label"] == ""]
    assert silent, "an abstention is an answer without a label"


def test_a_person_and_an_expert_of_one_name_are_two_workers(settled: Batch) -> None:
    task, label = settled.tasks.first(), settled.project.label_list()[0]
    one = person(settled.project, "ann")
    other = Annotator.objects.create(project=settled.project, kind="expert", name=one.name, user=one.user)
    for who in (one, other):
        Vote.objects.create(task=task, annotator=who, label=label)
    workers = {row["worker"] for row in exported_votes.votes(settled)}
    assert {"ann (person)", "ann (expert)"} <= workers


def test_exported_votes_feed_the_commands_unchanged(settled: Batch, tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    Shell("export").run(settled.pk, "--what", "votes", "--output", path)
    agreed = Shell("agreement").run_json(path)
    assert {pair["a"] for pair in agreed["pairs"]} | {pair["b"] for pair in agreed["pairs"]} == {
        "Alpha",
        "Beta",
        "Gamma",
    }
    weighed = Shell("aggregate").run_json(path, "--method", "majority_vote")
    assert (weighed["tasks"], weighed["annotators"]) == (120, 3)


@pytest.mark.slow
def test_exported_votes_and_labels_feed_simulate_and_fairness_unchanged(settled: Batch, tmp_path: Path) -> None:
    path, labels = tmp_path / "votes.csv", tmp_path / "labels.csv"
    Shell("export").run(settled.pk, "--what", "votes", "--output", path)
    Shell("export").run(settled.pk, "--what", "labels", "--output", labels)
    once = ("--repeats", 1, "--budgets", "0,1", "--validation", 20, "--aggregator", "majority_vote")
    bought = Shell("simulate").run_json(path, "--gold", labels, "--gold-columns", "task,gold", "--paid", "Gamma", *once)
    assert bought["tasks"] == 60 and bought["curve"][-1]["calls"] > 0, "the half whose gold is known"
    fair = Shell("fairness").run_json(labels, "--group", "group")
    assert set(fair["overall"]["groups"]) == set(GROUPS)


def test_exported_votes_come_back_into_a_project_with_the_same_tasks_and_only_once(
    settled: Batch, tmp_path: Path
) -> None:
    path = tmp_path / "votes.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        rows = [row | {"worker": f"{row['worker']} elsewhere"} for row in exported_votes.votes(settled)]
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    before = Vote.objects.count()
    taken = imported_votes.take_in(settled.project, str(path))
    assert (taken.new, taken.known, len(taken.workers)) == (before, 0, 3) and taken.batches == (settled.pk,)
    again = imported_votes.take_in(settled.project, str(path))
    assert (again.new, again.known) == (0, before) and Vote.objects.count() == 2 * before
    mine = [row for row in exported_votes.votes(settled) if row["worker"].endswith("elsewhere")]
    same = ("task", "worker", "label", "probabilities", "tokens_in", "seconds", "cost_usd", "prompt_version")
    assert [[row[name] for name in same] for row in mine] == [[row[name] for name in same] for row in rows]


def test_an_export_of_a_project_s_own_votes_changes_nothing_there_and_says_how_many_there_were(
    manager: Client, settled: Batch
) -> None:
    project, labels = settled.project, settled.project.label_list()
    for kind, name in (("model", "Twin"), ("paid", "Twin"), ("paid", "Dear")):
        voter = Annotator.objects.create(project=project, kind=kind, name=name, spec=kind, price_microdollars=9)
        for version, label in (("p1", labels[1]), ("p2", labels[2])):
            Vote.objects.create(task=settled.tasks.all()[0], annotator=voter, prompt_version=version, label=label)
    Vote.objects.create(task=settled.tasks.all()[1], annotator=person(project, "ann"), label=labels[0])
    before, voters = Vote.objects.count(), Annotator.objects.count()
    text = "".join(exported_votes.votes_as_csv(project))
    answer = manager.post(reverse("votes_in", args=["city"]), {"file": SimpleUploadedFile("votes.csv", text.encode())})
    said = [str(one) for one in get_messages(answer.wsgi_request)]
    assert said == [f"Nothing has changed: the file’s {before} votes were there already."]
    assert (Vote.objects.count(), Annotator.objects.count()) == (before, voters)


def test_no_file_votes_for_a_model_that_votes_by_itself(settled: Batch, votes: Any) -> None:
    Annotator.objects.create(project=settled.project, kind="model", name="Delta", spec="word_logistic")
    with pytest.raises(UnusableFile, match="'Delta' votes in City requests by itself and has not answered task 'M-1'"):
        imported_votes.take_in(settled.project, votes(f"M-1,Delta,{settled.project.label_list()[0]}"))


def test_recorded_people_are_people_who_cannot_sign_in_and_recorded_models_are_never_asked(
    batch: Batch, votes: Any
) -> None:
    labels = batch.project.label_list()
    imported_votes.take_in(batch.project, votes(f"R-0,Lea,{labels[0]}", f"R-0,bert,{labels[1]}"), ["Lea"])
    lea, bert = Annotator.objects.get(name="Lea"), Annotator.objects.get(name="bert")
    assert lea.kind == "person" and lea.user is not None and not lea.user.is_active
    assert bert.kind == "model" and bert not in batch.project.annotators.crowd()


def test_who_spoke_elsewhere_is_not_at_work_here(batch: Batch, votes: Any) -> None:
    labels = batch.project.label_list()
    imported_votes.take_in(batch.project, votes(f"R-0,Lea,{labels[0]}", f"R-0,bert,{labels[1]}"), ["Lea"])
    assert at_work(batch.project) == []
    say(batch.tasks.first(), person(batch.project, "ann"), 0)
    assert [(one.kind, one.who) for one in at_work(batch.project)] == [("person", "ann")]


@pytest.mark.parametrize(
    ("lines", "people", "sentence"),
    [
        (["R-0,w,{0},person", "R-1,w,{0},model"], [], "both as a person and as a model"),
        (["R-0,w,{0},", "R-0,w,{1},"], [], "two answers of 'w' to task 'R-0'"),
        (["R-0,w,{0},", "R-9,w,{1},"], [], "votes on a task that does not exist in City requests (R-9)"),
        (["R-0,w,Fire,"], [], "the label 'Fire', which City requests does not know"),
        (["R-0,w,{0},"], ["Lea"], "holds no vote of Lea"),
        ([], [], "holds no vote"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_whole_in_one_sentence(
    batch: Batch, votes: Any, lines: list[str], people: list[str], sentence: str
) -> None:
    names = [label.name for label in batch.project.label_list()]
    path = votes(*(line.format(*names) for line in lines), header="task,worker,label,kind")
    with pytest.raises(UnusableFile) as refused:
        imported_votes.take_in(batch.project, path, people)
    assert sentence in str(refused.value)
    assert not Vote.objects.exists() and not Annotator.objects.filter(spec__startswith="recorded:").exists()


def test_a_vote_never_changes_by_import(batch: Batch, votes: Any) -> None:
    labels = batch.project.label_list()
    imported_votes.take_in(batch.project, votes(f"R-0,bert,{labels[0]}"))
    with pytest.raises(UnusableFile, match="another answer of 'bert' to task 'R-0' than the project"):
        imported_votes.take_in(batch.project, votes(f"R-0,bert,{labels[1]}"))


def test_the_commands_refuse_before_they_work(settled: Batch, votes: Any, tmp_path: Path) -> None:
    assert "There is no project or batch 'elsewhere'" in Shell("export").refusal("elsewhere")
    assert "does not exist; make it first" in Shell("export").refusal(settled.pk, "--output", tmp_path / "no" / "x.csv")
    assert "There is no project or batch 'x'" in Shell("import_votes").refusal("x", votes("R-0,w,a"))


def test_votes_leave_and_come_in_by_the_pages(manager: Client, settled: Batch) -> None:
    slug = settled.project.slug
    answer = manager.get(reverse("batch_votes", args=[slug, settled.pk, "csv"]))
    assert answer.status_code == 200 and "votes.csv" in answer["Content-Disposition"]
    rows = csv.DictReader(line.rstrip("\r\n") for line in exported_votes.votes_as_csv(settled))
    assert len(list(rows)) == Vote.objects.count()
    assert manager.get(reverse("project_votes", args=[slug, "xml"])).status_code == 404
    task, label = settled.tasks.first(), settled.project.label_list()[0]
    file = SimpleUploadedFile("votes.csv", f"task,worker,label\n{task.external_id},Lea,{label}\n".encode())
    sent = manager.post(reverse("votes_in", args=[slug]), {"file": file, "names": "Lea"}, follow=True)
    assert "Taken in: 1 new vote; 0 were there already." in told(sent)
    assert Vote.objects.filter(annotator__name="Lea", annotator__kind="person").count() == 1
