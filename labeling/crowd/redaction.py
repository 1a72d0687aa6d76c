"""Personal data and secrets taken out of a text before it leaves the machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import zip_longest

from labeling.crowd.base import Question
from labeling.crowd.cleaning import READ_CHARACTERS
from labeling.crowd.personal_data import FINDERS, Found
from labeling.crowd.tracing import Edit, Pass, removals

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
    traced, counts = _traced(texts)
    return [one.text for one in traced], counts


@dataclass(frozen=True, slots=True)
class _Traced:
    """A redacted text, and the passes that made it, each with the length of the text before it."""

    text: str
    passes: tuple[tuple[Pass, int], ...]


def _traced(texts: Sequence[str]) -> tuple[list[_Traced], dict[str, int]]:
    seen = [_UNSEEN.sub("", text) for text in texts]
    numbers = _Numbers(Counter(_taken(seen)))
    hidden = []
    for text, visible in zip(texts, seen, strict=True):
        first = removals(_UNSEEN, text) if visible != text else ()
        shown, passes = _hide(visible, numbers)
        hidden.append(_Traced(shown, ((first, len(text)), *passes)))
    return hidden, dict(Counter(kind for kind, _ in numbers.of_value))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A question as it leaves this machine, and how many values of each kind are hidden in it.

    `passes`: for each part how its text was changed (`tracing`).
    """

    question: Question
    counts: Mapping[str, int]
    passes: tuple[tuple[Pass, ...], ...] = ()


@lru_cache(maxsize=2_048)
def outgoing(question: Question, *, hide: bool) -> Outgoing:
    """The question with or without its personal data; titles of parts are the project's own words and stay.

    Of a very long text only the beginning and the end are read, and what stands near the cuts is left out: it could be
    half of something that is not recognised any more.
    """
    if not hide:
        return Outgoing(question, {}, ((),) * len(question.parts))
    pieces = [piece for _, text in question.parts for piece in _ends(text)]
    traced, counts = _traced(pieces)
    pairs = [(traced[2 * n], traced[2 * n + 1]) for n in range(len(question.parts))]
    parts = [
        (title, _joined(*(one.text for one in pair))) for (title, _), pair in zip(question.parts, pairs, strict=True)
    ]
    passes = tuple(_passes(text, *pair) for (_, text), pair in zip(question.parts, pairs, strict=True))
    return Outgoing(replace(question, parts=tuple(parts)), counts, passes)


def _passes(text: str, begin: _Traced, end: _Traced) -> tuple[Pass, ...]:
    """The changes of a whole part: of its one piece, or of a long one the cut, those of both pieces, and the joint."""
    if len(text) <= 2 * READ_CHARACTERS:
        return tuple(edits for edits, _ in begin.passes)
    found: list[Pass] = [(Edit(READ_CHARACTERS, len(text) - READ_CHARACTERS, 0),)]
    for one, other in zip_longest(begin.passes, end.passes):
        edits, length = one or ((), len(begin.text))
        later, _ = other or ((), 0)
        moved = tuple(Edit(edit.begin + length, edit.end + length, edit.length) for edit in later)
        found.append((*edits, *moved))
    behind = len(begin.text)
    mark = len(_joined(begin.text, end.text)) - max(behind - MARGIN, 0) - max(len(end.text) - MARGIN, 0)
    found.append((Edit(max(behind - MARGIN, 0), behind + min(MARGIN, len(end.text)), mark),))
    return tuple(found)


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


def _hide(text: str, numbers: _Numbers) -> tuple[str, list[tuple[Pass, int]]]:
    """The text after as many passes as change it: hiding one thing may bare the next one's edge."""
    before, passes = None, []
    while text != before:
        before = text
        for kind, find in FINDERS:
            found = _between(find(text), text)
            if found:
                signs = [numbers.placeholder(kind, value) for value, *_ in found]
                edits = [Edit(begin, end, len(sign)) for (_, begin, end), sign in zip(found, signs, strict=True)]
                passes.append((tuple(edits), len(text)))
                text = "".join(_pieces(text, edits, signs))
    return text, passes


def _between(found: Iterator[Found], text: str) -> list[Found]:
    """What was found, in order, without what overlaps a placeholder or something found before."""
    free: list[Found] = []
    kept = [match.span() for match in _PLACEHOLDER.finditer(text)]
    for value, begin, end in sorted(found, key=lambda one: (one[1], -one[2])):
        apart = not free or free[-1][2] <= begin
        if apart and not any(begin < stop and start < end for start, stop in kept):
            free.append((value, begin, end))
    return free


def _pieces(text: str, edits: Sequence[Edit], signs: Sequence[str]) -> Iterator[str]:
    """The text with a sign in place of each stretch."""
    behind = 0
    for edit, sign in zip(edits, signs, strict=True):
        yield text[behind : edit.begin]
        yield sign
        behind = edit.end
    yield text[behind:]
