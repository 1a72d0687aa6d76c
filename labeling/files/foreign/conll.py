"""CoNLL-2003: a word on each line with four columns, a blank line between sentences, a head before each document.

Source: Tjong Kim Sang and De Meulder, Introduction to the CoNLL-2003 Shared Task, 2003.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from labeling.files.foreign.settled import Asked, Settled, Told, only_question, spans_of
from labeling.files.foreign.tokens import sentences, tagged

HEAD = "-DOCSTART- -X- -X- O\n\n"
UNKNOWN = "-X-"
"""Stands for part of speech and chunk, which nobody asked about."""
KINDS = ("spans",)
RENAMED = "Types with blanks or other signs in their name, which got - in their place"


def lines(settled: Iterable[Settled], asked: Sequence[Asked], told: Told) -> Iterator[str]:
    """The file, a document for each text. Raises Unsuited where no stretches were asked for."""
    question = only_question(asked, KINDS, "CoNLL-2003")
    told[RENAMED] += sum(plain(label) != label for label in question.labels)
    for one in settled:
        for which, cells in one.answers:
            if which.number == question.number:
                yield HEAD + _document(one.text, cells, told)


def _document(text: str, cells: Sequence[object], told: Told) -> str:
    spans = [(start, end, plain(label)) for start, end, label in spans_of(cells)]
    tokens = tagged(text, spans, told)
    blocks = (
        "".join(f"{one.word} {UNKNOWN} {UNKNOWN} {one.tag}\n" for one in line) for line in sentences(text, tokens)
    )
    return "".join(f"{block}\n" for block in blocks)


def plain(label: str) -> str:
    """The name of a type as one word."""
    return re.sub(r"[^\w.:/+]+", "-", label).strip("-") or "type"
