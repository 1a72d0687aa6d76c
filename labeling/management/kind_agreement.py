"""`manage.py agreement --kind`: how far annotators agree, where an answer is more than one label."""

from __future__ import annotations

from typing import Any

from labeling.files.tables import UnusableFile
from labeling.management.cell_options import check_files
from labeling.management.kind_job import read_job


def agreement(options: dict[str, Any]) -> dict[str, Any]:
    """What the command tells, as plain values. Raises UnusableFile."""
    if options["seed"] < 0:
        raise UnusableFile("--seed must be a whole number of at least 0.")
    check_files([options["votes"]])
    job = read_job(options | {"gold_columns": "task,label"})
    table = job.table
    return {
        "kind": job.kind.name,
        **job.kind.agreement(table, options["seed"]),
        "tasks": len(table.tasks),
        "annotators": len(table.annotators),
        "votes": len(table.task),
        "notes": list(job.notes),
    }


def as_lines(report: dict[str, Any]) -> list[str]:
    """The report as a table for people."""
    lines = ["{annotators} annotators, {votes} answers, {tasks} tasks".format(**report), ""]
    for name, found in report.items():
        if isinstance(found, dict) and "value" in found:
            lines.append(f"{name:<28} {_coefficient(found)}")
        elif isinstance(found, float):
            lines.append(f"{name:<28} {found:>8.4f}")
    for name, table in report.items():
        if isinstance(table, list) and table and isinstance(table[0], dict):
            lines += [
                "",
                f"{name}:",
                *("  " + ", ".join(f"{key} {_cell(one)}" for key, one in row.items()) for row in table[:30]),
            ]
    return [*lines, *([""] if report["notes"] else []), *report["notes"]]


def _coefficient(found: dict[str, Any]) -> str:
    if found["value"] is None:
        return f"undefined: {found.get('reason') or found.get('undefined')}"
    limits = "no interval" if found.get("low") is None else f"[{found['low']:.4f}, {found['high']:.4f}]"
    return f"{found['value']:>8.4f}  {limits}"


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
