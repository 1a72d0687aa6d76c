"""Stretches of text, each with a type; offsets are code points of the whole text, the end exclusive."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from django.http import QueryDict

from reviewers.cards.asked import Asked, Part, Refused
from reviewers.cards.choices import NONE, SOME

Stretch: TypeAlias = "tuple[int, int, int]"
"""Start, end, key of the label."""
ROWS, MOST = 6, 2000
NOTHING = "Nothing is marked; “Nothing to mark” says that there is nothing."
BOTH = "Something is marked, and “Nothing to mark” was pressed; take the marks away, or send them."
UNREADABLE = "The marks could not be read; reload the page and mark again."


@dataclass(frozen=True, slots=True)
class Row:
    """A stretch as a form without scripts holds it: the words, which of their places in the text, and the type."""

    quote: str = ""
    nth: int = 1
    label: int | None = None


def read(told: QueryDict, asked: Asked) -> Any:
    """The stretches that were marked, or quoted in rows, in the order of the text."""
    marked = told.get("spans", "")
    found = _marked(marked, asked) if marked else _quoted(told, asked)
    answered = told.get("answered", "")
    if not answered or (answered == SOME and not found):
        raise Refused(NOTHING)
    if answered == NONE and found:
        raise Refused(BOTH)
    stretches = sorted(set(found))
    for stretch in stretches:
        _check(stretch, asked)
    if not asked.overlaps:
        _check_apart(stretches, asked)
    return [[start, end, asked.by_key[key].name] for start, end, key in stretches]


def shown(raw: Any, asked: Asked) -> dict[str, Any]:
    """What is marked to begin with, for the script and as rows."""
    marked = [(start, end, asked.by_name[name].pk) for start, end, name in raw or () if name in asked.by_name]
    rows = [Row(_text(asked)[start:end], _which(start, end, asked), key) for start, end, key in marked]
    more = ROWS if len(rows) < ROWS else 2
    return {
        "marked": json.dumps(marked) if raw is not None else "",
        "none_before": raw == [],
        "rows": rows + [Row()] * max(more, ROWS - len(rows)),
    }


def kept(told: QueryDict, asked: Asked) -> Any:
    """Whatever of the marks lies in the text."""
    try:
        marked = told.get("spans", "")
        found = _marked(marked, asked) if marked else _quoted(told, asked, strict=False)
    except Refused:
        return None
    inside = [one for one in found if 0 <= one[0] < one[1] <= len(_text(asked))]
    return [[start, end, asked.by_key[key].name] for start, end, key in inside]


def _text(asked: Asked) -> str:
    return "\n".join(part.text for part in asked.parts)


def _marked(told: str, asked: Asked) -> list[Stretch]:
    try:
        rows = json.loads(told)
    except (ValueError, RecursionError) as fault:
        raise Refused(UNREADABLE) from fault
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 3 for row in rows):
        raise Refused(UNREADABLE)
    if len(rows) > MOST:
        raise Refused(f"{len(rows):,} stretches are marked; {MOST:,} are the most that one answer holds.")
    if any(type(value) is not int for row in rows for value in row):
        raise Refused(UNREADABLE)
    return [(start, end, asked.label(key).pk) for start, end, key in rows]


def _quoted(told: QueryDict, asked: Asked, *, strict: bool = True) -> list[Stretch]:
    """The stretches that rows of quoted words name. Without `strict`, rows that cannot be found are left out."""
    found = []
    rows = zip(told.getlist("quote"), told.getlist("nth"), told.getlist("type"), strict=False)
    for quote, nth, key in rows:
        if not quote.strip():
            continue
        try:
            start, end = _find(quote.strip(), nth, _text(asked))
            if not key:
                raise Refused(f"“{_short(quote)}” has no type yet.")
            found.append((start, end, asked.label(key).pk))
        except Refused:
            if strict:
                raise
    return found


def _find(quote: str, nth: str, text: str) -> tuple[int, int]:
    """Where the words stand for the n-th time; blanks and line breaks between them count alike."""
    which = int(nth) if nth.strip().isdecimal() and len(nth) < 7 else 1
    words = r"\s+".join(map(re.escape, quote.split()))
    places = [(one.start(), one.start() + len(one[1])) for one in re.finditer(f"(?=({words}))", text)]
    if 1 <= which <= len(places):
        return places[which - 1]
    if not places:
        raise Refused(f"“{_short(quote)}” is not in the text; copy the words as they stand there.")
    times = "once" if len(places) == 1 else f"{len(places)} times"
    raise Refused(f"“{_short(quote)}” is in the text {times}, so there is no place {which}.")


def _which(start: int, end: int, asked: Asked) -> int:
    """Which of the places of these words in the text this one is, from 1."""
    text, at, count = _text(asked), -1, 0
    while (at := text.find(text[start:end], at + 1)) >= 0 and at <= start:
        count += 1
    return max(count, 1)


def _check(stretch: Stretch, asked: Asked) -> None:
    """Raises Refused where a stretch does not lie in one part of the text, between whole characters."""
    start, end, _ = stretch
    part = _part(start, asked.parts)
    if part is None or end > max(part.end for part in asked.parts) or start >= end:
        raise Refused("A mark lies outside the text; reload the page and mark again.")
    if end > part.end:
        raise Refused("A mark goes from one part of the text into the next; mark each part by itself.")
    text = part.text
    if not text[start - part.start : end - part.start].strip():
        raise Refused("A mark holds nothing but blanks; mark words.")
    if any(_splits(text, edge - part.start) for edge in (start, end)):
        raise Refused("A mark begins or ends inside a character; mark whole characters.")


def _part(start: int, parts: Sequence[Part]) -> Part | None:
    return next((part for part in parts if part.start <= start < part.end), None)


def _splits(text: str, edge: int) -> bool:
    """Whether an edge lies between a letter and the accents on it, or between signs that make one picture."""
    if not 0 < edge < len(text):
        return False
    before, after = text[edge - 1], text[edge]
    return unicodedata.category(after) in ("Mn", "Me") or after == "\u200d" or before == "\u200d"


def _check_apart(stretches: Sequence[Stretch], asked: Asked) -> None:
    for (_, end, _), (start, other, _) in pairwise(stretches):
        if start < end:
            words = _short(_text(asked)[start : min(end, other)])
            raise Refused(f"“{words}” is marked twice over; here, marks may not lie over each other.")


def _short(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= 40 else f"{words[:39]}…"
