"""`manage.py simulate`: a run replayed on recorded votes."""

import csv
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeling.routing.replay import ROUTERS
from tests.commands import Shell
from tests.labeling.truth.crowds import DATA, simulate

SHELL = Shell("simulate")
refusal = SHELL.refusal
PROMISED = {
    *("router", "aggregator", "tasks", "labels", "validation", "repeats", "crowd_accuracy", "paid_accuracy"),
    *("best_single_accuracy", "curve", "area", "seconds", "weighing", "k", "recorded", "stopped"),
}
N = 200


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Five weak workers and two paid ones, right 9 times in 10 and 8 in 10, on 200 tasks; gold in another order."""
    folder = tmp_path_factory.mktemp("recorded")
    votes, truth = simulate(N, 5, 2, seed=5, accuracy=(0.55, 0.7))
    rng, names = np.random.default_rng(7), [f"t{i}" for i in range(N)]
    rows = [(names[i], f"w{j}", "ab"[k]) for i, j, k in zip(votes.task, votes.annotator, votes.label, strict=True)]
    for worker, accuracy in (("gpt", 0.9), ("mini", 0.8)):
        said = np.where(rng.random(N) < accuracy, truth, 1 - truth)
        rows += [(name, worker, "ab"[label]) for name, label in zip(names, said, strict=True)]
    order = rng.permutation(N)
    write(folder / "votes.csv", "task,worker,label", rows)
    write(folder / "gold.csv", "task,label", [(names[i], "ab"[truth[i]]) for i in order])
    return {"votes": folder / "votes.csv", "gold": folder / "gold.csv", "rows": rows, "folder": folder}


def write(path: Path, head: str, rows: list[tuple[str, ...]]) -> Path:
    path.write_text("\n".join([head, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path


def run(recorded: dict[str, Any], *more: object, paid: str = "gpt", votes: Path | None = None) -> str:
    return SHELL.run(
        *[str(votes or recorded["votes"]), "--gold", str(recorded["gold"]), "--paid", paid, *map(str, more)]
    )


def run_json(recorded: dict[str, Any], *more: object, **named: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(recorded, *more, "--json", **named))
    return found


@pytest.mark.slow
def test_the_json_has_what_was_promised(recorded):
    found = run_json(recorded, "--crowd", "w0,w1,w2,w3,w4", "--price", "0.02")
    assert found.keys() == PROMISED
    assert [found[key] for key in ("router", "aggregator", "tasks", "labels", "validation", "repeats")] == [
        *("value", "auto", N, 2, 50, 5),
    ]
    assert [point["budget"] for point in found["curve"]] == [0, 0.05, 0.1, 0.2, 0.3, 0.5, 1]
    assert all(point["calls"] <= point["budget"] * N for point in found["curve"])
    assert all(point["cost_usd"] == pytest.approx(point["calls"] * 0.02) for point in found["curve"])
    assert found["area"] == pytest.approx(np.mean([point["accuracy"] for point in found["curve"]]), abs=1e-6)
    assert found["curve"][0]["accuracy"] == pytest.approx(found["crowd_accuracy"], abs=1e-6)
    assert found["paid_accuracy"] == pytest.approx(0.9, abs=0.05)
    assert found["crowd_accuracy"] < found["curve"][-1]["accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize("router", ROUTERS)
def test_every_router_gains_by_money_and_keeps_to_the_budget(recorded, router):
    found = run_json(recorded, "--router", router, "--crowd", "w0,w1,w2,w3,w4", "--repeats", 1)
    calls = [point["calls"] for point in found["curve"]]
    assert calls[0] == 0
    assert all(point["calls"] <= point["budget"] * N + 1e-9 for point in found["curve"])
    assert calls == sorted(calls) and calls[-1] <= N - 50
    assert found["curve"][-1]["accuracy"] > found["crowd_accuracy"] + 0.05


def test_the_papers_router_starts_from_majority_vote_unless_told_otherwise(recorded):
    assert run_json(recorded, "--router", "lmcrowd", "--repeats", 1)["aggregator"] == "majority_vote"
    other = run_json(recorded, "--router", "lmcrowd", "--aggregator", "dawid_skene", "--repeats", 1)
    assert other["aggregator"] == "dawid_skene"


@pytest.mark.slow
@pytest.mark.parametrize("aggregator", ["dawid_skene", "majority_vote"])
def test_any_method_can_weigh_the_votes(recorded, aggregator):
    found = run_json(recorded, "--aggregator", aggregator, "--crowd", "w0,w1,w2,w3,w4", "--repeats", 2)
    assert found["curve"][-1]["accuracy"] > found["crowd_accuracy"]


@pytest.mark.slow
def test_it_works_with_few_known_labels_and_with_none(recorded):
    for validation in (0, 10):
        found = run_json(recorded, "--validation", validation, "--repeats", 1, "--budgets", "0,1")
        assert found["validation"] == validation
        assert found["curve"][-1]["accuracy"] > 0.7


@pytest.mark.slow
def test_the_same_seed_gives_the_same_curve_and_another_seed_other_slices(recorded):
    one, again, other = (run_json(recorded, "--repeats", 2, "--seed", seed, "--budgets", 0.2) for seed in (3, 3, 4))
    assert one["curve"] == again["curve"] != other["curve"]


@pytest.mark.slow
def test_repeat_r_of_a_seed_is_the_first_repeat_of_seed_plus_r(recorded):
    both = run_json(recorded, "--repeats", 2, "--seed", 3)["curve"][0]["accuracy"]
    each = [run_json(recorded, "--repeats", 1, "--seed", seed)["curve"][0]["accuracy"] for seed in (3, 4)]
    assert both == pytest.approx(np.mean(each), abs=1e-5)


def test_the_labels_outside_the_slice_are_never_seen(recorded):
    """With every label outside the slice turned round, what is bought stays the same and accuracy mirrors."""
    gold = list(csv.reader(recorded["gold"].open()))[1:]
    drawn = set(np.random.default_rng(0).choice(N, 50, replace=False).tolist())
    turned = [(task, label if at in drawn else {"a": "b", "b": "a"}[label]) for at, (task, label) in enumerate(gold)]
    path = write(recorded["folder"] / "turned.csv", "task,label", turned)
    honest = run_json(recorded, "--repeats", 1)["curve"]
    mirrored = run_json(recorded | {"gold": path}, "--repeats", 1)["curve"]
    assert [point["calls"] for point in mirrored] == [point["calls"] for point in honest]
    assert [point["accuracy"] for point in mirrored] == pytest.approx([1 - p["accuracy"] for p in honest], abs=2e-6)


def without(recorded: dict[str, Any], every: int) -> Path:
    """The votes without each `every`-th answer of gpt."""
    kept = [row for row in recorded["rows"] if row[1] != "gpt" or int(row[0][1:]) % every]
    return write(recorded["folder"] / f"without{every}.csv", "task,worker,label", kept)


def test_an_answer_that_could_not_be_read_is_paid_for_and_tells_nothing(recorded):
    found = run_json(recorded, "--router", "random", "--repeats", 2, votes=without(recorded, 6))
    full = run_json(recorded, "--router", "random", "--repeats", 2)
    assert found["curve"][-1]["calls"] == full["curve"][-1]["calls"] == N - 50
    assert full["crowd_accuracy"] < found["curve"][-1]["accuracy"] < full["curve"][-1]["accuracy"]
    assert found["recorded"]["paid"] == [{"worker": "gpt", "answered": N - 34, "absent_is": "unreadable"}]


@pytest.mark.slow
def test_a_paid_worker_that_is_absent_on_a_third_was_never_asked_there_and_is_not_paid_for_it(recorded):
    votes = without(recorded, 3)
    found = run_json(recorded, "--router", "random", "--repeats", 2, votes=votes)
    assert found["recorded"]["paid"] == [{"worker": "gpt", "answered": N - 67, "absent_is": "never-asked"}]
    assert found["curve"][-1]["calls"] < N - 50 - 40
    assert found["paid_accuracy"] == pytest.approx(0.9, abs=0.06)
    paid_for = run_json(recorded, "--router", "random", "--repeats", 2, "--absent", "unreadable", votes=votes)
    assert paid_for["curve"][-1]["calls"] == N - 50
    said = SHELL.said(votes, "--gold", recorded["gold"], "--paid", "gpt", "--repeats", 1, "--budgets", 0)
    assert "gpt answered 133 of 200 tasks. The others count as never asked" in said


def test_tasks_without_any_vote_are_left_out_and_said(recorded, tmp_path):
    extra = recorded["gold"].read_text() + "".join(f"none{i},a\n" for i in range(40))
    gold = tmp_path / "more.csv"
    gold.write_text(extra)
    found = run_json(recorded | {"gold": gold}, "--repeats", 1)
    assert found["tasks"] == N and found["recorded"]["left_out"] == 40
    assert found["curve"] == run_json(recorded, "--repeats", 1)["curve"]
    said = SHELL.said(recorded["votes"], "--gold", gold, "--paid", "gpt", "--repeats", 1, "--budgets", 0)
    assert "40 tasks with a known label have no vote at all; they are left out." in said


def test_members_of_the_crowd_that_lack_votes_are_named(recorded):
    kept = [row for row in recorded["rows"] if row[1] != "w1" or int(row[0][1:]) % 4]
    votes = write(recorded["folder"] / "gaps.csv", "task,worker,label", kept)
    said = SHELL.said(votes, "--gold", recorded["gold"], "--paid", "gpt", "--repeats", 1, "--budgets", 0)
    assert "1 of the crowd have a vote on fewer than 95% of the 200 tasks: w1 (150)." in said


def test_blank_gold_is_left_out_and_numbers_are_matched_whatever_their_spelling(recorded, tmp_path):
    spelt = {"a": "1.0", "b": "0.0"}
    known = list(csv.reader(recorded["gold"].open()))[1:]
    number = [(task, worker, {"a": "1", "b": "0"}[label]) for task, worker, label in recorded["rows"]]
    votes = write(tmp_path / "numbers.csv", "task,worker,label", number)
    gold = write(tmp_path / "gold.csv", "task,label", [(task, spelt[label]) for task, label in known] + [("t0x", "")])
    found = run_json(recorded | {"gold": gold}, "--repeats", 1, votes=votes)
    assert (found["labels"], found["tasks"], found["recorded"]["left_out"]) == (2, N, 0)
    plain = run_json(recorded, "--repeats", 1)["crowd_accuracy"]
    assert found["crowd_accuracy"] == pytest.approx(plain, abs=0.05)
    assert any("'1.0' is read as '1'" in note for note in found["recorded"]["notes"])


def test_gold_none_of_whose_labels_was_ever_voted_is_refused(recorded, tmp_path):
    gold = write(tmp_path / "case.csv", "task,label", [("t1", "A"), ("t2", "B")])
    sentence = refusal(recorded["votes"], "--gold", gold, "--paid", "gpt")
    assert sentence.endswith("is among the labels (A, B against a, b); --fold-case takes them as one.")
    found = run_json(recorded | {"gold": gold}, "--repeats", 1, "--budgets", 0, "--fold-case")
    assert found["labels"] == 2 and found["tasks"] == 2


def test_exact_and_approx_buy_the_same_whatever_the_size_of_the_rounds(recorded):
    curves = [
        run_json(recorded, "--router", router, "--k", k, "--weighing", "paper", "--repeats", 2)["curve"]
        for router, k in (("exact", 2), ("approx", 2), ("exact", 5), ("approx", 7))
    ]
    assert all(curve == curves[0] for curve in curves)
    lot = run_json(recorded, "--router", "random", "--k", 2, "--weighing", "paper", "--repeats", 2)["curve"]
    assert lot[2]["accuracy"] < curves[0][2]["accuracy"] and lot[-1] == curves[0][-1]


def test_the_papers_weighing_leaves_what_the_crowd_says_unanimously(recorded):
    """Plain shares of the votes are 0 and 1 there, and nothing moves them; AutoAnnotator does not even ask."""
    options = ("--crowd", "w0,w1,w2", "--repeats", 1, "--budgets", 1)
    paper = run_json(recorded, "--router", "approx", *options)
    asked = run_json(recorded, "--router", "autoannotator", *options)
    assert paper["aggregator"] == "majority_vote" and paper["curve"][0]["calls"] == N - 50
    assert asked["curve"][0]["calls"] < N - 50
    assert asked["curve"][0]["accuracy"] == pytest.approx(paper["curve"][0]["accuracy"], abs=0.02)


def test_the_lines_of_the_papers_figures_come_from_one_command(recorded, tmp_path):
    for figure, count in ((3, 5), (4, 8), (5, 9)):
        path = tmp_path / f"{figure}.csv"
        found = run_json(recorded, "--figure", figure, "--repeats", 1, "--budgets", "0,0.5", "--output", path)
        rows = list(csv.DictReader(path.open()))
        assert len(found["lines"]) == count and len(rows) == 2 * count
        assert {row["weighing"] for row in rows} == {"paper"}
        assert [float(row["accuracy"]) for row in rows[:2]] == [p["accuracy"] for p in found["lines"][0]["curve"]]
    table = run(
        recorded, "--figure", 5, "--k", "2", "--repeats", 1, "--budgets", "0,0.5", "--output", tmp_path / "5.svg"
    )
    assert "approx, k = 2" in table and "random, k = 2" in table
    drawing = ElementTree.parse(tmp_path / "5.svg").getroot()
    said = [each.text for each in drawing.iter("{http://www.w3.org/2000/svg}text")]
    # of independent tasks Exact and Approx choose the same: one line, and the legend says so
    assert len(drawing.findall("{http://www.w3.org/2000/svg}polyline")) == 2
    assert "exact, k = 2" in said and "approx, k = 2 (= exact, k = 2)" in said


@pytest.mark.slow
def test_a_paid_worker_that_only_spoils_labels_is_not_bought_from_and_that_is_said(recorded):
    said = {}
    for task, worker, label in recorded["rows"]:
        if worker in ("w0", "w1", "w2", "w3", "w4"):
            said.setdefault(task, []).append(label)
    most = {task: max(sorted(set(given)), key=given.count) for task, given in said.items()}
    torn = {task: len(set(given)) > 1 for task, given in said.items()}
    poor = [(task, "poor", ({"a": "b", "b": "a"}[label] if torn[task] else label)) for task, label in most.items()]
    votes = write(recorded["folder"] / "poor.csv", "task,worker,label", [*recorded["rows"], *poor])
    crowd = ("--crowd", "w0,w1,w2,w3,w4,mini", "--repeats", 6)
    found = run_json(recorded, *crowd, paid="poor", votes=votes)
    assert {stop["paid"] for stop in found["stopped"]} == {"poor"} and found["stopped"][0]["why"] == "trial"
    text = run(recorded, *crowd, paid="poor", votes=votes)
    assert "repeats nothing was bought from poor: on the known tasks its answers spoil more labels" in text
    assert not run_json(recorded, "--crowd", "w0,w1,w2,w3,w4", "--repeats", 3)["stopped"]


def test_a_router_that_knows_one_paid_worker_says_whose_answers_it_leaves(recorded):
    files = (recorded["votes"], "--gold", recorded["gold"], "--paid", "gpt,mini", "--repeats", 1, "--budgets", 0)
    assert "Router entropy asks one paid worker: gpt; the answers of mini are not used." in SHELL.said(
        *files, "--router", "entropy"
    )
    assert "not used" not in SHELL.said(*files, "--router", "chain")


def test_a_chain_of_several_paid_workers_is_as_good_as_its_last_where_they_state_no_confidence(recorded):
    options = ("--router", "chain", "--crowd", "w0,w1,w2,w3,w4", "--budgets", 3, "--repeats", 1)
    alone = run_json(recorded, *options)
    both = run_json(recorded, *options, paid="mini,gpt")
    assert both["curve"][0]["calls"] == 2 * (N - 50)
    assert both["curve"][0]["accuracy"] == alone["curve"][0]["accuracy"]


@pytest.mark.slow
def test_of_two_paid_workers_the_cheap_one_is_asked_first_where_it_is_nearly_as_good(recorded):
    alone = run_json(recorded, "--crowd", "w0,w1,w2,w3,w4", "--repeats", 2, "--budgets", "0.1")
    both = run_json(
        *(recorded, "--crowd", "w0,w1,w2,w3,w4", "--repeats", 2, "--budgets", "0.1", "--price", "1,0.05"),
        paid="gpt,mini",
    )
    assert both["curve"][0]["calls"] > 2 * alone["curve"][0]["calls"]
    assert both["area"] > alone["area"]


def test_an_assumed_price_is_called_so(recorded):
    assumed = "Cost is reckoned at $1 a call; --price names the real one."
    assert assumed in run(recorded, "--budgets", "0", "--repeats", 1)
    assert assumed not in run(recorded, "--budgets", "0", "--repeats", 1, "--price", "0.2")


def test_a_price_of_zero_is_a_price(recorded):
    found = run_json(recorded, "--price", "0", "--repeats", 1)
    assert all(point["cost_usd"] == 0 for point in found["curve"])
    assert found["curve"][-1]["calls"] > 0


def test_the_curve_is_written_and_the_table_says_what_it_rests_on(recorded, tmp_path):
    text = run(recorded, "--output", tmp_path / "curve.csv", "--repeats", 1, "--budgets", "0.5,0")
    rows = list(csv.DictReader((tmp_path / "curve.csv").open()))
    assert [float(row["budget"]) for row in rows] == [0.5, 0]
    assert float(rows[0]["accuracy"]) >= float(rows[1]["accuracy"])
    assert "50 known labels" in text and "area" in text and "best of the crowd in hindsight" in text
    assert not re.search(r"\d\.\d{5,}", text)


@pytest.mark.parametrize(
    ("option", "given", "sentence"),
    [
        ("--price", "-0.1", "--price holds -0.1; every number in it must be 0 or more."),
        ("--price", "nan", "--price holds nan; every number in it must be 0 or more."),
        ("--price", "cheap", "--price must be numbers separated by commas; it is 'cheap'."),
        ("--price", "1,2,3", "--price has 3 prices for 1 paid workers; give one for all, or one each."),
        ("--budgets", "0,-0.2", "--budgets holds -0.2; every number in it must be 0 or more."),
        ("--budgets", "inf", "--budgets holds inf; every number in it must be 0 or more."),
        ("--crowd", "w0,nobody", "--crowd names 'nobody', who has no vote; there are"),
        ("--crowd", "w0,gpt", "A worker is named both in --crowd and in --paid; each is one or the other."),
        ("--router", "best", "There is no router 'best'; choose one of value, lmcrowd"),
        ("--weighing", "best", "There is no weighing 'best'; choose one of learned, paper."),
        ("--weighing", "paper", "Router value weighs in one way only; --weighing is for entropy, random."),
        ("--k", "2", "--k belongs to the routers exact, approx, random; value has no rounds of k."),
        ("--k", "0", "--k must be whole numbers of at least 1, separated by commas; it is '0'."),
        ("--figure", "2", "--figure is 2; the figures that can be drawn are 3, 4 and 5."),
        ("--absent", "gone", "--absent is 'gone'; choose unreadable or never-asked."),
        ("--output", "/tmp", "/tmp cannot be written"),
        ("--aggregator", "best", "There is no method 'best'; choose one of"),
        ("--repeats", "0", "--repeats must be a whole number of at least 1."),
        ("--validation", "-1", "--validation must be a whole number of at least 0."),
        ("--seed", "-1", "--seed must be a whole number of at least 0."),
        ("--output", "/nowhere/curve.csv", "/nowhere/curve.csv cannot be written"),
        ("--items", "/nowhere.jsonl", "/nowhere.jsonl cannot be read"),
    ],
)
def test_an_unusable_option_is_refused_in_one_sentence(recorded, option, given, sentence):
    found = refusal(recorded["votes"], "--gold", recorded["gold"], "--paid", "gpt", f"{option}={given}")
    assert found.startswith(sentence)


def test_unknown_paid_workers_and_gold_of_other_tasks_are_refused(recorded, tmp_path):
    assert "--paid names 'gpt-9'" in refusal(recorded["votes"], "--gold", recorded["gold"], "--paid", "gpt-9")
    other = write(tmp_path / "other.csv", "task,label", [("x1", "a"), ("x2", "b")])
    assert "names no task of the votes" in refusal(recorded["votes"], "--gold", other, "--paid", "gpt")
    assert "cannot be read" in refusal(recorded["votes"], "--gold", tmp_path / "none.csv", "--paid", "gpt")


@pytest.mark.slow
def test_on_recorded_language_models_value_beats_the_papers_rule_and_random():
    folder = DATA / "llm_votes" / "textclass_toxicity_hi"
    if not folder.exists():
        pytest.skip(f"the recorded votes are not here (looked in {folder})")
    who = json.loads((DATA / "simulate_sets.json").read_text())["textclass_toxicity_hi"]
    setting = {"votes": folder / "votes.csv", "gold": folder / "gold.csv"}
    area = {
        router: run_json(
            setting, "--router", router, "--crowd", ",".join(who["crowd"]), "--repeats", 2, paid=who["paid"]
        )["area"]
        for router in ("value", "lmcrowd", "random")
    }
    assert area["value"] > area["lmcrowd"] + 0.05
    assert area["value"] > area["random"] + 0.005


def test_columns_of_other_tools_can_be_named(recorded, tmp_path):
    votes = write(tmp_path / "votes.csv", "INPUT,WHO,OUTPUT", recorded["rows"])
    gold = tmp_path / "gold.csv"
    gold.write_text(recorded["gold"].read_text().replace("task,label", "INPUT,GOLDEN"))
    files = (votes, "--gold", gold, "--paid", "gpt", "--columns", "INPUT,WHO,OUTPUT")
    options = ("--repeats", 1, "--budgets", 0, "--aggregator", "majority_vote", "--validation", 0)
    assert SHELL.run_json(*files, "--gold-columns", "INPUT,GOLDEN", *options)["tasks"] == N
    assert "has no column 'task'" in refusal(*files)
    assert "--gold-columns names two columns" in refusal(*files, "--gold-columns", "INPUT")
