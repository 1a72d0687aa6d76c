"""Several questions about one thing in one call: asked once, each answer read by its own kind, the price shared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from labeling.crowd import joint_prompts
from labeling.crowd.base import Answer, Brief, Example, LabelSet, Question
from labeling.crowd.errors import CrowdError, Refused, SetupRefused, TextTooLong
from labeling.crowd.joint_replies import read_one
from labeling.crowd.openai_chat import ChatModel, ChatPanel
from labeling.crowd.prices import shares
from labeling.crowd.registry import build
from labeling.kinds.spans import Stretches
from tests.fake_openai import FakeOpenAI
from tests.labeling.crowd.conftest import question
from tests.labeling.crowd.test_images import drawing, picture

TEXT = "Ann met Bob in Oslo."
RULES = "Read with care; names may be shortened."
BRIEFS = [
    Brief(LabelSet(("person", "place")), f"What is it about?\n\n{RULES}", shared=RULES),
    Brief(LabelSet(("person", "place")), RULES, kind="choices", wording="What occurs?", shared=RULES),
    Brief(LabelSet(("1", "2", "3")), f"{RULES}\n\nBusy is 3.", kind="scale", wording="How lively is it?", shared=RULES),
    Brief(LabelSet(("person", "place")), RULES, kind="spans", wording="Who and where?", shared=RULES),
]
REPLY: dict[str, Any] = {
    "q1": {"label": "place"},
    "q2": {"labels": ["person", "place"]},
    "q3": {"value": 3},
    "q4": {"spans": [{"quote": "Bob", "label": "person"}, {"quote": "Oslo", "label": "place"}]},
}
ALL = (0, 1, 2, 3)


def panel(server: FakeOpenAI, options: str = "", briefs: list[Brief] | None = None) -> ChatPanel:
    """One model that is prepared for all four questions."""
    made = []
    for brief in briefs or BRIEFS:
        voter = build(f"chat:tiny@{server.base_url}?local=yes{options}")
        assert isinstance(voter, ChatModel)
        voter.prepare(brief)
        made.append(voter)
    return made[0].together(made[1:])


def about(places: tuple[int, ...] = ALL, text: str = TEXT, task: str = "t") -> Question:
    return replace(question(task, text), about=places)


def saying(server: FakeOpenAI, *replies: object) -> None:
    """The server says these one after the other, the last for ever."""
    told = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in replies]
    server.content = lambda _: told.pop(0) if len(told) > 1 else told[0]


def outcome(voter: ChatModel, asked: Question, more: Callable[[Question, int], bool] | None = None) -> Any:
    [found] = voter.outcomes([asked], more=more or (lambda *_: True))
    return found


def said(answer: Answer, briefs: list[Brief] = BRIEFS, places: tuple[int, ...] = ALL) -> dict[str, Any]:
    """The answers in the form of a reply; None where there is none."""
    told = {}
    for place, one in zip(places, answer.each, strict=True):
        space = briefs[place].space_of(question("t", TEXT))
        told[f"q{place + 1}"] = None if one.said is None else briefs[place].answers.as_reply(one.said, space, "t")
    return told


class TestOneCall:
    def test_four_kinds_are_asked_in_one_request_and_each_is_read_by_its_own_kind(
        self, fake_openai: FakeOpenAI
    ) -> None:
        saying(fake_openai, REPLY)
        answer = outcome(panel(fake_openai, "&json_schema=yes&input=0.15&output=0.60"), about())
        assert said(answer) == REPLY and len(fake_openai.requests) == 1
        [request] = fake_openai.requests
        assert request.prompt.count(TEXT) == 1 and request.prompt.count(RULES) == 1
        for words in ("What is it about?", "What occurs?", "How lively is it?", "Busy is 3.", "Who and where?"):
            assert request.prompt.count(words) == 1
        schema = request.body["response_format"]["json_schema"]["schema"]
        assert schema["required"] == list(REPLY) and schema["properties"]["q2"] == BRIEFS[1].answers.schema(
            BRIEFS[1].space
        )
        assert request.body["max_tokens"] == 4 * 200

    def test_what_it_took_is_shared_evenly_and_sums_to_the_call(self, fake_openai: FakeOpenAI) -> None:
        saying(fake_openai, REPLY)
        voter = panel(fake_openai, "&input=0.15&output=0.60")
        most = voter.most_it_can_cost(about())
        answer = outcome(voter, about())
        assert answer.cost_microdollars == fake_openai.bill_microdollars <= most
        for name in ("input_tokens", "output_tokens", "cost_microdollars"):
            parts = [getattr(one, name) for one in answer.parts]
            assert sum(parts) == getattr(answer, name) > 0 and max(parts) - min(parts) <= 1
        assert len({one.prompt_version for one in answer.parts}) == 1

    def test_a_single_question_of_several_is_asked_as_it_is_alone(self, fake_openai: FakeOpenAI) -> None:
        saying(fake_openai, REPLY["q3"])
        voter = panel(fake_openai)
        answer = outcome(voter, about((2,)))
        assert said(answer, places=(2,)) == {"q3": REPLY["q3"]} and not answer.parts
        alone = build(f"chat:tiny@{fake_openai.base_url}?local=yes")
        alone.prepare(BRIEFS[2])
        [told] = alone.answer([question("t", TEXT)])
        first, second = (request.body["messages"] for request in fake_openai.requests)
        assert first == second and told.prompt_version == answer.prompt_version

    def test_images_go_along_once(self, fake_openai: FakeOpenAI) -> None:
        saying(fake_openai, REPLY)
        asked = replace(about((0, 1)), images=(picture(drawing("round", "red", 1)),))
        voter = panel(fake_openai, "&input=0&output=0&image=0.001")
        assert voter.most_it_can_cost(asked) == 1_000
        assert outcome(voter, asked).cost_microdollars == 1_000
        kinds = [part["type"] for part in fake_openai.requests[-1].body["messages"][-1]["content"]]
        assert kinds == ["text", "image_url", "text"]

    def test_probabilities_come_from_the_questions_own_part_of_the_reply(self, fake_openai: FakeOpenAI) -> None:
        briefs = [BRIEFS[0], replace(BRIEFS[0], labels=LabelSet(("place", "person", "none")))]
        fake_openai.content = lambda _: '{"q1": {"label": "place"}, "q2": {"label": "person"}}'
        answer = outcome(panel(fake_openai, "&logprobs=yes", briefs), about((0, 1)))
        assert [len(one.probabilities or ()) for one in answer.parts] in ([2, 3], [0, 0])
        assert [one.label for one in answer.parts] == [1, 1]

    def test_several_models_answers_come_in_order_with_others_beside_them(self, fake_openai: FakeOpenAI) -> None:
        saying(fake_openai, REPLY)
        asked = [about(task="a"), about((1,), task="b"), about((0, 3), task="c")]
        fake_openai.content = lambda body: json.dumps(
            REPLY if 'Question "q1"' in body["messages"][0]["content"] else REPLY["q2"]
        )
        told = list(panel(fake_openai, "&concurrency=3").outcomes(asked))
        assert [len(one.each) for one in told if isinstance(one, Answer)] == [4, 1, 2]
        assert len(fake_openai.requests) == 3


class TestParts:
    @pytest.mark.parametrize(
        "spoiled",
        [
            json.dumps({**REPLY, "q2": {"labels": ["bird"]}}),
            json.dumps({key: value for key, value in REPLY.items() if key != "q2"}),
            json.dumps({**REPLY, "q2": None}),
            json.dumps(REPLY).replace('"q2": {', '"q2": {"labels": ["place"]}, "q2": {'),
        ],
    )
    def test_what_cannot_be_read_is_asked_once_more_alone_and_the_others_stand(
        self, fake_openai: FakeOpenAI, spoiled: str
    ) -> None:
        saying(fake_openai, spoiled, {"q2": {"labels": ["place"]}})
        answer = outcome(panel(fake_openai, "&input=0.15&output=0.60"), about())
        assert said(answer) == {**REPLY, "q2": {"labels": ["place"]}} and answer.attempts == 2
        again = fake_openai.requests[1].prompt
        assert "What occurs?" in again and "How lively is it?" not in again and '"q2": {...}' in again
        assert sum(one.cost_microdollars for one in answer.parts) == fake_openai.bill_microdollars

    def test_or_is_an_abstention_of_that_question_alone(self, fake_openai: FakeOpenAI) -> None:
        saying(fake_openai, {**REPLY, "q3": "much"}, "the weather", "is fine")
        voter = panel(fake_openai)
        answer = outcome(voter, about())
        assert said(answer) == {**REPLY, "q3": None} and answer.attempts == 3
        assert [one.unreadable for one in answer.parts] == [False, False, True, False] and not answer.unreadable
        saying(fake_openai, {**REPLY, "q3": "much"})
        assert outcome(voter, about(task="u")).attempts == 1, "asked for in vain before"

    def test_without_the_money_to_ask_again_what_was_read_stands(self, fake_openai: FakeOpenAI) -> None:
        saying(fake_openai, {**REPLY, "q3": "much"})
        asked: list[int] = []
        answer = outcome(
            panel(fake_openai, "&input=0.15&output=0.60"), about(), lambda _, most: bool(asked.append(most))
        )
        assert said(answer) == {**REPLY, "q3": None} and len(fake_openai.requests) == 1
        assert asked[0] > fake_openai.bill_microdollars
        assert all("the money did not suffice" in one.note for one in answer.parts)

    def test_a_reply_that_is_cut_off_loses_its_last_answer_alone(self) -> None:
        cut = json.dumps(REPLY)[:-40]
        for place in (0, 1, 2):
            read, _ = read_one(cut, place, BRIEFS[place], question("t", TEXT))
            assert read.said is not None
        assert read_one(cut, 3, BRIEFS[3], question("t", TEXT))[0].said is None

    def test_keys_are_found_in_prose_in_thoughts_that_are_over_and_below_other_objects(self) -> None:
        for content in (
            f"Sure! Here it is: {json.dumps(REPLY)} Anything else?",
            f"<think>{json.dumps({'q1': {'label': 'person'}})}</think>{json.dumps(REPLY)}",
            json.dumps({"answers": REPLY}),
            "```json\n" + json.dumps(REPLY, indent=2) + "\n```",
            json.dumps({"q1": "place"}),
        ):
            assert read_one(content, 0, BRIEFS[0], question("t", TEXT))[0].label == 1

    def test_a_text_that_imitates_a_key_inside_a_quote_answers_nothing(self) -> None:
        quoted = {"q4": {"spans": [{"quote": 'Bob "q1": {"label": "person"}', "label": "person"}]}}
        assert read_one(json.dumps(quoted), 0, BRIEFS[0], question("t", TEXT))[0].said is None


class TestFailures:
    def test_a_refusal_counts_for_all(self, fake_openai: FakeOpenAI) -> None:
        fake_openai.behaviours.append("refusal")
        answer = outcome(panel(fake_openai), about())
        assert [one.said for one in answer.parts] == [None] * 4 and not answer.unreadable
        assert all("declined to answer" in one.note for one in answer.parts) and len(fake_openai.requests) == 1

    @pytest.mark.parametrize(("behaviour", "sort"), [("400", Refused), ("toolong", TextTooLong), ("500", CrowdError)])
    def test_an_error_is_one_for_the_whole_call(
        self, fake_openai: FakeOpenAI, behaviour: str, sort: type[CrowdError]
    ) -> None:
        fake_openai.behaviours.append(behaviour)
        assert isinstance(outcome(panel(fake_openai), about()), sort)

    def test_a_refusal_without_a_reason_is_tried_with_a_text_of_ours_in_the_same_form(
        self, fake_openai: FakeOpenAI
    ) -> None:
        fake_openai.behaviours.append("unexplained")
        assert isinstance(outcome(panel(fake_openai), about()), Refused) and len(fake_openai.requests) == 2
        assert list(fake_openai.requests[1].asked) == list(REPLY) and TEXT not in fake_openai.requests[1].prompt
        fake_openai.behaviours.extend(["unexplained"] * 2)
        assert isinstance(outcome(panel(fake_openai), about()), SetupRefused)

    @pytest.mark.parametrize("options", ["", "&fold_system=yes", "&max_tokens=3000&shots=2"])
    def test_where_the_server_counts_nothing_no_more_is_booked_than_was_held(
        self, fake_openai: FakeOpenAI, options: str
    ) -> None:
        fake_openai.behaviours.append("uncounted")
        voter = panel(fake_openai, f"&input=0.15&output=0.60{options}")
        most = voter.most_it_can_cost(about())
        answer = outcome(voter, about())
        assert 0 < answer.cost_microdollars <= most and "counted no tokens" in answer.parts[0].note
        limit = fake_openai.requests[0].body["max_tokens"]
        assert limit == (4_000 if "3000" in options else 800)

    def test_a_key_that_the_server_repeats_is_taken_out_of_every_part(
        self, fake_openai: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SHOWN_API_KEY", "sk-very-secret-1234")
        saying(fake_openai, {"q1": {"label": "place", "why": "sk-very-secret-1234"}, "q2": {"labels": []}})
        answer = outcome(panel(fake_openai, "&key=SHOWN_API_KEY", BRIEFS[:2]), about((0, 1)))
        assert [one.said is None for one in answer.parts] == [False, False]
        assert "secret" not in repr(answer) and "(key)" in answer.parts[0].raw


class TestExamples:
    @staticmethod
    def known(name: str, brief: Brief, answer: Any) -> Example:
        read = brief.answers.read(answer, brief.space_of(question(name, f"{name} knows Bob")), name)
        return Example(question(name, f"{name} knows Bob"), read if brief.kind == "choice" else -1, read)

    def test_a_known_text_is_shown_once_with_all_that_is_known_of_it(self, fake_openai: FakeOpenAI) -> None:
        briefs = [
            replace(BRIEFS[0], examples=tuple(self.known(n, BRIEFS[0], "person") for n in ("Eve", "Max"))),
            replace(BRIEFS[2], examples=tuple(self.known(n, BRIEFS[2], 2) for n in ("Eve", "Max"))),
        ]
        saying(fake_openai, {"q1": {"label": "person"}, "q2": {"value": 2}})
        voter = panel(fake_openai, "&shots=2", briefs)
        outcome(voter, about((0, 1)))
        messages = fake_openai.requests[0].body["messages"]
        assert [one["role"] for one in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
        assert {message["content"] for message in messages if message["role"] == "assistant"} == {
            '{"q1": {"label": "person"}, "q2": {"value": 2}}'
        }

    def test_where_other_texts_are_known_of_each_question_its_examples_say_which_answers_are_wanted(self) -> None:
        one = [self.known(n, BRIEFS[0], "person") for n in ("Eve", "Max", "Ida")]
        other = [self.known(n, BRIEFS[2], 3) for n in ("Ida", "Kim")]
        known = {0: {e.question.task: e for e in one}, 2: {e.question.task: e for e in other}}
        shots = joint_prompts.shots_together(question("t", TEXT), {0: lambda _: one, 2: lambda _: other}, known, 2)
        told = {joint_prompts.subject(shown).task: sorted(shown) for shown in shots}
        assert told == {"Ida": [0, 2], "Kim": [2]} or sum(0 in places for places in told.values()) == 2
        assert sum(2 in places for places in told.values()) == 2 and len(shots) == len(told)
        asked = joint_prompts.messages({0: BRIEFS[0], 2: BRIEFS[2]}, question("t", TEXT), shots)
        for request, reply in zip(asked[1:-1:2], asked[2:-1:2], strict=True):
            wanted = request["content"].splitlines()[-1]
            assert all(f'"{key}"' in wanted for key in json.loads(reply["content"])) and wanted.startswith("Answers")
        assert asked[-1]["content"].endswith('Answers wanted: "q1", "q3".')

    def test_the_best_example_of_each_question_is_kept_where_fewer_do(self, fake_openai: FakeOpenAI) -> None:
        names = [f"N{n}" for n in range(12)]
        briefs = [
            replace(BRIEFS[0], examples=tuple(self.known(n, BRIEFS[0], "person") for n in names)),
            replace(BRIEFS[2], examples=tuple(self.known(n, BRIEFS[2], 2) for n in names)),
        ]
        saying(fake_openai, {"q1": {"label": "person"}, "q2": {"value": 2}})
        for way, last in (("fixed", False), ("nearest", True)):
            voter = panel(fake_openai, f"&shots=3&examples={way}", briefs)
            outcome(voter, about((0, 1), "N7 knows Bob well"))
            alone = [part.shots(about((0,), "N7 knows Bob well"))[-1 if last else 0] for part in voter._parts]
            asked = [one["content"] for one in fake_openai.requests[-1].body["messages"] if one["role"] == "user"]
            shown = [next(n for n in names if f"{n} knows" in one) for one in asked[:-1]]
            assert 2 <= len(shown) <= 3 and {one.question.task for one in alone} <= set(shown)
            assert shown[-1 if last else 0] == alone[0].question.task

    def test_marked_examples_stand_in_the_text_as_it_is_sent(self, fake_openai: FakeOpenAI) -> None:
        text = "Eve wrote to eve@example.org from Rome."
        marked = Example(question("e", text), said=Stretches(((13, 28, 0), (34, 38, 1)), len(text)))
        briefs = [BRIEFS[0], replace(BRIEFS[3], examples=(marked,))]
        saying(fake_openai, {"q1": {"label": "person"}, "q2": {"spans": [{"quote": "[email 1]", "label": "person"}]}})
        voter = panel(fake_openai, "&shots=1", briefs)
        voter._to_server.hides = True
        answer = outcome(voter, replace(about((0, 1)), parts=(("Text", "Write to bob@example.org."),)))
        shown = json.loads(fake_openai.requests[0].body["messages"][2]["content"])
        assert [item["quote"] for item in shown["q2"]["spans"]] == ["[email 1]", "Rome"] and "q1" not in shown
        assert answer.parts[1].said.spans == ((9, 24, 0),)


@pytest.mark.parametrize("amount", [0, 1, 2, 7, 100, 10**12 + 1])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shares_sum_to_the_amount_and_grow_with_it(amount: int, count: int) -> None:
    here, more = shares(amount, count), shares(amount + 5, count)
    assert sum(here) == amount and max(here) - min(here) <= 1 and here == sorted(here, reverse=True)
    assert all(small <= large for small, large in zip(here, more, strict=True))
