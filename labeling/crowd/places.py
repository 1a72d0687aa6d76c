"""Answers with places in a text, between the text as it is and the text as it leaves this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from labeling.crowd.base import Brief, Example, Question
from labeling.crowd.kinds.registry import ways
from labeling.crowd.redaction import Outgoing


def original(said: Any, brief: Brief, question: Question, sent: Outgoing) -> Any:
    """An answer about the text as it was shown as one about the question's own text.

    A placeholder stands for all that it hides.
    """
    return ways(brief.kind).move(said, question, sent, False)


def as_sent(example: Example, brief: Brief, sent: Outgoing) -> Example:
    """A known answer with its question as they are shown."""
    said = ways(brief.kind).move(example.said, example.question, sent, True)
    return replace(example, question=sent.question, said=said)
