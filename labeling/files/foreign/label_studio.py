"""Label Studio's JSON: one list of tasks with `data` and finished `annotations`; offsets count code points.

Its editor counts code points since 2022 (its own tests: "offsets by code points in text"). Every question is a control
of its own, named as in `config`, the labeling interface that the tasks need.
Source: labelstud.io/guide/task_format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from labeling.files.foreign.settled import Asked, Settled, Told, Unsuited, labels_of, spans_of

TEXT, IMAGE = "text", "image"
Results = Callable[[str, Sequence[Any]], list[dict[str, Any]]]


def _choices(text: str, cells: Sequence[Any]) -> list[dict[str, Any]]:
    return [{"type": "choices", "value": {"choices": labels_of(cells)}}]


def _number(text: str, cells: Sequence[Any]) -> list[dict[str, Any]]:
    try:
        return [{"type": "number", "value": {"number": float(cells[0])}}]
    except ValueError:
        return _choices(text, cells)


def _labels(text: str, cells: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {"type": "labels", "value": {"start": start, "end": end, "text": text[start:end], "labels": [label]}}
        for start, end, label in spans_of(cells)
    ]


RESULTS: dict[str, Results] = {"choice": _choices, "choices": _choices, "scale": _number, "spans": _labels}
"""How Label Studio holds an answer, by its kind."""


def lines(settled: Iterable[Settled], asked: Sequence[Asked], told: Told) -> Iterator[str]:
    """The file as one JSON list, a task on each line. Raises Unsuited for a kind that it has no form for."""
    for question in asked:
        if question.kind not in RESULTS:
            raise Unsuited(f"Label Studio has no form for {question.kind}; choose csv or jsonl.")
    yield "["
    between = "\n"
    for number, one in enumerate(settled, start=1):
        yield between + json.dumps(_task(number, one), ensure_ascii=False)
        between = ",\n"
    yield "\n]\n"


def _task(number: int, one: Settled) -> dict[str, Any]:
    data: dict[str, Any] = {"task": one.task, **one.groups}
    if one.text:
        data[TEXT] = one.text
    for place, image in enumerate(one.images):
        data[IMAGE if not place else f"{IMAGE}_{place + 1}"] = image.file
    return {"id": number, "data": data, "annotations": [{"result": list(_results(one)), "was_cancelled": False}]}


def _results(one: Settled) -> Iterator[dict[str, Any]]:
    shown = TEXT if one.text else IMAGE
    for question, cells in one.answers:
        for number, result in enumerate(RESULTS[question.kind](one.text, cells), start=1):
            yield {"id": f"{question.name}-{number}", "from_name": question.name, "to_name": shown, **result}


CONTROLS = {
    "choice": ("Choices", "Choice", 'choice="single" '),
    "choices": ("Choices", "Choice", 'choice="multiple" '),
    "spans": ("Labels", "Label", ""),
}


def config(asked: Sequence[Asked], *, with_text: bool = True, with_image: bool = False) -> str:
    """The labeling interface (XML) in which the exported tasks open."""
    shown = TEXT if with_text else IMAGE
    objects = [f'<Text name="{TEXT}" value="${TEXT}"/>'] if with_text else []
    objects += [f'<Image name="{IMAGE}" value="${IMAGE}"/>'] if with_image else []
    controls = [_control(question, shown) for question in asked]
    return "<View>\n" + "".join(f"  {line}\n" for line in (*objects, *controls)) + "</View>\n"


def _control(question: Asked, shown: str) -> str:
    head = f"<Header value={quoteattr(question.wording)}/>"
    if question.kind not in CONTROLS and question.ends:
        low, high = question.ends
        return f'{head}<Number name="{question.name}" toName="{shown}" min="{low:g}" max="{high:g}"/>'
    outer, inner, more = CONTROLS.get(question.kind, CONTROLS["choice"])
    labels = "".join(f"<{inner} value={quoteattr(label)}/>" for label in question.labels)
    return f'{head}<{outer} {more}name="{question.name}" toName="{shown}">{labels}</{outer}>'
