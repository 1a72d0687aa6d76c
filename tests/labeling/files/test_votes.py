"""Votes and known labels in files: what is a vote, what is known, and what the reader is told."""

from pathlib import Path

import numpy as np
import pytest

from labeling.files.columns import last_of_each
from labeling.files.tables import UnusableFile
from labeling.files.votes import VoteTable, check_gold, index_gold, lacking_votes, read_known, read_votes
from labeling.kinds.cells import Rules


def votes(tmp_path: Path, *lines: str, **more: object) -> VoteTable:
    path = tmp_path / "votes.csv"
    path.write_text("\n".join(["task,worker,label", *lines]) + "\n", encoding="utf-8")
    return read_votes(str(path), **more)


def gold(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "gold.csv"
    path.write_text("\n".join(["task,label", *lines]) + "\n", encoding="utf-8")
    return str(path)


def entries(table: VoteTable) -> list[tuple[str, str, str]]:
    found = table.votes
    return [
        (table.tasks[i], table.annotators[j], table.labels[k])
        for i, j, k in zip(found.task, found.annotator, found.label, strict=True)
    ]


def test_rows_without_an_answer_leave_the_table_as_if_they_were_not_there(tmp_path: Path):
    blanks = votes(tmp_path, "t0,r9,", "t1,r2,b", "t0,r1,a", "t7,r1, ", "t1,r1,b", "t0,r2,a")
    plain = votes(tmp_path, "t1,r2,b", "t0,r1,a", "t1,r1,b", "t0,r2,a")
    assert (entries(blanks), blanks.tasks, blanks.annotators) == (entries(plain), plain.tasks, plain.annotators)
    assert plain.notes == ()
    assert blanks.notes == (
        "Rows without a label, left out: 2 of 6.",
        "Tasks without any vote: t7.",
        "Annotators without any answer: r9.",
    )


def test_a_blank_after_an_answer_does_not_take_it_back(tmp_path: Path):
    assert entries(votes(tmp_path, "t1,a,yes", "t1,a,", "t1,b,no")) == [("t1", "a", "yes"), ("t1", "b", "no")]


def test_rows_that_name_nobody_or_nothing_are_left_out_and_told(tmp_path: Path):
    found = votes(tmp_path, "t1,a,yes", ",a,no", "t2,,no", ",,", "t2,b,no")
    assert entries(found) == [("t1", "a", "yes"), ("t2", "b", "no")]
    assert found.notes[0] == "Rows without a task or a worker, left out: 2 of 5."


def test_blanks_around_tasks_and_workers_are_cut_and_leading_zeros_are_not(tmp_path: Path):
    found = votes(tmp_path, "007, a,x", "007 ,b,y", "7,a,x")
    assert (found.tasks, found.annotators) == (["007", "7"], ["a", "b"])


def test_repeated_rows_are_counted_with_those_that_differ_and_the_last_one_counts(tmp_path: Path):
    found = votes(tmp_path, "t1,a,yes", "t1,a,no", "t1,b,no", "t2,a,no", "t2,b,no", "t2,b,yes", "t2,a,no ")
    assert entries(found) == [("t1", "a", "no"), ("t1", "b", "no"), ("t2", "b", "yes"), ("t2", "a", "no")]
    assert found.notes == (
        "Rows that repeat a worker's vote on a task: 3, of which 2 with another label; the last one counts.",
    )


def test_repeats_agree_with_a_plain_loop():
    rng = np.random.default_rng(4)
    first, second, value = (rng.integers(0, size, 300).astype(np.int32) for size in (12, 7, 3))
    last = {(i, j): place for place, (i, j) in enumerate(zip(first, second, strict=True))}
    found = last_of_each(first, second, value)
    assert found.last.tolist() == sorted(last.values())
    assert found.repeated == 300 - len(last)
    differ = [value[at] != value[last[pair]] for at, pair in enumerate(zip(first, second, strict=True))]
    assert found.differing == sum(differ)


def test_a_label_set_that_is_given_stands_in_its_order_and_nothing_else_is_let_in(tmp_path: Path):
    only_yes = votes(tmp_path, "t1,a,yes", "t1,b,yes", rules=Rules(labels=("yes", "no")))
    assert (only_yes.labels, only_yes.votes.n_labels) == (["yes", "no"], 2)
    with pytest.raises(UnusableFile, match=r"has the label 'maybe' \(1 times\), which is none of yes, no"):
        votes(tmp_path, "t1,a,maybe", "t1,b,yes", rules=Rules(labels=("yes", "no")))


def test_many_different_answers_raise_the_question_whether_this_is_the_label_column(tmp_path: Path):
    free = [f"t{i},w{j},words {i} {j}" for i in range(30) for j in range(2)]
    assert "has 60 different labels on 30 tasks; is 'label' the label column?" in votes(tmp_path, *free).notes[0]
    few = [f"t{i},w{j},{i % 3}" for i in range(9) for j in range(2)]
    assert votes(tmp_path, *few).notes == ()


def test_models_that_lack_votes_are_named_and_a_scattered_crowd_is_not(tmp_path: Path):
    full = [f"t{i},{name},{i % 2}" for i in range(6) for name in ("a", "b", "c")]
    table = votes(tmp_path, *full, "t0,gpt,0", "t1,gpt,1")
    assert lacking_votes(table) == ("Annotators that lack votes, of 6 tasks: gpt on 4.",)
    assert lacking_votes(votes(tmp_path, *[f"t{i},w{i},{i % 2}" for i in range(6)])) == ()


def test_blank_gold_is_unknown_and_double_gold_is_counted(tmp_path: Path):
    found = read_known(gold(tmp_path, "1,a", "2,", "3, b ", "1,b", "3,b", "4,nan"), Rules(missing=("nan",)))
    assert found.labels == {"1": "b", "3": "b"}
    assert [note.split("gold.csv ")[1] for note in found.notes] == [
        "without a label, unknown: 2 of 6.",
        "that name a task again: 2, of which 1 with another label; the last one counts.",
    ]


def test_gold_is_matched_by_number_and_by_case_where_asked(tmp_path: Path):
    numbers = votes(tmp_path, "t1,a,1", "t1,b,0")
    assert index_gold({"t1": "1.0"}, numbers.tasks, numbers.labels).tolist() == [1]
    words = votes(tmp_path, "t1,a,yes", "t1,b,no")
    assert index_gold({"t1": "Yes"}, words.tasks, words.labels).tolist() == [-1]
    assert index_gold({"t1": "Yes"}, words.tasks, words.labels, Rules(fold_case=True)).tolist() == [1]


def test_gold_of_which_no_label_is_voted_for_is_refused_with_what_would_help(tmp_path: Path):
    table = votes(tmp_path, "t1,a,yes", "t1,b,no", "t2,a,no")
    with pytest.raises(UnusableFile) as stopped:
        check_gold("gold.csv", {"t1": "Yes", "t2": "No"}, table)
    assert str(stopped.value) == (
        "No gold label of gold.csv is among the labels (Yes, No against no, yes); --fold-case takes them as one."
    )
    with pytest.raises(UnusableFile, match="write them alike in both"):
        check_gold("gold.csv", {"t1": "ja", "t2": "nein"}, table)


def test_gold_labels_that_nobody_gives_and_tasks_without_a_vote_are_told(tmp_path: Path):
    table = votes(tmp_path, "t1,a,yes", "t1,b,no", "t2,a,no")
    assert check_gold("gold.csv", {"t1": "yes", "t2": "maybe", "t3": "no"}, table) == (
        "The gold labels 'maybe' of gold.csv are given to no task: wrong on 1 tasks.",
        "Tasks of gold.csv without a vote: 1 of 3.",
    )


def guarded(tmp_path: Path, name: str, header: str, *rows: str) -> str:
    path = tmp_path / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def test_an_exported_file_s_guard_against_formulas_is_taken_off(tmp_path: Path) -> None:
    votes = "task,worker,kind,label,prompt_version,created_at"
    rows = ["'=1,'@ann,person,'+ good,,", "'=1,bob,person,''quoted,,", "t2,bob,person,-1,,"]
    table = read_votes(guarded(tmp_path, "votes.csv", votes, *rows))
    assert table.tasks == ["=1", "t2"] and table.annotators == ["@ann", "bob"]
    assert table.labels == ["'quoted", "+ good", "-1"]
    labels = "task,label,confidence,decided_by,provenance"
    assert read_known(guarded(tmp_path, "labels.csv", labels, "'=1,'+ good,1,file,{}")).labels == {"=1": "+ good"}


def test_in_other_files_an_apostrophe_is_part_of_the_name(tmp_path: Path) -> None:
    path = guarded(tmp_path, "votes.csv", "task,worker,label", "1,ann,'-", "1,bob,'+")
    assert read_votes(path).labels == ["'+", "'-"]


def test_known_labels_may_stand_under_other_names(tmp_path: Path) -> None:
    path = guarded(tmp_path, "gold.csv", "INPUT:text,GOLDEN:result", "a,yes", "b,no")
    assert read_known(path, columns=("INPUT:text", "GOLDEN:result")).labels == {"a": "yes", "b": "no"}


def test_a_workbook_is_named_as_one(tmp_path: Path) -> None:
    path = tmp_path / "votes.xlsx"
    path.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(UnusableFile, match="is a workbook; save its sheet as CSV"):
        read_votes(str(path))
