"""Labels out of the house, with their provenance: streamed, row by row, however many there are."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from labeling.files.spellings import is_number
from labeling.kinds.cells import FORMULA, GUARDED
from labeling.models import Batch, Decision, Project

ROWS = 2000
SHORT = (
    *("task", "label", "confidence", "decided_by", "below_threshold", "entropy", "cost_usd", "votes"),
    *("group", "gold", "differs_from_gold"),
)


def decided(scope: Batch | Project) -> QuerySet[Decision]:
    """The current decisions of a batch or of a whole project, in the order in which the tasks came."""
    of = {"task__batch": scope} if isinstance(scope, Batch) else {"task__project": scope}
    rows = (
        Decision.objects.current()
        .filter(**of)
        .select_related("label", "annotator", "task__batch", "task__gold", "task__project")
    )
    counted = rows.annotate(
        n_votes=Count("task__votes", filter=Q(task__votes__correction=None, task__votes__withdrawn=False)),
        cost=Sum("task__votes__cost_microdollars"),
    )
    return counted.order_by("task__batch_id", "task__position")


def records(scope: Batch | Project) -> Iterator[dict[str, Any]]:
    """One plain record for each settled task, with the full provenance."""
    for decision in decided(scope).iterator(ROWS):
        yield record(decision)


def record(decision: Decision) -> dict[str, Any]:
    """What leaves the house about one settled task."""
    task = decision.task
    return {
        "task": task.external_id,
        "label": decision.label.name,
        "confidence": round(decision.confidence, 6),
        "decided_by": decision.decided_by,
        "below_threshold": below_threshold(decision),
        "entropy": round(decision.entropy, 6),
        "cost_usd": (getattr(decision, "cost", 0) or 0) / 1_000_000,
        "votes": getattr(decision, "n_votes", 0),
        "batch": task.batch.name,
        "group": task.group,
        "gold": task.gold.name if task.gold else None,
        "differs_from_gold": None if task.gold is None else task.gold_id != decision.label_id,
        "slice": task.slice,
        "annotator": decision.annotator.name if decision.annotator else None,
        "why": decision.why,
        "decided_at": decision.created_at.isoformat(timespec="seconds"),
        "provenance": decision.provenance,
        "text": dict(task.parts),
    }


def below_threshold(decision: Decision) -> bool:
    """Whether machines settled this task although they were less sure than the project asks: a manager accepted it."""
    by_machine = decision.decided_by in (Decision.By.CROWD, Decision.By.PAID)
    return by_machine and decision.confidence < decision.task.project.accept_confidence


def jsonl(scope: Batch | Project, *, short: bool = False) -> Iterator[str]:
    """Lines of JSON, one for each settled task; `short` keeps the fields of the `label` command's file."""
    for row in records(scope):
        yield json.dumps({key: row[key] for key in SHORT} if short else row, ensure_ascii=False) + "\n"


def as_csv(scope: Batch | Project) -> Iterator[str]:
    """Lines of CSV with a header. A cell that a spreadsheet would run as a formula gets an apostrophe in front.

    `text` is for reading, `parts` holds titles and texts apart, so that the file reads back as it was.
    """
    writer = csv.writer(Line())
    header: list[str] = []
    for row in records(scope):
        flat = {**row, "provenance": json.dumps(row["provenance"]), "text": "\n\n".join(row["text"].values())}
        flat["parts"] = json.dumps(row["text"], ensure_ascii=False)
        if not header:
            header = list(flat)
            yield writer.writerow(header)
        yield writer.writerow(as_cells(flat.values()))


def as_cells(values: Iterable[object]) -> list[object]:
    """Values as cells: an apostrophe before what is no number but begins like a formula; `unguarded` takes it off."""
    return [f"'{value}" if isinstance(value, str) and _runs(value) else value for value in values]


def _runs(text: str) -> bool:
    return text.startswith((*FORMULA, *GUARDED)) and not is_number(text)


class Line:
    """A file that hands each written line back, so that csv.writer can stream."""

    def write(self, line: str) -> str:
        return line
