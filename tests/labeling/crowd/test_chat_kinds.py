"""A chat model is asked in every kind, with images where there are some, and what it can cost is held before."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from labeling.crowd.base import Answer, Brief, Example, LabelSet, Question
from labeling.crowd.errors import BrokenImage, Misconfigured
from labeling.crowd.openai_chat import ChatModel
from labeling.crowd.registry import build
from labeling.kinds.spans import Stretches
from tests.fake_openai import FakeOpenAI
from tests.labeling.crowd.conftest import question
from tests.labeling.crowd.test_images import drawing, picture

TEXT = "Ann met Bob in Oslo."
BRIEFS = {
    "choice": Brief(LabelSet(("person", "place"))),
    "choices": Brief(LabelSet(("person", "place")), kind="choices"),
    "scale": Brief(LabelSet(("1", "2", "3")), kind="scale", wording="How lively is it?"),
    "spans": Brief(LabelSet(("person", "place")), kind="spans"),
}
REPLIES = {
    "choice": {"label": "place"},
    "choices": {"labels": ["person", "place"]},
    "scale": {"value": 3},
    "spans": {"spans": [{"quote": "Bob", "label": "person"}, {"quote": "Oslo", "label": "place"}]},
}


def model(server: FakeOpenAI, options: str = "") -> ChatModel:
    voter = build(f"chat:tiny@{server.base_url}?local=yes{options}")
    assert isinstance(voter, ChatModel)
    return voter


def replying(server: FakeOpenAI, reply: Callable[[], object]) -> None:
    """The server says this from now on, whatever it is asked."""
    server.content = lambda _: json.dumps(reply(), ensure_ascii=False)


@pytest.mark.parametrize("kind", BRIEFS)
def test_every_kind_is_asked_for_by_its_schema_and_read(fake_openai: FakeOpenAI, kind: str) -> None:
    replying(fake_openai, lambda: REPLIES[kind])
    voter, brief = model(fake_openai, "&json_schema=yes"), BRIEFS[kind]
    voter.prepare(brief)
    answer = next(voter.answer([question("t", TEXT)]))
    told = brief.answers.as_reply(answer.said, brief.space_of(question("t", TEXT)), "t")
    assert told == REPLIES[kind] and not answer.unreadable
    body = fake_openai.requests[-1].body
    assert body["response_format"]["json_schema"]["schema"] == brief.answers.schema(brief.space)
    assert ("How lively is it?" in fake_openai.requests[-1].prompt) == (kind == "scale")


@pytest.mark.parametrize("kind", ["choices", "scale", "spans"])
def test_what_is_no_answer_is_asked_again_with_the_kinds_own_reminder(fake_openai: FakeOpenAI, kind: str) -> None:
    said = iter(["the weather", "is fine today", "and tomorrow"])
    replying(fake_openai, lambda: {"said": next(said)})
    voter = model(fake_openai)
    voter.prepare(BRIEFS[kind])
    answer = next(voter.answer([question("t", TEXT)]))
    assert answer.said is None and answer.label is None and answer.unreadable and answer.attempts == 3
    assert ("spans" if kind == "spans" else kind.replace("scale", "value").replace("choices", "labels")) in str(
        fake_openai.requests[-1].body["messages"][-1]["content"]
    ).splitlines()[-1]


def test_shots_show_marked_text_without_what_is_hidden(fake_openai: FakeOpenAI) -> None:
    known = "Eve wrote to eve@example.org from Rome."
    spans = Stretches(((0, 3, 0), (13, 28, 0), (34, 38, 1)), len(known))
    brief = replace(BRIEFS["spans"], examples=(Example(question("e", known), said=spans),))
    replying(fake_openai, lambda: REPLIES["spans"])
    voter = model(fake_openai, "&shots=1&examples=nearest")
    voter.outside = True
    voter.settings = replace(voter.settings, local=True)
    voter.prepare(brief)
    next(voter.answer([question("t", TEXT)]))
    shown = json.loads(fake_openai.requests[-1].body["messages"][2]["content"])
    assert [item["quote"] for item in shown["spans"]] == ["Eve", "[email 1]", "Rome"]


def test_images_go_along_as_data_and_each_is_paid_for(fake_openai: FakeOpenAI) -> None:
    pixels = drawing("round", "red", 1)
    asked = Question("t", (("Text", TEXT),), (picture(pixels), picture(drawing("square", "blue", 2))))
    replying(fake_openai, lambda: REPLIES["choices"])
    voter = model(fake_openai, "&input=0&output=0&image=0.001&detail=low&most_pixels=600")
    voter.prepare(BRIEFS["choices"])
    assert voter.most_it_can_cost(asked) == 2_000
    assert voter.most_it_can_cost(replace(asked, images=())) == 0
    answer = next(voter.answer([asked]))
    assert answer.cost_microdollars == 2_000 and answer.said.tolist() == [1, 1]
    parts = fake_openai.requests[-1].body["messages"][-1]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url", "image_url"]
    assert parts[1]["image_url"]["detail"] == "low"
    sent = base64.b64decode(parts[1]["image_url"]["url"].removeprefix("data:image/png;base64,"))
    assert len(sent) < len(pixels) * 2 and sent[:4] == b"\x89PNG"


def test_the_tokens_of_an_image_are_held_by_its_size(fake_openai: FakeOpenAI) -> None:
    def held(options: str) -> int:
        voter = model(fake_openai, f"&input=1&output=0{options}")
        voter.prepare(BRIEFS["choice"])
        pictures = (replace(picture(b""), width=2_048, height=1_024),)
        return voter.most_it_can_cost(Question("t", (), pictures)) - voter.most_it_can_cost(Question("t", (), ()))

    whole, small, stated = held("&most_pixels=0"), held("&most_pixels=131072"), held("&image_tokens=5000")
    assert small < whole and 2_500 < whole < 3_500 and 4_900 < stated <= 5_100


def test_a_broken_image_is_about_one_task_alone(fake_openai: FakeOpenAI) -> None:
    voter = model(fake_openai)
    voter.prepare(BRIEFS["choice"])
    broken, whole = Question("a", (), (picture(b"no image"),)), question("b", "a place")
    told = list(voter.outcomes([broken, whole]))
    assert isinstance(told[0], BrokenImage) and isinstance(told[1], Answer)


def test_the_best_way_to_choose_examples_is_found_by_asking_known_texts(fake_openai: FakeOpenAI) -> None:
    """The model repeats the last example: right where the nearest one stands last, seldom otherwise."""

    def last_shot(body: dict) -> str:
        return str([m["content"] for m in body["messages"] if m["role"] == "assistant"][-1])

    fake_openai.content = last_shot
    topics = [("pipe tap flood", [1, 0]), ("music bark drill", [0, 1]), ("street hole", [0, 0]), ("all of it", [1, 1])]
    examples = tuple(
        Example(question(f"e{i}", f"{topics[i % 4][0]} number {i}"), said=np.array(topics[i % 4][1], np.int8))
        for i in range(16)
    )
    brief = Brief(
        LabelSet(("water", "noise")), examples=examples, texts=tuple(e.question for e in examples), kind="choices"
    )
    voter = model(fake_openai, "&shots=1&examples=chosen&concurrency=4")
    voter.prepare(brief)
    assert voter.evidence is not None and voter.evidence.kept == "nearest" and voter.evidence.sure
    assert [row.way for row in voter.evidence.rows] == ["fixed", "random", "nearest"]
    assert next(voter.answer([question("n", "bark and music")])).said.tolist() == [0, 1]
    assert "nearest ones did best on 16 known texts" in voter.evidence.words


def test_examples_are_not_chosen_with_money_that_nobody_granted() -> None:
    with pytest.raises(Misconfigured, match="it is for free models"):
        build("chat:m@https://api.example.org/v1?input=1&output=1&shots=2&examples=chosen")
    with pytest.raises(Misconfigured, match="leave nearest out"):
        build("chat:m@https://api.example.org/v1?input=1&output=1&nearest=yes&examples=random")
