"""Members that are written down: keyword lists, regular expressions, Python functions."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from labeling.crowd import functions
from labeling.crowd.base import Answer, Brief, LabelSet
from labeling.crowd.errors import Misconfigured, Unable, Unforeseen, UnknownAnnotator
from labeling.crowd.registry import build, describe, lines, reach, read_annotators, shown_name
from tests.labeling.crowd.conftest import question

SIDES = Brief(LabelSet(("good", "bad")))
SET, STRETCHES = Brief(LabelSet(("good", "bad")), kind="choices"), Brief(LabelSet(("good", "bad")), kind="spans")
LINE = "keywords:good=great,well done,enjoy*;Bad=awful,not great"


def said(line: str, brief: Brief, text: str) -> Answer:
    voter = build(line)
    voter.prepare(brief)
    [answer] = voter.answer([question("t", text)])
    return answer


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("A GREAT day", 0),
        ("well\n done", 0),
        ("we enjoyed it", 0),
        ("greatness", None),
        ("awful, awful and great", None),
        ("nothing of it", None),
        ("awful", 1),
    ],
)
def test_keywords_give_the_label_with_most_different_findings(text: str, label: int | None) -> None:
    assert said(LINE, SIDES, text).label == label


def test_the_longest_phrase_counts_where_two_overlap() -> None:
    assert said(LINE, STRETCHES, "not great").said.spans == ((0, 9, 1),)


def test_keywords_give_sets_and_stretches() -> None:
    assert said(LINE, SET, "great and awful").said.tolist() == [1, 1]
    assert said(LINE, SET, "so so").said.tolist() == [0, 0], "none of them is an answer"
    assert said(LINE, STRETCHES, "great, not great").said.spans == ((0, 5, 0), (7, 16, 1))


def test_patterns_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("good = ['\\bgr(8|eat)\\b', 'wow+']\nbad = ['ugh']\n")
    assert said(f"patterns:{file}", SIDES, "gr8, WOWW").label == 0
    assert reach(f"patterns:{file}") == ["Files of the server"]
    assert reach(LINE) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("good = ['(']", "is no regular expression"),
        ("good = 'wow'", "needs a list for each label"),
        ("good = [", "cannot be read as TOML"),
        ("", "needs a list for each label"),
    ],
)
def test_a_file_of_patterns_that_cannot_be_used_is_one_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(content)
    with pytest.raises(Misconfigured, match=sentence):
        build(f"patterns:{file}")


def test_a_list_for_what_is_no_label_and_a_kind_that_it_cannot_answer_in_are_refused() -> None:
    with pytest.raises(Misconfigured, match="keywords names 'fine', which is no label; ours are"):
        build("keywords:fine=ok").prepare(SIDES)
    with pytest.raises(Unable, match="cannot answer in scale"):
        build(LINE).prepare(Brief(LabelSet(("1", "5")), kind="scale"))
    for empty in ("keywords:good=", "keywords:good", "keywords:;"):
        with pytest.raises(Misconfigured, match="lists nothing; write keywords:LABEL=word"):
            build(empty)


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of somebody's labeling functions, one of them offered as an entry point."""
    made: Any = ModuleType("somebodys_rules")
    made.by_word = lambda text, word="great": "good" if word in text else None
    made.chances = lambda text: {"good": 3, "bad": 1}
    made.whole = lambda question: "good" if question.task == "t" else "bad"
    made.fails = lambda text: 1 // 0
    made.answer = None
    monkeypatch.setitem(sys.modules, "somebodys_rules", made)
    offered = EntryPoints([EntryPoint("by_word", "somebodys_rules:by_word", functions.GROUP)])
    monkeypatch.setattr(functions, "entry_points", lambda group: offered)
    return made


@pytest.mark.usefixtures("rules")
def test_a_function_is_found_by_its_entry_point_or_as_module_and_name() -> None:
    assert said("function:by_word", SIDES, "great").label == 0
    assert said("function:somebodys_rules:by_word?word=fine", SIDES, "fine").label == 0
    assert said("function:by_word", SIDES, "fine").label is None
    assert said("function:somebodys_rules:whole", SIDES, "").label == 0
    assert said("function:somebodys_rules:chances", SIDES, "x").probabilities == (0.75, 0.25)
    assert shown_name("function:somebodys_rules:by_word?word=x") == "by_word"
    assert "somebodys_rules:whole" in describe("function:somebodys_rules:whole")


@pytest.mark.usefixtures("rules")
def test_only_what_a_package_offers_may_be_named_by_anybody() -> None:
    assert reach("function:by_word") == []
    assert reach("function:os:getcwd") == ["Python functions of the server"]


@pytest.mark.parametrize(
    ("kind", "told", "right"),
    [
        ("choice", "Bad", 1),
        ("choice", "", None),
        ("scale", 4, 4.0),
        ("choices", ["bad"], [0, 1]),
        ("choices", [], [0, 0]),
        ("spans", [[0, 5, "good"]], ((0, 5, 0),)),
    ],
)
def test_a_function_answers_as_files_hold_answers(rules: Any, kind: str, told: Any, right: Any) -> None:
    rules.answer = lambda text: told
    names = ("1", "5") if kind == "scale" else ("good", "bad")
    answer = said("function:somebodys_rules:answer", Brief(LabelSet(names), kind=kind), "great day")
    found = getattr(answer.said, "spans", answer.said)
    assert (found.tolist() if hasattr(found, "tolist") else found) == right


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "function:nobody",
            r"names no function; write function:MODULE:NAME, or an entry point .*installed are by_word",
        ),
        ("function:no_such_module:x", r"cannot be imported \(ModuleNotFoundError"),
        ("function:somebodys_rules:nothing", r"cannot be imported \(AttributeError"),
        ("function:somebodys_rules:answer", "is no function; name something that can be called"),
        ("function:by_word?wrod=x", "takes no option 'wrod'; it takes word"),
    ],
)
def test_a_function_that_cannot_be_used_is_one_sentence_before_anything_runs(line: str, sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        build(line)


def test_an_answer_that_is_none_and_a_function_that_fails_are_one_sentence(rules: Any) -> None:
    rules.answer = lambda text: "so so"
    with pytest.raises(Misconfigured, match="answers 'so so', which is not one label of ours"):
        said("function:somebodys_rules:answer", SIDES, "x")
    with pytest.raises(Unforeseen, match="ZeroDivisionError"):
        said("function:somebodys_rules:fails", SIDES, "x")


def test_annotators_are_parted_at_commas_but_not_inside_a_line() -> None:
    told = "word_logistic, pipeline:./m?map=POS:good,NEG:bad,keywords:good=a,b;bad=c,small,naive_bayes"
    assert lines(told, ["small"]) == [
        "word_logistic",
        "pipeline:./m?map=POS:good,NEG:bad",
        "keywords:good=a,b;bad=c",
        "small",
        "naive_bayes",
    ]
    assert lines("replay:v.csv?worker=a, ,") == ["replay:v.csv?worker=a"]
    assert lines("word_logistic,nonsense") == ["word_logistic", "nonsense"]
    with pytest.raises(UnknownAnnotator):
        build("nonsense")


def test_a_table_of_the_annotators_file_names_them_too(tmp_path: Path) -> None:
    file = tmp_path / "annotators.toml"
    file.write_text('[annotators.mood]\nkind = "keywords"\nsource = "good=great;bad=awful"\n')
    assert said(read_annotators(file)["mood"], SIDES, "awful").label == 1
