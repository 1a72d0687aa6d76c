"""`manage.py label`, as its users call it: real files, real voters, one JSON object, one sentence when it cannot."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db.models import F, Sum
from django.test import Client
from django.utils import timezone

from labeling.management.commands.label import progress_line
from labeling.models import Batch, Belief, Chunk, Escalation, Project, Task, Vote
from labeling.money import ledger
from labeling.reports.money import outlook
from labeling.rounds import story
from tests.commands import Shell
from tests.fake_openai import FakeOpenAI
from tests.labeling.crowd.tiny_models import causal

pytestmark = pytest.mark.django_db
SHELL = Shell("label")
run, refusal = SHELL.run_json, SHELL.refusal
PROMISED = {
    *("project", "batch", "tasks", "annotators", "votes", "abstentions", "decided", "open", "for_people"),
    *("cost_usd", "budget_usd", "seconds", "accuracy", "majority_accuracy", "best_single_accuracy"),
}
LINE = {"task", "label", "confidence", "decided_by", "entropy", "cost_usd", "votes", "gold", "differs_from_gold"}


@pytest.fixture
def items(tmp_path: Path) -> Path:
    """Sixty short requests about water or noise, with votes of three recorded workers beside them."""
    chance = random.Random(2)
    with (tmp_path / "items.csv").open("w") as texts, (tmp_path / "votes.csv").open("w") as votes:
        rows, answers = csv.writer(texts), csv.writer(votes)
        rows.writerow(["id", "text", "gold", "district"])
        answers.writerow(["task", "worker", "label"])
        for n in range(60):
            truth = chance.choice(["water", "noise"])
            rows.writerow([f"t{n}", f"request number {n} of this night", truth, ["north", "south"][n % 2]])
            for worker, right in (("weak", 0.6), ("fair", 0.7), ("good", 0.95)):
                other = "noise" if truth == "water" else "water"
                answers.writerow([f"t{n}", worker, truth if chance.random() < right else other])
    return tmp_path / "items.csv"


def recorded(items: Path, worker: str, price: str = "") -> str:
    return f"replay:{items.parent}/votes.csv?worker={worker}" + (f"&call={price}" if price else "")


@pytest.mark.slow
def test_the_json_and_the_labels_have_what_was_promised(items: Path, tmp_path: Path) -> None:
    crowd = ",".join(recorded(items, worker) for worker in ("weak", "fair", "good"))
    told = run(
        items, "--gold", "gold", "--crowd", crowd, "--validation", 20, "--group", "district", "--output", tmp_path / "o"
    )
    assert told.keys() >= PROMISED
    assert (told["tasks"], told["annotators"], told["votes"], told["abstentions"]) == (60, 3, 180, 0)
    assert told["decided"] + told["open"] == 60 and told["cost_usd"] == 0
    lines = [json.loads(line) for line in (tmp_path / "o").read_text().splitlines()]
    assert len(lines) == 60 and all(line.keys() >= LINE for line in lines)
    assert {line["decided_by"] for line in lines} == {"crowd", "file"}
    assert {line["group"] for line in lines} == {"north", "south"}
    assert told["decided_by"]["file"] == 20 and told["decided_by"]["expert"] == 0, "nobody of flesh and blood decided"
    outside = [line for line in lines if line["decided_by"] == "crowd"]
    truth = {row["id"]: row["gold"] for row in csv.DictReader(items.open())}
    right = sum(line["label"] == truth[line["task"]] for line in outside) / len(outside)
    assert all(line["differs_from_gold"] == (line["label"] != line["gold"]) for line in lines)
    assert right == pytest.approx(told["accuracy"])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_labels(items: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(
            items, "--gold", "gold", "--crowd", recorded(items, "good"), "--validation", 20, "--output", tmp_path / name
        )
    labels = [[json.loads(line)["label"] for line in (tmp_path / name).read_text().splitlines()] for name in "ab"]
    assert labels[0] == labels[1]


@pytest.mark.slow
def test_without_gold_there_is_no_accuracy(items: Path) -> None:
    told = run(items, "--labels", "water,noise", "--crowd", f"{recorded(items, 'fair')},{recorded(items, 'good')}")
    assert told["accuracy"] is told["majority_accuracy"] is told["best_single_accuracy"] is None


@pytest.mark.slow
def test_a_paid_model_lifts_the_labels_and_stays_within_the_budget(items: Path) -> None:
    crowd = f"{recorded(items, 'weak')},{recorded(items, 'fair')}"
    free = run(items, "--gold", "gold", "--crowd", crowd, "--validation", 20)
    paid = run(
        *(items, "--gold", "gold", "--crowd", crowd, "--validation", 20),
        *("--paid", recorded(items, "good", "0.002"), "--budget", "0.081"),
    )
    assert paid["accuracy"] > free["accuracy"] and 0 < paid["cost_usd"] <= 0.081
    assert not ledger.faults()


@pytest.mark.slow
def test_a_member_of_the_crowd_with_a_price_votes_as_far_as_the_budget_reaches(items: Path) -> None:
    crowd = f"{recorded(items, 'weak')},{recorded(items, 'good', '0.001')}"
    said = SHELL.run(items, "--gold", "gold", "--crowd", crowd, "--validation", 20, "--budget", "0.0255")
    assert "Spent $0.025 of $0.0255" in said and "--budget is not used" not in said
    assert "good voted on 25 of 60 tasks and rests. The money of this batch is spent" in said
    assert Batch.objects.get().purse.spent_microdollars == 25_000 and not ledger.faults()


@pytest.mark.slow
def test_a_project_that_is_there_lends_its_labels_to_a_file_without_any(items: Path, tmp_path: Path) -> None:
    crowd = recorded(items, "good")
    run(items, "--gold", "gold", "--crowd", crowd, "--project", "nights")
    (tmp_path / "more.csv").write_text("id,text,gold\nx1,a loud party,\nx2,rain in the cellar,water\n")
    bare = run(tmp_path / "more.csv", "--crowd", crowd, "--project", "nights")
    assert bare["tasks"] == 2 and Project.objects.get().first_question.labels.count() == 2
    (tmp_path / "other.csv").write_text("id,text,gold\ny1,a hole in the road,roads\ny2,a dog,noise\n")
    said = refusal(tmp_path / "other.csv", "--gold", "gold", "--crowd", crowd, "--project", "nights")
    assert "has the labels noise, water; use those or a new project" in said


@pytest.mark.slow
@pytest.mark.parametrize("budget", ["0.02", "0.05", "0.20"])
def test_a_small_budget_buys_what_the_page_promises(items: Path, budget: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer costs a tenth of a cent, and more than a cent must be held for it."""
    crowd = f"{recorded(items, 'weak')},{recorded(items, 'fair')}"
    truth = {row["text"]: row["gold"] for row in csv.DictReader(items.open())}
    promises: list[tuple[float, float, int]] = []
    weigh = story.weigh

    def then_look(batch: Batch) -> bool:
        """What the page promises: answers for the money that is free, right labels by them; how many are right now."""
        more = weigh(batch)
        found, turn = outlook.outlook(batch), batch.rounds.latest("number")
        right = Belief.objects.filter(label=F("task__gold"), task__in=batch.tasks.scorable()).count()
        if found:
            price = turn.parameters["prices"]["dear"] / 1_000_000
            promises.append((min(found.next_dollars / price, 40), found.next_labels, right))
        return more

    monkeypatch.setitem(story.STEPS, Batch.Stage.WEIGHING, then_look)
    with FakeOpenAI(oracle=lambda text, _: truth[text], input_price="10", output_price="40") as server:
        paid = f"chat:dear@{server.base_url}?local=yes&input=10&output=40&concurrency=2"
        told = run(
            *(items, "--gold", "gold", "--crowd", crowd, "--validation", 20, "--paid", paid, "--budget", budget),
        )
    assert told["cost_usd"] == server.bill_microdollars / 1_000_000 <= float(budget)
    assert not Escalation.objects.exclude(state="answered").exists(), "all that is planned is asked"
    for turn in Batch.objects.get().rounds.filter(to_paid__gt=0):
        asked = turn.escalations.aggregate(planned=Sum("price_microdollars"), paid=Sum("vote__cost_microdollars"))
        assert asked["paid"] <= asked["planned"], "what is said to cost so much costs no more"
    answers, labels, right = promises[0]
    assert 2 < answers <= Vote.objects.filter(annotator__kind="paid", task__slice="").count()
    if budget != "0.02":  # nine answers may well mend nothing
        assert 2 < labels <= round(40 * told["accuracy"]) - right, "so many more labels are right"
    assert not ledger.faults()


@pytest.mark.slow
def test_rows_come_from_standard_input_too(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(
        json.dumps({"text": f"{word} {n}", "gold": word}) + "\n" for n in range(30) for word in ("up", "down")
    )
    stdin = io.TextIOWrapper(io.BytesIO(rows.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    told = run("-", "--gold", "gold", "--crowd", "word_logistic,naive_bayes", "--validation", 20)
    assert told["tasks"] == 60 and told["accuracy"] > 0.9


@pytest.mark.slow
@pytest.mark.xdist_group("torch")
def test_pairs_of_texts_are_read_by_a_causal_model_and_by_a_local_server(
    real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    lines = real_data("items/rte.jsonl").read_text(encoding="utf-8").splitlines()[:24]
    (tmp_path / "rte.jsonl").write_text("\n".join(lines), encoding="utf-8")
    truth = {json.loads(line)["hypothesis"]: json.loads(line)["gold"] for line in lines}
    folder = causal(tmp_path / "tiny", length=2048)

    def right(text: str, labels: list[str]) -> str:
        return next((label for hypothesis, label in truth.items() if hypothesis in text), labels[0])

    with FakeOpenAI(oracle=right) as server:
        crowd = f"causal:{folder},chat:small@{server.base_url}?local=yes"
        told = run(
            *(tmp_path / "rte.jsonl", "--text", "premise,hypothesis", "--gold", "gold", "--crowd", crowd),
            *("--validation", 20, "--output", tmp_path / "out.jsonl"),
        )
    assert told["tasks"] == 24 and told["votes"] == 48 and len(server.requests) == 24 + 1, "one is the trial before"
    assert sum("premise" in request.prompt.lower() for request in server.requests) >= 24
    by_model = Vote.objects.filter(annotator__name="tiny")
    assert by_model.count() == 24 and all(abs(sum(vote.probabilities) - 1) < 1e-6 for vote in by_model)
    assert told["best_single_accuracy"] == 1.0 and told["accuracy"] >= 0.75


@pytest.mark.slow
def test_question_guidelines_and_meanings_are_what_models_are_told(items: Path, tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text("Count the *first* complaint.\n")
    with FakeOpenAI() as server:
        run(
            *(items, "--labels", "water,noise,a=b", "--crowd", f"chat:small@{server.base_url}?local=yes"),
            *("--question", "What is it about?", "--guidelines", tmp_path / "guide.md"),
            *("--describe", "noise=Too loud = at night", "--describe", "a=b=Something else"),
        )
    asked = server.requests[0].prompt
    assert "What is it about?\n\nCount the *first* complaint." in asked
    assert "- noise: Too loud = at night" in asked and "- a=b: Something else" in asked


@pytest.mark.slow
def test_several_paid_models_are_asked_and_one_that_is_not_is_told(items: Path) -> None:
    told = SHELL.run(
        *(items, "--gold", "gold", "--validation", 20, "--crowd", recorded(items, "weak"), "--budget", "0.2"),
        *("--paid", recorded(items, "good", "0.001"), "--paid", recorded(items, "fair", "0.9")),
    )
    project = Project.objects.get()
    assert list(project.annotators.filter(kind="paid").values_list("name", flat=True)) == ["good", "fair"]
    assert Vote.objects.filter(annotator__name="good").exists()
    assert "fair was asked about nothing." in told
    assert "--paid x is named 2 times" in SHELL.said(
        *(items, "--gold", "gold", "--crowd", recorded(items, "weak"), "--project", "again", "--budget", 1),
        *("--paid", recorded(items, "good", "0.001"), "--paid", recorded(items, "good", "0.001")),
    ).replace(recorded(items, "good", "0.001"), "x")


class TestManager:
    @pytest.mark.slow
    def test_the_only_user_who_may_do_everything_manages_the_project(self, items: Path) -> None:
        User.objects.create_superuser("ada")
        told = SHELL.run(items, "--gold", "gold", "--crowd", recorded(items, "good"))
        assert told.strip().endswith("manage.py run, sign in as ada, page /p/items/")
        client = Client()
        client.force_login(User.objects.get())
        assert client.get("/p/items/").status_code == 200

    @pytest.mark.slow
    def test_where_there_is_nobody_the_command_that_makes_the_first_user_is_named(self, items: Path) -> None:
        assert "manage.py first-user makes a sign-in" in SHELL.run(
            items, "--gold", "gold", "--crowd", recorded(items, "good")
        )
        name, password = Shell("first_user").run().split()
        client = Client()
        assert client.login(username=name, password=password) and client.get("/p/items/").status_code == 200
        assert "There is a first user, admin" in Shell("first_user").refusal()

    @pytest.mark.slow
    def test_one_of_several_is_named(self, items: Path) -> None:
        for name in ("ada", "bo"):
            User.objects.create_superuser(name)
        crowd = ("--gold", "gold", "--crowd", recorded(items, "good"))
        assert "--manager NAME" in SHELL.run(items, *crowd, "--project", "one")
        assert "sign in as bo" in SHELL.run(items, *crowd, "--project", "two", "--manager", "bo")


class TestTable:
    @pytest.mark.slow
    def test_numbers_are_rounded_with_intervals_beside_the_base_rate(self, items: Path) -> None:
        told = SHELL.run(items, "--gold", "gold", "--crowd", recorded(items, "good"), "--validation", 20).splitlines()
        assert told[0] == "items: 60 tasks, 1 model, 60 votes, 0 abstentions"
        rows = [line for line in told if line.startswith("  ")]
        assert rows[0].startswith("  always '") and rows[-1].startswith("  these labels")
        assert all(re.search(r" 0\.\d{3}  \[0\.\d{3}, [01]\.\d{3}\]$", row) for row in rows) and len(rows) == 4

    def test_bad_lines_and_duplicates_are_listed(self, items: Path, tmp_path: Path) -> None:
        lines = items.read_text().splitlines()
        (tmp_path / "more.csv").write_text("\n".join([*lines, lines[1], 't99,"  ",water,north']) + "\n")
        told = SHELL.run(tmp_path / "more.csv", "--gold", "gold", "--crowd", recorded(items, "good"))
        assert "1 row cannot be used:\n  line 63: " in told and "1 row is there already:\n  line 62: " in told


def test_models_that_have_nothing_to_learn_from_say_so(tmp_path: Path) -> None:
    (tmp_path / "new.jsonl").write_text('{"text": "a bin"}\n{"text": "a lamp"}\n')
    told = SHELL.run(tmp_path / "new.jsonl", "--labels", "waste,lamps", "--crowd", "naive_bayes")
    assert "learn from known labels and have too few: name the field that holds them with --gold" in told


class TestRefusals:
    @pytest.mark.parametrize(
        ("option", "value", "said"),
        [
            ("--people", "2", "--people is 2; give a share between 0 and 1"),
            ("--people", "nan", "--people is nan"),
            ("--validation", "-1", "--validation is -1"),
            ("--aggregator", "foo", "There is no method 'foo'; choose one of majority_vote"),
            ("--output", "/no/such/folder/out.jsonl", "/no/such/folder does not exist"),
            ("--guidelines", "/no/such/guide.md", "/no/such/guide.md"),
            ("--describe", "noise", "write LABEL=TEXT"),
            ("--describe", "thunder=Loud", "'thunder', which is no label; the labels are"),
            ("--question", "why? " * 61, "longer than 300 characters"),
            ("--manager", "nobody", "Nobody signs in as 'nobody'"),
            ("--paid", "nobody", "No annotator is called 'nobody'"),
        ],
    )
    def test_what_can_be_checked_is_checked_before_the_first_vote(
        self, items: Path, option: str, value: str, said: str
    ) -> None:
        assert said in refusal(items, "--gold", "gold", "--crowd", recorded(items, "good"), f"{option}={value}")
        assert not Project.objects.exists() and not Vote.objects.exists()

    @pytest.mark.parametrize("budget", ["0", "0.0009"])
    def test_a_budget_below_the_price_of_one_answer(self, items: Path, budget: str) -> None:
        said = refusal(items, "--gold", "gold", "--paid", recorded(items, "good", "0.001"), "--budget", budget)
        assert "$0.001 must be held while one answer of good is asked for" in said and not Project.objects.exists()

    def test_a_budget_below_the_price_of_one_vote_of_a_member(self, items: Path) -> None:
        said = refusal(items, "--gold", "gold", "--crowd", recorded(items, "good", "0.001"))
        assert "$0.001 must be held while one answer of good is asked for" in said and not Project.objects.exists()

    def test_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "empty.csv").write_text("")
        assert "is empty" in refusal(tmp_path / "empty.csv")

    def test_a_field_that_is_not_there(self, items: Path) -> None:
        said = refusal(items, "--text", "body")
        assert "'body'" in said and "its fields are id, text, gold, district" in said

    def test_one_label_only(self, items: Path) -> None:
        assert "at least two labels" in refusal(items, "--labels", "water")

    def test_a_file_that_is_not_utf_8(self, tmp_path: Path) -> None:
        (tmp_path / "latin.csv").write_bytes("text,gold\nstraße,a\n".encode("latin-1"))
        assert "UTF-8" in refusal(tmp_path / "latin.csv", "--gold", "gold")

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        assert "nowhere.csv" in refusal(tmp_path / "nowhere.csv")

    def test_an_unknown_annotator(self, items: Path) -> None:
        assert "No annotator is called 'nobody'" in refusal(items, "--gold", "gold", "--crowd", "nobody")

    @pytest.mark.parametrize("budget", ["-1", "nan", "a lot"])
    def test_a_budget_that_is_no_amount(self, items: Path, budget: str) -> None:
        assert "--budget" in refusal(items, "--gold", "gold", f"--budget={budget}")

    def test_a_paid_model_without_a_price(self, items: Path) -> None:
        said = refusal(items, "--gold", "gold", "--paid", recorded(items, "good"), "--budget", "1")
        assert "price" in said

    def test_a_missing_model_folder(self, items: Path) -> None:
        said = refusal(items, "--gold", "gold", "--crowd", "causal:/nowhere/model")
        assert "/nowhere/model" in said

    @pytest.mark.slow
    def test_a_dead_endpoint(self, items: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Chunk, "TRIES", 1)
        said = refusal(items, "--gold", "gold", "--crowd", "chat:small@http://127.0.0.1:9/v1?local=yes")
        assert "127.0.0.1:9" in said

    def test_a_file_whose_texts_are_all_there_already(self, items: Path) -> None:
        told = ("--gold", "gold", "--crowd", recorded(items, "good"), "--project", "city")
        run(items, *told)
        assert refusal(items, *told) == (
            "Every row of items.csv is in this project already, or has the id of a text that is; nothing is new."
        )
        assert Batch.objects.count() == 1

    def test_a_file_without_a_usable_row(self, tmp_path: Path) -> None:
        (tmp_path / "blank.jsonl").write_text('{"text": " "}\n{"text": ""}\n')
        assert "No row of blank.jsonl can be used; the first is line 1: " in refusal(
            tmp_path / "blank.jsonl", "--labels", "up,down"
        )
        assert not Project.objects.exists()

    def test_nothing_is_left_behind_by_what_was_refused_at_the_door(self, items: Path) -> None:
        refusal(items, "--gold", "gold", "--crowd", "nobody")
        refusal(items, "--labels", "water")
        assert not Project.objects.exists() and not Batch.objects.exists()


@pytest.mark.slow
def test_bad_rows_are_counted_and_good_ones_kept(tmp_path: Path) -> None:
    rows = [{"text": f"{word} {n}", "gold": word} for n in range(15) for word in ("up", "down")]
    bad = [{"text": "has a \0 inside", "gold": "up"}, {"text": "gold outside", "gold": "sideways"}, {"gold": "up"}]
    long = {"text": "x" * 10_000_000, "gold": "up"}
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in [*rows, *bad, long, rows[0]]) + "\n{broken\n")
    told = run(path, "--gold", "gold", "--labels", "up,down", "--crowd", "word_logistic", "--validation", 20)
    assert told["rows"] == {"new": 30, "duplicate": 1, "bad": 5} and Task.objects.count() == 30


def test_progress_is_told_in_tenths_where_nobody_watches(batch: Batch) -> None:
    Batch.objects.update(stage=Batch.Stage.VOTING)
    voter = batch.project.annotators.create(kind="model", name="Alpha", spec="word_logistic")
    Chunk.objects.bulk_create(Chunk(batch=batch, annotator=voter, first=n, last=n) for n in range(50))
    batch.refresh_from_db()
    told = [progress_line(batch)]
    tenths = [progress_line(batch, in_tenths=True)]
    for chunk in batch.chunks.all():
        Chunk.objects.filter(pk=chunk.pk).update(done_at=timezone.now())
        told.append(progress_line(batch))
        tenths.append(progress_line(batch, in_tenths=True))
    assert len(set(told)) == 51 and "4% of the models' answers are in" in told[2]
    assert len(set(tenths)) == 11 and "100% of the models' answers are in" in tenths[-1]
