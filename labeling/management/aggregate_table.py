"""What `manage.py aggregate` prints for people."""

from __future__ import annotations

from typing import Any

COLUMNS = ("method", "accuracy", "95% interval", "ece", "iterations", "converged", "seconds")


def as_lines(summary: dict[str, Any]) -> list[str]:
    """The report as a table: one row a method, then what it rests on and what to know about the files."""
    rows = summary.get("methods", [summary])
    head = "{tasks} tasks, {annotators} annotators, {votes} votes, {labels} labels".format(**summary)
    lines = [head, "", "  ".join(f"{column:>17}" for column in COLUMNS)]
    lines += ["  ".join(f"{_shown(row, column):>17}" for column in COLUMNS) for row in rows]
    if rows[0]["scored"]:
        lines += ["", f"accuracy and ece are over {rows[0]['scored']} gold tasks the method did not learn from"]
    if summary["degenerate_annotators"]:
        lines += ["", f"answers that say nothing: {', '.join(summary['degenerate_annotators'])}"]
    chosen = [row for row in rows if "chosen" in row]
    lines += [f"auto chose {row['chosen']}" for row in chosen]
    lines += [row["message"] for row in chosen if row.get("message")]
    lines += [f"tasks to label: {', '.join(row['tasks_to_validate'])}" for row in chosen if "tasks_to_validate" in row]
    return [*lines, *([""] if summary["notes"] else []), *summary["notes"]]


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
