"""Keys taken out of whatever a server says, before it is stored, shown or logged."""

from __future__ import annotations

import base64
import os
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from labeling.crowd.base import Answer
from labeling.crowd.errors import CrowdError

PLACE = "(key)"
LOOSE = 8
"""From so many characters on a key is also found with signs or blanks between its characters."""


def scrub(text: str, secret: str) -> str:
    """The text without `secret` and without any other key of this process.

    Keys are found in any case, with blanks or signs between their characters, backwards, and encoded as base64, in
    hexadecimal digits or for a web address.
    """
    keys = tuple(sorted({secret, *_keys_of_this_process()} - {""}, key=len, reverse=True))
    return _pattern(keys).sub(PLACE, text) if keys else text


def scrubbed(outcome: Answer | CrowdError, secret: str) -> Answer | CrowdError:
    """The same answer or error, with no key in its words."""
    if isinstance(outcome, Answer):
        raw, model, note = (scrub(words, secret) for words in (outcome.raw, outcome.model, outcome.note))
        parts = tuple(one for part in outcome.parts if isinstance(one := scrubbed(part, secret), Answer))
        return replace(outcome, raw=raw, model=model, note=note, parts=parts)
    outcome.args = tuple(scrub(str(part), secret) for part in outcome.args)
    return outcome


def _keys_of_this_process() -> Iterator[str]:
    for name, value in os.environ.items():
        if name.endswith("_API_KEY") and len(value.strip()) >= LOOSE:
            yield value.strip()


@lru_cache(maxsize=16)
def _pattern(keys: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(form for key in keys for form in _forms(key)), re.IGNORECASE)


def _forms(key: str) -> Iterator[str]:
    if len(key) < LOOSE:
        yield re.escape(key)
        return
    for spelt in (key, key[::-1]):
        yield r"[\W_]{0,3}".join(re.escape(char) for char in spelt if char.isalnum())
    yield re.escape(key.encode().hex())
    yield re.escape(urllib.parse.quote(key, safe=""))
    for shift in range(3):  # the three ways in which base64 can cut the bytes, without the edges that others share
        padded = b"\0" * shift + key.encode()
        coded = base64.b64encode(padded).decode().rstrip("=")[(0, 2, 3)[shift] :]
        whole = coded[:-1] if len(padded) % 3 else coded
        yield re.escape(whole).replace(r"\+", r"[+\-]").replace("/", "[/_]")
