"""What `manage.py aggregate` prints for people."""

from __future__ import annotations

from typing import Any

from labeling.management import group_report

COLUMNS = ("method", "accuracy", "95% interval", "ece", "iterations", "converged", "seconds")


def as_lines(summary: dict[str, Any], wrote: bool = True) -> list[str]:
    """The report as a table: one row a method, then what it rests on and what to know about the files.

    `wrote`: whether the labels went into a file; where they did not, the table says how."""
    rows = summary.get("methods", [summary])
    head = "{tasks} tasks, {annotators} annotators, {votes} votes, {labels} labels".format(**summary)
    lines = [head, "", "  ".join(f"{column:>17}" for column in COLUMNS)]
    lines += ["  ".join(f"{_shown(row, column):>17}" for column in COLUMNS) for row in rows]
    if rows[0]["scored"]:
        lines += ["", f"accuracy and ece are over {rows[0]['scored']} gold tasks the method did not learn from"]
        lines += _base_line(summary["base"])
    if summary["degenerate_annotators"]:
        lines += [
            "",
            f"annotators whose answers tell nothing about the label: {', '.join(summary['degenerate_annotators'])}",
        ]
    for row in rows:
        lines += group_report.lines(row["group"], row["groups"]) if "groups" in row and len(rows) == 1 else ()
    chosen = [row for row in rows if "chosen" in row]
    lines += [f"auto chose {row['chosen']}" for row in chosen]
    lines += [row["message"] for row in chosen if row.get("message")]
    lines += [f"tasks to label: {', '.join(row['tasks_to_validate'])}" for row in chosen if "tasks_to_validate" in row]
    if not wrote:
        lines += ["", f"The labels were not written; --output labels.csv does{_of_one(summary)}."]
    return [*lines, *([""] if summary["notes"] else []), *summary["notes"]]


def _base_line(base: dict[str, Any] | None) -> list[str]:
    """What one gets without any vote: no accuracy means much that is not above it."""
    return [f"always saying {base['label']!r} would be right on {base['accuracy']:.4f} of them"] if base else []


def _of_one(summary: dict[str, Any]) -> str:
    return ", of one --method" if summary["method"] == "all" else ""


def _shown(row: dict[str, Any], column: str) -> str:
    if column == "95% interval":
        low, high = row["accuracy_low"], row["accuracy_high"]
        return "-" if low is None else f"[{low:.4f}, {high:.4f}]"
    value = row[column]
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
