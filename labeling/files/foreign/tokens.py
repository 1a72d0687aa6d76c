"""Texts cut into words, and stretches laid on them: what column formats hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from labeling.files.foreign.settled import Span, Told

ALONE = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
"""Signs of scripts that are written without spaces: Thai, Japanese, Chinese."""
LETTER = rf"[^\W_{ALONE}]"
WORD = re.compile(rf"[{ALONE}]|{LETTER}(?:[\u0300-\u036f]|['\u2019\-._@/]{LETTER}|{LETTER})*|\S")
WIDENED = "Marks that begin or end inside a word and were widened to it"
DROPPED = "Marks that overlap a longer one and were left out"
EMPTY = "Marks of blanks alone, which were left out"
OUTSIDE = "O"


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text at its code points. `tag`: O, B-type or I-type."""

    start: int
    end: int
    word: str
    tag: str = OUTSIDE


def cut(text: str) -> list[tuple[int, int]]:
    """Where the words lie: letters and digits together, other signs one by one; scripts without spaces by character."""
    return [match.span() for match in WORD.finditer(text)]


def tagged(text: str, spans: Sequence[Span], told: Told) -> list[Token]:
    """The words of a text, each with its tag (IOB2: a mark begins with B-).

    A mark that covers part of a word is widened to all of it; of marks that overlap the longest stays, then the first.
    Both are counted in `told`, and nothing else changes.
    """
    places = cut(text)
    tags = [OUTSIDE] * len(places)
    for start, end, label in sorted(spans, key=lambda span: (span[0] - span[1], span[0], span[2])):
        inside = [at for at, (first, last) in enumerate(places) if first < end and start < last]
        if not inside:
            told[EMPTY] += 1
            continue
        if any(tags[at] != OUTSIDE for at in inside):
            told[DROPPED] += 1
            continue
        first, last = places[inside[0]], places[inside[-1]]
        told[WIDENED] += first[0] < start or end < last[1]
        for at in inside:
            tags[at] = f"{'B' if at == inside[0] else 'I'}-{label}"
    return [Token(start, end, text[start:end], tag) for (start, end), tag in zip(places, tags, strict=True)]


def sentences(text: str, tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The words line by line; a mark over the end of a line keeps its two lines together."""
    if not tokens:
        return
    line = [tokens[0]]
    for before, token in pairwise(tokens):
        if "\n" in text[before.end : token.start] and not token.tag.startswith("I-"):
            yield line
            line = []
        line.append(token)
    yield line
