"""`simulate --kind`: answers bought by value, label by label or whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands import Shell
from tests.conftest import SHARED

SIMULATE = Shell("simulate")
LABELS = "abc"
Files = tuple[Path, Path]


@pytest.fixture
def choices(tmp_path: Path) -> Files:
    """Two cheap annotators, right in 75% of the labels, and one that is always right; 80 tasks with three labels."""
    draw = np.random.default_rng(0)
    truth = draw.random((80, 3)) < 0.4
    said = {
        name: truth ^ (draw.random(truth.shape) < wrong) for name, wrong in (("x", 0.25), ("y", 0.25), ("paid", 0.0))
    }
    return _file(tmp_path / "votes.csv", said), _file(tmp_path / "gold.csv", {"": truth})


def _file(path: Path, said: dict[str, np.ndarray]) -> Path:
    rows = ["task,worker,label" if "" not in said else "task,label"]
    for name, table in said.items():
        for task, row in enumerate(table):
            chosen = [label for label, yes in zip(LABELS, row, strict=True) if yes] or [""]
            rows += [",".join(filter(None, (f"t{task}", name))) + f",{label}" for label in chosen]
    path.write_text("\n".join(rows) + "\n")
    return path


def simulated(files: Files, *options: object) -> dict[str, Any]:
    return SIMULATE.run_json(
        files[0], "--gold", files[1], "--paid", "paid", "--kind", "choices", "--repeats", 1, "--validation", 20,
        "--aggregator", "majority_vote", *options,
    )  # fmt: skip


def test_labels_are_bought_one_by_one_and_never_on_known_tasks(choices: Files):
    found = simulated(choices, "--budgets", "0,0.25,1", "--price", "0.3")
    assert found["asked"] == "label"
    assert [point["calls"] for point in found["curve"]][:2] == [0, 60]
    assert found["curve"][2]["calls"] <= 60 * 3
    assert found["curve"][1]["cost_usd"] == pytest.approx(60 * 0.1)
    rising = [point["micro_f1"] for point in found["curve"]]
    assert rising == sorted(rising)
    assert rising[1] > rising[0]


def test_a_whole_task_is_asked_about_where_told_so(choices: Files):
    found = simulated(choices, "--budgets", "0,0.25", "--ask", "task")
    assert found["asked"] == "task"
    assert found["curve"][1]["calls"] == 20
    assert found["curve"][1]["micro_f1"] > found["curve"][0]["micro_f1"]


def test_value_beats_the_lot(choices: Files):
    by_value, by_lot = (simulated(choices, "--budgets", "0.25", "--router", router) for router in ("value", "random"))
    assert by_value["area"] > by_lot["area"]


def test_figures_of_annotators_rest_on_all_tasks(choices: Files):
    found = simulated(choices, "--budgets", "0")
    assert found["against_gold"]["paid"]["label_accuracy"] == 1
    assert found["crowd_pairs"][0]["n"] == 80
    assert found["paid_accuracy"] == 1


def test_a_slice_of_known_answers_is_drawn_in_the_order_of_gold(choices: Files):
    found = simulated(choices, "--budgets", "0")
    assert (found["tasks"], found["validation"]) == (80, 20)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--router", "lmcrowd"), "choose one of value, random"),
        (("--weighing", "paper"), "--weighing is for answers of one label"),
        (("--aggregator", "best"), "There is no method 'best' for choices"),
        (("--crowd", "x,paid"), "named both in --crowd and in --paid"),
        (("--paid", "z"), "--paid names z"),
        (("--output", "curve.svg"), "are written as CSV"),
    ],
)
def test_what_cannot_be_served_is_refused(choices: Files, options: tuple[str, ...], sentence: str):
    told = SIMULATE.refusal(choices[0], "--gold", choices[1], "--paid", "paid", "--kind", "choices", *options)
    assert sentence in told


def test_a_question_of_one_label_has_no_parts(choices: Files):
    told = SIMULATE.refusal(choices[0], "--gold", choices[1], "--paid", "paid", "--ask", "label")
    assert "--ask is for answers of several labels" in told


def test_places_on_a_scale_are_bought_and_scored(tmp_path: Path):
    draw, rows = np.random.default_rng(1), ["task,worker,label"]
    place = draw.uniform(0, 100, 60).round(1)
    noise: dict[str, Callable[[], float]] = {
        "x": lambda: draw.normal(0, 15),
        "y": lambda: draw.normal(0, 15),
        "paid": lambda: 0,
    }
    for name, error in noise.items():
        rows += [f"t{i},{name},{min(max(at + error(), 0), 100):.1f}" for i, at in enumerate(place)]
    (tmp_path / "votes.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "gold.csv").write_text("task,label\n" + "".join(f"t{i},{at}\n" for i, at in enumerate(place)))
    found = SIMULATE.run_json(
        tmp_path / "votes.csv", "--gold", tmp_path / "gold.csv", "--paid", "paid", "--kind", "scale", "--repeats", 1,
        "--budgets", "0,0.5", "--validation", 15, "--labels=0,100",
    )  # fmt: skip
    before, after = found["curve"]
    assert after["mae"] < before["mae"]
    assert found["area"] == pytest.approx(1 - (before["mae"] + after["mae"]) / 200)


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "kinds").exists(), reason="the data sets are not on this machine")
def test_half_of_celebas_second_looks_close_most_of_the_gap():
    folder = SHARED / "kinds" / "celeba_vlm"
    looks, cells = 8193, 40_000
    found = SIMULATE.run_json(
        folder / "votes.csv", "--gold", folder / "gold.csv", "--paid", "reannotator", "--kind", "choices",
        "--repeats", 1, "--budgets", f"0,{looks / 2 / cells},{looks / cells}",
    )  # fmt: skip
    assert found["crowd_pairs"][0]["label_accuracy"] == pytest.approx(0.795175, abs=1e-9)
    assert found["against_gold"]["llava_next"]["label_accuracy"] == pytest.approx(0.89115, abs=1e-9)
    before, half, every = (point["label_accuracy"] for point in found["curve"])
    assert (half - before) / (every - before) >= 0.6
    assert (half - before) / (1 - before) >= 0.6


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "kinds").exists(), reason="the data sets are not on this machine")
def test_agreement_and_majority_on_celeba_are_the_papers_figures(tmp_path: Path):
    folder = SHARED / "kinds" / "celeba_vlm"
    rows = (folder / "votes.csv").read_text().splitlines(keepends=True)
    first = tmp_path / "before.csv"
    first.write_text("".join(row for row in rows if ",reannotator," not in row))
    before = Shell("agreement").run_json(first, "--kind", "choices")
    assert before["raw_agreement"]["value"] == pytest.approx(0.795175, abs=1e-9)
    after = Shell("aggregate").run_json(folder / "votes.csv", "--kind", "choices", "--method", "majority_vote")
    right = {name: one["label_accuracy"] for name, one in after["annotators_against_answers"].items()}
    assert right["llava_next"] == pytest.approx(0.89115, abs=1e-9)
    assert right["celeba_human"] == pytest.approx(0.904025, abs=1e-9)
