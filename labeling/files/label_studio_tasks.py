"""Label Studio's tasks, as they read back: what stands in `data` is the record, what annotators said are its answers.

Its JSON holds a list of tasks, each with `data` and finished `annotations`; its short form (JSON-MIN) has plain fields
and needs none of this. Each control of the labeling interface is a field of its own. No database.
Source: labelstud.io/guide/task_format and labelstud.io/guide/export.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANSWERED = ("annotations", "completions", "predictions")
"""What a task of Label Studio has beside `data`; the first that holds something counts."""


def unfolded(record: Any) -> Any:
    """A task of Label Studio as a flat record; everything else as it is.

    Of several annotations the last that was not cancelled counts. A control called like a field of `data` is called
    `annotation NAME`.
    """
    if not is_task(record):
        return record
    data = dict(record["data"])
    if not {"id", "task"} & data.keys() and "id" in record:
        data["id"] = record["id"]
    for name, answer in _answers(record).items():
        data[f"annotation {name}" if name in data else name] = answer
    return data


def is_task(record: Any) -> bool:
    """Whether a record is a task of Label Studio."""
    return (
        isinstance(record, dict) and isinstance(record.get("data"), dict) and any(name in record for name in ANSWERED)
    )


def _answers(record: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of each control by its name; of marks all, as [start, end, label]."""
    found: dict[str, Any] = {}
    for result in _results(record):
        name, value = result.get("from_name"), result.get("value")
        if not isinstance(name, str) or not isinstance(value, dict):
            continue
        kind = str(result.get("type", ""))
        told = value.get(kind)
        if "start" in value and isinstance(told, list):
            found[name] = [*found.get(name, []), *([value["start"], value.get("end"), label] for label in told)]
        elif isinstance(told, list) and len(told) == 1:
            found[name] = told[0]
        elif told is not None:
            found[name] = told
    return found


def _results(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    for name in ANSWERED:
        finished = [one for one in _listed(record.get(name)) if not one.get("was_cancelled")]
        if finished:
            return _listed(finished[-1].get("result"))
    return []


def _listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
