"""Counting the tokens of a prompt by a tokenizer's file, so that less is held for an answer."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from labeling.crowd import errors, prompts, registry, token_counts
from labeling.crowd.base import Brief
from labeling.crowd.openai_chat import ChatModel
from tests.fake_openai import FakeOpenAI
from tests.labeling.crowd.conftest import question

LEAK = question("1", "a leak in the water main " * 20)


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A tokenizer whose tokens are words and signs, and <eos>."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"<unk>": 0, "<eos>": 1}, unk_token="<unk>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.add_special_tokens(["<eos>"])
    made.enable_truncation(8)
    made.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def chat(server: FakeOpenAI, brief: Brief, **options: Any) -> ChatModel:
    given = "".join(f"&{name}={value}" for name, value in options.items())
    voter = registry.build(f"chat:m@{server.base_url}?local=yes&input=10&output=40{given}")
    assert isinstance(voter, ChatModel)
    voter.prepare(brief)
    return voter


def test_with_the_model_s_tokenizer_less_is_held_and_the_bill_stays_below(
    fake_openai: FakeOpenAI, brief: Brief, words: Path
) -> None:
    fake_openai.prices = Decimal(10), Decimal(40)
    counted, bytewise = chat(fake_openai, brief, tokenizer=words), chat(fake_openai, brief)
    cost = next(counted.answer([LEAK])).cost_microdollars
    assert cost == fake_openai.bill_microdollars <= counted.likely_cost(LEAK) <= counted.most_it_can_cost(LEAK)
    assert counted.most_it_can_cost(LEAK) < bytewise.most_it_can_cost(LEAK) * 0.75


def test_nothing_is_cut_off_and_special_tokens_in_a_text_count_as_text(words: Path) -> None:
    count = token_counts.counter(str(words))
    plain = count([{"role": "user", "content": "word " * 500}])
    assert plain == 500 + prompts.TOKENS_OF_A_ROLE + prompts.TOKENS_OF_A_PROMPT
    special = count([{"role": "user", "content": "word " * 500 + "<eos>"}])
    assert special == plain + 3, "three signs, and not one special token"


def test_it_never_counts_more_than_bytes(words: Path) -> None:
    asked = [{"role": "user", "content": "a, b. c! " * 50}]
    assert token_counts.counter(str(words))(asked) <= token_counts.counter("")(asked) == prompts.tokens_at_most(asked)


def test_where_the_server_counts_nothing_no_more_is_booked_than_was_held(
    fake_openai: FakeOpenAI, brief: Brief, words: Path
) -> None:
    fake_openai.behaviours.append("uncounted")
    voter = chat(fake_openai, brief, tokenizer=words)
    answer = next(voter.answer([LEAK]))
    assert answer.cost_microdollars == voter.most_it_can_cost(LEAK) and "counted no tokens" in answer.note


@pytest.mark.parametrize("name", ["missing.json", "o200k_base"])
def test_a_tokenizer_that_cannot_be_read_is_one_sentence(fake_openai: FakeOpenAI, brief: Brief, name: str) -> None:
    pytest.importorskip("tokenizers")
    with pytest.raises(errors.Misconfigured, match="cannot be read"):
        chat(fake_openai, brief, tokenizer=name)


def test_without_the_library_it_is_one_sentence(
    fake_openai: FakeOpenAI, brief: Brief, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_counts, "find_spec", lambda _: None)
    with pytest.raises(errors.Misconfigured, match="run make models, or leave it out"):
        chat(fake_openai, brief, tokenizer="somewhere/tokenizer.json")


def test_only_staff_may_name_its_file() -> None:
    assert "Files of the server" in registry.reach("chat:m@https://a.example/v1?input=1&output=1&tokenizer=/etc/passwd")
