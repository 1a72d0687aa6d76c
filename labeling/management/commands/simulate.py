"""`manage.py simulate VOTES.csv --gold GOLD.csv --paid WORKER`: a hierarchical run replayed on recorded votes."""

from __future__ import annotations

import csv
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandParser
from numpy.typing import NDArray

from labeling.files.votes import UnusableFile, VoteTable, index_gold, read_gold, read_texts, read_votes
from labeling.routing.replay import ROUTERS, Recording, Replay, replay
from labeling.truth.methods import NAMES
from labeling.truth.votes import Ints, Votes

BUDGETS = "0,0.05,0.1,0.2,0.3,0.5,1"
MICRO = 1_000_000
SHOWN = ("budget", "calls", "cost_usd", "accuracy", "accuracy_sd")
PAPERS_OWN = ("lmcrowd", "exact")
"""Routers that start from majority vote unless an aggregator is named, as the paper does."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is replayed. `budgets`: fractions of `everything`, the micro-dollars of asking the dearest about all."""

    recording: Recording
    crowd: Ints
    budgets: list[float]
    everything: int
    unit: float
    aggregator: str
    validation: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One repeat. `accuracy`, `calls`, `cost`: (B,). `crowd`, `paid`, `single`: accuracies on the same tasks."""

    accuracy: NDArray[np.float64]
    calls: NDArray[np.float64]
    cost: NDArray[np.float64]
    crowd: float
    paid: float
    single: float


class Command(BaseCommand):
    help = "Replay a run on recorded votes: what would a budget have bought, under which router?"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("votes", help="CSV with task,worker,label; - is standard input, .gz is read too")
        parser.add_argument("--gold", required=True, help="CSV with task,label: the tasks to replay, and their truth")
        parser.add_argument("--paid", required=True, help="the worker, or workers, whose answers cost money")
        parser.add_argument("--crowd", help="the workers whose votes are free (default: all but the paid ones)")
        parser.add_argument("--validation", type=int, default=100, help="gold labels the methods may learn from")
        parser.add_argument("--router", default="value", help=", ".join(ROUTERS))
        parser.add_argument("--aggregator", help=f"{', '.join(NAMES)} (default: auto; lmcrowd: majority_vote)")
        parser.add_argument("--budgets", default=BUDGETS, help="fractions of the price of asking about every task")
        parser.add_argument("--price", default="1", help="USD per call; one for each paid worker, or one for all")
        parser.add_argument("--items", help="JSONL with task and texts; text becomes one more annotator for auto")
        parser.add_argument("--text", default="text", help="field or fields of --items, separated by commas")
        parser.add_argument("--repeats", type=int, default=5, help="runs, each with its own validation slice")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--output", help="CSV to write the curve to")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            summary = self._simulate(options)
        except UnusableFile as error:
            self.stderr.write(str(error))
            sys.exit(2)
        self.stdout.write(json.dumps(summary) if options["json"] else "\n".join(as_lines(summary)))

    def _simulate(self, options: dict[str, Any]) -> dict[str, Any]:
        check_options(options)
        setting, start = read_setting(options), time.perf_counter()
        outcomes = []
        for repeat in range(options["repeats"]):
            outcomes.append(run_once(setting, options["router"], options["seed"] + repeat))
            self.stderr.write(f"repeat {repeat + 1} of {options['repeats']}: area {outcomes[-1].accuracy.mean():.4f}")
        summary = summarise(setting, outcomes) | {"seconds": round(time.perf_counter() - start, 3)}
        if options["output"]:
            write_curve(options["output"], summary["curve"])
        return {"router": options["router"], "repeats": options["repeats"], **summary}


def check_options(options: dict[str, Any]) -> None:
    """Refuse, before any file is read, what cannot be served. Raises UnusableFile."""
    if options["router"] not in ROUTERS:
        raise UnusableFile(f"There is no router {options['router']!r}; choose one of {', '.join(ROUTERS)}.")
    if options["aggregator"] not in (None, *NAMES):
        raise UnusableFile(f"There is no method {options['aggregator']!r}; choose one of {', '.join(NAMES)}.")
    for name, least in (("seed", 0), ("validation", 0), ("repeats", 1)):
        if options[name] < least:
            raise UnusableFile(f"--{name} must be a whole number of at least {least}.")
    if [options[source] for source in ("votes", "gold", "items")].count("-") > 1:
        raise UnusableFile("Only one of the files can be standard input (-).")
    output = options["output"]
    if output and not os.access(Path(output).resolve().parent, os.W_OK):
        raise UnusableFile(f"{output} cannot be written; check that its folder exists and can be written to.")


def read_setting(options: dict[str, Any]) -> Setting:
    """Read the files and everything that depends on them. Raises UnusableFile."""
    budgets = numbers("--budgets", options["budgets"])
    gold = read_gold(options["gold"])
    table = on_gold(read_votes(options["votes"], labels=sorted(set(gold.values()))), gold, options["gold"])
    paid = workers("--paid", options["paid"], table)
    others = [name for name in table.annotators if name not in options["paid"].split(",")]
    crowd = workers("--crowd", options["crowd"], table) if options["crowd"] else workers_at(others, table)
    if np.isin(crowd, paid).any():
        raise UnusableFile("A worker is named both in --crowd and in --paid; each is one or the other.")
    if not len(crowd):
        raise UnusableFile("Nobody is left for the crowd; name its workers with --crowd.")
    prices = prices_of(options["price"], len(paid))
    # without a price only calls count: one unit a call
    units = np.array([round(price * MICRO) for price in prices]) if max(prices) > 0 else np.ones(len(paid))
    recording = Recording(
        votes_of(table, crowd),
        answers_of(table, paid),
        np.maximum(units, 1).astype(np.int64),
        index_gold(gold, table.tasks, table.labels),
        features(options, table.tasks) if options["items"] else None,
    )
    aggregator = options["aggregator"] or ("majority_vote" if options["router"] in PAPERS_OWN else "auto")
    everything = int(recording.prices.max()) * len(table.tasks)
    validation = min(options["validation"], len(table.tasks) // 4)
    return Setting(recording, crowd, budgets, everything, float(max(prices) > 0) / MICRO, aggregator, validation)


def numbers(option: str, given: str) -> list[float]:
    """Numbers of at least 0, separated by commas. Raises UnusableFile."""
    try:
        found = [float(part) for part in given.split(",")]
    except ValueError:
        raise UnusableFile(f"{option} must be numbers separated by commas; it is {given!r}.") from None
    bad = [value for value in found if not (value >= 0 and math.isfinite(value))]
    if bad:
        raise UnusableFile(f"{option} holds {bad[0]:g}; every number in it must be 0 or more.")
    return found


def prices_of(given: str, n_paid: int) -> list[float]:
    """USD per call of each paid worker. Raises UnusableFile."""
    prices = numbers("--price", given)
    if len(prices) not in (1, n_paid):
        raise UnusableFile(
            f"--price has {len(prices)} prices for {n_paid} paid workers; give one for all, or one each."
        )
    if max(prices) > MICRO:
        raise UnusableFile(f"--price holds {max(prices):g}; a call costs at most {MICRO:,} dollars.")
    return prices * n_paid if len(prices) == 1 else prices


def on_gold(table: VoteTable, gold: dict[str, str], path: str) -> VoteTable:
    """The votes on gold's tasks, in gold's order; a gold task without any vote stays, others go."""
    if gold.keys().isdisjoint(table.tasks):
        raise UnusableFile(f"{path} names no task of the votes; tasks are matched by the name in column task.")
    place = {task: at for at, task in enumerate(gold)}
    moved = np.array([place.get(task, -1) for task in table.tasks], dtype=np.int32)[table.votes.task]
    keep, votes = moved >= 0, table.votes
    kept = Votes(moved[keep], votes.annotator[keep], votes.label[keep], len(gold), votes.n_annotators, votes.n_labels)
    return VoteTable(kept, list(gold), table.annotators, table.labels)


def workers(option: str, given: str, table: VoteTable) -> Ints:
    """The indexes of the workers named in an option. Raises UnusableFile."""
    names = list(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    unknown = [name for name in names if name not in table.annotators]
    if unknown or not names:
        some = ", ".join(sorted(table.annotators)[:12])
        raise UnusableFile(f"{option} names {(unknown or [given])[0]!r}, who has no vote; there are {some}.")
    return workers_at(names, table)


def workers_at(names: Sequence[str], table: VoteTable) -> Ints:
    """The indexes of workers by name."""
    index = {name: place for place, name in enumerate(table.annotators)}
    return np.array([index[name] for name in names], dtype=np.int32)


def votes_of(table: VoteTable, crowd: Ints) -> Votes:
    """The crowd's votes, its members renumbered."""
    votes, place = table.votes, np.full(table.votes.n_annotators, -1, dtype=np.int32)
    place[crowd] = np.arange(len(crowd), dtype=np.int32)
    keep = place[votes.annotator] >= 0
    member = place[votes.annotator[keep]]
    return Votes(votes.task[keep], member, votes.label[keep], votes.n_tasks, len(crowd), votes.n_labels)


def answers_of(table: VoteTable, workers: Ints) -> Ints:
    """Labels by task and worker, (n, W), K where a worker has none."""
    votes = table.votes
    answers = np.full((votes.n_tasks, len(workers)), votes.n_labels, dtype=np.int32)
    for column, worker in enumerate(workers):
        mine = votes.annotator == worker
        answers[votes.task[mine], column] = votes.label[mine]
    return answers


def features(options: dict[str, Any], tasks: Sequence[str]) -> NDArray[np.float32]:
    """Rows of text, (n, d). Raises UnusableFile."""
    from labeling.crowd.text_features import text_features

    texts = read_texts(options["items"], options["text"].split(","))
    if texts.keys().isdisjoint(tasks):
        raise UnusableFile(f"{options['items']} names no task of the votes; tasks are matched by the field task.")
    return text_features([texts.get(task, "") for task in tasks], options["seed"])


def run_once(setting: Setting, router: str, seed: int) -> Outcome:
    """One repeat: draw the validation slice, replay, and score on all other tasks."""
    record, known = setting.recording, known_labels(setting, seed)
    run = Replay(record, known, setting.aggregator, seed)
    rising, place = np.unique([0.0, *setting.budgets], return_inverse=True)
    points = replay(run, router, [int(fraction * setting.everything + 1e-6) for fraction in rising])
    scored = known < 0
    right = np.array([(point.label == record.truth)[scored].mean() for point in points])
    chosen, calls = place[1:], np.array([point.calls for point in points])
    return Outcome(
        right[chosen],
        calls[chosen],
        np.array([point.cost for point in points])[chosen],
        float(right[place[0]]),
        float((record.answers == record.truth[:, None])[scored].mean(axis=0).max()),
        best_single(record.votes, record.truth, scored),
    )


def known_labels(setting: Setting, seed: int) -> Ints:
    """The validation slice that this seed draws: labels by task, -1 outside it, (n,)."""
    truth = setting.recording.truth
    known = np.full(len(truth), -1, dtype=np.int32)
    drawn = np.random.default_rng(seed).choice(len(truth), setting.validation, replace=False)
    known[drawn] = truth[drawn]
    return known


def best_single(votes: Votes, truth: Ints, scored: NDArray[np.bool_]) -> float:
    """The largest accuracy of one member of the crowd, known only in hindsight; a task without its vote is wrong."""
    right = scored[votes.task] & (votes.label == truth[votes.task])
    return float(np.bincount(votes.annotator[right], minlength=votes.n_annotators).max() / scored.sum())


def summarise(setting: Setting, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Means over the repeats; `accuracy_sd` is the standard deviation between them."""
    accuracy = np.stack([outcome.accuracy for outcome in outcomes])
    calls = np.mean([outcome.calls for outcome in outcomes], axis=0)
    cost = np.mean([outcome.cost for outcome in outcomes], axis=0) * setting.unit
    columns = (setting.budgets, calls, cost, accuracy.mean(axis=0), accuracy.std(axis=0))
    return {
        "aggregator": setting.aggregator,
        "tasks": len(setting.recording.truth),
        "labels": setting.recording.votes.n_labels,
        "validation": setting.validation,
        "crowd_accuracy": float(np.mean([outcome.crowd for outcome in outcomes])),
        "paid_accuracy": float(np.mean([outcome.paid for outcome in outcomes])),
        "best_single_accuracy": float(np.mean([outcome.single for outcome in outcomes])),
        "curve": [
            dict(zip(SHOWN, (round(float(value), 6) for value in row), strict=True))
            for row in zip(*columns, strict=True)
        ],
        "area": float(accuracy.mean()),
    }


def write_curve(path: str, curve: Sequence[dict[str, float]]) -> None:
    """Write the curve as CSV. Raises UnusableFile."""
    try:
        with Path(path).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, SHOWN, lineterminator="\n")
            writer.writeheader()
            writer.writerows(curve)
    except OSError as error:
        raise UnusableFile(f"{path} cannot be written ({error.strerror}).") from error


def as_lines(summary: dict[str, Any]) -> list[str]:
    """The report as a table for people."""
    lines = [
        "{tasks} tasks, {labels} labels; router {router}, aggregator {aggregator}".format(**summary),
        "{repeats} repeats, each with {validation} known labels; accuracy is on all other tasks".format(**summary),
        "",
        "  ".join(f"{column:>12}" for column in SHOWN),
    ]
    lines += ["  ".join(f"{row[column]:>12.4f}" for column in SHOWN) for row in summary["curve"]]
    alone = "crowd alone {crowd_accuracy:.4f}, paid on everything {paid_accuracy:.4f}, "
    alone += "best of the crowd in hindsight {best_single_accuracy:.4f}, area {area:.4f}"
    return [*lines, "", alone.format(**summary)]
