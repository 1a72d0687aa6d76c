"""`manage.py agreement --kind`: how far annotators agree, where an answer is more than one label."""

from __future__ import annotations

from typing import Any

import numpy as np

from labeling.files.kind_votes import AGAIN
from labeling.files.tables import UnusableFile
from labeling.kinds.base import taken
from labeling.management.cell_options import check_files
from labeling.management.kind_job import KindJob, read_again, read_job


def agreement(options: dict[str, Any]) -> dict[str, Any]:
    """What the command tells, as plain values. Raises UnusableFile."""
    if options["seed"] < 0:
        raise UnusableFile("--seed must be a whole number of at least 0.")
    check_files([options["votes"]])
    job = read_job(options | {"gold_columns": "task,label"})
    table = job.table
    found = job.kind.agreement(table, options["seed"])
    if options["metric"]:
        found["krippendorff_alpha"] = _by_metric(found, job, options["metric"])
    return {
        "kind": job.kind.name,
        **found,
        **({"repeats": _repeats(job, options)} if options["repeats"] else {}),
        "tasks": len(table.tasks),
        "annotators": len(table.annotators),
        "votes": len(table.task),
        "notes": list(job.notes),
    }


def _by_metric(found: dict[str, Any], job: KindJob, metric: str) -> Any:
    name = f"krippendorff_alpha_{metric}"
    if name not in found:
        raise UnusableFile(f"--metric {metric} is for labels in order; leave it out with --kind {job.kind.name}.")
    return found[name]


def _repeats(job: KindJob, options: dict[str, Any]) -> dict[str, Any]:
    """How far annotators agree with themselves: answers to tasks that they had answered before."""
    again, notes = read_again(options["repeats"], job.kind, job.table.space, options)
    names = [
        (again.tasks[t], again.annotators[w].rstrip(AGAIN)) for t, w in zip(again.task, again.annotator, strict=True)
    ]
    table = job.table
    first = {
        (table.tasks[t], table.annotators[w]): entry
        for entry, (t, w) in enumerate(zip(table.task, table.annotator, strict=True))
    }
    at = np.array([place for place, pair in enumerate(names) if pair in first], dtype=np.intp)
    if not len(at):
        raise UnusableFile(f"{options['repeats']} holds no answer to a task that its worker answered before.")
    before = np.array([first[names[place]] for place in at], dtype=np.intp)
    scored = job.kind.score(taken(again.answers, at), taken(table.answers, before), table.space)
    return {"n": len(at), **scored, "notes": list(notes)}


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
