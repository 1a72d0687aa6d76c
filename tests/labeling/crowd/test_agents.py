"""Agents behind an address: the protocol, what leaves, what comes back, and what is refused before a run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from labeling.crowd.agents import PROTOCOL
from labeling.crowd.base import Answer, Brief, LabelSet
from labeling.crowd.errors import (
    CrowdError,
    DestinationRefused,
    Misconfigured,
    MustStay,
    NotAsked,
    PriceUnknown,
    Unreachable,
    WrongKey,
)
from labeling.crowd.registry import build, describe, reach, shown_name
from tests.labeling.crowd.conftest import question

SIDES = Brief(LabelSet(("good", "bad"), ("praise", "blame")), "Say which.")
TEXTS = [question("a", "a great day"), question("b", "write to me@example.org, it was bad"), question("c", "?")]


class Server:
    """Answers by `reply`, and keeps what it was sent. `status`: of every reply."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.status = 200
        self.reply: Callable[[dict[str, Any]], Any] = by_word
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.seen.append(told)
                server.keys.append(self.headers.get("authorization", ""))
                reply = server.reply(told)
                content = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
                self.send_response(server.status)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.line = f"agent:http://127.0.0.1:{self._http.server_port}/label?local=yes"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def by_word(told: dict[str, Any]) -> dict[str, Any]:
    """The label that stands in the text, else none."""
    if told.get("hello"):
        return {"protocol": PROTOCOL}
    text = " ".join(part["text"] for part in told["task"]["parts"])
    found = [label["name"] for label in told["labels"] if label["name"] in text]
    return {"protocol": PROTOCOL, "answer": found[0] if found else "", "model": "words 1", "note": "by hand"}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def outcomes(line: str, brief: Brief = SIDES) -> list[Answer | CrowdError]:
    voter: Any = build(line)
    voter.prepare(brief)
    return list(voter.outcomes(TEXTS))


def test_an_agent_is_greeted_without_a_text_and_then_asked_about_each(server: Server) -> None:
    server.reply = lambda told: by_word(told) | ({"probabilities": {"good": 3, "bad": 1}} if "task" in told else {})
    answers = outcomes(server.line)
    assert [answer.label for answer in answers if isinstance(answer, Answer)] == [None, 1, None]
    greeting, first, *_ = server.seen
    assert greeting == {"protocol": PROTOCOL, "hello": True}
    assert first["task"] == {"id": "a", "parts": [{"title": "Text", "text": "a great day"}]}
    assert first["labels"] == [{"name": "good", "description": "praise"}, {"name": "bad", "description": "blame"}]
    assert (first["kind"], first["guidelines"]) == ("choice", "Say which.")
    second = answers[1]
    assert isinstance(second, Answer)
    assert (second.model, second.note, second.probabilities) == ("words 1", "by hand", None), "chances must agree"


def test_chances_that_agree_with_the_answer_are_kept(server: Server) -> None:
    server.reply = lambda told: {"protocol": PROTOCOL, "answer": "bad", "probabilities": {"good": 1, "bad": 3}}
    answer = outcomes(server.line)[0]
    assert isinstance(answer, Answer) and answer.probabilities == (0.25, 0.75)


def test_stretches_count_the_code_points_of_what_was_shown(server: Server) -> None:
    server.reply = lambda told: {"protocol": PROTOCOL, "answer": [[2, 7, "good"]]}
    answer = outcomes(server.line, replace(SIDES, kind="spans"))[0]
    assert isinstance(answer, Answer) and answer.said.spans == ((2, 7, 0),)


def test_what_an_agent_says_that_is_no_answer_is_an_abstention_that_counts_as_unreadable(server: Server) -> None:
    server.reply = lambda told: {"protocol": PROTOCOL, "answer": "I would say it is fine"}
    answer = outcomes(server.line)[0]
    assert isinstance(answer, Answer) and answer.label is None and answer.unreadable
    assert "which is not one label of ours (good, bad)" in answer.note


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("<html>hello</html>", "answers with “<html>hello</html>” and no JSON"),
        ({"label": "good"}, f'does not say "protocol": "{PROTOCOL}"'),
        (["good"], "does not say"),
    ],
)
def test_another_protocol_is_found_before_any_text_is_sent(server: Server, reply: Any, told: str) -> None:
    server.reply = lambda _: reply
    with pytest.raises(Misconfigured, match="does not speak") as refusal:
        build(server.line).prepare(SIDES)
    assert told in str(refusal.value)
    assert len(server.seen) == 1


def test_a_wrong_address_an_absent_agent_and_a_kind_it_cannot_answer_in_are_found_before_any_text_is_sent(
    server: Server,
) -> None:
    server.status = 404
    with pytest.raises(Misconfigured, match="there is no such address"):
        build(server.line).prepare(SIDES)
    server.status, server.reply = 200, lambda told: {"protocol": PROTOCOL, "kinds": ["scale"]}
    with pytest.raises(Misconfigured, match="says that it cannot answer in choice"):
        build(server.line).prepare(SIDES)
    server.close()
    with pytest.raises(Unreachable, match="start the agent or correct its address"):
        build(server.line).prepare(SIDES)


def test_a_key_is_sent_as_a_bearer_token_and_never_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_AGENT_API_KEY", "sesame-open-123")
    server.reply = lambda told: by_word(told) | {"note": "your key is sesame-open-123"}
    answers = outcomes(f"{server.line}&key=MY_AGENT_API_KEY")
    assert set(server.keys) == {"Bearer sesame-open-123"}
    assert "sesame" not in repr(answers)
    server.status = 401
    with pytest.raises(WrongKey, match="refuses the key"):
        build(f"{server.line}&key=MY_AGENT_API_KEY").prepare(SIDES)
    monkeypatch.delenv("MY_AGENT_API_KEY")
    with pytest.raises(WrongKey, match="set the environment variable MY_AGENT_API_KEY"):
        build(f"{server.line}&key=MY_AGENT_API_KEY").prepare(SIDES)
    with pytest.raises(Misconfigured, match="must be in capitals and end in _API_KEY"):
        build(f"{server.line}&key=SECRET_KEY")


def test_an_outside_agent_passes_the_same_gate_as_a_chat_model(server: Server) -> None:
    outside = server.line.replace("local=yes", "call=0.001")
    assert build(outside).outside
    with pytest.raises(DestinationRefused, match="declare the annotator with local=yes"):
        build(outside).prepare(SIDES)
    with pytest.raises(PriceUnknown):
        build("agent:https://agent.example/label")
    assert reach(server.line) == ["Addresses of its own network"]
    assert reach("agent:https://agent.example/label?call=0&key=X_API_KEY") == ["Keys of the server"]
    assert shown_name("agent:https://agent.example/label?call=0") == "agent.example"
    assert "0.002 US dollars per call" in describe("agent:https://agent.example/label?call=0.002")


def test_personal_data_is_hidden_and_a_text_that_must_stay_is_not_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeling.crowd.egress.check_destination", lambda url, *, local: ["127.0.0.1"])
    monkeypatch.setattr("labeling.crowd.chat_transport.check_destination", lambda url, *, local: ["127.0.0.1"])
    line = server.line.replace("local=yes", "call=0.001")
    told = outcomes(line, replace(SIDES, stays=lambda asked: {"c"}))
    sent = [one["task"]["parts"][0]["text"] for one in server.seen if "task" in one]
    assert sent == ["a great day", "write to [email 1], it was bad"]
    assert isinstance(told[2], MustStay)
    assert isinstance(told[1], Answer) and told[1].cost_microdollars == 1000 and told[1].hidden == {"email": 1}


def test_after_a_failure_of_the_server_the_rest_is_not_asked(server: Server) -> None:
    voter: Any = build(server.line)
    voter.prepare(SIDES)
    server.status = 500
    first, *rest = voter.outcomes(TEXTS)
    assert isinstance(first, CrowdError) and not first.permanent
    assert all(isinstance(one, NotAsked) for one in rest) and len(rest) == 2
