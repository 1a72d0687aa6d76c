"""What is found out about a member before a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labeling.crowd.base import Brief, LabelSet
from labeling.crowd.errors import CrowdError, Misconfigured, ModelMissing, Unreachable, WrongKey
from labeling.crowd.registry import build
from labeling.crowd.tryouts import try_out
from tests.fake_openai import FakeOpenAI

BRIEF = Brief(LabelSet(("good", "bad")))


def tried(line: str, brief: Brief = BRIEF) -> None:
    try_out(build(line), brief)


def test_a_free_chat_model_that_answers_in_prose_is_found_out(fake_openai: FakeOpenAI) -> None:
    line = f"chat:m@{fake_openai.base_url}?local=yes"
    tried(line)
    fake_openai.behaviours.extend(["malformed"] * 3)
    with pytest.raises(
        Misconfigured, match="which names none of the labels; choose another model, or let it answer in"
    ):
        tried(line)


def test_a_model_that_costs_money_is_asked_nothing(fake_openai: FakeOpenAI) -> None:
    tried(f"chat:m@{fake_openai.base_url}?local=yes&input=1&output=1")
    assert fake_openai.requests == []
    assert fake_openai.bill_microdollars == 0


def test_a_key_that_expired_is_found_out_without_a_question(
    fake_openai: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLD_API_KEY", "expired-key-1")
    fake_openai.refuses_keys = True
    with pytest.raises(WrongKey, match="refuses the key"):
        tried(f"chat:m@{fake_openai.base_url}?local=yes&input=1&output=1&key=OLD_API_KEY")
    assert fake_openai.requests == []


def test_a_server_that_is_not_there_is_found_out_and_one_that_is_busy_is_not_blamed(fake_openai: FakeOpenAI) -> None:
    fake_openai.behaviours.append("429")
    tried(f"chat:m@{fake_openai.base_url}?local=yes")
    with pytest.raises(Unreachable, match="Nothing answers"):
        tried("chat:m@http://127.0.0.1:9/v1?local=yes")


def test_a_model_that_the_server_does_not_know_is_found_out(fake_openai: FakeOpenAI) -> None:
    fake_openai.behaviours.append("404")
    with pytest.raises(ModelMissing, match="does not know the model"):
        tried(f"chat:m@{fake_openai.base_url}?local=yes")


def test_who_learns_from_known_answers_is_not_blamed_for_their_lack() -> None:
    tried("word_logistic")


def test_a_failure_that_nobody_foresaw_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    voter = build("word_logistic")
    monkeypatch.setattr(voter, "prepare", lambda brief: 1 // 0, raising=True)
    with pytest.raises(CrowdError, match="ZeroDivisionError"):
        try_out(voter, BRIEF)


@pytest.mark.slow
def test_missing_weights_and_a_map_that_misses_a_label_are_found_out(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from tests.labeling.crowd import tiny_models

    with pytest.raises(ModelMissing, match="There is no model in"):
        tried(f"causal:{tmp_path}/nothing")
    folder: Any = tiny_models.causal(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    with pytest.raises(CrowdError, match="has no safetensors file"):
        tried(f"causal:{folder}")
    config = json.loads((tiny_models.encoder(tmp_path / "e") / "config.json").read_text())
    assert config["model_type"] == "bert"
    with pytest.raises(Misconfigured, match="is no classifier that is known here"):
        tried(f"pipeline:{tmp_path}/e")
