"""`manage.py aggregate --kind`: answers and beliefs of the kinds that are more than one label."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from labeling.files.tables import UnusableFile
from labeling.kinds.base import Answers, Kind, Known, Opinion, Space, taken
from labeling.management.cell_options import check_files
from labeling.management.kind_job import KindJob, kind_of, read_job, scored
from labeling.management.outputs import opened
from labeling.truth.calibration import expected_calibration_error
from labeling.truth.screen import screen
from labeling.truth.votes import Floats

LEAST_ANSWERS = 20
"""Known tasks that an annotator must have answered to be called the best."""
MOST_SCREENED = 3_000_000
"""Votes on variables beyond which the first tasks alone are screened."""
MOST_TOLD = 50
"""Annotators whose scores are told."""
ONE_LABEL_ONLY = ("sequence", "duplicates", "device", "probabilities")


def aggregate(options: dict[str, Any], say: Callable[[str], Any]) -> dict[str, Any]:
    """What the command tells, as plain values. Raises UnusableFile."""
    names = _methods(options)
    job = read_job(options)
    told = {"degenerate_annotators": _degenerate(job, options["seed"]), "notes": list(job.notes)}
    found = []
    for name in names:
        opinion, row = _run(job, name, options["seed"])
        found.append(row)
        if len(names) > 1:
            say(f"{name}: {row['seconds']:.2f} s")
    if options["output"] and len(names) == 1:
        write(options["output"], job.kind, job.table.space, job.table.tasks, opinion)
    facts = {"kind": job.kind.name, **_sizes(job), "baselines": _baselines(job), **told}
    return {"method": "all", **facts, "methods": found} if len(names) > 1 else {**found[0], **facts}


def as_lines(summary: dict[str, Any], kind: Kind) -> list[str]:
    """The report as a table for people."""
    columns = ("method", *kind.metrics, "ece", "seconds")
    rows = summary.get("methods", [summary])
    lines = ["{tasks} tasks, {annotators} annotators, {votes} answers, {labels} labels".format(**summary), ""]
    lines += ["  ".join(f"{name:>17}" for name in columns)]
    lines += ["  ".join(f"{_shown(row[name]):>17}" for name in columns) for row in rows]
    lines += [f"{name:>17}  {_shown(value):>17}" for name, value in summary["baselines"].items()]
    if rows[0]["scored"]:
        lines += ["", f"measured on {rows[0]['scored']} tasks with a known answer that the method did not learn from"]
    if summary["degenerate_annotators"]:
        lines += ["", f"answers that say nothing: {', '.join(summary['degenerate_annotators'])}"]
    lines += [f"auto chose {row['chosen']}" for row in rows if "chosen" in row]
    lines += [row["message"] for row in rows if row.get("message")]
    return [*lines, *([""] if summary["notes"] else []), *summary["notes"]]


def write(path: str, kind: Kind, space: Space, tasks: Any, opinion: Opinion) -> None:
    """Write the answers in the kind's form with `confidence` and `tie`; a task takes as many rows as its answer."""
    rows = zip(tasks, opinion.answers, opinion.confidence.tolist(), opinion.ties.tolist(), strict=True)
    with opened(path) as stream:
        if kind.form == "line":
            for task, answer, confidence, tie in rows:
                sure = round(confidence, 6) if math.isfinite(confidence) else None
                item = {"task": task, kind.field: kind.written(answer, space)[0], "confidence": sure}
                stream.write(json.dumps(item | {"tie": tie}, ensure_ascii=False) + "\n")
            return
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["task", kind.field, "confidence", "tie"])
        for task, answer, confidence, tie in rows:
            for cell in kind.written(answer, space):
                sure = f"{confidence:.6f}" if math.isfinite(confidence) else ""
                writer.writerow([task, cell, sure, "true" if tie else "false"])


def _methods(options: dict[str, Any]) -> list[str]:
    """The methods that are asked for; every option is checked before any work. Raises UnusableFile."""
    kind, name, output = kind_of(options), options["method"], options["output"]
    if name not in (*kind.methods, "all"):
        raise UnusableFile(
            f"There is no method {name!r} for {kind.name}; choose one of {', '.join(kind.methods)}, or all."
        )
    for option in ONE_LABEL_ONLY:
        if options[option]:
            raise UnusableFile(f"--{option} serves answers of one label; leave it out with --kind {kind.name}.")
    if name == "all" and output:
        raise UnusableFile("--output holds the answers of one method; choose it with --method.")
    if output == "-" and options["json"]:
        raise UnusableFile("--json and --output - both write to standard output; give --output a file.")
    if options["seed"] < 0:
        raise UnusableFile("--seed must be a whole number of at least 0.")
    check_files([options[source] for source in ("votes", "gold", "validation", "items")], output)
    return list(kind.methods) if name == "all" else [name]


def _run(job: KindJob, name: str, seed: int) -> tuple[Opinion, dict[str, Any]]:
    start, cpu_start = time.perf_counter(), time.process_time()
    opinion = job.kind.infer(job.table, name, job.learned, seed)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    gold = scored(job)
    row: dict[str, Any] = {
        "method": name,
        "iterations": opinion.iterations,
        "converged": opinion.converged,
        "seconds": round(seconds, 6),
        "cpu_seconds": round(cpu_seconds, 6),
        "scored": 0 if gold is None else len(gold.task),
        "accuracy": None,
        **dict.fromkeys(job.kind.metrics),
        "ece": None,
    }
    if gold is not None:
        answers = taken(opinion.answers, gold.task)
        row |= job.kind.score(answers, gold.answers, job.table.space)
        row["ece"] = _calibration(job, opinion.confidence[gold.task], answers, gold.answers)
    row["annotators_against_answers"] = _against(job, opinion.answers)
    told = ("chosen", "message", "thresholds", "joint")
    return opinion, row | {name: opinion.details[name] for name in told if name in opinion.details}


def _against(job: KindJob, answers: Answers) -> dict[str, dict[str, float | None]]:
    """How each annotator's answers score against those of the method, for the busiest ones."""
    table, found = job.table, {}
    busy = np.argsort(-np.bincount(table.annotator, minlength=len(table.annotators)), kind="stable")[:MOST_TOLD]
    for annotator in busy.tolist():
        at = np.flatnonzero(table.annotator == annotator)
        given, right = taken(table.answers, at), taken(answers, table.task[at])
        scores = job.kind.score(given, right, table.space)
        found[table.annotators[annotator]] = {name: scores[name] for name in ("accuracy", *job.kind.metrics)}
    return found


def _calibration(job: KindJob, confidence: Floats, answers: Answers, gold: Answers) -> float | None:
    """How far the chance that a whole answer is right is from how often it is; None where there is no such chance."""
    if not np.isfinite(confidence).all():
        return None
    space = job.table.space
    right = [job.kind.differ(one, other, space) == 0 for one, other in zip(answers, gold, strict=True)]
    # an answer is never named by the second column, so that the belief in it is its confidence whatever that is
    belief = np.stack([confidence, np.zeros(len(confidence))], axis=1)
    return expected_calibration_error(belief, np.where(right, 0, 1).astype(np.int32))


def _baselines(job: KindJob) -> dict[str, float | None]:
    """The first-named metric of each plain answer, and of the best annotator; None where nothing is known."""
    gold = scored(job)
    plain = job.kind.baselines(job.table)
    if gold is None:
        return dict.fromkeys((*plain, "best_single"))
    first, space = job.kind.metrics[0], job.table.space
    found = {name: job.kind.score(taken(one, gold.task), gold.answers, space)[first] for name, one in plain.items()}
    return found | {"best_single": _best_single(job, gold)}


def _best_single(job: KindJob, gold: Known) -> float | None:
    """The first-named metric of the annotator who does best, of those with at least `LEAST_ANSWERS` known tasks."""
    table, first = job.table, job.kind.metrics[0]
    place = np.full(len(table.tasks), -1)
    place[gold.task] = np.arange(len(gold.task))
    entries = np.flatnonzero(place[table.task] >= 0)
    counts = np.bincount(table.annotator[entries], minlength=len(table.annotators))
    best: tuple[float, float | None] = (-np.inf, None)
    for annotator in np.flatnonzero(counts >= LEAST_ANSWERS).tolist():
        at = entries[table.annotator[entries] == annotator]
        given, right = taken(table.answers, at), taken(gold.answers, place[table.task[at]])
        scores = job.kind.score(given, right, table.space)
        if scores[first] is not None:
            best = max(best, (scores.get("merit", scores[first]), scores[first]), key=lambda pair: pair[0])
    return best[1]


def _degenerate(job: KindJob, seed: int) -> list[str]:
    """Names of the annotators whose answers say nothing (`labeling.truth.screen`)."""
    table, share = job.table, MOST_SCREENED / max(len(job.table.task) * len(job.table.space.labels), 1)
    if share < 1:
        table = table.only(table.task < int(len(table.tasks) * share))
    degenerate = screen(job.kind.variables(table), seed=seed).degenerate
    return [table.annotators[j] for j in np.flatnonzero(degenerate).tolist()]


def _sizes(job: KindJob) -> dict[str, int]:
    table = job.table
    labels = len(table.space.labels)
    return {"tasks": len(table.tasks), "annotators": len(table.annotators), "votes": len(table.task), "labels": labels}


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
