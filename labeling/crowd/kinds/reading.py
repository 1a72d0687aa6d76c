"""Replies read as JSON under the words that models use, else as words; where several answers differ, none is taken."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from labeling.crowd import answers
from labeling.crowd.base import Brief, Question
from labeling.crowd.cleaning import shown_text
from labeling.crowd.kinds.base import Read, Reader
from labeling.crowd.mentions import Reader as Names
from labeling.crowd.thoughts import without_thoughts
from labeling.kinds.base import NoAnswer, Space, UnusableAnswer

NOTHING = frozenset(["none", "none of them", "no label", "no labels", "nothing", "n/a", "[]", "empty"])
BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_FENCE = re.compile(r"```\w*")


def by_json(tidy: Callable[[Any, Brief], Any], plain: Callable[[str, Brief], Any]) -> Reader:
    """Reads JSON that `tidy` brings into the form of the kind's schema, else words by `plain`; None is unreadable."""

    def read(content: str, brief: Brief, shown: Question) -> Read:
        text = without_thoughts(content)[: answers.READ_CHARACTERS]
        found = [reply for value in _values(text) if (reply := tidy(value, brief)) is not None]
        words = None if found else plain(_FENCE.sub(" ", text).strip(), brief)
        found = [words] if words is not None else found
        if not found or any(reply != found[0] for reply in found[1:]):
            return Read()
        return _checked(found[0], brief, shown)

    return read


def _checked(reply: Any, brief: Brief, shown: Question) -> Read:
    kind, task = brief.answers, shown.task
    space = Space(brief.space.labels, brief.space.values, {task: shown_text(shown)})
    lost = reply.pop("lost", 0)
    try:
        said = kind.from_reply(reply, space, task)
        notes = [
            kind.unread(reply, space, task),
            f"{lost} marked with a type that is none were left out." if lost else "",
        ]
        return Read(said, note=" ".join(filter(None, notes)))
    except (NoAnswer, UnusableAnswer):
        return Read()


def _values(text: str) -> Iterator[Any]:
    """The outermost JSON objects and lists in a text; numbers in objects come as they are written."""
    decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
    place = 0
    for _ in range(answers.OBJECTS):
        begin = re.compile(r"[{\[]").search(text, place)
        if begin is None:
            return
        try:
            value, place = decoder.raw_decode(text, begin.start())
            yield value
        except (ValueError, RecursionError):
            place = begin.end()


def under(value: Any, keys: tuple[str, ...]) -> Any:
    """What stands under the first of the keys that the object has; a list stands for itself."""
    if not isinstance(value, dict):
        return value if isinstance(value, list) else None
    folded = {str(key).strip().casefold(): one for key, one in value.items()}
    return next((folded[key] for key in keys if key in folded), None)


def label_named(text: str, brief: Brief) -> str | None:
    """The label that a piece of a reply names."""
    names = brief.labels.names
    if text in names:
        return text
    index = Names.of(names).read(text)
    return None if index is None else names[index]
