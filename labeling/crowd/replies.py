"""From what a model wrote to an answer of the brief's kind, forgiving in form and strict in doubt.

JSON comes first, under the words that models use; where replies name several different answers, none is taken.
"""

from __future__ import annotations

from labeling.crowd.base import Brief, Question
from labeling.crowd.kinds.base import Read as Read
from labeling.crowd.kinds.registry import ways


def read_answer(content: str, brief: Brief, shown: Question) -> Read:
    """The answer in what a model wrote to a question as it was shown; nothing is said where it cannot be read."""
    return ways(brief.kind).read(content, brief, shown)
