import csv
import gzip
import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from labeling.truth.methods import NAMES
from tests.commands import Shell
from tests.labeling.truth.crowds import DATA, simulate

SHELL = Shell("aggregate")
run, run_json, refusal = SHELL.run, SHELL.run_json, SHELL.refusal

ROOT = Path(__file__).resolve().parents[3]
COMMON = {"method", "tasks", "annotators", "votes", "labels", "degenerate_annotators"}
MEASURED = {"iterations", "converged", "seconds", "accuracy", "ece", "scored"}


@pytest.fixture
def crowd(tmp_path: Path) -> dict[str, Path]:
    """Votes of seven annotators on 120 tasks, gold for all, and 40 of these for learning."""
    votes, truth = simulate(120, 7, 3, seed=3)
    names = [f"task {i}" for i in range(120)]
    paths = {name: tmp_path / f"{name}.csv" for name in ("votes", "gold", "validation", "labels")}
    entries = zip(votes.task, votes.annotator, votes.label, strict=True)
    write(paths["votes"], "task,worker,label", [f"{names[i]},w{j},{'abc'[k]}" for i, j, k in entries])
    write(paths["gold"], "task,label", [f"{name},{'abc'[k]}" for name, k in zip(names, truth, strict=True)])
    write(paths["validation"], "task,label", [f"{names[i]},{'abc'[truth[i]]}" for i in range(40)])
    return paths


def write(path: Path, head: str, lines: list[str]) -> Path:
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def test_the_json_has_what_was_promised(crowd: dict[str, Path]):
    found = run_json(crowd["votes"], "--method", "dawid_skene", "--gold", crowd["gold"])
    assert found.keys() >= COMMON | MEASURED
    assert [found[key] for key in ("method", "tasks", "annotators", "labels")] == ["dawid_skene", 120, 7, 3]
    assert found["votes"] == 840
    assert found["scored"] == 120
    assert found["accuracy"] > 0.9
    assert 0 <= found["ece"] < 0.1
    assert found["converged"] is True
    assert found["degenerate_annotators"] == []


def test_without_gold_nothing_is_scored(crowd: dict[str, Path]):
    found = run_json(crowd["votes"], "--method", "wawa")
    assert (found["accuracy"], found["ece"], found["scored"]) == (None, None, 0)


def test_what_the_method_learns_from_does_not_score(crowd: dict[str, Path]):
    found = run_json(crowd["votes"], "--method", "ibcc", "--gold", crowd["gold"], "--validation", crowd["validation"])
    assert found["scored"] == 80


def test_the_validation_labels_are_learnt_and_the_gold_is_not(crowd: dict[str, Path]):
    lies = write(crowd["gold"].with_name("lies.csv"), "task,label", [f"task {i},a" for i in range(120)])
    plain = labels_of(crowd, "--gold", crowd["gold"])
    assert labels_of(crowd, "--gold", lies) == plain
    learnt = labels_of(crowd, "--validation", lies)
    assert {row["label"] for row in learnt} == {"a"}


def labels_of(crowd: dict[str, Path], *arguments: object) -> list[dict[str, str]]:
    run(crowd["votes"], "--method", "dawid_skene", "--output", crowd["labels"], *arguments)
    with crowd["labels"].open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_labels_are_written_in_the_order_of_the_votes_with_confidence_and_ties(tmp_path: Path):
    votes = write(tmp_path / "v.csv", "task,worker,label", ["t2,x,yes", "t2,y,no", "t1,x,no", "t1,y,no"])
    run(votes, "--method", "majority_vote", "--output", tmp_path / "out.csv", "--probabilities")
    rows = (tmp_path / "out.csv").read_text().splitlines()
    assert rows[0] == "task,label,confidence,tie,p:no,p:yes"
    assert rows[1] == "t2,no,0.500000,true,0.500000,0.500000"
    assert rows[2].startswith("t1,no,0.833333,false,0.833333,0.166667")


def test_the_accuracy_is_that_of_the_written_labels(crowd: dict[str, Path]):
    arguments = crowd["votes"], "--method", "glad", "--gold", crowd["gold"]
    found = run_json(*arguments, "--output", crowd["labels"])
    with crowd["labels"].open() as labels, crowd["gold"].open() as gold:
        truth = {row["task"]: row["label"] for row in csv.DictReader(gold)}
        right = [row["label"] == truth[row["task"]] for row in csv.DictReader(labels)]
    assert found["accuracy"] == pytest.approx(np.mean(right))


def test_a_gold_label_nobody_voted_for_scores_as_wrong(tmp_path: Path):
    votes = write(tmp_path / "v.csv", "task,worker,label", ["1,x,a", "1,y,a", "2,x,b", "2,y,b"])
    gold = write(tmp_path / "g.csv", "task,label", ["1,a", "2,other"])
    found = run_json(votes, "--method", "majority_vote", "--gold", gold)
    assert (found["labels"], found["accuracy"], found["scored"]) == (2, 0.5, 2)


@pytest.mark.slow
def test_all_compares_every_method(crowd: dict[str, Path]):
    found = run_json(crowd["votes"], "--method", "all", "--gold", crowd["gold"], "--validation", crowd["validation"])
    assert [row["method"] for row in found["methods"]] == list(NAMES)
    for row in found["methods"]:
        assert row.keys() >= MEASURED
        assert row["accuracy"] > 0.85
    assert "chosen" in found["methods"][-1]


def test_the_table_for_people_names_numbers_and_silent_annotators(tmp_path: Path):
    lines = [f"{i},w{j},{'ab'[i % 2]}" for i in range(60) for j in range(3)]
    lines += [f"{i},parrot,a" for i in range(60)]
    votes = write(tmp_path / "v.csv", "task,worker,label", lines)
    gold = write(tmp_path / "g.csv", "task,label", [f"{i},{'ab'[i % 2]}" for i in range(60)])
    text = run(votes, "--method", "mace", "--gold", gold)
    assert "60 tasks, 4 annotators, 240 votes, 2 labels" in text
    assert "1.0000" in text
    assert "annotators whose answers tell nothing about the label: parrot" in text
    assert "always saying 'a' would be right on 0.5000 of them" in text
    assert "The labels were not written; --output labels.csv does." in text
    assert "not written" not in run(votes, "--method", "mace", "--output", tmp_path / "labels.csv")


def test_the_same_seed_gives_the_same_file(crowd: dict[str, Path]):
    first, again = (labels_of(crowd, "--seed", 5) for _ in range(2))
    assert first == again


def test_later_votes_replace_earlier_ones_and_other_columns_are_ignored(tmp_path: Path):
    votes = write(tmp_path / "v.csv", "when,label,task,worker", ["1,a,t,x", "2,b,t,x", "3,b,t,y", "4,a,u,x"])
    assert run_json(votes, "--method", "majority_vote")["votes"] == 3


def test_gzip_is_read(crowd: dict[str, Path], tmp_path: Path):
    packed = tmp_path / "votes.csv.gz"
    packed.write_bytes(gzip.compress(crowd["votes"].read_bytes()))
    assert run_json(packed, "--method", "majority_vote")["votes"] == 840


def test_standard_input_and_output(crowd: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: Any):
    monkeypatch.setattr("sys.stdin", StringIO(crowd["votes"].read_text()))
    call_command("aggregate", "-", "--method", "wawa", "--output", "-")
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "task,label,confidence,tie"
    assert len(printed.out.splitlines()) == 121
    assert "120 tasks" in printed.err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty"),
        ("task,worker,label\n", "holds no vote"),
        ("task,worker\n1,2\n", "has no column 'label'"),
        ("task,worker,label\n1,x,a\n2,x,a\n", "knows only the label 'a'"),
        ("task,worker,label\n1,x,a\n2,x\n", "line 3 has 2 fields; it needs 3"),
        ("task,worker,label\n1,x,a\n2,x,\0\n", "line 3 has a NUL character"),
    ],
)
def test_an_unusable_file_of_votes_is_refused_in_one_sentence(tmp_path: Path, content: str, sentence: str):
    path = tmp_path / "votes.csv"
    path.write_text(content)
    assert sentence in refusal(path, "--method", "majority_vote")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path):
    path = tmp_path / "votes.csv"
    path.write_bytes(b"task,worker,label\n1,x,\xff\xfe\n")
    assert "is not a UTF-8 text file" in refusal(path)
    packed = tmp_path / "votes.csv.gz"
    packed.write_bytes(b"plain text")
    assert "is not a UTF-8 text file" in refusal(packed)


def test_files_that_are_not_there_are_refused(crowd: dict[str, Path], tmp_path: Path):
    assert "none.csv cannot be read (there is no such file)" in refusal(tmp_path / "none.csv")
    assert "cannot be read" in refusal(crowd["votes"], "--gold", tmp_path / "none.csv")
    assert "cannot be read" in refusal(tmp_path)


def test_gold_that_fits_no_task_is_refused(crowd: dict[str, Path], tmp_path: Path):
    gold = write(tmp_path / "other.csv", "task,label", ["somewhere,a"])
    assert "names no task of the votes" in refusal(crowd["votes"], "--gold", gold)
    assert "names no task of the votes" in refusal(crowd["votes"], "--validation", gold)


def test_options_that_cannot_be_served_are_refused(crowd: dict[str, Path], tmp_path: Path):
    votes = crowd["votes"]
    assert "choose one of majority_vote" in refusal(votes, "--method", "lda")
    assert "one method" in refusal(votes, "--method", "all", "--output", tmp_path / "out.csv")
    assert "cannot be written" in refusal(votes, "--output", tmp_path / "no folder" / "out.csv")
    assert "both write to standard output" in refusal(votes, "--output", "-", "--json")
    assert "Only one of the files" in refusal("-", "--gold", "-")
    assert "--seed" in refusal(votes, "--seed", "-1")


def test_texts_become_one_more_annotator_for_auto(crowd: dict[str, Path], tmp_path: Path):
    pytest.importorskip("sklearn")
    words = {"a": "sunny warm dry", "b": "rain wet grey", "c": "snow cold white"}
    truth = list(csv.DictReader(crowd["gold"].open()))
    items = tmp_path / "items.jsonl"
    lines = [json.dumps({"task": row["task"], "text": f"{words[row['label']]} day {i}"}) for i, row in enumerate(truth)]
    items.write_text("\n".join(lines))
    arguments = crowd["votes"], "--gold", crowd["gold"], "--validation", crowd["validation"]
    found = run_json(*arguments, "--items", items)
    assert found["method"] == "auto"
    assert found["accuracy"] >= run_json(*arguments)["accuracy"]
    assert "has no field 'body'" in refusal(crowd["votes"], "--items", items, "--text", "body")


def test_a_recorded_crowd_of_language_models():
    folder = DATA / "llm_votes" / "babe_4_shot"
    if not folder.exists():
        pytest.skip(f"the data set is not here (looked in {folder})")
    found = run_json(folder / "votes.csv", "--method", "dawid_skene", "--gold", folder / "gold.csv")
    assert (found["tasks"], found["annotators"]) == (3021, 13)
    assert found["accuracy"] == pytest.approx(0.8216, abs=5e-4)
    assert found["degenerate_annotators"] == ["flan_t5_base"]


def test_without_labels_auto_names_the_tasks_to_label_next(crowd: dict[str, Path]):
    found = run_json(crowd["votes"])
    assert len(set(found["tasks_to_validate"])) == 50
    assert set(found["tasks_to_validate"]) <= {f"task {i}" for i in range(120)}
    assert "label 50 tasks" in found["message"]
    table = run(crowd["votes"])
    assert found["message"] in table
    assert f"tasks to label: {found['tasks_to_validate'][0]}," in table
    assert "tasks_to_validate" not in run_json(crowd["votes"], "--validation", crowd["validation"])
    assert "tasks_to_validate" not in run_json(crowd["votes"], "--method", "mace")


def structured(tmp_path: Path) -> dict[str, Path]:
    """A weak crowd on 400 tasks: runs of ten with one label follow each other, and pairs are near-duplicates."""
    generator = np.random.default_rng(8)
    truth = np.repeat(generator.integers(0, 3, 40), 10)
    said = np.where(generator.random((400, 3)) < 0.5, truth[:, None], generator.integers(0, 3, (400, 3)))
    paths = {name: tmp_path / f"{name}.csv" for name in ("votes", "gold")}
    write(paths["votes"], "task,worker,label", [f"{i},w{j},{'abc'[said[i, j]]}" for i in range(400) for j in range(3)])
    write(paths["gold"], "task,label", [f"{i},{'abc'[label]}" for i, label in enumerate(truth)])
    items = [{"task": str(i), "text": f"t{i}", "of": f"s{i // 50}", "twin": f"p{i // 2}"} for i in range(400)]
    paths["items"] = tmp_path / "items.jsonl"
    paths["items"].write_text("\n".join(json.dumps(item) for item in items))
    return paths


@pytest.mark.parametrize(("option", "field", "gain"), [("--sequence", "of", 0.1), ("--duplicates", "twin", 0.05)])
def test_neighbours_and_near_duplicates_share_evidence(tmp_path: Path, option: str, field: str, gain: float):
    pytest.importorskip("sklearn")
    paths = structured(tmp_path)
    arguments = paths["votes"], "--method", "majority_vote", "--gold", paths["gold"]
    plain = run_json(*arguments)["accuracy"]
    shared = run_json(*arguments, "--items", paths["items"], option, field)["accuracy"]
    assert shared > plain + gain
    assert f"{option} names a field of --items" in refusal(*arguments, option, field)
    assert "has no field 'none'" in refusal(*arguments, "--items", paths["items"], option, "none")


def test_a_sequence_is_in_the_order_of_the_items_file(tmp_path: Path):
    pytest.importorskip("sklearn")
    paths = structured(tmp_path)
    arguments = paths["votes"], "--method", "majority_vote", "--gold", paths["gold"], "--sequence", "of"
    ordered = run_json(*arguments, "--items", paths["items"])["accuracy"]
    lines = paths["items"].read_text().splitlines()
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text("\n".join(np.random.default_rng(1).permutation(lines)))
    assert run_json(*arguments, "--items", mixed)["accuracy"] < ordered - 0.05


@pytest.mark.slow
@pytest.mark.xdist_group("torch")
def test_a_torch_device_gives_the_labels_of_numpy(crowd: dict[str, Path]):
    plain = labels_of(crowd)
    assert labels_of(crowd, "--device", "cpu") == plain
    assert "cannot be used" in refusal(crowd["votes"], "--method", "dawid_skene", "--device", "nonsense")
    assert "dawid_skene alone" in refusal(crowd["votes"], "--device", "cpu")


@pytest.mark.slow
def test_torch_and_sklearn_stay_out_unless_asked_for(crowd: dict[str, Path]):
    code = (
        "import sys; from django.core.management import call_command; import django; django.setup();"
        f"call_command('aggregate', {str(crowd['votes'])!r}, '--json', '--validation', {str(crowd['validation'])!r});"
        "assert not {'torch', 'sklearn', 'transformers', 'openai'} & sys.modules.keys()"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment, cwd=ROOT)


def test_an_empty_cell_wins_no_task(tmp_path: Path):
    lines = ["t0,r1,", "t0,r2,", "t0,r3,yes", "t1,r1,no", "t1,r2,no", "t1,r3,yes"]
    votes = write(tmp_path / "v.csv", "task,worker,label", lines)
    run(votes, "--method", "majority_vote", "--output", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("t0,yes,")
    assert run_json(votes, "--method", "majority_vote")["labels"] == 2


def test_blank_gold_scores_nothing_and_teaches_nothing(crowd: dict[str, Path], tmp_path: Path):
    rows = crowd["gold"].read_text().splitlines()[1:]
    half = write(tmp_path / "half.csv", "task,label", [row if i % 2 else row[:-1] for i, row in enumerate(rows)])
    known = write(tmp_path / "known.csv", "task,label", rows[1::2])
    for option in ("--gold", "--validation"):
        found, same = (
            run_json(crowd["votes"], "--method", "dawid_skene", "--gold", crowd["gold"], option, path)
            for path in (half, known)
        )
        assert [found[key] for key in ("accuracy", "ece", "scored", "labels")] == [
            same[key] for key in ("accuracy", "ece", "scored", "labels")
        ]
        assert any("without a label, unknown: 60 of 120" in note for note in found["notes"])


def test_gold_in_another_spelling_of_its_numbers_is_matched_and_in_another_case_refused(tmp_path: Path):
    numbers = write(tmp_path / "n.csv", "task,worker,label", ["1,x,1", "1,y,1", "2,x,0", "2,y,0"])
    gold = write(tmp_path / "g.csv", "task,label", ["1,1.0", "2,0.0"])
    assert run_json(numbers, "--method", "majority_vote", "--gold", gold)["accuracy"] == 1
    words = write(tmp_path / "w.csv", "task,worker,label", ["1,x,yes", "1,y,yes", "2,x,no", "2,y,no"])
    capital = write(tmp_path / "c.csv", "task,label", ["1,Yes", "2,No"])
    for option in ("--gold", "--validation"):
        said = refusal(words, "--method", "majority_vote", option, capital)
        assert "is among the labels (Yes, No against no, yes); --fold-case takes them as one." in said
    assert run_json(words, "--method", "majority_vote", "--gold", capital, "--fold-case")["accuracy"] == 1


def test_one_label_is_enough_where_the_label_set_is_named(tmp_path: Path):
    votes = write(tmp_path / "v.csv", "task,worker,label", ["1,x,yes", "1,y,yes"])
    assert "name all with --labels" in refusal(votes, "--method", "majority_vote")
    assert run_json(votes, "--method", "majority_vote", "--labels", "yes,no")["labels"] == 2
    assert "names a label twice" in refusal(votes, "--labels", "yes,yes")


def test_accuracy_stands_with_its_interval(crowd: dict[str, Path]):
    found = run_json(crowd["votes"], "--method", "majority_vote", "--gold", crowd["gold"])
    assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"]
    text = run(crowd["votes"], "--method", "majority_vote", "--gold", crowd["gold"])
    assert f"[{found['accuracy_low']:.4f}, {found['accuracy_high']:.4f}]" in text
    nothing = run_json(crowd["votes"], "--method", "majority_vote")
    assert (nothing["accuracy_low"], nothing["accuracy_high"]) == (None, None)


def test_what_is_odd_about_the_files_is_told_to_people_and_in_the_json(crowd: dict[str, Path], tmp_path: Path):
    lines, known = (crowd[name].read_text().splitlines()[1:] for name in ("votes", "gold"))
    odd = write(tmp_path / "odd.csv", "task,worker,label", [*lines, lines[0], "task 0,late,a"])
    gold = write(tmp_path / "twice.csv", "task,label", [*known, known[5], "x,b"])
    found = run_json(odd, "--method", "majority_vote", "--gold", gold)
    assert [note.replace(f" {gold}", "") for note in found["notes"]] == [
        "Rows that repeat a worker's vote on a task: 1, of which 0 with another label; the last one counts.",
        "Rows of that name a task again: 1, of which 0 with another label; the last one counts.",
        "Tasks of without a vote: 1 of 121.",
        "Annotators that lack votes, of 120 tasks: late on 119.",
    ]
    text = run(odd, "--method", "majority_vote", "--gold", gold)
    assert all(note in text for note in found["notes"])


def test_what_can_be_checked_is_checked_before_the_work(crowd: dict[str, Path], tmp_path: Path):
    votes = crowd["votes"]
    assert "cannot be written" in refusal(votes, "--output", tmp_path)
    assert "is read as well as written" in refusal(votes, "--output", votes)
    assert "name it with --output" in refusal(votes, "--probabilities")
    broken = write(tmp_path / "broken.csv", "task,worker,label", ["only one field"])
    assert "none.jsonl cannot be read" in refusal(broken, "--items", tmp_path / "none.jsonl")


def test_the_order_of_the_files_changes_no_number(crowd: dict[str, Path], tmp_path: Path):
    numbers = ("accuracy", "ece", "scored", "labels", "votes")
    plain = run_json(crowd["votes"], "--method", "majority_vote", "--gold", crowd["gold"])
    for seed in range(4):
        lines = np.random.default_rng(seed).permutation(crowd["votes"].read_text().splitlines()[1:]).tolist()
        mixed = write(tmp_path / "mixed.csv", "task,worker,label", lines)
        found = run_json(mixed, "--method", "majority_vote", "--gold", crowd["gold"])
        assert [found[key] for key in numbers] == pytest.approx([plain[key] for key in numbers], abs=1e-12)


def test_free_text_in_place_of_labels_ends_in_a_question_and_not_in_a_full_memory(tmp_path: Path):
    lines = [f"t{i},w{j},answer {i} {j}" for i in range(2000) for j in range(3)]
    votes = write(tmp_path / "v.csv", "task,worker,label", lines)
    said = refusal(votes, "--method", "dawid_skene")
    assert said == (
        "dawid_skene would keep 0.9 GB for the 6,000 labels of 3 annotators; majority_vote and wawa keep less. "
        "Is this the label column?"
    )


def test_columns_of_other_tools_can_be_named(tmp_path: Path):
    (tmp_path / "votes.tsv").write_text("INPUT\tWHO\tOUTPUT\n1\tann\ta\n1\tbob\ta\n2\tann\tb\n2\tbob\tb\n")
    (tmp_path / "gold.tsv").write_text("INPUT\tGOLDEN\n1\ta\n2\ta\n")
    files = [str(tmp_path / "votes.tsv"), "--gold", str(tmp_path / "gold.tsv"), "--columns", "INPUT,WHO,OUTPUT"]
    found = run_json(*files, "--gold-columns", "INPUT,GOLDEN", "--method", "majority_vote")
    assert (found["scored"], found["accuracy"]) == (2, 0.5)
    assert "has no column 'task'" in refusal(*files)
    assert "names two columns" in refusal(*files, "--gold-columns", "a,b,c")
