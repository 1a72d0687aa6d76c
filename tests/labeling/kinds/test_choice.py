from pathlib import Path

import numpy as np
import pytest

from labeling.files.kind_votes import known_of, read_raw, table_of
from labeling.files.votes import read_votes
from labeling.kinds import registry
from labeling.kinds.base import AnswerTable, NoAnswer, Space, UnusableAnswer
from labeling.kinds.cells import Rules
from labeling.truth.methods import method

VOTES = "task,worker,label\n1,a,yes\n1,b,yes\n1,c,no\n2,a,no\n2,b,no\n2,c,no\n3,a,yes\n3,b,no\n3,a,no\n4,c,\n"
CHOICE = registry.kind("choice")


def table_in(tmp_path: Path, text: str, rules: Rules | None = None) -> tuple[AnswerTable, tuple[str, ...]]:
    path = tmp_path / "votes.csv"
    path.write_text(text)
    rules = rules or Rules()
    raw = read_raw(str(path), CHOICE, ("task", "worker", "label"), rules)
    meaning = CHOICE.meaning(raw.occurring, rules)
    return table_of(raw, CHOICE, CHOICE.space(meaning, rules, {}), meaning.name)


def test_one_label_goes_the_common_way_with_the_result_of_votes(tmp_path: Path):
    table, notes = table_in(tmp_path, VOTES)
    assert any("answer a task again: 1" in note for note in notes)
    assert any("no answer: 1" in note for note in notes)
    plain = method("dawid_skene")(read_votes(str(tmp_path / "votes.csv")).votes)
    found = CHOICE.infer(table, "dawid_skene", None, 0)
    np.testing.assert_allclose(found.belief, plain.belief)
    assert [CHOICE.words(answer, table.space) for answer in found.answers] == ["yes", "no", "no"]


def test_a_label_of_another_question_is_left_out_and_good_rows_kept(tmp_path: Path):
    table, notes = table_in(tmp_path, VOTES + "5,a,maybe\n", Rules(labels=("no", "yes")))
    assert len(table.task) == 8
    assert "left out, 1 (task 5): 'maybe' is none of the labels no, yes." in " ".join(notes)


def test_known_answers_are_matched_by_task(tmp_path: Path):
    table, _ = table_in(tmp_path, VOTES)
    known, absent = known_of(table, ["3", "1", "9"])
    assert sorted(set(known.task.tolist())) == [0, 1]
    assert absent == 3


def test_a_reply_is_read_by_its_label():
    space = Space(("no", "yes"))
    assert CHOICE.from_reply({"label": "yes"}, space) == 1
    with pytest.raises(UnusableAnswer, match="none of the labels"):
        CHOICE.from_reply({"label": "maybe"}, space)
    with pytest.raises(NoAnswer):
        CHOICE.read(" ", space)


def test_a_kind_that_is_none_is_refused_with_all_names():
    with pytest.raises(ValueError, match="choose one of choice, choices, scale, spans"):
        registry.kind("grid")
