"""Annotators by name."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from labeling.crowd.base import Brief, Question, Voter, outcomes
from labeling.crowd.causal_lm import CausalModel
from labeling.crowd.embedding import EmbeddingModel
from labeling.crowd.errors import CrowdError, Misconfigured, ModelMissing, NotAsked, PriceUnknown, UnknownAnnotator
from labeling.crowd.openai_chat import ChatModel
from labeling.crowd.registry import EMBEDDED_CROWD, build, describe, embedded_crowd, read_annotators
from labeling.crowd.replay import recorded_votes
from labeling.kinds.stretches import Stretches
from tests.labeling.crowd.conftest import LABELS, question

CHAT = "chat:gpt-5-mini@https://api.example.com/v1?key=OPENAI_API_KEY&input=0.15&output=0.60"


def test_every_member_of_the_default_crowd_can_be_built_and_described() -> None:
    for name in embedded_crowd(2):
        assert isinstance(build(name), Voter)
        assert describe(name)
    assert len(EMBEDDED_CROWD) >= 4


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        UnknownAnnotator, match=r"No annotator is called 'gpt-9'; known are mine, word_logistic, .*chat:"
    ):
        build("gpt-9", {"mine": CHAT})


def test_a_chat_model_is_described_in_one_line() -> None:
    voter = build(CHAT)
    assert isinstance(voter, ChatModel)
    assert voter.outside
    assert voter.settings.model == "gpt-5-mini"
    assert voter.settings.base_url == "https://api.example.com/v1"
    assert voter.settings.price.output_per_million == Decimal("0.60")
    assert voter.settings.key_name == "OPENAI_API_KEY"
    assert describe(CHAT) == (
        "chat model gpt-5-mini at https://api.example.com/v1, at 0.15 and 0.60 US dollars per million tokens"
    )


def test_a_model_name_may_hold_slashes_and_an_at_sign() -> None:
    voter = build("chat:org/model@v2@http://127.0.0.1:1/v1?local=yes&shots=4&temperature=none&timeout=2.5")
    assert isinstance(voter, ChatModel)
    assert (voter.settings.model, voter.settings.shots, voter.settings.temperature) == ("org/model@v2", 4, None)
    assert voter.settings.price.free
    assert not voter.outside


def test_a_paid_model_without_a_price_is_refused() -> None:
    with pytest.raises(PriceUnknown, match="input= and output="):
        build("chat:m@https://api.example.com/v1?key=OPENAI_API_KEY")


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "DJANGO_SECRET_KEY", "openai_api_key", "PATH"])
def test_no_secret_but_an_api_key_can_be_named_as_key(name: str) -> None:
    with pytest.raises(Misconfigured, match="_API_KEY"):
        build(f"chat:m@https://api.example.com/v1?key={name}&input=0&output=0")


@pytest.mark.parametrize(
    "spec",
    [
        "chat:model?input=0&output=0",
        "chat:@https://api.example.com/v1?input=0&output=0",
        "chat:m@https://a/v1?input=0&output=0&shots=many",
        "chat:m@https://a/v1?input=0&output=0&shots=-1",
        "chat:m@https://a/v1?input=0&output=0&timeout=0",
        "chat:m@https://a/v1?input=0&output=0&timeout=nan",
        "chat:m@https://a/v1?input=0&output=0&colour=red",
        "chat:m@https://a/v1?input=0&output=0&base_url=https://b",
        "chat:m@https://a/v1?input=0&output=0&local=perhaps",
        "chat:m@https://a/v1?input=0&output=0&limit=none",
        "chat:m@https://a/v1?input=0&input=1&output=0",
        "chat:m@https://a/v1?input",
        "causal:model?price=1",
        "embedding:model?mode=some",
        "replay:votes.csv",
        "replay:nowhere.csv?worker=w",
        "causal:",
    ],
)
def test_an_unusable_description_is_one_sentence(spec: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        build(spec)
    assert "\n" not in str(caught.value)
    assert caught.value.permanent
    assert caught.value.charged is False


@pytest.mark.slow
def test_naming_annotators_loads_no_heavy_library() -> None:
    told = (
        "import sys; from labeling.crowd import registry; registry.describe('word_logistic');"
        "registry.build('causal:a/b'); registry.build('chat:m@http://127.0.0.1/v1?local=yes');"
        "print([m for m in ('torch', 'sklearn', 'scipy', 'openai', 'httpx2', 'django') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_models_of_this_machine_are_built_without_loading_them() -> None:
    causal, encoder = build("causal:owner/model?shots=4&calibrate=no"), build("embedding:./folder?mode=zero")
    assert isinstance(causal, CausalModel)
    assert (causal.settings.source, causal.settings.shots, causal.settings.calibrate) == ("owner/model", 4, False)
    assert isinstance(encoder, EmbeddingModel)
    assert encoder.settings.mode == "zero"
    assert "4 shots" in describe("causal:owner/model?shots=4")
    assert not causal.outside
    assert not encoder.outside


def test_a_file_names_annotators(tmp_path: Path) -> None:
    path = tmp_path / "annotators.toml"
    path.write_text(
        '[annotators.judge]\nkind = "chat"\nmodel = "gpt"\nbase_url = "https://api.example.com/v1"\n'
        'key = "OPENAI_API_KEY"\ninput = 0.15\noutput = 0.6\njson_mode = true\n'
        '[annotators.small]\nkind = "causal"\nsource = "./model"\nshots = 2\n'
        '[annotators.words]\nspec = "word_logistic"\n'
    )
    named = read_annotators(path)
    judge = build("judge", named)
    assert isinstance(judge, ChatModel)
    assert judge.name == "judge"
    assert judge.settings.price.input_per_million == Decimal("0.15")
    assert judge.settings.json_mode
    assert isinstance(build("small", named), CausalModel)
    assert build("words", named).name == "word_logistic"


def test_extra_fields_are_a_table_in_a_file_and_json_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "annotators.toml"
    path.write_text(
        '[annotators.judge]\nkind = "chat"\nmodel = "m"\nbase_url = "https://api.example.com/v1"\ncall = 0\n'
        '[annotators.judge.extra]\nreasoning_effort = "low & slow + 100%"\nthinking = {budget = 0}\n'
    )
    voters = [build("judge", read_annotators(path)), build(f'{CHAT}&extra={{"reasoning_effort":"low"}}')]
    fields = [voter.settings.extra_fields() for voter in voters if isinstance(voter, ChatModel)]
    assert fields == [{"reasoning_effort": "low & slow + 100%", "thinking": {"budget": 0}}, {"reasoning_effort": "low"}]


@pytest.mark.parametrize(
    "text",
    [
        "[annotators",
        "annotators = 3",
        "[annotators]\na = 1",
        '[annotators.a]\nkind = "mind"',
        '[annotators.a]\nkind = "chat"',
    ],
)
def test_an_unusable_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "annotators.toml"
    path.write_text(text)
    with pytest.raises(Misconfigured) as caught:
        read_annotators(path)
    assert "\n" not in str(caught.value)


def test_recorded_votes_are_repeated(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text("task,worker,label\n1,w,water\n1,v,noise\n2,w,nonsense\n1,w,roads\n", encoding="utf-8-sig")
    voter = build(f"replay:{path}?worker=w")
    voter.prepare(Brief(LABELS))
    answers = list(voter.answer([question("1", ""), question("2", ""), question("3", "")]))
    assert [answer.label for answer in answers] == [0, None, None]
    assert answers[1].raw == "nonsense"
    with pytest.raises(Misconfigured, match="holds no vote of 'x'"):
        build(f"replay:{path}?worker=x")


def test_recorded_votes_are_found_in_the_label_set_whatever_their_case_and_else_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text("Task, Worker,Label\n1,w,Water \n2,w,\n3,w,ROADS\n", encoding="utf-8")
    voter = build(f"replay:{path}?worker=w")
    voter.prepare(Brief(LABELS))
    answers = list(voter.answer([question("1", ""), question("2", ""), question("3", "")]))
    assert [answer.label for answer in answers] == [LABELS.names.index("water"), None, LABELS.names.index("roads")]
    path.write_text("task,worker,label\n1,w,aqua\n", encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"No label recorded for .* is among the labels \(aqua against "):
        build(f"replay:{path}?worker=w").prepare(Brief(LABELS))


def test_recorded_votes_of_every_kind_are_repeated(tmp_path: Path) -> None:
    tasks = [question("1", "Ann in Rome"), question("2", "Bob"), question("3", "")]
    many, grades, marks = (tmp_path / name for name in ("many.csv", "grades.csv", "marks.jsonl"))
    many.write_text("task,worker,label\n1,w,Water\n1,w,roads\n2,w,\n1,v,noise\n")
    grades.write_text("task,worker,label\n1,w,2.0\n2,w,9\n3,w,4\n")
    marks.write_text(
        '{"task": "1", "worker": "w", "spans": [[0, 3, "person"]], "sure": true}\n'
        '{"task": "2", "worker": "w", "spans": []}\n{"task": "3", "worker": "w", "spans": [[0, 9, "person"]]}\n'
    )

    def said(path: Path, names: tuple[str, ...], kind: str) -> list[Any]:
        voter = build(f"replay:{path}?worker=w")
        voter.prepare(Brief(type(LABELS)(names), kind=kind))
        return [answer.said for answer in voter.answer(tasks)]

    found = said(many, ("roads", "water", "noise"), "choices")
    assert [None if one is None else one.tolist() for one in found] == [[1, 1, 0], [0, 0, 0], None]
    assert said(grades, ("1", "2", "3", "4", "5"), "scale") == [2.0, None, 4.0], "what is no answer is an abstention"
    assert said(marks, ("person", "place"), "spans") == [Stretches(((0, 3, 0),), 11), Stretches((), 3), None]


def test_a_label_set_of_one_or_with_doubles_is_refused() -> None:
    for names in ((), ("a",), ("a", "A "), ("a", " ")):
        with pytest.raises(Misconfigured):
            type(LABELS)(names)


def test_outcomes_of_any_voter_are_one_for_each_question() -> None:
    class Failing:
        name, outside = "failing", False

        def prepare(self, brief: Brief) -> None: ...

        def answer(self, questions: list[Question]):  # type: ignore[no-untyped-def]
            yield from ()
            raise ModelMissing("gone")

    told = list(outcomes(Failing(), [question("1", ""), question("2", ""), question("3", "")]))
    assert [type(outcome) for outcome in told] == [ModelMissing, NotAsked, NotAsked]
    assert all(isinstance(outcome, CrowdError) and outcome.charged is False for outcome in told)


@pytest.mark.parametrize("line", ['{"task": "t", "worker": "w"}', '{"worker": "w", "spans": []}', '{"task": "t"}\n[1]'])
def test_a_line_of_recorded_votes_that_lacks_something_is_one_sentence(tmp_path: Path, line: str) -> None:
    path = tmp_path / "votes.jsonl"
    path.write_text(line)
    with pytest.raises(Misconfigured, match=r"needs task, worker and label or spans in every line"):
        recorded_votes(str(path), "w")
