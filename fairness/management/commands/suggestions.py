"""`manage.py suggestions ANSWERS.csv --shown FIELD --after FIELD`: what suggestions did to people's answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandParser

from fairness.suggestion_files import AssistedFile, Columns, read_assisted
from fairness.suggestions import Report, measure
from labeling.management.cell_options import add_cell_options, check_files, check_seed, named, rules_of
from labeling.management.outputs import refusing

TITLES = {
    "followed": "Suggestion followed",
    "suggestion_right": "Suggestion right",
    "right_before": "Right before",
    "right_after": "Right after",
    "adopted_right": "Adopted, where it was right",
    "adopted_wrong": "Adopted, where it was wrong",
    "put_right": "Wrong before, right after",
    "led_astray": "Right before, wrong after",
    "seconds_before": "Seconds before, median",
    "seconds_after": "Seconds after, median",
}


class Command(BaseCommand):
    help = "Measure what a shown suggestion did to the answers of people: followed, adopted right and wrong, seconds."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("answers", help="CSV with a row for each answer; - is standard input, .gz is read too")
        parser.add_argument("--shown", default="shown_label", help="column with the label that was suggested")
        parser.add_argument("--after", default="label_after", help="column with the answer after seeing it")
        parser.add_argument("--before", default="", help="column with the answer before, where people gave one")
        parser.add_argument("--seconds-before", default="", help="column with the seconds of the answer before")
        parser.add_argument("--seconds-after", default="", help="column with the seconds of the answer after")
        parser.add_argument("--worker", default="worker", help="column that names the person")
        parser.add_argument("--task", default="task", help="column that names the task")
        parser.add_argument("--by", default="", help="columns that tell conditions apart, commas between")
        parser.add_argument("--gold", default="", help="file of right labels: task,label")
        parser.add_argument("--seed", type=int, default=0, help="of the draws of people for the intervals")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        add_cell_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusing(self):
            check_seed(options)
            check_files([options["answers"], options["gold"]])
            found = read_assisted(options["answers"], _columns(options), options["gold"], rules_of(options))
        reports = dict(_reports(found, options["seed"]))
        if options["json"]:
            self.stdout.write(json.dumps(as_json(reports, found.notes)))
            return
        self.stdout.write("\n".join((*found.notes, *as_lines(reports))))


def _columns(options: dict[str, Any]) -> Columns:
    names = ("after", "shown", "before", "seconds_before", "seconds_after", "worker", "task")
    told = {name: options[name].strip() for name in names}
    return Columns(**told, by=named(options["by"]))


def _reports(found: AssistedFile, seed: int) -> Iterator[tuple[str, Report]]:
    """The report of all answers under an empty name, then of each condition."""
    yield "", measure(found.answers, seed)
    conditions = np.array(found.conditions)
    for name in sorted(set(found.conditions)):
        yield name, measure(found.answers.only(conditions == name), seed)


def as_json(reports: dict[str, Report], notes: tuple[str, ...]) -> dict[str, Any]:
    """The JSON object of the command: all answers, and `conditions` by name."""
    told = {name: _report_json(report) for name, report in reports.items()}
    return {**told.pop(""), "conditions": told, "notes": list(notes)}


def _report_json(report: Report) -> dict[str, Any]:
    shares = {name: {"n": one.n, **asdict(one.share)} for name, one in report.shares.items()}
    return {"answers": report.answers, "people": report.people, **shares, **report.seconds}


def as_lines(reports: dict[str, Report]) -> Iterator[str]:
    """A block for all answers, and one for each condition."""
    for name, report in reports.items():
        yield f"{name or 'All'}: {report.answers:,} answers of {report.people:,} people"
        for key, one in report.shares.items():
            yield f"  {TITLES[key]:30}{_share(one.share.value, one.share.low, one.share.high)}  of {one.n:,}"
        for key, seconds in report.seconds.items():
            yield f"  {TITLES[key]:30}{seconds:.1f}"


def _share(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "undefined"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"
