"""`manage.py simulate VOTES.csv --gold GOLD.csv --paid WORKER`: a hierarchical run replayed on recorded votes."""

from __future__ import annotations

import csv
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandParser

from labeling.files import recordings
from labeling.files.recordings import NEVER_ASKED, UNREADABLE, Recorded, Source
from labeling.files.tables import UnusableFile
from labeling.management import kind_simulate
from labeling.management.cell_options import (
    add_cell_options,
    add_vote_columns,
    check_files,
    columns_of,
    gold_columns_of,
    rules_of,
)
from labeling.management.kind_job import add_kind_option, is_plain
from labeling.management.outputs import refusing
from labeling.reports.drawing.line_chart import Line, svg
from labeling.routing import figures
from labeling.routing.promises import CONTRADICTION, TRIAL
from labeling.routing.replay import EITHER, FIRST_PAID_ONLY, PAPERS_OWN, ROUNDS_OF_K, ROUTERS
from labeling.routing.simulation import SHOWN, Setting, Way, run_once, summarise
from labeling.truth.confusion import wilson
from labeling.truth.methods import NAMES

BUDGETS = "0,0.05,0.1,0.2,0.3,0.5,1"
ASSUMED_PRICE = "1"
ASSUMED = "Cost is reckoned at $1 a call; --price names the real one."
WEIGHINGS = ("learned", "paper")
LINE = ("line", "router", "aggregator", "weighing", "k")
STOPS = {
    TRIAL: "nothing was bought from {paid}: on the known tasks its answers spoil more labels than they mend.",
    CONTRADICTION: "buying from {paid} stopped: its answers contradict what those to known tasks let expect.",
}
Summary = dict[str, Any]


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
        parser.add_argument("--weighing", help=f"{', '.join(WEIGHINGS)}: for {', '.join(EITHER)} (default: learned)")
        parser.add_argument("--k", help=f"tasks of one round (2); for {', '.join(ROUNDS_OF_K)}, several for --figure")
        parser.add_argument("--figure", type=int, help="3, 4 or 5: the lines of that figure of the LMCrowd paper")
        parser.add_argument("--aggregator", help=f"{', '.join(NAMES)} (default: auto; the paper's: majority_vote)")
        parser.add_argument("--budgets", default=BUDGETS, help="fractions of the price of asking about every task")
        parser.add_argument(
            "--price",
            default=ASSUMED_PRICE,
            help="USD per call; one for each paid worker, or one for all; 1 by default",
        )
        parser.add_argument("--absent", help=f"a paid worker's missing answers: {UNREADABLE} or {NEVER_ASKED}")
        parser.add_argument("--items", help="JSONL with task and texts; text becomes one more annotator for auto")
        parser.add_argument("--text", default="text", help="field or fields of --items, separated by commas")
        parser.add_argument("--repeats", type=int, default=5, help="runs, each with its own validation slice")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--output", help="CSV to write the curve to; .svg draws it")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        add_cell_options(parser)
        add_vote_columns(parser)
        add_kind_option(parser)
        parser.add_argument(
            "--ask",
            choices=("label", "task"),
            help="what one question to the paid worker is about, for --kind choices (default: label, at its share "
            "of the price)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusing(self):
            if not is_plain(options):
                told = kind_simulate.simulate(options, self.stderr.write)
                self.stdout.write(json.dumps(told) if options["json"] else "\n".join(kind_simulate.as_lines(told)))
                return
            check_options(options)
            recorded = recordings.read(source_of(options))
            setting = setting_of(recorded, options)
        for remark in remarks(recorded, options):
            self.stderr.write(remark)
        told = self.figure(setting, options) if options["figure"] else self.simulate(setting, options)
        told["recorded"] = facts(recorded)
        name_stopped(told, list(recorded.answered))
        show = as_figure if options["figure"] else as_lines
        assumed = [ASSUMED] if options["price"] == ASSUMED_PRICE else []
        self.stdout.write(json.dumps(told) if options["json"] else "\n".join([*show(told), *assumed]))

    def simulate(self, setting: Setting, options: dict[str, Any]) -> Summary:
        """One way of spending: its curve, averaged over the repeats, and written to --output."""
        start = time.perf_counter()
        told = averaged(setting, way_of(options), options, self.stderr.write)
        if options["output"]:
            write(options["output"], f"Accuracy by budget, router {told['router']}", [(told["router"], told)])
        return told | {"seconds": round(time.perf_counter() - start, 3)}

    def figure(self, setting: Setting, options: dict[str, Any]) -> Summary:
        """All lines of one of the paper's figures, written to --output."""
        start, number = time.perf_counter(), options["figure"]
        ks, drawn = sizes(options["k"]), []
        for name, way in figures.lines(number, ks):
            self.stderr.write(name)
            drawn.append((name, averaged(setting, way, options, self.stderr.write)))
        title = figures.TITLES[number].format(k=(ks or figures.SIZES[number])[0])
        if options["output"]:
            write(options["output"], title, drawn)
        lines = [{"line": name, **told} for name, told in drawn]
        return {"figure": number, "title": title, "lines": lines, "seconds": round(time.perf_counter() - start, 3)}


def check_options(options: dict[str, Any]) -> None:
    """Refuse, before any file is read, what cannot be served. Raises UnusableFile."""
    for name, choices in (("router", ROUTERS), ("aggregator", NAMES), ("weighing", WEIGHINGS)):
        given = options[name]
        if given is not None and given not in choices:
            kind = {"aggregator": "method"}.get(name, name)
            raise UnusableFile(f"There is no {kind} {given!r}; choose one of {', '.join(choices)}.")
    if options["ask"]:
        raise UnusableFile("--ask is for answers of several labels; leave it out.")
    if options["absent"] not in (None, UNREADABLE, NEVER_ASKED):
        raise UnusableFile(f"--absent is {options['absent']!r}; choose {UNREADABLE} or {NEVER_ASKED}.")
    for name, least in (("seed", 0), ("validation", 0), ("repeats", 1)):
        if options[name] < least:
            raise UnusableFile(f"--{name} must be a whole number of at least {least}.")
    _check_way(options)
    recordings.numbers("--budgets", options["budgets"])
    check_files([options[source] for source in ("votes", "gold", "items")], options["output"])


def _check_way(options: dict[str, Any]) -> None:
    """Options of the paper's way that do not go together. Raises UnusableFile."""
    router, figure, ks = options["router"], options["figure"], sizes(options["k"])
    if figure not in (None, *figures.SIZES):
        raise UnusableFile(f"--figure is {figure}; the figures that can be drawn are 3, 4 and 5.")
    if figure and (options["weighing"] == "learned" or options["aggregator"]):
        raise UnusableFile(f"Figure {figure} weighs as the paper does; leave --weighing and --aggregator out.")
    if (ks and figure is None and len(ks) > 1) or (figure == 4 and len(ks) > 1):
        raise UnusableFile("--k names one size of the rounds here; several are the lines of --figure 3 and --figure 5.")
    if ks and figure is None and router not in ROUNDS_OF_K:
        raise UnusableFile(f"--k belongs to the routers {', '.join(ROUNDS_OF_K)}; {router} has no rounds of k.")
    own = "paper" if router in PAPERS_OWN else "learned" if router == "value" else None
    if figure is None and options["weighing"] and router not in EITHER and options["weighing"] != own:
        raise UnusableFile(f"Router {router} weighs in one way only; --weighing is for {', '.join(EITHER)}.")


def sizes(given: str | None) -> list[int]:
    """The sizes of the rounds named in --k. Raises UnusableFile."""
    if given is None:
        return []
    parts = [part.strip() for part in str(given).split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise UnusableFile(f"--k must be whole numbers of at least 1, separated by commas; it is {given!r}.")
    return [int(part) for part in parts]


def source_of(options: dict[str, Any]) -> Source:
    """The options about files and workers."""
    names = ("votes", "gold", "paid", "crowd", "price", "items", "text", "absent", "seed")
    told = {name: options[name] for name in names}
    return Source(**told, rules=rules_of(options), columns=columns_of(options), gold_columns=gold_columns_of(options))


def setting_of(recorded: Recorded, options: dict[str, Any]) -> Setting:
    """What is replayed, and with which budgets. Raises UnusableFile."""
    record, tasks = recorded.recording, len(recorded.recording.truth)
    budgets = recordings.numbers("--budgets", options["budgets"])
    validation = min(options["validation"], tasks // 4)
    return Setting(record, budgets, int(record.prices.max()) * tasks, recorded.unit, validation)


def way_of(options: dict[str, Any]) -> Way:
    """The router and how it starts and weighs."""
    k = sizes(options["k"])
    return Way.named(options["router"], options["aggregator"], options["weighing"], k[0] if k else None)


def averaged(setting: Setting, way: Way, options: dict[str, Any], say: Callable[[str], Any]) -> Summary:
    """One way over all repeats, each told as it ends."""
    outcomes = []
    for repeat in range(options["repeats"]):
        outcomes.append(run_once(setting, way, options["seed"] + repeat))
        say(f"repeat {repeat + 1} of {options['repeats']}: area {outcomes[-1].accuracy.mean():.4f}")
    return summarise(setting, way, outcomes)


def remarks(recorded: Recorded, options: dict[str, Any]) -> list[str]:
    """What a reader must know about files and options, a sentence each."""
    told = list(recorded.remarks())
    paid = list(recorded.answered)
    if len(paid) > 1 and (options["figure"] or options["router"] in FIRST_PAID_ONLY):
        who = f"Figure {options['figure']}" if options["figure"] else f"Router {options['router']}"
        told.append(f"{who} asks one paid worker: {paid[0]}; the answers of {', '.join(paid[1:])} are not used.")
    return told


def facts(recorded: Recorded) -> dict[str, Any]:
    """What was read, for JSON."""
    tasks = len(recorded.recording.truth)
    lacking = {name: tasks - count for name, count in recorded.voted.items() if count < tasks}
    paid = [{"worker": n, "answered": c, "absent_is": recorded.taken_as[n]} for n, c in recorded.answered.items()]
    notes = list(recorded.notes)
    return {"left_out": recorded.left_out, "paid": paid, "crowd_without_vote": lacking, "notes": notes}


def name_stopped(told: Summary, paid: Sequence[str]) -> None:
    """Paid workers by name, not by place, where buying from them stopped."""
    for stop in told.get("stopped", []):
        stop["paid"] = paid[stop["paid"]]


def stops(told: Summary) -> list[str]:
    """In how many repeats buying from whom stopped, and why, a sentence each."""
    counts = Counter((stop["paid"], stop["why"]) for stop in told["stopped"])
    return [
        f"In {count} of {told['repeats']} repeats {STOPS[why].format(paid=paid)}"
        for (paid, why), count in counts.items()
    ]


def write(path: str, title: str, drawn: Sequence[tuple[str, Summary]]) -> None:
    """Write the curves: a drawing where the name ends in .svg, else CSV, with the way of each line where several."""
    if path.endswith(".svg"):
        lines = [
            Line(name, *([p[key] for p in told["curve"]] for key in ("budget", "accuracy"))) for name, told in drawn
        ]
        Path(path).write_text(svg(title, lines, basis(drawn[0][1])), encoding="utf-8")
        return
    several = len(drawn) > 1
    with Path(path).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*(LINE if several else ()), *SHOWN], lineterminator="\n")
        writer.writeheader()
        for name, told in drawn:
            way = {"line": name, **{key: told[key] for key in LINE[1:]}} if several else {}
            writer.writerows(way | point for point in told["curve"])


def basis(told: Summary) -> str:
    """What the numbers rest on, in a sentence."""
    slices = f"{told['repeats']} slices" if told["repeats"] > 1 else "one slice"
    scored = told["tasks"] - told["validation"]
    return f"Accuracy on the {scored:,} tasks outside the {told['validation']} known labels, mean of {slices}."


def as_lines(told: Summary) -> list[str]:
    """The report as a table for people."""
    way = f"router {told['router']}, aggregator {told['aggregator']}"
    lines = [f"{told['tasks']:,} tasks, {told['labels']} labels; {way}", basis(told), ""]
    lines.append("  ".join(f"{head:>10}" for head in ("budget", "calls", "cost", "accuracy", "95% of tasks", "sd")))
    for point in told["curve"]:
        low, high = wilson(np.array(point["accuracy"]), np.array(float(told["tasks"] - told["validation"])))
        cells = (
            f"{point['budget']:.1%}".replace(".0%", "%"),
            f"{point['calls']:,.0f}",
            dollars(point["cost_usd"]),
            f"{point['accuracy']:.1%}",
            f"{low:.1%}–{high:.1%}",
            f"{100 * point['accuracy_sd']:.1f}" if told["repeats"] > 1 else "–",
        )
        lines.append("  ".join(f"{cell:>10}" if at != 4 else f"{cell:>12}" for at, cell in enumerate(cells)))
    return [
        *lines,
        "",
        "The interval is what so many tasks leave open, sd the points between the slices.",
        f"Crowd alone {told['crowd_accuracy']:.1%}, paid on everything {told['paid_accuracy']:.1%}, best of the crowd "
        f"in hindsight {told['best_single_accuracy']:.1%}; mean over the budgets (area) {told['area']:.4f}.",
        *stops(told),
    ]


def dollars(amount: float) -> str:
    """An amount with as many digits as it needs."""
    digits = 2 if amount >= 1 or not amount else min(2 - math.floor(math.log10(amount)), 6)
    return f"${amount:,.{digits}f}"


def as_figure(told: Summary) -> list[str]:
    """The lines of a figure as a table: a row for each line, a column for each budget."""
    first = told["lines"][0]
    width = max(len(line["line"]) for line in told["lines"])
    budgets = "".join(f"{point['budget']:>8.0%}" for point in first["curve"])
    rows = [
        f"{line['line']:<{width}}"
        + "".join(f"{point['accuracy']:>8.1%}" for point in line["curve"])
        + f"{line['area']:>9.4f}"
        for line in told["lines"]
    ]
    return [told["title"], basis(first), "", f"{'budget':<{width}}{budgets}{'area':>9}", *rows]
