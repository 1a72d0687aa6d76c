"""Labels out of the house, with their provenance: streamed, row by row, however many there are."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from labeling.files.answers import Asking, as_rows, askings
from labeling.files.spellings import is_number
from labeling.kinds.cells import FORMULA, GUARDED
from labeling.models import Batch, Decision, Project, Task
from labeling.models.grouping import attributes

ROWS = 2000
SHORT = (
    *("task", "label", "confidence", "decided_by", "below_threshold", "entropy", "cost_usd", "votes"),
    *("group", "gold", "differs_from_gold"),
)


ONCE = ("cost_usd", "votes")
"""Of a set of labels, what stands in the first of its rows alone."""
FIELDS = {
    *SHORT,
    "question",
    "images",
    "batch",
    "slice",
    "annotator",
    "why",
    "decided_at",
    "provenance",
    "text",
    "parts",
}


def decided(scope: Batch | Project) -> QuerySet[Decision]:
    """The current decisions of a batch or of a whole project, in the order in which the tasks came."""
    of = {"task__batch": scope} if isinstance(scope, Batch) else {"task__project": scope}
    rows = (
        Decision.objects.current()
        .filter(**of)
        .select_related("annotator", "task__batch", "task__project", "task__instance")
    )
    counted = rows.annotate(
        n_votes=Count("task__votes", filter=Q(task__votes__correction=None, task__votes__withdrawn=False)),
        cost=Sum("task__votes__cost_microdollars"),
    )
    return counted.order_by("task__batch_id", "task__position")


def records(scope: Batch | Project, number: int | None = None) -> Iterator[dict[str, Any]]:
    """One plain record for each settled task, with the full provenance; `number`: of one question alone."""
    return (row for row, _ in _records(scope, askings(scope, number)))


def _records(scope: Batch | Project, chosen: dict[int, Asking]) -> Iterator[tuple[dict[str, Any], Asking]]:
    names, several = attributes(scope), len(chosen) > 1
    shows = scope.instances.filter(images__isnull=False).exists()
    for decision in decided(scope).filter(task__question__in=list(chosen)).iterator(ROWS):
        asking = chosen[decision.task.question_id]
        row = record(decision, asking, names)
        if several:
            row["question"] = asking.number
        if shows:
            row["images"] = {image["title"]: image["file"] for image in decision.task.images}
        yield row, asking


def record(decision: Decision, asking: Asking, names: Sequence[str] = ()) -> dict[str, Any]:
    """What leaves the house about one settled task; `names`: the group attributes. Labels of a set are a list."""
    task = decision.task
    cells, gold = asking.cells(decision), asking.gold_cells(task)
    return {
        "task": task.external_id,
        "label": asking.value(cells),
        "confidence": round(decision.confidence, 6),
        "decided_by": decision.decided_by,
        "below_threshold": below_threshold(decision),
        "entropy": round(decision.entropy, 6),
        "cost_usd": (getattr(decision, "cost", 0) or 0) / 1_000_000,
        "votes": getattr(decision, "n_votes", 0),
        "batch": task.batch.name,
        **_groups(task, names),
        "gold": asking.value(gold),
        "differs_from_gold": gold != cells if gold else None,
        "slice": task.slice,
        "annotator": decision.annotator.name if decision.annotator else None,
        "why": decision.why,
        "decided_at": decision.created_at.isoformat(timespec="seconds"),
        "provenance": decision.provenance,
        "text": dict(task.parts),
    }


def _groups(task: Task, names: Sequence[str]) -> dict[str, str]:
    """The value of the first attribute as `group`; of several, each under its own name as well."""
    own = {_column(name): task.groups.get(name, "") for name in names} if len(names) > 1 else {}
    return {"group": task.groups.get(names[0], "") if names else "", **own}


def _column(name: str) -> str:
    """An attribute that is called like another field of the file gets a longer name."""
    return f"group {name}" if name in FIELDS else name


def below_threshold(decision: Decision) -> bool:
    """Whether machines settled this task although they were less sure than the project asks: a manager accepted it."""
    by_machine = decision.decided_by in (Decision.By.CROWD, Decision.By.PAID)
    return by_machine and decision.confidence < decision.task.project.accept_confidence


def jsonl(scope: Batch | Project, number: int | None = None, *, short: bool = False) -> Iterator[str]:
    """Lines of JSON, one for each settled task; `short` keeps the fields of the `label` command's file."""
    names = attributes(scope)
    kept = {*SHORT, "question", *map(_column, names if len(names) > 1 else ())}
    for row in records(scope, number):
        told = {key: value for key, value in row.items() if key in kept} if short else row
        yield json.dumps(told, ensure_ascii=False) + "\n"


def as_csv(scope: Batch | Project, number: int | None = None) -> Iterator[str]:
    """Lines of CSV with a header. A cell that a spreadsheet would run as a formula gets an apostrophe in front.

    `text` is for reading, `parts` holds titles and texts apart, so that a file of one label a text reads back. A set
    of labels has a row for each, one with an empty label for none; marks are JSON.
    """
    writer = csv.writer(Line())
    header: list[str] = []
    for row, asking in _records(scope, askings(scope, number)):
        flat = {**row, "provenance": json.dumps(row["provenance"]), "text": "\n\n".join(row["text"].values())}
        flat["parts"] = json.dumps(row["text"], ensure_ascii=False)
        if not header:
            header = list(flat)
            yield writer.writerow(header)
        for one in as_rows(flat, asking, ONCE):
            yield writer.writerow(as_cells(map(as_cell, one.values())))


def as_cell(value: object) -> object:
    """A value as a cell: nothing for null, lists and objects as JSON."""
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def as_cells(values: Iterable[object]) -> list[object]:
    """Values as cells: an apostrophe before what is no number but begins like a formula; `unguarded` takes it off."""
    return [f"'{value}" if isinstance(value, str) and _runs(value) else value for value in values]


def _runs(text: str) -> bool:
    return text.startswith((*FORMULA, *GUARDED)) and not is_number(text)


class Line:
    """A file that hands each written line back, so that csv.writer can stream."""

    def write(self, line: str) -> str:
        return line
