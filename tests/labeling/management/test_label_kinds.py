"""`manage.py label --kind`: answers of every kind from a file to a file, and one sentence for what cannot be used."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from labeling.files.rows import Fields
from labeling.files.tables import UnusableFile
from labeling.management.label_kinds import label_names
from labeling.models import Annotator, Project, SkippedRow, Task
from tests.commands import Shell
from tests.conftest import SHARED
from tests.fake_openai import FakeOpenAI
from tests.questions import question

pytestmark = pytest.mark.django_db
SHELL = Shell("label")
run, refusal = SHELL.run_json, SHELL.refusal
PROMISED = {
    *("project", "batch", "tasks", "annotators", "votes", "abstentions", "decided", "open", "for_people"),
    *("cost_usd", "budget_usd", "seconds", "accuracy", "majority_accuracy", "best_single_accuracy"),
}
PLACES = ("Oslo", "Rome", "Kiel", "Bern")


def written(folder: Path, rows: Sequence[dict[str, Any]], name: str = "items.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def sentences(count: int = 40) -> list[dict[str, Any]]:
    """Who met whom where, the places marked, with what they are about and how far away it is."""
    rows = []
    for n in range(count):
        place, loud = PLACES[n % 4], n % 3 == 0
        text = f"Case {n}: they met in {place} {'and shouted a lot' if loud else 'and talked'}"
        begin = text.index(place)
        about = [label for label, holds in (("loud", loud), ("south", place in ("Rome", "Bern"))) if holds]
        row = {"spans": [[begin, begin + 4, "place"]], "about": about, "far": n % 4}
        rows.append({"id": f"t{n}", "text": text, **row})
    return rows


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_stretches_come_out_as_they_went_in(tmp_path: Path) -> None:
    items, out = written(tmp_path, sentences()), tmp_path / "out.jsonl"
    crowd = ("--crowd", "span_gazetteer,span_logistic", "--validation", 20)
    told = run(items, "--kind", "spans", "--gold", "spans", *crowd, "--question", "Where?", "--output", out)
    assert told.keys() >= PROMISED | {"span_f1", "partial_f1", "token_kappa", "majority_span_f1", "best_single_span_f1"}
    assert (told["kind"], told["tasks"], told["votes"], told["checked"]) == ("spans", 40, 80, 20)
    assert told["span_f1"] > 0.9 and told["baselines"]["exact_majority"] == told["majority_span_f1"]
    found = {line["task"]: line for line in lines(out)}
    assert found.keys() == {f"t{n}" for n in range(40)}
    known = [line for line in found.values() if line["decided_by"] == "file"]
    assert len(known) == 20 and all(line["label"] == line["gold"] for line in known)
    assert all(line["differs_from_gold"] == (line["label"] != line["gold"]) for line in found.values())
    assert Project.objects.get().first_question.wording == "Where?"


@pytest.mark.slow
def test_sets_of_labels_are_learned_and_written_as_lists(tmp_path: Path) -> None:
    items, out = written(tmp_path, sentences()), tmp_path / "out.jsonl"
    crowd = ("--crowd", "word_logistic,char_logistic", "--validation", 25)
    told = run(items, "--kind", "choices", "--gold", "about", *crowd, "--output", out)
    assert told.keys() >= PROMISED | {"micro_f1", "macro_f1", "exact_match", "hamming", "majority_micro_f1"}
    assert told["micro_f1"] > 0.8 and told["accuracy"] == told["exact_match"]
    found = lines(out)
    assert all(set(line["label"]) <= {"loud", "south"} for line in found) and any(not line["label"] for line in found)


@pytest.mark.slow
def test_a_scale_has_steps_between_the_ends_that_are_named(tmp_path: Path) -> None:
    items, out = written(tmp_path, sentences()), tmp_path / "out.jsonl"
    told = run(
        *(items, "--kind", "scale", "--gold", "far", "--labels", "0,3", "--crowd", "word_logistic"),
        *("--validation", 20, "--output", out),
    )
    assert [label.name for label in Project.objects.get().label_list()] == ["0", "1", "2", "3"]
    assert told.keys() >= PROMISED | {"mae", "quadratic_kappa", "spearman"} and told["mae"] < 1
    assert {line["label"] for line in lines(out)} <= set("0123")


@pytest.mark.slow
def test_images_from_the_folder_of_the_file_are_labeled_by_models_that_see(tmp_path: Path) -> None:
    with (tmp_path / "items.csv").open("w") as stream:
        rows = csv.writer(stream)
        rows.writerow(["id", "photo", "gold"])
        for n in range(24):
            picture = Image.new("RGB", (32, 32), "white")
            colour = ("red", "blue")[n % 2]
            ImageDraw.Draw(picture).rectangle((n % 8, 2, 20 + n % 5, 20 + n // 4), fill=colour)
            picture.save(tmp_path / f"{n}.png")
            rows.writerow([f"p{n}", f"{n}.png", colour])
    crowd = ("--crowd", "image_colours", "--validation", 12)
    told = run(tmp_path / "items.csv", "--image", "photo", "--gold", "gold", *crowd)
    assert (told["kind"], told["tasks"], told["votes"], told["accuracy"]) == ("choice", 24, 24, 1.0)


def recorded(folder: Path, rows: Sequence[dict[str, Any]], field: str, name: str = "votes.jsonl") -> Path:
    """Of the crowd two who now and then repeat the first answer of all, and one who costs money and is right."""
    votes = [
        {"task": row["id"], "worker": who, field: row["answer"] if who == "big" or (n + at) % 3 else rows[0]["answer"]}
        for n, row in enumerate(rows)
        for at, who in enumerate(("one", "two", "big"))
    ]
    return written(folder, votes, name)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "from_field", "labels"), [
    ("spans", "spans", "place"), ("choices", "about", "loud,south"), ("scale", "far", "0,3"),
    ("choice", "far", "0,1,2,3"),
])  # fmt: skip
def test_recorded_answers_of_every_kind_vote_and_what_is_bought_counts_as_paid(
    tmp_path: Path, kind: str, from_field: str, labels: str
) -> None:
    rows = [{**row, "answer": row[from_field]} for row in sentences(60)]
    votes = recorded(tmp_path, rows, "spans" if kind == "spans" else "label")
    told = run(
        *(written(tmp_path, rows), "--kind", kind, "--gold", "answer", "--labels", labels, "--id", "id"),
        *("--crowd", f"replay:{votes}?worker=one,replay:{votes}?worker=two", "--validation", 20),
        *("--paid", f"replay:{votes}?worker=big&call=0.01", "--budget", "1"),
    )
    by = told["decided_by"]
    assert (told["tasks"], told["votes"] >= 120, told["abstentions"], by["person"]) == (60, True, 0, 0)
    assert by["paid"] > 0 and by["crowd"] + by["paid"] + by["file"] == told["decided"]
    assert 0 < told["cost_usd"] <= 1 and told["accuracy"] > max(told["best_single_accuracy"], 0.8)


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "kinds").exists(), reason="the data sets are not on this machine")
def test_on_emotions_in_romanian_a_third_reader_is_worth_its_price(tmp_path: Path) -> None:
    folder = SHARED / "kinds" / "red_v2"
    gold: dict[str, list[str]] = {}
    with (folder / "gold.csv").open() as stream:
        for row in csv.DictReader(stream):
            gold.setdefault(row["task"], []).extend([row["label"]] if row["label"] else [])
    items = [{**item, "gold": gold[item["id"]]} for item in lines(folder / "items.jsonl")]
    voters = [f"replay:{folder / 'votes.csv'}?worker=annotator{n}" for n in (1, 2, 3)]
    told = run(
        *(written(tmp_path, items), "--kind", "choices", "--gold", "gold", "--crowd", ",".join(voters[:2])),
        *("--validation", 60, "--paid", f"{voters[2]}&call=0.01", "--budget", "2"),
    )
    assert told["cost_usd"] == 2.0 and told["decided_by"]["person"] == 0
    assert told["best_single_micro_f1"] == pytest.approx(0.78, abs=0.01) and told["micro_f1"] > 0.93
    assert told["exact_match"] > 0.87, ".897; .776 to .834 for three other draws of known texts; .579 by majority"


def test_bad_rows_of_every_sort_are_told_each_in_a_sentence_and_the_good_ones_kept(tmp_path: Path) -> None:
    text = "They met in Oslo again 🙂"
    bad = {
        "behind": [[0, 400, "place"]],
        "backwards": [[5, 2, "place"]],
        "foreign": [[0, 4, "river"]],
        "twice": [[0, 8, "place"], [4, 12, "place"]],
        "half": "[[0, 4",
        "halves": [[0, 2.5, "place"]],
    }
    rows = [{"id": name, "text": f"{text} {name}", "gold": gold} for name, gold in bad.items()]
    good = [{"id": f"g{n}", "text": f"{text} {n}", "gold": [[12, 16, "place"]] if n else []} for n in range(2)]
    good.append({"id": "unknown", "text": text, "gold": None})
    items = written(tmp_path, [*rows, *good])
    told = run(items, "--kind", "spans", "--gold", "gold", "--labels", "place", "--crowd", "span_gazetteer")
    assert told["rows"] == {"new": 3, "duplicate": 0, "bad": len(bad)}
    reasons = " ".join(SkippedRow.objects.values_list("reason", flat=True))
    for part in ("ends behind its text", "begin before it ends", "none of place", "overlap", "no JSON list", "whole"):
        assert part in reasons
    marks = dict(Task.objects.values_list("instance__external_id", "gold_marks"))
    assert marks == {"g0": [], "g1": [[12, 16, 0]], "unknown": None}, "nothing marked is an answer, no answer is none"


def test_numbers_outside_the_scale_and_labels_of_another_question_spoil_their_row_alone(tmp_path: Path) -> None:
    rows = [{"id": f"t{n}", "text": f"text {n}", "gold": gold} for n, gold in enumerate([1, 7, "many", 3])]
    told = run(
        *(written(tmp_path, rows), "--kind", "scale", "--gold", "gold", "--labels", "1,5", "--crowd", "word_logistic"),
    )
    assert told["rows"] == {"new": 2, "duplicate": 0, "bad": 2}
    first, second = SkippedRow.objects.order_by("line")
    assert "7 is outside the scale 1 to 5" in first.reason and "'many' is no number" in second.reason


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--kind", "ranking"), "There is no kind 'ranking'; choose one of choice, choices, scale, spans."),
        (("--kind", "spans"), "name the types with --labels, or the field with known answers with --gold"),
        (("--kind", "choices"), "name the label set with --labels"),
        (("--kind", "scale", "--labels", "5"), "a scale needs two numbers at least"),
        (("--kind", "scale", "--labels=-1000,1000"), "The scale from -1000 to 1000 has too many steps"),
        (("--kind", "choices", "--labels", ",".join(f"l{n}" for n in range(1001))), "There are 1,001 labels"),
        (("--kind", "choices", "--labels", "a,A"), "too alike to tell apart"),
        (("--kind", "spans", "--labels", "x", "--crowd", "word_logistic"), "word logistic cannot answer in spans"),
        (("--kind", "spans", "--labels", "x", "--aggregator", "glad"), "--aggregator serves answers of one label"),
        (("--kind", "choices", "--labels", "a", "--describe", "b=Bad"), "--describe names 'b', which is no label"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_written(
    tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    assert words in refusal(written(tmp_path, sentences(3)), *options)
    assert not Project.objects.exists() and not Annotator.objects.exists()


def test_blind_models_are_refused_where_there_is_nothing_to_read(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    (tmp_path / "items.csv").write_text("id,photo\nx,a.png\n")
    told = refusal(tmp_path / "items.csv", "--image", "photo", "--labels", "a,b", "--crowd", "word_logistic")
    assert "word logistic cannot see images, and these tasks have no text; image_thumbnail" in told
    told = refusal(tmp_path / "items.csv", "--image", "photo", "--labels", "a,b", "--kind", "spans")
    assert "add a chat model" in told


def test_a_project_keeps_its_kind_and_lends_its_labels(tmp_path: Path) -> None:
    first = written(tmp_path, [{"id": "a", "text": "one", "gold": ["x"]}])
    crowd = ("--project", "P", "--crowd", "word_logistic")
    run(first, "--kind", "choices", "--gold", "gold", *crowd)
    more = written(tmp_path, [{"id": "b", "text": "two"}], "more.jsonl")
    assert "asks for answers of the kind choices; leave --kind out" in refusal(more, "--kind", "spans", *crowd)
    assert run(more, *crowd)["kind"] == "choices"


def test_a_project_is_named_by_its_address_too_and_by_no_name_of_two(tmp_path: Path) -> None:
    items, more = (written(tmp_path, [{"text": text, "gold": ["x"]}], f"{text}.jsonl") for text in ("one", "two"))
    options = ("--kind", "choices", "--gold", "gold", "--crowd", "word_logistic", "--project")
    run(items, *options, "City requests")
    assert run(more, *options, "city-requests")["project"] == "City requests" and Project.objects.count() == 1
    Project.objects.create(name="City requests", slug="another")
    assert "Several projects are called 'City requests'" in refusal(more, *options, "City requests")


def test_labels_in_their_order(tmp_path: Path) -> None:
    items = written(tmp_path, [{"text": "a", "gold": gold} for gold in (["b"], [], ["a", "b"], None)])
    fields = Fields(("text",), gold="gold")
    assert label_names(str(items), fields, "choices", []) == ["a", "b"]
    steps = written(tmp_path, [{"text": "a", "gold": gold} for gold in (10, "2", -1)], "steps.jsonl")
    assert label_names(str(steps), fields, "scale", []) == ["-1", "2", "10"]
    assert label_names(str(steps), fields, "scale", ["-1", "1"]) == ["-1", "0", "1"]
    assert label_names(str(steps), fields, "scale", ["low", "middle", "high"]) == ["low", "middle", "high"]
    words = written(tmp_path, [{"text": "a", "gold": gold} for gold in ("low", "high")], "words.jsonl")
    with pytest.raises(UnusableFile, match="name the steps in their order with --labels"):
        label_names(str(words), fields, "scale", [])


@pytest.mark.slow
def test_a_project_with_several_questions_asks_a_chat_model_once_for_each_text(
    tmp_path: Path, project: Project
) -> None:
    question(project, "choices", ("loud", "south"), wording="What is it about?")
    question(project, "scale", ("1", "2", "3"), wording="How far away is it?")
    items, out = written(tmp_path, sentences(12)), tmp_path / "out.jsonl"
    with FakeOpenAI() as server:
        line = f"chat:small@{server.base_url}?local=yes&input=0.15&output=0.60"
        told = run(items, "--project", project.name, "--crowd", line, "--budget", "1", "--output", out)
        assert len(server.requests) == 12 and told["votes"] == 36
        assert told["cost_usd"] == pytest.approx(server.bill_microdollars / 1e6)
    assert told["tasks"] == 36 == told["decided"] + told["open"] and told["rows"]["new"] == 12
    assert len(lines(out)) == 36
