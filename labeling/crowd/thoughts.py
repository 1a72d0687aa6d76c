"""What a model thought aloud, told apart from what it answered."""

from __future__ import annotations

import re

_TAGS = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis|antthinking|seed:think"
_OPENS = re.compile(
    rf"<(?:{_TAGS})>|\[think(?:ing)?\]|◁think▷|<\|(?:start_thinking|begin_of_thought|think)\|>"
    r"|<\|channel\|>\s*(?:analysis|commentary)\b|<\|channel>\s*thought\b",
    re.IGNORECASE,
)
_CLOSES = re.compile(
    rf"</(?:{_TAGS})>|\[/think(?:ing)?\]|◁/think▷|<\|(?:end_thinking|end_of_thought|/think)\|>"
    r"|<\|channel\|>\s*final\s*(?:<\|message\|>)?|<channel\|>|^analysis.*\bassistant\s?final|\bassistantfinal"
    r"|here is my response:",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"<\|[a-z_/]{1,40}\|>", re.IGNORECASE)


def without_thoughts(raw: str) -> str:
    """The answer alone: what follows the last mark that closes thinking, up to one that opens it.

    Servers often cut the opening mark off, so what stands before a closing mark is thought with or without it; what
    follows an opening mark that is never closed is thought, too. Empty where all of it was thought.
    """
    closed = 0
    for mark in _CLOSES.finditer(raw):
        closed = mark.end()
    answer = raw[closed:]
    opened = _OPENS.search(answer)
    return _CONTROL.sub(" ", answer[: opened.start()] if opened else answer)
