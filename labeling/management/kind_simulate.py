"""`manage.py simulate --kind`: a run replayed on recorded answers of the kinds that are more than one label."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from labeling.files.recordings import numbers
from labeling.files.tables import UnusableFile
from labeling.kinds.base import Answers, AnswerTable, Kind, taken
from labeling.management.cell_options import check_files, named
from labeling.management.kind_job import kind_of, read_job
from labeling.management.outputs import opened
from labeling.routing.answer_replay import ROUTERS, Recorded, Way, replay
from labeling.truth.votes import Ints

ONE_LABEL_ONLY = ("weighing", "k", "figure", "absent")
MOST_TOLD = 50
"""Annotators, and pairs of them, whose figures are told."""
Score = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Run:
    """What is replayed and scored: `tasks` of the repeat outside its slice, and where each budget ended."""

    scores: list[Score]
    calls: list[int]
    paid: Score
    single: float


def simulate(options: dict[str, Any], say: Callable[[str], Any]) -> dict[str, Any]:
    """What the command tells, as plain values. Raises UnusableFile."""
    start = time.perf_counter()
    kind, budgets = _check(options), numbers("--budgets", options["budgets"])
    price = numbers("--price", str(options["price"]))[0]
    recorded, notes = _recorded(options, kind)
    for note in notes:
        say(note)
    n = len(recorded.table.tasks)
    validation = min(options["validation"], n // 4)
    runs = []
    for repeat in range(options["repeats"]):
        runs.append(_run(recorded, budgets, validation, options, options["seed"] + repeat))
        first = np.mean([_merit(kind, score) for score in runs[-1].scores])
        say(f"repeat {repeat + 1} of {options['repeats']}: area {first:.4f}")
    curve = [_point(kind, place, budget, runs, price / recorded.parts) for place, budget in enumerate(budgets)]
    if options["output"]:
        _write(options["output"], curve)
    return {
        "kind": kind.name,
        "router": options["router"],
        "asked": "label" if recorded.by_part else "task",
        "aggregator": options["aggregator"] or "auto",
        "tasks": n,
        "labels": len(recorded.table.space.labels),
        "questions": n * recorded.parts,
        "validation": validation,
        "repeats": options["repeats"],
        "metric": kind.metrics[0],
        "crowd_accuracy": _mean([run.scores[0]["accuracy"] for run in runs]) if budgets[0] == 0 else None,
        "paid_accuracy": _mean([run.paid["accuracy"] for run in runs]),
        "paid_" + kind.metrics[0]: _mean([run.paid[kind.metrics[0]] for run in runs]),
        "best_single_accuracy": _mean([run.single for run in runs]),
        "curve": curve,
        "area": float(np.mean([_merit(kind, score) for run in runs for score in run.scores])),
        "crowd_pairs": _pairs(recorded),
        "against_gold": _against(recorded),
        "notes": list(notes),
        "seconds": round(time.perf_counter() - start, 3),
    }


def as_lines(told: dict[str, Any]) -> list[str]:
    """The report as a table for people."""
    shown = [key for key in told["curve"][0] if not key.endswith("_sd")]
    scored = told["tasks"] - told["validation"]
    lines = [
        "{tasks:,} tasks, {labels} labels; router {router}, asked {asked} by {asked}, aggregator {aggregator}".format(
            **told
        ),
        f"Measured on the {scored:,} tasks outside the {told['validation']} known ones; slices: {told['repeats']}.",
        "",
        "  ".join(f"{key:>15}" for key in shown),
    ]
    lines += ["  ".join(f"{_cell(point[key]):>15}" for key in shown) for point in told["curve"]]
    return [*lines, "", f"mean over the budgets (area) {told['area']:.4f}, by {told['metric']}"]


def _check(options: dict[str, Any]) -> Kind:
    """The kind; options that do not go with it are refused. Raises UnusableFile."""
    kind = kind_of(options)
    for option in ONE_LABEL_ONLY:
        if options[option] is not None:
            raise UnusableFile(f"--{option} is for answers of one label; leave it out with --kind {kind.name}.")
    if options["router"] not in ROUTERS:
        raise UnusableFile(
            f"Router {options['router']} is for answers of one label; choose one of {', '.join(ROUTERS)}."
        )
    if options["aggregator"] not in (None, *kind.methods):
        raise UnusableFile(
            f"There is no method {options['aggregator']!r} for {kind.name}; choose one of {', '.join(kind.methods)}."
        )
    for name, least in (("seed", 0), ("validation", 0), ("repeats", 1)):
        if options[name] < least:
            raise UnusableFile(f"--{name} must be a whole number of at least {least}.")
    if (options["output"] or "").endswith(".svg"):
        raise UnusableFile(f"Curves of kind {kind.name} are written as CSV; give --output such a name.")
    if options["ask"] == "label" and not kind.parts:
        raise UnusableFile(f"An answer of kind {kind.name} is given whole; leave --ask label out.")
    check_files([options[source] for source in ("votes", "gold", "items")], options["output"])
    return kind


def _recorded(options: dict[str, Any], kind: Kind) -> tuple[Recorded, tuple[str, ...]]:
    """Answers on gold's tasks in gold's order. Raises UnusableFile."""
    job = read_job({**options, "validation": None})
    gold, table = job.gold, job.table
    assert gold is not None
    place = np.full(len(table.tasks), -1, dtype=np.int32)
    place[gold.task] = np.arange(len(gold.task), dtype=np.int32)
    wanted = named(options["crowd"]) if options["crowd"] else None
    paid = _workers("--paid", options["paid"], table)
    if len(paid) != 1:
        raise UnusableFile("--paid names one worker with this kind; the others may be in --crowd.")
    crowd = (
        _workers("--crowd", options["crowd"], table)
        if wanted
        else [j for j in range(len(table.annotators)) if j != paid[0]]
    )
    if paid[0] in crowd:
        raise UnusableFile("A worker is named both in --crowd and in --paid; each is one or the other.")
    kept = table.only((place[table.task] >= 0) & np.isin(table.annotator, [*crowd, *paid]))
    tasks = [table.tasks[at] for at in gold.task.tolist()]
    moved = replace(kept, tasks=tasks, task=place[kept.task])
    by_part = kind.parts and options["ask"] != "task"
    return Recorded(kind, moved, gold.answers, paid[0], by_part), job.notes


def _workers(option: str, given: str, table: AnswerTable) -> list[int]:
    places = {name: at for at, name in enumerate(table.annotators)}
    unknown = [name for name in named(given) if name not in places]
    if unknown or not named(given):
        some = ", ".join(sorted(places)[:12])
        raise UnusableFile(f"{option} names {', '.join(unknown) or 'nobody'}; the workers are {some}.")
    return [places[name] for name in named(given)]


def _run(recorded: Recorded, budgets: list[float], validation: int, options: dict[str, Any], seed: int) -> Run:
    """One repeat: draw the slice, replay, and score on all other tasks."""
    n, kind = len(recorded.table.tasks), recorded.kind
    known = np.random.default_rng(seed).choice(n, validation, replace=False).astype(np.int32)
    scored = np.setdiff1d(np.arange(n), known)
    way = Way(options["router"], options["aggregator"] or "auto", seed)
    rising, back = np.unique(budgets, return_inverse=True)
    standings = list(replay(recorded, known, way, rising.tolist()))
    scores = [_score(recorded, standing.answers, scored) for standing in standings]
    alone = {j: _single(recorded, j, scored) for j in np.unique(recorded.table.annotator).tolist()}
    singles = [found["accuracy"] or 0.0 for j, found in alone.items() if j != recorded.paid]
    none: Score = dict.fromkeys(("accuracy", *kind.metrics))
    return Run(
        [scores[at] for at in back.tolist()],
        [standings[at].calls for at in back.tolist()],
        alone.get(recorded.paid, none),
        max(singles, default=0.0),
    )


def _score(recorded: Recorded, answers: Answers, tasks: Ints) -> Score:
    return recorded.kind.score(taken(answers, tasks), taken(recorded.gold, tasks), recorded.table.space)


def _single(recorded: Recorded, annotator: int, tasks: Ints) -> Score:
    """How one annotator's own answers score on the tasks that it answered, of those scored."""
    table = recorded.table
    at = np.flatnonzero((table.annotator == annotator) & np.isin(table.task, tasks))
    if not len(at):
        return dict.fromkeys(("accuracy", *recorded.kind.metrics))
    return recorded.kind.score(taken(table.answers, at), taken(recorded.gold, table.task[at]), table.space)


def _point(kind: Kind, place: int, budget: float, runs: list[Run], price: float) -> dict[str, Any]:
    """One budget, averaged over the repeats."""
    calls = float(np.mean([run.calls[place] for run in runs]))
    names = ["accuracy", *(name for name in kind.metrics if name != "accuracy")]
    means = {name: _mean([run.scores[place][name] for run in runs]) for name in names}
    spread = {
        f"{name}_sd": float(np.std([run.scores[place][name] or 0.0 for run in runs]))
        for name in dict.fromkeys(("accuracy", kind.metrics[0]))
    }
    return {"budget": budget, "calls": calls, "cost_usd": round(calls * price, 6), **means, **spread}


def _merit(kind: Kind, score: Score) -> float:
    """The first metric as a share of which more is better."""
    found = score.get("merit", score[kind.metrics[0]])
    return 0.0 if found is None else found


def _mean(values: list[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return float(np.mean(found)) if found else None


def _against(recorded: Recorded) -> dict[str, Score]:
    """How each annotator's answers score against all right ones, for the busiest."""
    table = recorded.table
    often = np.bincount(table.annotator, minlength=len(table.annotators))
    busy = [j for j in np.argsort(-often, kind="stable")[:MOST_TOLD].tolist() if often[j]]
    return {table.annotators[j]: _single(recorded, j, np.arange(len(table.tasks), dtype=np.int32)) for j in busy}


def _pairs(recorded: Recorded) -> list[dict[str, Any]]:
    """How members of the crowd score against each other, for the busiest."""
    table, rows = recorded.table, []
    often = np.bincount(table.annotator, minlength=len(table.annotators))
    busy = [j for j in np.argsort(-often, kind="stable")[:10].tolist() if often[j] and j != recorded.paid]
    for one, other in combinations(sorted(busy), 2):
        first, second = (np.flatnonzero(table.annotator == j) for j in (one, other))
        _, here, there = np.intersect1d(table.task[first], table.task[second], return_indices=True)
        if len(here):
            answers = taken(table.answers, first[here]), taken(table.answers, second[there])
            names = {"a": table.annotators[one], "b": table.annotators[other], "n": len(here)}
            rows.append({**names, **recorded.kind.score(*answers, table.space)})
    return rows[:MOST_TOLD]


def _write(path: str, curve: list[dict[str, Any]]) -> None:
    with opened(path) as stream:
        writer = csv.DictWriter(stream, list(curve[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(curve)


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
