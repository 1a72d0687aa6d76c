"""Shared scenery: a server of models on the loopback address, also taken for one of outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from labeling.crowd.openai_chat import ChatModel
from labeling.people import recruiting
from tests.fake_openai import FakeOpenAI


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every chat model is taken for one of outside."""
    build = recruiting.build

    def from_outside(spec: str) -> Any:
        voter: Any = build(spec)
        assert isinstance(voter, ChatModel)
        voter.outside = True
        return voter

    monkeypatch.setattr(recruiting, "build", from_outside)
