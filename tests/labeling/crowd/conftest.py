"""What the tests of the crowd share: a fake server, a small brief, questions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labeling.crowd.base import Brief, Example, LabelSet, Question
from tests.fake_openai import FakeOpenAI

LABELS = LabelSet(("roads", "water", "noise"), ("streets and pavements", "pipes and floods", "loud sounds"))


@pytest.fixture
def fake_openai() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as server:
        yield server


def question(task: str, text: str) -> Question:
    return Question(task, (("Text", text),))


@pytest.fixture
def brief() -> Brief:
    """Three labels and twelve examples whose wording gives the label away."""
    texts = [
        ("a deep pothole in the street", 0),
        ("the pavement is broken here", 0),
        ("cars hit the hole in the road", 0),
        ("cracks all over the street surface", 0),
        ("a burst pipe floods the cellar", 1),
        ("no tap water since monday", 1),
        ("the drain is blocked and water rises", 1),
        ("brown water from the pipe", 1),
        ("loud music every night", 2),
        ("a barking dog keeps us awake", 2),
        ("drilling noise before six", 2),
        ("the bar plays loud music late at night", 2),
    ]
    examples = tuple(Example(question(f"e{i}", text), label) for i, (text, label) in enumerate(texts))
    return Brief(LABELS, "Choose the office that must act.", examples, tuple(e.question for e in examples), seed=3)
