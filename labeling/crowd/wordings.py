"""How each kind of answer is asked for in words."""

from __future__ import annotations

from typing import Any

from labeling.crowd.base import Brief
from labeling.crowd.kinds.base import Wording
from labeling.crowd.kinds.registry import ways


def wording(brief: Brief) -> Wording:
    """The words for the brief's kind."""
    return ways(brief.kind).wording(brief.space)


def in_words(brief: Brief, said: Any) -> str:
    """A known answer as `plain` asks for it."""
    return ways(brief.kind).in_words(brief, said)
