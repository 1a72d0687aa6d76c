"""doccano's JSON by line: `text` with `label`, a list of labels or of [start, end, type] in code points."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from labeling.files.foreign.settled import Asked, Settled, Told, labels_of, only_question, spans_of

FORMS: dict[str, Callable[[Sequence[Any]], list[Any]]] = {
    "choice": labels_of,
    "choices": labels_of,
    "scale": labels_of,
    "spans": lambda cells: [list(span) for span in spans_of(cells)],
}
"""How doccano holds an answer, by its kind: a place on a scale is a label there."""


def lines(settled: Iterable[Settled], asked: Sequence[Asked], told: Told) -> Iterator[str]:
    """One line an instance; what is no `text` or `label` comes back as meta data. Raises Unsuited.

    An instance with pictures names the first as `filename`, as doccano's image projects do.
    """
    question = only_question(asked, tuple(FORMS), "doccano")
    for one in settled:
        for which, cells in one.answers:
            if which.number == question.number:
                file = {"filename": one.images[0].file.rpartition("/")[2]} if one.images else {}
                row = {"task": one.task, "text": one.text, **file, "label": FORMS[which.kind](cells), **one.groups}
                yield json.dumps(row, ensure_ascii=False) + "\n"
