from pathlib import Path

import pytest

from tests.commands import Shell

SHELL = Shell("agreement")
run, run_json, refusal = SHELL.run, SHELL.run_json, SHELL.refusal


def votes_file(tmp_path: Path, rows: dict[str, str]) -> Path:
    """A file of votes from one string of labels an annotator, "." for none."""
    lines = [
        f"t{i},{name},{label}" for name, row in rows.items() for i, label in enumerate(row.split()) if label != "."
    ]
    path = tmp_path / "votes.csv"
    path.write_text("\n".join(["task,worker,label", *lines]) + "\n")
    return path


K3 = {
    "c1": "1 2 3 3 2 1 4 1 2 . . .",
    "c2": "1 2 3 3 2 2 4 1 2 5 . 3",
    "c3": ". 3 3 3 2 3 4 2 2 5 1 .",
    "c4": "1 2 3 3 2 4 4 1 2 5 1 .",
}


def test_the_json_has_every_coefficient_with_its_interval(tmp_path: Path):
    found = run_json(votes_file(tmp_path, {"x": "0 0 1 1 0 1", "y": "0 0 1 0 0 1", "z": "0 1 1 1 0 0"}))
    assert found["fleiss_kappa"]["value"] == pytest.approx(13 / 40, abs=1e-9)
    assert found["krippendorff_alpha"]["value"] == pytest.approx(29 / 80, abs=1e-9)
    for key in ("raw_agreement", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1"):
        assert found[key]["low"] <= found[key]["value"] <= found[key]["high"]
    pairs = {(pair["a"], pair["b"]): pair for pair in found["pairs"]}
    assert pairs["x", "y"] == {"a": "x", "b": "y", "n": 6, "raw": pytest.approx(5 / 6), "kappa": pytest.approx(2 / 3)}
    assert pairs["x", "z"]["kappa"] == pytest.approx(1 / 3)
    assert found["prevalence"] == pytest.approx({"0": 10 / 18, "1": 8 / 18})


@pytest.mark.parametrize(
    ("metric", "value"), [("nominal", 113 / 152), ("ordinal", 0.815387504), ("interval", 0.849107143)]
)
def test_the_distance_of_alpha_can_be_chosen(tmp_path: Path, metric: str, value: float):
    found = run_json(votes_file(tmp_path, K3), "--metric", metric)
    assert found["krippendorff_alpha"]["value"] == pytest.approx(value, abs=1e-9)


def test_numbers_are_ordered_as_numbers(tmp_path: Path):
    tens = {name: row.replace("5", "10") for name, row in K3.items()}
    found = run_json(votes_file(tmp_path, tens), "--metric", "ordinal")
    assert found["krippendorff_alpha"]["value"] == pytest.approx(0.815387504, abs=1e-9)
    assert list(found["prevalence"]) == ["1", "2", "3", "4", "10"]


def test_weights_are_those_of_ordered_labels(tmp_path: Path):
    path = votes_file(tmp_path, {"x": "A A A A B B B B C C C C", "y": "A A A B B B B C C C C B"})
    kappas = [run_json(path, *more)["pairs"][0]["kappa"] for more in ((), ("--weights", "linear"))]
    assert kappas == pytest.approx([5 / 8, 22 / 31], abs=1e-9)


def test_one_label_is_undefined_with_the_reason(tmp_path: Path):
    found = run_json(votes_file(tmp_path, {"x": "a a a", "y": "a a a"}))
    assert found["raw_agreement"]["value"] == 1
    for key in ("fleiss_kappa", "krippendorff_alpha", "gwet_ac1"):
        assert found[key]["value"] is None
        assert found[key]["undefined"] is True
        assert "one label" in found[key]["reason"]
    assert found["pairs"][0]["kappa"] is None
    assert found["pairs"][0]["undefined"] is True


def test_one_annotator_is_undefined_with_the_reason(tmp_path: Path):
    found = run_json(votes_file(tmp_path, {"x": "a b a"}))
    assert found["raw_agreement"]["reason"] == "no task has two labels to compare"
    assert found["pairs"] == []


def test_the_table_for_people_says_undefined_and_why(tmp_path: Path):
    text = run(votes_file(tmp_path, {"x": "a a a", "y": "a a a"}))
    assert "undefined: one label only" in text
    assert "Raw agreement" in text
    assert "[1.0000, 1.0000]" in text


def test_unequal_numbers_of_votes_are_noted(tmp_path: Path):
    assert "Krippendorff's alpha is made for that" in run_json(votes_file(tmp_path, K3))["fleiss_kappa"]["note"]


def test_the_same_seed_gives_the_same_intervals(tmp_path: Path):
    path = votes_file(tmp_path, K3)
    assert run(path, "--seed", 3, "--json") == run(path, "--seed", 3, "--json")


def test_unusable_input_is_refused_in_one_sentence(tmp_path: Path):
    empty = tmp_path / "empty.csv"
    empty.write_text("task,worker,label\n")
    assert "holds no vote" in refusal(empty)
    assert "cannot be read" in refusal(tmp_path / "none.csv")
    words = votes_file(tmp_path, {"x": "a b", "y": "a b"})
    assert "labels that are numbers" in refusal(words, "--metric", "interval")
    assert "--seed" in refusal(words, "--seed", "-1")
