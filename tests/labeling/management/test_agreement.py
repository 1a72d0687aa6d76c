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
    assert "Krippendorff’s α is made for that" in run_json(votes_file(tmp_path, K3))["fleiss_kappa"]["note"]


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


def table_file(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(content)
    return path


FLOATS = "task,worker,label\nt1,a,1\nt1,b,1.0\nt2,a,0\nt2,b,0.0\nt3,a,1\nt3,b,1.0\nt4,a,0\nt4,b,1.0\n"
SPELLING = "task,worker,label\nt1,a,yes\nt1,b,yes \nt1,c,Yes\nt2,a,no\nt2,b,no\nt2,c,No\nt3,a,yes\nt3,b,no\nt3,c,no\n"
WORDS = {"a": "low low medium medium high low high medium low", "b": "low medium medium high high low high medium high"}


def test_an_empty_cell_is_no_answer(tmp_path: Path):
    rows = ["t0,r1,1", "t1,r1,1", "t2,r1,2", "t0,r2,1", "t1,r2,1", "t2,r2,", "t0,r3,", "t1,r3,1", "t2,r3,2"]
    found = run_json(table_file(tmp_path, "\n".join(["task,worker,label", *rows])))
    assert (found["raw_agreement"]["value"], found["krippendorff_alpha"]["value"]) == (1, 1)
    assert list(found["prevalence"]) == ["1", "2"]
    assert found["votes"] == 7
    assert found["notes"] == ["Rows without a label, left out: 2 of 9."]


def test_two_spellings_of_one_number_agree(tmp_path: Path):
    found = run_json(table_file(tmp_path, FLOATS))
    assert found["raw_agreement"]["value"] == 0.75
    assert found["pairs"][0]["kappa"] == pytest.approx(0.5)
    assert "'1.0' is read as '1'" in found["notes"][0]


@pytest.mark.parametrize(("more", "raw"), [((), 1 / 3), (("--fold-case",), 7 / 9)])
def test_blanks_are_cut_and_case_is_folded_on_request(tmp_path: Path, more: tuple[str, ...], raw: float):
    found = run_json(table_file(tmp_path, SPELLING), *more)
    assert found["raw_agreement"]["value"] == pytest.approx(raw)
    assert ("--fold-case" in found["notes"][0]) is not bool(more)


def test_words_are_ordered_as_told_and_else_the_alphabet_is_owned_up_to(tmp_path: Path):
    path, weighted = votes_file(tmp_path, WORDS), ("--weights", "quadratic", "--metric", "ordinal")
    unsaid, told = run_json(path, *weighted), run_json(path, *weighted, "--order", "low,medium,high")
    assert (unsaid["pairs"][0]["kappa"], told["pairs"][0]["kappa"]) == pytest.approx((0.50909091, 0.53448276))
    assert (unsaid["order"], told["order"]) == (["high", "low", "medium"], ["low", "medium", "high"])
    assert "order of the labels (alphabetical, since none was given" in run(path, *weighted)
    assert "order of the labels (as given): low < medium < high" in run(path, *weighted, "--order", "low,medium,high")
    assert "has the label 'medium' (6 times), which is none of low, high" in refusal(path, "--order", "low,high")


def test_weights_are_by_the_numbers_also_where_values_between_are_never_used(tmp_path: Path):
    given = {"x": "1 2 5 1 2 5", "y": "1 2 5 2 5 2"}
    path = votes_file(tmp_path, given)
    x, y = ([int(label) for label in row.split()] for row in given.values())
    observed = sum(abs(a - b) for a, b in zip(x, y, strict=True)) / 6
    expected = sum(abs(a - b) for a in x for b in y) / 36
    by_number, by_place = (
        run_json(path, "--weights", "linear"),
        run_json(path, "--weights", "linear", "--order", "5,1,2"),
    )
    assert by_number["pairs"][0]["kappa"] == pytest.approx(1 - observed / expected)
    assert (by_number["order"], by_place["order"]) == (["1", "2", "5"], ["5", "1", "2"])
    assert by_place["pairs"][0]["kappa"] != pytest.approx(by_number["pairs"][0]["kappa"])


def test_the_one_word_among_numbers_is_named(tmp_path: Path):
    path = votes_file(tmp_path, {"x": "1 2 10 unsure", "y": "1 2 9 10"})
    for asked in (("--metric", "interval"), ("--metric", "ordinal"), ("--weights", "linear")):
        assert "'unsure' (1 times) is none; leave it out with --missing=unsure" in refusal(path, *asked)
        assert run_json(path, *asked, "--missing=unsure")["order"] == ["1", "2", "9", "10"]


def test_resamples_without_any_disagreement_are_counted(tmp_path: Path):
    path = votes_file(tmp_path, {"x": "y " * 99 + "y", "y": "y " * 99 + "n"})
    found = run_json(path)["fleiss_kappa"]
    assert 0.3 < found["undefined_resamples"] / found["resamples"] < 0.45
    assert "resamples of the tasks every vote is for one label" in run(path)


def test_columns_of_other_tools_can_be_named(tmp_path: Path):
    path = table_file(tmp_path, "INPUT:text\tOUTPUT:result\tASSIGNMENT:worker_id\nx\tyes\tw1\nx\tno\tw2\n")
    assert "its columns are INPUT:text, OUTPUT:result, ASSIGNMENT:worker_id" in refusal(path)
    found = run_json(path, "--columns", "input:text,ASSIGNMENT:worker_id,OUTPUT:result")
    assert (found["tasks"], found["votes"]) == (1, 2)
    assert "names three columns" in refusal(path, "--columns", "a,b")


def test_a_file_that_is_not_there_is_refused_before_anything_is_read(tmp_path: Path):
    assert "there is no such file" in refusal(tmp_path / "none.csv")


def test_pairs_with_few_tasks_in_common_are_counted_and_not_ranked(tmp_path: Path):
    many = " ".join("ab"[i % 2] for i in range(40))
    rows = {"x": many, "y": many.replace("a", "b", 3), "z": "b a" + " ." * 38}
    text = run(votes_file(tmp_path, rows))
    assert "x, y" in text and "y, z" not in text
    assert "and 2 pairs with fewer than 30 tasks in common, too few to tell" in text
    few = run(votes_file(tmp_path, {"x": "a b a", "y": "a b b"}))
    assert "x, y" in few and "no pair has 30 tasks in common" in few
