"""brat standoff: for each text a `.txt` and an `.ann` with its stretches; one `annotation.conf` names the types.

Source: brat.nlplab.org/standoff.html. Offsets count code points, the end is exclusive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from labeling.files.foreign.settled import Asked, Settled, Span, Told, only_question, spans_of

KINDS = ("spans",)
SPLIT = "Marks over the end of a line, written as the pieces that brat asks for"
RENAMED = "Types with other signs than letters, digits, - and _ in their name, which got _ in their place"
LONGEST_NAME = 120


def files(settled: Iterable[Settled], asked: Sequence[Asked], told: Told) -> Iterator[tuple[str, bytes]]:
    """Names and contents. Raises Unsuited where no stretches were asked for."""
    question = only_question(asked, KINDS, "brat")
    told[RENAMED] += sum(plain(label) != label for label in question.labels)
    entities = "".join(f"{name}\n" for name in dict.fromkeys(map(plain, question.labels)))
    yield "annotation.conf", f"[entities]\n{entities}\n[relations]\n\n[events]\n\n[attributes]\n".encode()
    taken: set[str] = set()
    for one in settled:
        for which, cells in one.answers:
            if which.number == question.number:
                name = _free(file_name(one.task), taken)
                yield f"{name}.txt", one.text.encode()
                yield f"{name}.ann", "".join(_lines(one.text, spans_of(cells), told)).encode()


def _lines(text: str, spans: Sequence[Span], told: Told) -> Iterator[str]:
    for number, (start, end, label) in enumerate(spans, start=1):
        pieces = [(start + found.start(), start + found.end()) for found in re.finditer(r"[^\r\n]+", text[start:end])]
        told[SPLIT] += len(pieces) > 1
        places = ";".join(f"{first} {last}" for first, last in pieces or [(start, end)])
        words = " ".join(text[first:last] for first, last in pieces)
        yield f"T{number}\t{plain(label)} {places}\t{words}\n"


def plain(label: str) -> str:
    """The name of a type in letters, digits, - and _."""
    return re.sub(r"[^\w-]+", "_", label).strip("_") or "type"


def file_name(task: str) -> str:
    """A task's id as the name of a file, on any system and never a way out of the folder."""
    return re.sub(r"[^\w.-]+", "_", task).strip("._")[:LONGEST_NAME] or "text"


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where another text has it already, in whatever case."""
    number, free = 2, name
    while free.casefold() in taken:
        free = f"{name}-{number}"
        number += 1
    taken.add(free.casefold())
    return free
