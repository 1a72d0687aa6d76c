"""`manage.py aggregate VOTES.csv --method NAME`: labels and beliefs from a file of votes."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandParser
from numpy.typing import NDArray

from labeling.files.tables import UnusableFile
from labeling.files.votes import (
    Known,
    VoteTable,
    check_gold,
    index_gold,
    lacking_votes,
    read_known,
    read_texts,
    read_votes,
)
from labeling.kinds.cells import Rules
from labeling.management import group_report, kind_aggregate
from labeling.management.aggregate_table import as_lines
from labeling.management.cell_options import (
    add_cell_options,
    add_vote_columns,
    check_files,
    check_seed,
    columns_of,
    gold_columns_of,
    rules_of,
)
from labeling.management.group_report import Groups
from labeling.management.kind_job import add_kind_option, is_plain, kind_of
from labeling.management.outputs import opened, refusing
from labeling.truth import by_group, duplicates, sequence
from labeling.truth.confusion import wilson
from labeling.truth.dawid_skene import Step
from labeling.truth.device_expectation import DeviceExpectation
from labeling.truth.languages import is_language
from labeling.truth.methods import NAMES, method
from labeling.truth.scoring import ANOTHER_LABEL, score
from labeling.truth.screen import screen
from labeling.truth.vote_matrix import VoteMatrix
from labeling.truth.votes import Bools, Inference, Ints

CONFUSING = ("dawid_skene", "ibcc", "ebcc", "auto", "all")
"""Methods that keep a table of labels by labels for each annotator."""
MOST_CELLS = 100_000_000
"""Numbers of such tables, or of all beliefs: 0.8 GB, and several times that in work."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a method needs, and what scores it. `known`, `gold`: (n_tasks,) label indexes, -1 for none.

    `sequence`, `position`, `cluster`: (n_tasks,) which sequence a task belongs to and where in it, and its cluster of
    near-duplicates; -1 for none, or None where not asked for. `notes`: what to know about the files.
    """

    table: VoteTable
    known: Ints | None
    gold: Ints
    shown: Bools
    features: NDArray[np.float32] | None
    seed: int
    device: str | None = None
    sequence: Ints | None = None
    position: Ints | None = None
    cluster: Ints | None = None
    groups: Groups | None = None
    notes: tuple[str, ...] = ()


class Command(BaseCommand):
    help = "Infer the label of every task from a file of votes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("votes", help="CSV with task,worker,label; - is standard input, .gz is read too")
        parser.add_argument("--method", default="auto", help=f"{', '.join(NAMES)}, or all to compare them")
        parser.add_argument("--gold", help="CSV with task,label that only scores")
        parser.add_argument("--validation", help="CSV with task,label that the method may learn from")
        parser.add_argument("--items", help="JSONL with task and texts; text becomes one more annotator for auto")
        parser.add_argument("--text", default="text", help="field or fields of --items, separated by commas")
        parser.add_argument(
            "--sequence", help="field of --items that names a task's sequence, in the order of the file"
        )
        parser.add_argument("--duplicates", help="field of --items that near-duplicates have in common")
        parser.add_argument(
            "--group",
            help="field of --items: how right labels and annotators are by it; of a language each has its own crowd",
        )
        parser.add_argument("--output", help="CSV to write: task,label,confidence,tie; - is standard output")
        parser.add_argument("--probabilities", action="store_true", help="add a column p:<label> for each label")
        parser.add_argument(
            "--device", help="torch device, such as cuda, that computes dawid_skene; pays from millions of votes"
        )
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        add_cell_options(parser)
        add_vote_columns(parser)
        add_kind_option(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusing(self):
            plain = is_plain(options)
            summary = self._aggregate(options) if plain else kind_aggregate.aggregate(options, self.stderr.write)
        if options["json"]:
            self.stdout.write(json.dumps(summary))
        else:
            out = self.stderr if options["output"] == "-" else self.stdout
            out.write(
                "\n".join(
                    as_lines(summary, bool(options["output"]))
                    if plain
                    else kind_aggregate.as_lines(summary, kind_of(options))
                )
            )

    def _aggregate(self, options: dict[str, Any]) -> dict[str, Any]:
        check_options(options)
        job = read_job(options)
        told = {"degenerate_annotators": degenerate_annotators(job), "base": base(job), "notes": list(job.notes)}
        if options["method"] == "all":
            rows = []
            for name in NAMES:
                rows.append(run(job, name)[1])
                self.stderr.write(f"{name}: {rows[-1]['seconds']:.2f} s")
            return {"method": "all", **sizes(job), **told, "methods": rows}
        result, row = run(job, options["method"])
        if options["output"]:
            write_labels(options["output"], job.table, result, options["probabilities"])
        return {"method": row.pop("method"), **sizes(job), **row, **told}


def check_options(options: dict[str, Any]) -> None:
    """Refuse, before any work, options that cannot be served together. Raises UnusableFile."""
    name, output = options["method"], options["output"]
    if name not in (*NAMES, "all"):
        raise UnusableFile(f"There is no method {name!r}; choose one of {', '.join(NAMES)}, or all.")
    if name == "all" and output:
        raise UnusableFile("--output holds the labels of one method; choose it with --method.")
    if output == "-" and options["json"]:
        raise UnusableFile("--json and --output - both write to standard output; give --output a file.")
    check_seed(options)
    if options["device"] and name != "dawid_skene":
        raise UnusableFile("--device serves --method dawid_skene alone; leave it out or choose that method.")
    asked = [f"--{name}" for name in ("sequence", "duplicates", "group") if options[name]]
    if asked and not options["items"]:
        raise UnusableFile(f"{asked[0]} names a field of --items; give that file too.")
    if options["probabilities"] and not output:
        raise UnusableFile("--probabilities adds columns to the file of labels; name it with --output.")
    check_files([options[source] for source in ("votes", "gold", "validation", "items")], output)


def read_job(options: dict[str, Any]) -> Job:
    """Read every file that is named in the options. Raises UnusableFile."""
    rules, none, columns = rules_of(options), Known({}), gold_columns_of(options)
    validation = read_known(options["validation"], rules, columns) if options["validation"] else none
    gold = read_known(options["gold"], rules, columns) if options["gold"] else none
    taught = sorted(set(validation.labels.values()))
    table = read_votes(options["votes"], labels=taught, rules=rules, columns=columns_of(options))
    check_size(table, options["method"])
    notes = [*table.notes, *validation.notes, *gold.notes]
    for path, found in ((options["validation"], validation), (options["gold"], gold)):
        notes += check_gold(path, found.labels, table, rules) if path else ()
    known = index_gold(validation.labels, table.tasks, table.labels, rules) if options["validation"] else None
    scored = index_scored(gold.labels, table, rules)
    shown = np.array([task in validation.labels for task in table.tasks])
    features = _features(options, table.tasks) if options["items"] else None
    structure = _structure(options, table.tasks)
    told = tuple(dict.fromkeys([*notes, *lacking_votes(table)]))
    groups = _groups(options, table.tasks)
    seed, device = options["seed"], options["device"]
    return Job(table, known, scored, shown, features, seed, device, *structure, groups, notes=told)


def _groups(options: dict[str, Any], tasks: Sequence[str]) -> Groups | None:
    """The group of each task, where that was asked for. Raises UnusableFile where the field is nowhere."""
    if not options["group"]:
        return None
    named = read_texts(options["items"], [options["group"]])
    told = [named.get(task, "").strip() for task in tasks]
    if not any(told):
        raise UnusableFile(f"--group names {options['group']!r}, which no task of the votes has in {options['items']}.")
    return Groups.of(options["group"], told)


def check_size(table: VoteTable, name: str) -> None:
    """Refuse what would fill the memory, as free text in place of labels does. Raises UnusableFile."""
    votes = table.votes
    square = votes.n_annotators * votes.n_labels**2 if name in CONFUSING else 0
    cells = max(square, votes.n_tasks * votes.n_labels)
    if cells > MOST_CELLS:
        per = f"{votes.n_annotators:,} annotators" if cells == square else f"{votes.n_tasks:,} tasks"
        other = "; majority_vote and wawa keep less" if cells == square else ""
        raise UnusableFile(
            f"{name} would keep {cells * 8 / 1e9:.1f} GB for the {votes.n_labels:,} labels of {per}{other}. "
            "Is this the label column?"
        )


def index_scored(gold: dict[str, str], table: VoteTable, rules: Rules) -> Ints:
    """Gold by task: its label's index, ANOTHER_LABEL for one that neither votes nor validation use, -1 for none."""
    truth = index_gold(gold, table.tasks, table.labels, rules)
    named = np.array([task in gold for task in table.tasks])
    return np.where(named & (truth < 0), np.int32(ANOTHER_LABEL), truth)


def _features(options: dict[str, Any], tasks: Sequence[str]) -> NDArray[np.float32]:
    from labeling.crowd.text_features import text_features

    texts = read_texts(options["items"], options["text"].split(","))
    if texts.keys().isdisjoint(tasks):
        raise UnusableFile(f"{options['items']} names no task of the votes; tasks are matched by the field task.")
    return text_features([texts.get(task, "") for task in tasks], options["seed"])


def _structure(options: dict[str, Any], tasks: Sequence[str]) -> tuple[Ints | None, Ints | None, Ints | None]:
    """Sequence, position and cluster of each task, as far as they were asked for."""
    of_sequence = of_cluster = position = None
    if options["sequence"]:
        names = read_texts(options["items"], [options["sequence"]])
        place = {task: i for i, task in enumerate(names)}
        of_sequence, position = _numbered(names, tasks), np.array([place.get(task, -1) for task in tasks], np.int32)
    if options["duplicates"]:
        of_cluster = _numbered(read_texts(options["items"], [options["duplicates"]]), tasks)
    return of_sequence, position, of_cluster


def _numbered(names: dict[str, str], tasks: Sequence[str]) -> Ints:
    """A number for each name, (len(tasks),), -1 for a task that is not named or whose name is empty."""
    number = {name: i for i, name in enumerate(dict.fromkeys(filter(None, names.values())))}
    return np.array([number.get(names.get(task, ""), -1) for task in tasks], dtype=np.int32)


def share_evidence(job: Job, result: Inference, name: str) -> Inference:
    """The result after near-duplicates, then neighbours in a sequence, have told each other what they know."""
    belief, known = result.belief, job.known
    if job.cluster is not None:
        none_known = np.full(len(belief), -1, dtype=np.int32)
        mismatch = duplicates.fit_mismatch(none_known if known is None else known, job.cluster, belief.shape[1])
        belief = duplicates.share(belief, job.cluster, mismatch=mismatch)
    if job.sequence is not None:
        modest = name == "majority_vote" or result.details.get("calibrated", False)
        temper = 1.0 if modest else sequence.TEMPER_UNCALIBRATED
        belief = sequence.smooth(belief, job.sequence, job.position, temper=temper, known=known).belief
    return replace(result, belief=belief)


def infer(job: Job, name: str) -> Inference:
    """Beliefs by one method. Raises UnusableFile where torch has no such device, or the device too little memory."""
    extra: dict[str, Any] = {}
    by_language = job.groups is not None and is_language(job.groups.field)
    if name == "auto" and job.features is not None and not by_language:
        extra["features"] = job.features
    try:
        if job.device:
            extra["step_on"] = _steps_on(job.device)
        found = method(name)(job.table.votes, known=job.known, seed=job.seed, **extra)
        return _in_groups(job, name, found, extra)
    except RuntimeError as error:
        if not job.device:
            raise
        reason = str(error).splitlines()[0]
        raise UnusableFile(f"--device {job.device} cannot be used ({reason}); leave it out to use numpy.") from error


def _in_groups(job: Job, name: str, plain: Inference, extra: dict[str, Any]) -> Inference:
    """With `auto` and groups: by a crowd of its own in each group, where groups or known labels speak for it."""
    if name != "auto" or job.groups is None or job.known is None:
        return plain
    field, place = job.groups.field, job.groups.place
    votes = by_group.crowds(job.table.votes, place, job.known, by_group.elsewhere(field))
    apart = method(name)(votes, known=job.known, seed=job.seed, **extra)
    return by_group.kept(plain, apart, job.known, field)


def _steps_on(device: str) -> Callable[[VoteMatrix], Step]:
    try:
        import torch
    except ImportError as error:
        raise UnusableFile("--device needs torch, which is not installed here; run make models.") from error

    return partial(DeviceExpectation, torch, device)


def run(job: Job, name: str) -> tuple[Inference, dict[str, Any]]:
    """Infer by one method; the second part is its row of the report.

    `scored` counts the tasks that have votes and a gold label and are not in the validation file: accuracy and
    calibration error (ece, 15 bins of equal mass) are over those alone. `seconds` (of the clock) and `cpu_seconds`
    are inference alone. `auto` without enough known labels names the tasks whose label would help most.
    """
    start, cpu_start = time.perf_counter(), time.process_time()
    result = share_evidence(job, infer(job, name), name)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    found = score(result, job.gold, job.shown)
    low, high = wilson(np.array(found.accuracy or 0.0), np.array(max(found.scored, 1)))
    row = {
        "method": name,
        "iterations": result.iterations,
        "converged": result.converged,
        "seconds": round(seconds, 6),
        "cpu_seconds": round(cpu_seconds, 6),
        "accuracy": found.accuracy,
        "accuracy_low": None if found.accuracy is None else float(low),
        "accuracy_high": None if found.accuracy is None else float(high),
        "ece": found.ece,
        "scored": found.scored,
        "calibrated": bool(result.details.get("calibrated", False)),
    }
    told: dict[str, Any] = {key: result.details[key] for key in ("chosen", "message") if key in result.details}
    if "tasks_to_validate" in result.details:
        told["tasks_to_validate"] = [job.table.tasks[i] for i in result.details["tasks_to_validate"]]
    if job.groups is not None:
        votes, names = job.table.votes, job.table.annotators
        told["groups"] = group_report.report(job.groups, votes, names, result, job.gold, job.shown)
        told["group"] = job.groups.field
    return result, row | told


def sizes(job: Job) -> dict[str, int]:
    """How much there was to work on."""
    votes = job.table.votes
    return {
        "tasks": votes.n_tasks,
        "annotators": votes.n_annotators,
        "votes": len(votes.task),
        "labels": votes.n_labels,
    }


def base(job: Job) -> dict[str, Any] | None:
    """The commonest gold label of the scored tasks and its share: what needs no vote. None where nothing is scored."""
    scored = job.gold[(job.gold != -1) & ~job.shown]
    named = np.bincount(scored[scored >= 0], minlength=len(job.table.labels))
    if not named.any():
        return None
    return {"label": job.table.labels[int(named.argmax())], "accuracy": float(named.max() / len(scored))}


def degenerate_annotators(job: Job) -> list[str]:
    """Names of the annotators whose answers say nothing (`labeling.truth.screen`)."""
    degenerate = screen(job.table.votes, seed=job.seed).degenerate
    return [job.table.annotators[j] for j in np.flatnonzero(degenerate)]


def write_labels(path: str, table: VoteTable, result: Inference, probabilities: bool) -> None:
    """Write task, label, confidence and tie, and with `probabilities` the belief in each label. Raises UnusableFile."""
    head = ["task", "label", "confidence", "tie", *(f"p:{label}" for label in table.labels if probabilities)]
    names = [table.labels[index] for index in result.labels()]
    confidence = [f"{value:.6f}" for value in result.belief.max(axis=1)]
    ties = np.where(result.ties(), "true", "false").tolist()
    with opened(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        rows = zip(table.tasks, names, confidence, ties, strict=True)
        if not probabilities:
            writer.writerows(rows)
            return
        for row, belief in zip(rows, result.belief, strict=True):
            writer.writerow([*row, *(f"{value:.6f}" for value in belief)])
