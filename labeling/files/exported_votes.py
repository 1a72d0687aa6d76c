"""Votes and movements of money out of the house, streamed; `imported_votes` reads votes back."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from labeling.files.answers import Asking, as_rows, askings
from labeling.files.exports import Line, as_cell, as_cells
from labeling.models import Batch, LedgerEntry, Project, Vote

ROWS = 2000
MICRO = 1_000_000
ONCE = ("tokens_in", "tokens_out", "cost_usd", "seconds")
"""Of a set of labels, what stands in the first of its rows alone."""


def votes(scope: Batch | Project, number: int | None = None) -> Iterator[dict[str, Any]]:
    """One record for each vote that stands, in the order of the tasks; an abstention has an empty label.

    `worker` is the annotator's name, with the kind behind it where two of the project share the name. `label`: a list
    where an answer is a set of labels or of marks. `probabilities` by label; `shown`: how many personal data of each
    kind were hidden from the annotator, null where nothing was. `number`: of one question alone.
    """
    return (row for row, _ in _votes(scope, askings(scope, number)))


def _votes(scope: Batch | Project, chosen: dict[int, Asking]) -> Iterator[tuple[dict[str, Any], Asking]]:
    project = scope.project if isinstance(scope, Batch) else scope
    names, several = project.annotators.called(), len(chosen) > 1
    inside = {"task__batch": scope} if isinstance(scope, Batch) else {"task__project": scope}
    rows = Vote.objects.current().filter(task__question__in=list(chosen), **inside)
    rows = rows.select_related("task__instance", "annotator").order_by("task__batch_id", "task__position", "pk")
    for vote in rows.iterator(ROWS):
        asking = chosen[vote.task.question_id]
        label = asking.value(asking.cells(vote))
        row = {
            "task": vote.task.external_id,
            "worker": names[vote.annotator_id],
            "kind": vote.annotator.kind,
            "label": "" if label is None else label,
            "probabilities": asking.probabilities(vote.probabilities),
            "tokens_in": vote.input_tokens,
            "tokens_out": vote.output_tokens,
            "cost_usd": vote.cost_microdollars / MICRO,
            "seconds": round(vote.seconds, 3),
            "prompt_version": vote.prompt_version,
            "model_version": vote.model_version,
            "shown": {"hidden": vote.hidden} if vote.hidden else None,
            "created_at": vote.created_at.isoformat(timespec="seconds"),
        }
        yield (row | {"question": asking.number} if several else row), asking


def votes_as_csv(scope: Batch | Project, number: int | None = None) -> Iterator[str]:
    """Lines of CSV with a header; a set of labels has a row for each, marks are JSON, as commands read them.

    Of sets an abstention has no row, since an empty label says that none was chosen.
    """
    return _lines(
        row
        for record, asking in _votes(scope, askings(scope, number))
        if not (asking.spread and record["label"] == "")
        for row in as_rows(record, asking, ONCE)
    )


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


def votes_as_jsonl(scope: Batch | Project, number: int | None = None) -> Iterator[str]:
    """Lines of JSON, one a vote."""
    return map(_json, votes(scope, number))


def ledger_as_jsonl(scope: Batch | Project) -> Iterator[str]:
    """Lines of JSON, one a side of a movement."""
    return map(_json, ledger(scope))


def ledger_as_csv(scope: Batch | Project) -> Iterator[str]:
    """Lines of CSV with a header."""
    return _lines(ledger(scope))


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Lines of CSV with a header; objects as JSON, and no cell that a spreadsheet would run."""
    writer, header = csv.writer(Line()), False
    for row in rows:
        if not header:
            header = bool(row)
            yield writer.writerow(row)
        yield writer.writerow(as_cells(map(as_cell, row.values())))
