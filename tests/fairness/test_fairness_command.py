"""The `fairness` command: what it reads, prints and refuses."""

import gzip
import io
import json

import pytest
from django.core.management import CommandError, call_command

from fairness.label_files import read_labeled
from labeling.kinds.cells import Rules

CASE_A = ("1111000000" + "1111100000", "1110100000" + "1100011000", "a" * 10 + "b" * 10)
MEASURES = (
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equalized_odds_difference",
)


def rows(gold, label, group):
    return [f"t{place},{x},{g},{y}" for place, (y, x, g) in enumerate(zip(gold, label, group, strict=True))]


@pytest.fixture
def labels_file(tmp_path):
    def write(lines, header="task,label,district,gold", name="labels.csv"):
        path = tmp_path / name
        content = "\n".join([header, *lines, ""]).encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return str(path)

    return write


def text_of(path, *options):
    out = io.StringIO()
    call_command("fairness", path, "--group", "district", *options, stdout=out)
    return out.getvalue()


def json_of(path, *options):
    return json.loads(text_of(path, "--json", "--draws", "200", *options))


def refusal(path, *options):
    errors = io.StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("fairness", path, "--group", "district", *options, stderr=errors)
    assert stopped.value.code == 2
    return errors.getvalue().strip()


def test_every_label_and_the_worst_have_the_four_measures(labels_file):
    found = json_of(labels_file(rows(*CASE_A)), "--minimum", "1")
    assert set(found["labels"]) == {"0", "1"}
    for block in (*found["labels"].values(), found["overall"]):
        for name in MEASURES:
            assert {"value", "low", "high", "estimable", "reason"} <= set(block[name])
    assert found["overall"]["equal_opportunity_difference"]["value"] == pytest.approx(7 / 20, abs=1e-9)
    assert found["overall"]["equal_opportunity_difference"]["label"] == "1"


def test_every_group_has_its_counts_and_rates(labels_file):
    group = json_of(labels_file(rows(*CASE_A)))["labels"]["1"]["groups"]["b"]
    assert (group["n"], group["n_positive"]) == (10, 4)
    assert (group["selection_rate"], group["tpr"], group["fpr"]) == pytest.approx((2 / 5, 2 / 5, 2 / 5), abs=1e-9)


def test_ten_tasks_a_group_are_not_enough_by_default(labels_file):
    found = json_of(labels_file(rows(*CASE_A)))["overall"]["demographic_parity_difference"]
    assert (found["estimable"], found["reason"]) == (False, "10 of 30 labeled in b")


def test_without_gold_only_parity_is_defined(labels_file):
    path = labels_file(["t1,yes,a", "t2,no,a", "t3,yes,b"], header="task,label,district")
    found = json_of(path)
    assert found["checked"] == 0
    group = found["labels"]["yes"]["groups"]["a"]
    assert (group["selection_rate"], group["tpr"], group["fpr"]) == (0.5, None, None)
    assert found["overall"]["equal_opportunity_difference"]["value"] is None


def test_weights_of_a_fully_checked_file_count_everywhere(labels_file):
    path = labels_file(["t1,1,a,1,3", "t2,0,a,1,1", "t3,1,b,1,1"], header="task,label,district,gold,weight")
    found = json_of(path)
    group = found["labels"]["1"]["groups"]["a"]
    assert found["weighted"] == "all"
    assert (group["selection_rate"], group["tpr"]) == pytest.approx((0.75, 0.75))


def test_weights_of_a_partly_checked_file_count_for_checked_tasks_only(labels_file):
    lines = ["t1,1,a,1,3", "t2,0,a,1,1", "t3,1,a,,", "t4,1,b,1,1"]
    found = json_of(labels_file(lines, header="task,label,district,gold,weight"))
    group = found["labels"]["1"]["groups"]["a"]
    assert found["weighted"] == "checked"
    assert (group["selection_rate"], group["tpr"]) == pytest.approx((2 / 3, 0.75))


def test_the_same_seed_prints_the_same_bytes(labels_file):
    path = labels_file(rows(*CASE_A))
    assert text_of(path, "--json", "--seed", "7") == text_of(path, "--json", "--seed", "7")


def test_columns_may_stand_anywhere_and_others_are_ignored(labels_file):
    path = labels_file(["a,x,1,t1,1", "b,y,0,t2,1"], header="district,note,label,task,gold")
    assert json_of(path)["labels"]["1"]["groups"]["b"]["tpr"] == 0


def test_a_packed_file_and_standard_input_are_read(labels_file, monkeypatch):
    plain = json_of(labels_file(rows(*CASE_A)))
    assert json_of(labels_file(rows(*CASE_A), name="labels.csv.gz")) == plain
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(["task,label,district,gold", *rows(*CASE_A)])))
    assert json_of("-") == plain


def test_rows_without_label_or_group_are_counted_and_left_out(labels_file):
    found = json_of(labels_file(["t1,1,a,1", "t2,,a,1", "t3,0,,1", "t1,0,b,0"]))
    assert (found["tasks"], found["skipped_rows"], found["repeated_tasks"]) == (2, 2, 1)


def test_the_table_names_the_worst_label_and_every_group(labels_file):
    text = text_of(labels_file(rows(*CASE_A)), "--minimum", "1")
    assert "20 labeled tasks, 20 checked, by district" in text
    assert "Equal opportunity, difference       0.350 [0.000, 0.699]  1  b to a" in text
    assert "\n  b          10       4  0.400 [0.168, 0.687]" in text


def test_the_table_says_what_is_missing(labels_file):
    text = text_of(labels_file(["t1,yes,a", "t2,no,a", "t3,yes,b"], header="task,label,district"))
    assert "not estimable, 1 of 30 labeled in b" in text
    assert "undefined: fewer than two groups have tasks checked with this label" in text
    assert "1 of 30 labeled         undefined               undefined" in text


@pytest.mark.parametrize(
    ("header", "line", "sentence"),
    [
        ("task,label,area", "t1,1,a", "has no column 'district'"),
        ("task,district", "t1,a", "has no column 'label'"),
        ("task,label,district", "t1,,a", "holds no row with a label and a district"),
        ("task,label,district,gold", "t1,1", "line 2 has 2 fields"),
        ("task,label,district,gold,weight", "t1,1,a,1,-2", "task 't1' has the weight '-2'"),
        ("task,label,district,gold,weight", "t1,1,a,1,nan", "a checked task needs a number above 0"),
        ("task,label,district,gold,weight", "t1,1,a,1,\nt2,1,a,1,2", "task 't1' has the weight ''"),
        ("task,label,district\0", "t1,1,a", "NUL"),
    ],
)
def test_an_unusable_file_is_one_sentence_and_exit_2(labels_file, header, line, sentence):
    said = refusal(labels_file([line], header=header))
    assert sentence in said
    assert "\n" not in said
    assert said.endswith(".")


def test_a_missing_or_empty_file_is_refused(labels_file, tmp_path):
    assert "cannot be read" in refusal(str(tmp_path / "none.csv"))
    (tmp_path / "empty.csv").write_bytes(b"")
    assert "is empty" in refusal(str(tmp_path / "empty.csv"))


def test_an_unknown_reference_group_is_refused(labels_file):
    assert "No task has the group 'z'; the groups are a, b." in refusal(labels_file(rows(*CASE_A)), "--reference", "z")


def test_the_table_names_the_groups_left_out(labels_file):
    lines = [f"t{place},{place % 2},{'abc'[place % 3]}" for place in range(96)] + ["t96,1,d"]
    text = text_of(labels_file(lines, header="task,label,district"))
    assert "without d (1 of 30 labeled)" in text


@pytest.mark.parametrize("option", [("--minimum", "0"), ("--level", "2"), ("--seed", "x"), ("--draws", "-1")])
def test_an_option_out_of_range_is_refused(labels_file, option):
    with pytest.raises(CommandError, match=f"argument {option[0]}: it must be a"):
        call_command("fairness", labels_file(rows(*CASE_A)), "--group", "district", *option)


def crowd_of(groups, n=120):
    """Labels yes and no in turn, gold alike, over the groups in turn."""
    return [
        f"t{place},{'yes' if place % 2 else 'no'},{groups[place // 2 % len(groups)]},{'yes' if place % 2 else 'no'}"
        for place in range(n)
    ]


@pytest.mark.parametrize("word", ["nan", "NaN", "null", "<NA>", " "])
def test_a_group_that_a_program_calls_nothing_is_none_and_that_is_told(labels_file, word):
    path = labels_file(crowd_of(["A", word, "B"]))
    found = json_of(path)
    assert set(found["overall"]["groups"]) == {"A", "B"}
    assert (found["tasks"], found["skipped_rows"]) == (80, 40)
    assert found["notes"][0].startswith("Rows without a group, left out: 40 of 120")
    assert found["notes"][0] in text_of(path)


def test_other_words_for_nothing_are_groups_until_they_are_said_to_be_missing(labels_file):
    path = labels_file(crowd_of(["A", "None"]))
    found = json_of(path)
    assert set(found["overall"]["groups"]) == {"A", "None"}
    assert any("'None' (60 times) looks like no answer and is read as a group" in note for note in found["notes"])
    assert set(json_of(path, "--missing=None")["overall"]["groups"]) == {"A"}


def test_gold_in_another_case_is_never_a_perfect_gap(labels_file):
    lines = [line.rpartition(",")[0] + "," + line.rpartition(",")[2].title() for line in crowd_of(["A", "B"])]
    path = labels_file(lines)
    said = refusal(path)
    assert "is among the labels (No, Yes against no, yes); --fold-case takes them as one." in said
    found = json_of(path, "--fold-case")
    assert found["overall"]["groups"]["A"]["share_right"]["value"] == 1
    assert set(found["labels"]) == {"no", "yes"}
    assert "Case is not told apart: 'No' is read as 'no', 'Yes' is read as 'yes'." in found["notes"]


def test_gold_labels_that_nobody_gave_are_told(labels_file):
    found = json_of(labels_file([*crowd_of(["A", "B"]), "x,no,A,maybe"]))
    assert any("The gold labels 'maybe'" in note and "wrong on 1 tasks" in note for note in found["notes"])


def test_the_80_percent_rule_is_undecided_while_a_group_is_too_small(labels_file):
    even = crowd_of(["A", "B"], 4000)
    assert json_of(labels_file(even))["overall"]["eighty_percent_rule"] == "pass"
    path = labels_file([*even, *(f"c{place},yes,C,yes" for place in range(11))])
    found = json_of(path)
    assert found["overall"]["eighty_percent_rule"] == "undecided"
    assert {one["eighty_percent_rule"] for one in found["labels"].values()} == {"undecided"}
    assert "80% rule                            undecided  without C (11 of 30 labeled)" in text_of(path)


def test_a_repeated_task_is_told_with_how_many_differ(labels_file):
    found = json_of(labels_file([*crowd_of(["A", "B"]), "t0,yes,A,no", "t1,yes,A,yes"]))
    assert found["repeated_tasks"] == 2
    assert "Rows that name a task again: 2, 1 with another label; all of them count." in found["notes"]


def test_headers_delimiters_and_numbers_are_read_as_everywhere(labels_file):
    path = labels_file(["t1;1;A;1.0", "t2;0;B;0.0"], header="Task; Label;DISTRICT;Gold")
    found = json_of(path)
    assert found["checked"] == 2 and set(found["labels"]) == {"0", "1"}
    assert found["overall"]["groups"]["A"]["share_right"]["value"] == 1


def test_our_own_export_is_read_without_its_guard_against_formulas(tmp_path):
    path = tmp_path / "labels.csv"
    rows = ["t1,'+ good,1,file,{},'=north", "t2,'+ good,1,file,{},south"]
    path.write_text("\n".join(["task,label,confidence,decided_by,provenance,group", *rows]) + "\n")
    found = read_labeled(str(path), "group", Rules(labels=("+ good", "bad")))
    assert found.tasks.group_names == ("=north", "south") and found.tasks.label_names == ("+ good", "bad")


def believed(sure="0.9", n=80, checked=2):
    """Every `checked`-th row with gold; one of ten labels is wrong."""
    lines = []
    for place in range(n):
        gold, group = place % 2, "ab"[place // 2 % 2]
        label = 1 - gold if place % 10 == 0 else gold
        known = gold if place % checked == 0 or place % 3 == 0 else ""
        lines.append(f"t{place},{label},{group},{known},{2 if known != '' else ''},{sure}")
    return lines


BELIEVED = "task,label,district,gold,weight,confidence"


def test_a_column_of_beliefs_adds_doubly_robust_estimates(labels_file):
    path = labels_file(believed(), BELIEVED)
    found = json_of(path, "--belief", "confidence", "--minimum", "5")
    robust = found["doubly_robust"]
    assert set(robust["labels"]["1"]) == {"tpr", "fpr", "prevalence", "distortion"}
    line = robust["labels"]["1"]["prevalence"]["groups"]["a"]
    assert line["checks"] > 0 and line["low"] < line["value"] < line["high"]
    assert "Doubly robust, with how sure each label was" in text_of(path, "--belief", "confidence", "--minimum", "5")
    assert "doubly_robust" not in json_of(path, "--minimum", "5")


@pytest.mark.parametrize("sure", ["", "1.2", "sure"])
def test_a_belief_that_is_no_share_is_refused(labels_file, sure):
    assert "it needs a number from 0 to 1" in refusal(labels_file(believed(sure), BELIEVED), "--belief", "confidence")


def test_a_column_of_beliefs_that_is_not_there_is_named(labels_file):
    assert "has no column 'sure'" in refusal(labels_file(believed("0.5"), BELIEVED), "--belief", "sure")
