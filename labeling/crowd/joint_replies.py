"""From a reply with several answers to each of them: found under its key and read by the reader of its own kind.

A reply that is cut off, or has one answer in a wrong form, loses that answer alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from labeling.crowd.answers import READ_CHARACTERS
from labeling.crowd.base import Brief, Question
from labeling.crowd.joint_prompts import key
from labeling.crowd.replies import Read, read_answer
from labeling.crowd.thoughts import without_thoughts

_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def read_one(content: str, place: int, brief: Brief, shown: Question) -> tuple[Read, str]:
    """What a reply says under the key of one question, and in which words; nothing where it cannot be read.

    Where the key stands several times, the reader decides as between several answers to one question.
    """
    found = list(dict.fromkeys(_values(without_thoughts(content)[:READ_CHARACTERS], key(place))))
    if not found:
        return Read(), ""
    return read_answer("\n".join(map(_bare, found)), brief, shown), found[-1]


def _values(text: str, name: str) -> Iterator[str]:
    """The JSON values behind a key, as they are written; a quote inside a string is escaped, and is no key."""
    for found in re.finditer(rf'(?<!\\)"{re.escape(name)}"\s*:\s*', text, re.IGNORECASE):
        try:
            _, end = _DECODER.raw_decode(text, found.end())
        except (ValueError, RecursionError):
            continue
        yield text[found.end() : end]


def _bare(value: str) -> str:
    """A string without its quotes: it is read as words."""
    return str(json.loads(value)) if value.startswith('"') else value
