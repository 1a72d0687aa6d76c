"""Texts as a model is shown them: made harmless, shortened, between lines that a text cannot imitate."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from labeling.crowd.base import Question
from labeling.crowd.tracing import Edit, Pass, removals

READ_CHARACTERS = 20_000
"""A model is shown this much of each text; of a longer one the beginning and the end."""

_HIDDEN = re.compile("[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_ROLE_MARK = re.compile(
    r"(<)(?=\|)|(?<=\|)(>)|(<)(?=/?s>)|(\[)(?=/?INST\])|(<)(?=<?/?SYS>)|(<)(?=(?:start|end)_of_turn>)", re.IGNORECASE
)


def shown_text(question: Question) -> str:
    """All that is shown of the texts, one under the other, in which quotes are found."""
    return "\n".join(clean(text) for _, text in question.parts)


def fenced(question: Question) -> str:
    """The texts of a question, each between its two lines."""
    code = hashlib.sha256(question.text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    parts = [(one_line(title) or "Text", clean(text)) for title, text in question.parts]
    return "\n".join(f"[{title} {code}]\n{text}\n[/{title} {code}]" for title, text in parts)


def clean(text: str, forbidden: Iterable[str] = ()) -> str:
    """A text made harmless for a prompt: shortened, hidden and control characters out, role marks taken apart.

    `forbidden`: special tokens of a tokenizer, which get a space inside.
    """
    shown = _CONTROL.sub("\ufffd", _HIDDEN.sub("", shortened(text, READ_CHARACTERS)))
    shown = _ROLE_MARK.sub(lambda mark: f" {mark[0]} ", shown)
    for token in forbidden:
        shown = shown.replace(token, f"{token[:1]} {token[1:]}")
    return shown


def cleaning(text: str) -> tuple[Pass, ...]:
    """The changes that `clean` makes to a text."""
    passes: list[Pass] = []
    if len(text) > READ_CHARACTERS:
        short = shortened(text, READ_CHARACTERS)
        tail = READ_CHARACTERS // 3
        cut = Edit(READ_CHARACTERS - tail, len(text) - tail, len(short) - READ_CHARACTERS)
        passes.append((cut,))
        text = short
    passes.append(removals(_HIDDEN, text))
    text = _HIDDEN.sub("", text)
    marks = _ROLE_MARK.finditer(text)
    passes.append(tuple(Edit(mark.start(), mark.end(), len(mark[0]) + 2) for mark in marks))
    return tuple(passes)


def shortened(text: str, most: int) -> str:
    """The text, or of a longer one about `most` characters: the beginning, a mark, and half as much of the end."""
    if len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail]}\n[...]\n{text[len(text) - tail :]}"


def is_shortened(question: Question) -> bool:
    """Whether a model is shown less than the whole text."""
    return any(len(text) > READ_CHARACTERS for _, text in question.parts)


def one_line(title: str) -> str:
    """A title that closes no bracket and breaks no line."""
    return " ".join(clean(title).replace("[", "(").replace("]", ")").split())[:80]
