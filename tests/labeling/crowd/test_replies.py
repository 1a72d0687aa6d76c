"""What models write becomes an answer of the kind that was asked for, or none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labeling.crowd import cleaning, prompts
from labeling.crowd.base import Brief, Example, LabelSet
from labeling.crowd.places import as_sent, original
from labeling.crowd.redaction import outgoing
from labeling.crowd.replies import read_answer
from labeling.crowd.tracing import Edit, back, forth
from labeling.kinds.spans import Stretches
from tests.labeling.crowd.conftest import question

TICKED = Brief(LabelSet(("road", "water", "noise")), kind="choices")
RATED = Brief(LabelSet(("1", "2", "3", "4", "5")), kind="scale")
FELT = Brief(LabelSet(("bad", "fair", "good")), kind="scale")
WEIGHED = Brief(LabelSet(("-100", "100")), kind="scale")
MARKED = Brief(LabelSet(("person", "place")), kind="spans")
TEXT = "Ann met Bob in Oslo, and Ann left Oslo for Annecy."


def said(raw: Any, brief: Brief, text: str = TEXT) -> Any:
    content = raw if isinstance(raw, str) else json.dumps(raw)
    answer = read_answer(content, brief, question("t", text)).said
    return answer.tolist() if hasattr(answer, "tolist") else getattr(answer, "spans", answer)


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ({"labels": ["noise", "road"]}, [1, 0, 1]),
        ({"labels": []}, [0, 0, 0]),
        ('Here it is:\n```json\n{"Labels": ["Water"]}\n```', [0, 1, 0]),
        ('<think>{"labels": ["road"]}</think>["water", "noise"]', [0, 1, 1]),
        ({"label": "road"}, [1, 0, 0]),
        ("road, noise", [1, 0, 1]),
        ("- road\n- water", [1, 1, 0]),
        ("none of them", [0, 0, 0]),
        ({"labels": ["road", "gas"]}, None),
        ('{"labels": ["road"]} or {"labels": ["water"]}', None),
        ("I cannot say", None),
        ("", None),
    ],
)
def test_a_set_of_labels_is_read(raw: Any, answer: Any) -> None:
    assert said(raw, TICKED) == answer


@pytest.mark.parametrize(
    ("raw", "brief", "answer"),
    [
        ({"value": 4}, RATED, 4.0),
        ({"rating": "4 out of 5"}, RATED, 4.0),
        ("I would give it 2/5.", RATED, 2.0),
        ({"value": 2.5}, RATED, 2.5),
        ({"value": 9}, RATED, None),
        ({"value": "Good"}, FELT, 2.0),
        ("fair", FELT, 1.0),
        ({"value": -62.5}, WEIGHED, -62.5),
        ("About -40, I think", WEIGHED, -40.0),
        ("between 10 and 20", WEIGHED, None),
        ({"value": None}, WEIGHED, None),
    ],
)
def test_a_place_on_a_scale_is_read(raw: Any, brief: Brief, answer: float | None) -> None:
    assert said(raw, brief) == answer


def spans(*items: tuple[str, str] | tuple[str, str, int]) -> dict[str, Any]:
    keys = ("quote", "label", "occurrence")
    return {"spans": [dict(zip(keys, item, strict=False)) for item in items]}


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (spans(("Ann", "person"), ("Bob", "person"), ("Ann", "person")), ((0, 3, 0), (8, 11, 0), (25, 28, 0))),
        (spans(("Oslo", "place", 2)), ((34, 38, 1),)),
        (spans(("oslo", "Place")), ((15, 19, 1),)),
        (spans(("Bob  in", "place")), ((8, 14, 1),)),
        (spans(), ()),
        ({"entities": [{"text": "Bob", "type": "person"}]}, ((8, 11, 0),)),
        (spans(("Bob", "person"), ("Rome", "place")), ((8, 11, 0),)),
        (spans(("Bob", "person"), ("Oslo", "city")), ((8, 11, 0),)),
        (spans(("Rome", "place")), None),
        (spans(("Oslo", "city")), None),
        ("Bob | person\nOslo | place", ((8, 11, 0), (15, 19, 1))),
        ("nothing", ()),
        ("Bob and Ann", None),
        ({"spans": [{"start": 0, "end": 3, "label": "person"}]}, None),
    ],
)
def test_quotes_are_found_again_in_the_text(raw: Any, answer: Any) -> None:
    assert said(raw, MARKED) == answer


def test_what_was_left_out_is_told() -> None:
    raw = json.dumps(spans(("Bob", "person"), ("Rome", "place"), ("Oslo", "city")))
    note = read_answer(raw, MARKED, question("t", TEXT)).note
    assert "1 of 2 quotes are not in the text." in note and "1 marked with a type" in note


@pytest.mark.parametrize("occurrence", [(0, 3), (25, 28)])
def test_an_example_shows_which_occurrence_is_meant(occurrence: tuple[int, int]) -> None:
    known = Stretches(((*occurrence, 0), (34, 38, 1)), len(TEXT))
    shown = prompts.given(MARKED, Example(question("t", TEXT), said=known), as_json=True)
    assert said(shown, MARKED) == known.spans


def test_places_are_found_in_the_text_as_it_was_before_anything_was_hidden() -> None:
    text = "Write to ann@example.org or call Bob\u200b Ray at bob@example.org, says <|Ann|>."
    asked = question("t", text)
    sent = outgoing(asked, hide=True)
    shown = cleaning.shown_text(sent.question)
    assert "ann@example.org" not in shown and "[email 2]" in shown and "Bob Ray" in shown
    raw = json.dumps(spans(("[email 2]", "place"), ("Bob Ray", "person"), ("Ann", "person")))
    found = original(read_answer(raw, MARKED, sent.question).said, MARKED, asked, sent)
    assert [text[start:end] for start, end, _ in found.spans] == ["Bob\u200b Ray", "bob@example.org", "Ann"]
    example = as_sent(Example(asked, said=found), MARKED, sent)
    assert [shown[start:end] for start, end, _ in example.said.spans] == ["Bob Ray", "[email 2]", "Ann"]


def test_places_in_a_very_long_text_are_found_behind_what_was_left_out() -> None:
    text = "Ann ann@example.org " + "x " * 30_000 + "mail bob@example.org to Bob"
    asked = question("t", text)
    sent = outgoing(asked, hide=True)
    raw = json.dumps(spans(("Ann", "person"), ("[email 2]", "place"), ("Bob", "person")))
    found = original(read_answer(raw, MARKED, sent.question).said, MARKED, asked, sent)
    assert [text[start:end] for start, end, _ in found.spans] == ["Ann", "bob@example.org", "Bob"]


def test_what_was_replaced_counts_as_a_whole() -> None:
    passes = [(Edit(2, 5, 1), Edit(6, 6, 2)), (Edit(0, 1, 0),)]
    assert back(1, 2, passes) == (2, 5)
    assert forth(3, 4, passes) == (1, 2)
    assert forth(0, 1, passes) == (0, 0)
