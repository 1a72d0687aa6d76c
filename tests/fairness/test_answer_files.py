"""`fairness --kind`: gaps of each label or step of answers that are more than one label."""

import json
from pathlib import Path

import pytest

from tests.commands import Shell
from tests.conftest import SHARED

FAIRNESS = Shell("fairness")


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_each_label_is_compared_between_groups(tmp_path: Path):
    rows, gold = ["task,label,town"], ["task,label"]
    for number in range(80):
        town = "east" if number < 40 else "west"
        rows.append(f"t{number},{'hat' if number % 2 else ''},{town}")
        if number < 40 and number % 2:
            rows.append(f"t{number},tie,{town}")
        gold.append(f"t{number},{'hat' if number % 2 else ''}")
    labels, right = write(tmp_path / "l.csv", "\n".join(rows)), write(tmp_path / "g.csv", "\n".join(gold))
    found = FAIRNESS.run_json(labels, "--kind", "choices", "--group", "town", "--gold", right, "--draws", 20)
    assert found["tasks"] == found["checked"] == 80
    hat, tie = found["labels"]["hat"], found["labels"]["tie"]
    assert hat["demographic_parity_difference"]["value"] == 0
    assert tie["demographic_parity_difference"]["value"] == 0.5
    assert tie["groups"]["east"]["fpr"] == 0.5
    assert found["overall"]["demographic_parity_difference"]["label"] == "tie"
    assert found["parts_right"] == {"east": 0.75, "west": 1.0}
    assert found["overall"]["groups"]["east"]["share_right"]["value"] == 0.5


def test_groups_may_stand_with_the_items_and_gold_beside_the_labels(tmp_path: Path):
    labels = write(tmp_path / "l.csv", "task,label,gold\n" + "".join(f"t{n},{n % 2},1\n" for n in range(40)))
    items = "".join(json.dumps({"id": f"t{n}", "town": "ab"[n % 2]}) + "\n" for n in range(38))
    found = FAIRNESS.run_json(
        labels, "--kind", "scale", "--labels=0,1", "--group", "town", "--items", write(tmp_path / "i.jsonl", items),
        "--draws", 20, "--minimum", 5,
    )  # fmt: skip
    assert found["labels"]["1"]["groups"]["b"]["tpr"] == 1
    assert found["labels"]["1"]["groups"]["a"]["tpr"] == 0
    assert any("without a town, left out: 2 of 40" in note for note in found["notes"])


def test_a_scale_with_many_values_is_compared_in_stretches(tmp_path: Path):
    labels = write(tmp_path / "l.csv", "task,label,town\n" + "".join(f"t{n},{n},x\nu{n},{n},y\n" for n in range(100)))
    found = FAIRNESS.run_json(labels, "--kind", "scale", "--labels=0,100", "--group", "town", "--draws", 20)
    assert list(found["labels"]) == ["0 to 20", "20 to 40", "40 to 60", "60 to 80", "80 to 100"]


def test_answers_without_any_group_are_refused(tmp_path: Path):
    labels = write(tmp_path / "l.csv", "task,label,town\nt1,a,\n")
    told = FAIRNESS.refusal(labels, "--kind", "choices", "--group", "town")
    assert told.endswith("names no town for any task of the answers.")


def test_one_label_names_gold_in_its_own_file(tmp_path: Path):
    labels = write(tmp_path / "l.csv", "task,label,town\nt1,a,x\n")
    assert "--gold is for answers of several rows" in FAIRNESS.refusal(labels, "--group", "town", "--gold", labels)


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "kinds").exists(), reason="the data sets are not on this machine")
def test_celebas_model_is_right_as_often_as_published_by_group(tmp_path: Path):
    folder = SHARED / "kinds" / "celeba_vlm"
    rows = [line for line in (folder / "votes.csv").read_text().splitlines() if ",llava_next," in line]
    labels = write(tmp_path / "l.csv", "\n".join(["task,worker,label", *rows]))
    gold, items = folder / "gold.csv", folder / "items.jsonl"
    options = ("--kind", "choices", "--group", "gender", "--gold", gold, "--items", items)
    found = FAIRNESS.run_json(labels, *options)
    assert found["parts_right"] == pytest.approx({"female": 0.902, "male": 0.875}, abs=5e-4)
