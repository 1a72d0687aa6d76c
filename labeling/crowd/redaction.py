"""Personal data and secrets taken out of a text before it leaves the machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

from labeling.crowd.base import Question
from labeling.crowd.personal_data import FINDERS, Found
from labeling.crowd.prompts import READ_CHARACTERS

VERSION = "1"
"""Change it with every change of what is found: votes remember the version they were given under."""

KINDS = tuple(kind for kind, _ in FINDERS)
MARGIN = 4_000
"""Characters near a cut that are left out; no key or number is longer."""
_PLACEHOLDER = re.compile(rf"\[({'|'.join(sorted(set(KINDS)))}) (\d{{1,9}})\]")
_UNSEEN = re.compile(
    "[\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]|(?<=[\x20-\x7e])[\u200c\u200d]+(?=[\x20-\x7e])"
)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without what was found, and how many different values of each kind were hidden in it."""

    text: str
    counts: Mapping[str, int]


def redact(text: str) -> Redacted:
    """The text with placeholders such as [email 1] for personal data and secrets.

    Hidden are e-mail addresses, phone numbers, IBANs, payment card numbers, IP addresses, web addresses
    that carry a password or token, identity numbers that are named as such, and keys and passwords
    (`labeling.crowd.personal_data` says in which forms). Within one text the same value has the same
    number. Other numbers stay as they are; invisible characters are dropped, because they could hide a
    number. Redacting the result again changes nothing. Names and postal addresses are not found.
    """
    texts, counts = redact_together([text])
    return Redacted(texts[0], counts)


def redact_together(texts: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """Texts that belong together, as the parts of one question do: they share one numbering."""
    seen = [_UNSEEN.sub("", text) for text in texts]
    numbers = _Numbers(Counter(_taken(seen)))
    hidden = [_hide(text, numbers) for text in seen]
    return hidden, dict(Counter(kind for kind, _ in numbers.of_value))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A question as it leaves this machine, and how many values of each kind are hidden in it."""

    question: Question
    counts: Mapping[str, int]


@lru_cache(maxsize=2_048)
def outgoing(question: Question, *, hide: bool) -> Outgoing:
    """The question with or without its personal data; titles of parts are the project's own words and stay.

    Of a very long text only the beginning and the end are read, and what stands near the cuts is left out: it could be
    half of something that is not recognised any more.
    """
    if not hide:
        return Outgoing(question, {})
    pieces = [piece for _, text in question.parts for piece in _ends(text)]
    texts, counts = redact_together(pieces)
    parts = [(title, _joined(*texts[2 * n : 2 * n + 2])) for n, (title, _) in enumerate(question.parts)]
    return Outgoing(replace(question, parts=tuple(parts)), counts)


def _ends(text: str) -> tuple[str, str]:
    """The beginning and the end of a text that is longer than any prompt shows; else the text and nothing."""
    return (text, "") if len(text) <= 2 * READ_CHARACTERS else (text[:READ_CHARACTERS], text[-READ_CHARACTERS:])


def _joined(begin: str, end: str) -> str:
    return f"{begin[:-MARGIN]}\n[...]\n{end[MARGIN:]}" if end else begin


@dataclass(slots=True)
class _Numbers:
    """Which number each value has; `last` is the highest of each kind, those the text brought along included."""

    last: Counter[str]
    of_value: dict[tuple[str, str], int] = field(default_factory=dict)

    def placeholder(self, kind: str, value: str) -> str:
        if (kind, value) not in self.of_value:
            self.last[kind] += 1
            self.of_value[kind, value] = self.last[kind]
        return f"[{kind} {self.of_value[kind, value]}]"


def _taken(texts: Sequence[str]) -> dict[str, int]:
    """The highest number of each kind of placeholder that stands in the texts already."""
    highest: dict[str, int] = {}
    for text in texts:
        for kind, number in _PLACEHOLDER.findall(text):
            highest[kind] = max(highest.get(kind, 0), int(number))
    return highest


def _hide(text: str, numbers: _Numbers) -> str:
    """The text after as many passes as change it: hiding one thing may bare the next one's edge."""
    before = None
    while text != before:
        before = text
        for kind, find in FINDERS:
            found = _between(find(text), text)
            text = "".join(_pieces(text, found, kind, numbers))
    return text


def _between(found: Iterator[Found], text: str) -> list[Found]:
    """What was found, in order, without what overlaps a placeholder or something found before."""
    free: list[Found] = []
    kept = [match.span() for match in _PLACEHOLDER.finditer(text)]
    for value, begin, end in sorted(found, key=lambda one: (one[1], -one[2])):
        apart = not free or free[-1][2] <= begin
        if apart and not any(begin < stop and start < end for start, stop in kept):
            free.append((value, begin, end))
    return free


def _pieces(text: str, found: list[Found], kind: str, numbers: _Numbers) -> Iterator[str]:
    edges = [("", 0, 0), *found, ("", len(text), len(text))]
    for (value, begin, end), (_, following, _) in pairwise(edges):
        yield numbers.placeholder(kind, value) if end > begin else ""
        yield text[end:following]
