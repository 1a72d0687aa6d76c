"""Votes and movements of money out of the house, streamed; `imported_votes` reads votes back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from typing import Any

from labeling.files.exports import Line, as_cells
from labeling.models import Batch, LedgerEntry, Project, Vote

ROWS = 2000
MICRO = 1_000_000
Records = Callable[[Batch | Project], Iterator[dict[str, Any]]]


def votes(scope: Batch | Project) -> Iterator[dict[str, Any]]:
    """One record for each vote that stands, in the order of the tasks; an abstention has an empty label.

    `worker` is the annotator's name, with the kind behind it where two of the project share the name. `probabilities`
    by label; `shown`: how many personal data of each kind were hidden from the annotator, null where nothing was.
    """
    project = scope.project if isinstance(scope, Batch) else scope
    names, labels = project.annotators.called(), {label.pk: label.name for label in project.label_list()}
    inside = {"task__batch": scope} if isinstance(scope, Batch) else {"task__project": scope}
    rows = Vote.objects.current().filter(**inside).select_related("task__instance", "annotator")
    for vote in rows.order_by("task__batch_id", "task__position", "pk").iterator(ROWS):
        yield {
            "task": vote.task.external_id,
            "worker": names[vote.annotator_id],
            "kind": vote.annotator.kind,
            "label": labels[vote.label_id] if vote.label_id else "",
            "probabilities": dict(zip(labels.values(), vote.probabilities, strict=False))
            if vote.probabilities
            else None,
            "tokens_in": vote.input_tokens,
            "tokens_out": vote.output_tokens,
            "cost_usd": vote.cost_microdollars / MICRO,
            "seconds": round(vote.seconds, 3),
            "prompt_version": vote.prompt_version,
            "model_version": vote.model_version,
            "shown": {"hidden": vote.hidden} if vote.hidden else None,
            "created_at": vote.created_at.isoformat(timespec="seconds"),
        }


def ledger(scope: Batch | Project) -> Iterator[dict[str, Any]]:
    """One record for each side of each movement of money, oldest first; the sides of a transaction sum to zero."""
    inside = {"purse__batch": scope} if isinstance(scope, Batch) else {"purse__project": scope}
    rows = LedgerEntry.objects.filter(**inside).select_related(
        "purse__batch", "reservation__annotator", "reservation__task__instance"
    )
    for entry in rows.order_by("pk").iterator(ROWS):
        held = entry.reservation
        yield {
            "transaction": str(entry.transaction),
            "batch": entry.purse.batch.name if entry.purse.batch else "",
            "day": entry.purse.day.isoformat() if entry.purse.day else "",
            "account": entry.account,
            "usd": entry.microdollars / MICRO,
            "task": held.task.external_id if held else "",
            "worker": held.annotator.name if held else "",
            "memo": entry.memo,
            "created_at": entry.created_at.isoformat(timespec="seconds"),
        }


def jsonl(records: Records, scope: Batch | Project) -> Iterator[str]:
    """Lines of JSON, one a record."""
    for row in records(scope):
        yield json.dumps(row, ensure_ascii=False) + "\n"


def as_csv(records: Records, scope: Batch | Project) -> Iterator[str]:
    """Lines of CSV with a header; objects as JSON, and no cell that a spreadsheet would run."""
    writer, header = csv.writer(Line()), False
    for row in records(scope):
        if not header:
            header = bool(row)
            yield writer.writerow(row)
        yield writer.writerow(as_cells(_cell(value) for value in row.values()))


def _cell(value: object) -> object:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
