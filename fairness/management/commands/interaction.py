"""`manage.py interaction ANSWERS.csv --people-group gender --mentions woman,women`: who differs on which tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from math import isfinite
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fairness.estimates.answer_groups import Wanted, read
from fairness.estimates.interactions import Contrast, contrasts, too_small
from fairness.intervals import Interaction
from labeling.files.tables import UnusableFile
from labeling.management.cell_options import add_cell_options, check_files, columns_of, named, rules_of
from labeling.management.outputs import refusing

FEWEST = 10


class Command(BaseCommand):
    help = "Measure whether groups of people differ more on some groups of tasks than on others."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("answers", help="CSV with a row for each answer; - is standard input, .gz is read too")
        parser.add_argument("--people-group", required=True, help="column with the group of whoever answered")
        parser.add_argument("--task-group", default="", help="column with the group of the task")
        parser.add_argument("--mentions", default="", help="instead: tasks whose text holds one of these words or none")
        parser.add_argument("--text", default="text", help="column of the text for --mentions")
        parser.add_argument("--items", default="", help="CSV or JSONL with a row for each task: its group or its text")
        parser.add_argument("--key", default="task", help="what --items calls the task")
        parser.add_argument("--label", default="", help="the label that counts as yes")
        parser.add_argument("--at-least", type=float, help="instead: labels that are numbers count as yes from here on")
        parser.add_argument("--columns", default="task,worker,label", help="what the file calls task, worker and label")
        parser.add_argument("--people", type=int, default=FEWEST, help="fewest people of a group that is shown, 10")
        add_cell_options(parser, label_set=False)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusing(self):
            report = _report(options)
        self.stdout.write(json.dumps(report) if options["json"] else "\n".join(as_lines(report)))


def _report(options: dict[str, Any]) -> dict[str, Any]:
    """Everything the command tells, as plain values. Raises UnusableFile."""
    if bool(options["task_group"]) == bool(options["mentions"]):
        raise UnusableFile("Name the groups of tasks once: --task-group COLUMN, or --mentions WORD,WORD.")
    if bool(options["label"]) == (options["at_least"] is not None):
        raise UnusableFile("Say once what counts as yes: --label LABEL, or --at-least NUMBER.")
    if options["at_least"] is not None and not isfinite(options["at_least"]):
        raise UnusableFile("--at-least is a number, such as 3 or 0.5.")
    if options["people"] < 1:
        raise UnusableFile("--people is a whole number of at least 1.")
    check_files([options["answers"], options["items"]])
    task, worker, label = columns_of(options)
    wanted = Wanted(
        options["people_group"], (task, worker, label), options["task_group"], named(options["mentions"]),
        options["text"], options["items"], options["key"], options["label"], options["at_least"],
        rules_of(options),
    )  # fmt: skip
    answers, notes = read(options["answers"], wanted)
    small = too_small(answers, options["people"])
    found = contrasts(answers, options["people"])
    if not found:
        named_small = ", ".join(f"{name} ({count})" for name, count in small[:8])
        raise UnusableFile(
            f"Fewer than two groups of {options['people']} people answered tasks of both groups"
            + (f"; too small: {named_small}." if small else ".")
        )
    told = [f"Too few people to be shown: {name}." for name, _ in small]
    return {
        "answers": len(answers.yes),
        "people": int(answers.person.max()) + 1,
        "contrasts": [asdict(one) for one in found],
        "notes": [*notes, *told],
    }


def as_lines(report: dict[str, Any]) -> Iterator[str]:
    """A block for each contrast, the surest first."""
    yield f"{report['answers']:,} answers of {report['people']:,} people"
    yield from report["notes"]
    rows = [Contrast(**{**one, **{key: Interaction(**one[key]) for key in ("apart", "odds", "clustered")}}) for one in
            report["contrasts"]]  # fmt: skip
    for one in sorted(rows, key=lambda row: 1.0 if row.p_adjusted is None else row.p_adjusted):
        yield f"\n{one.side} against {one.rest}, on {one.part} against {one.elsewhere}"
        for people, place in ((one.rest, 0), (one.side, 1)):
            cells = [f"{p}/{n} {p / n:.3f}" for p, n in zip(one.positives[place], one.n[place], strict=True)]
            yield f"  {people:28}  {one.elsewhere}: {cells[0]:20}{one.part}: {cells[1]}  ({one.people[place]} people)"
        yield f"  {'Difference in differences':28}  {_number(one.apart)}  each answer for itself"
        yield f"  {'':30}{_number(one.clustered)}  people and tasks clustered{_after(one)}"
        yield f"  {'Log odds':28}  {_number(one.odds)}  each answer for itself"


def _number(found: Interaction) -> str:
    p = "" if found.p_value is None else f", p {found.p_value:.4f}"
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]{p}"


def _after(one: Contrast) -> str:
    return "" if one.p_adjusted is None else f", p {one.p_adjusted:.4f} after Holm"
