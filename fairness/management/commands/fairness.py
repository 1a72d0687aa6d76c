"""`manage.py fairness LABELS.csv --group FIELD`: gaps between groups of tasks, from a file of labels."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, fields
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fairness.answer_files import AnswerFiles, parts_right, read_answers
from fairness.estimates import of_files
from fairness.gaps import Gap, Terms
from fairness.intervals import Estimate
from fairness.label_files import LabelFile, read_labeled
from fairness.metrics import FairnessTable, GroupRow, Labeled, LabelTable, fairness_table, parts_table
from labeling.files.tables import UnusableFile
from labeling.management.cell_options import add_cell_options, check_files, rules_of
from labeling.management.kind_job import add_kind_option, is_plain, kind_of
from labeling.management.outputs import refusing

SHOWN = (
    ("demographic_parity_difference", "Demographic parity, difference"),
    ("demographic_parity_ratio", "Demographic parity, ratio"),
    ("equal_opportunity_difference", "Equal opportunity, difference"),
    ("equalized_odds_difference", "Equalized odds, difference"),
    ("accuracy_difference", "Accuracy, difference"),
    ("prevalence_distortion_difference", "Prevalence distortion, difference"),
)


class Command(BaseCommand):
    help = "Measure how labels differ between groups of tasks, each number with its interval."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", metavar="labels", help="CSV with task,label,<group>[,gold][,weight]; - is standard input"
        )
        parser.add_argument("--group", required=True, help="the column that names each task's group")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--level", type=_level, default=0.95, help="confidence level, 0.95 by default")
        parser.add_argument("--minimum", type=_count, default=30, help="tasks that a group needs, 30 by default")
        parser.add_argument("--draws", type=_count, default=2000, help="draws of the permutation null")
        parser.add_argument("--reference", help="group that ratios compare with, by default the highest")
        parser.add_argument("--seed", type=_seed, default=0)
        parser.add_argument("--gold", help="file of right answers, for kinds whose answer has several rows")
        parser.add_argument(
            "--belief", default="", help="column with how sure each label is, 0 to 1: narrower, doubly robust estimates"
        )
        parser.add_argument("--items", help="JSONL with task (or id) and the group, where labels do not name it")
        add_cell_options(parser)
        add_kind_option(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusing(self):
            plain = is_plain(options)
            table, facts = _measured(options) if plain else _measured_kind(options)
        self.stdout.write(json.dumps(as_json(table, facts)) if options["json"] else "\n".join(as_lines(table, facts)))


def _measured(options: dict[str, Any]) -> tuple[FairnessTable, dict[str, Any]]:
    """Gaps of answers of one label, and what they rest on. Raises UnusableFile."""
    for name in ("gold", "items"):
        if options[name]:
            raise UnusableFile(f"--{name} is for answers of several rows; name gold and group in the labels' own file.")
    check_files([options["file"]])
    found = read_labeled(options["file"], options["group"], rules_of(options), options["belief"])
    terms = _terms(options, found.tasks)
    facts = _facts(found, options["group"], terms)
    if found.belief is not None:
        facts["doubly_robust"] = of_files.measured(found.tasks, found.belief, terms)
    return fairness_table(found.tasks, terms), facts


def _measured_kind(options: dict[str, Any]) -> tuple[FairnessTable, dict[str, Any]]:
    """Gaps of each label, step or type of answers of another kind, and what they rest on. Raises UnusableFile."""
    if options["belief"]:
        raise UnusableFile("--belief is for answers of one label; leave it out.")
    check_files([options[name] for name in ("file", "gold", "items")])
    kind = kind_of(options)
    files = AnswerFiles(options["file"], options["group"], options["gold"], options["items"])
    found = read_answers(files, kind, rules_of(options))
    terms = _terms(options, found.whole)
    facts = {
        "kind": kind.name,
        "group": options["group"],
        "tasks": len(found.whole.label),
        "checked": int((found.whole.gold >= 0).sum()),
        "weighted": "none",
        "parts_right": parts_right(found),
        **asdict(terms),
        "notes": list(found.notes),
    }
    return parts_table(found.parts, found.names, found.whole, terms), facts


def _level(text: str) -> float:
    with suppress(ValueError):
        if 0.5 <= float(text) < 1:
            return float(text)
    raise ArgumentTypeError("it must be a number of at least 0.5 and below 1")


def _count(text: str) -> int:
    with suppress(ValueError):
        if int(text) >= 1:
            return int(text)
    raise ArgumentTypeError("it must be a whole number of at least 1")


def _seed(text: str) -> int:
    with suppress(ValueError):
        if int(text) >= 0:
            return int(text)
    raise ArgumentTypeError("it must be a whole number of at least 0")


def _terms(options: dict[str, Any], tasks: Labeled) -> Terms:
    reference = options["reference"]
    if reference is not None and reference not in tasks.group_names:
        raise UnusableFile(f"No task has the group {reference!r}; the groups are {', '.join(tasks.group_names[:20])}.")
    return Terms(options["level"], options["minimum"], options["draws"], options["seed"], reference)


def _facts(found: LabelFile, group: str, terms: Terms) -> dict[str, Any]:
    tasks = found.tasks
    checked = int((tasks.gold >= 0).sum())
    weighted = "none" if tasks.gold_weight is None else "checked" if tasks.label_weight is None else "all"
    return {
        "group": group,
        "tasks": len(tasks.label),
        "checked": checked,
        "weighted": weighted,
        "skipped_rows": found.skipped,
        "repeated_tasks": found.repeated,
        **asdict(terms),
        "notes": list(found.notes),
    }


def as_json(table: FairnessTable, facts: dict[str, Any]) -> dict[str, Any]:
    """The JSON object of the command: facts, `labels` by name, `overall`, and the groups that stand out."""
    labels = {one.label: _label_json(one) for one in table.labels}
    overall: dict[str, Any] = {
        field.name: asdict(getattr(table.overall, field.name)) for field in fields(table.overall)
    }
    overall["eighty_percent_rule"] = table.eighty_percent
    overall["share_right_difference"] = asdict(table.accuracy_difference)
    overall["groups"] = {
        row.group: {"n": row.n, "n_checked": row.n_checked, "share_right": asdict(row.accuracy)} for row in table.groups
    }
    return {**facts, "labels": labels, "overall": overall, "stand_outs": [asdict(one) for one in table.stand_outs]}


def _label_json(table: LabelTable) -> dict[str, Any]:
    gaps = {field.name: asdict(getattr(table.gaps, field.name)) for field in fields(table.gaps)}
    groups = {row.group: _group_json(row) for row in table.rows}
    return {**gaps, "eighty_percent_rule": table.eighty_percent, "groups": groups}


def _group_json(row: GroupRow) -> dict[str, Any]:
    """Bare numbers under the names of the contract, null where undefined, and the whole estimates under `estimates`."""
    rates = {name: getattr(row, name) for name in ("selection_rate", "tpr", "fpr", "accuracy", "distortion")}
    counts = {name: getattr(row, name) for name in ("n", "n_positive", "n_checked", "n_true")}
    values = {name: rate.value for name, rate in rates.items()}
    return {**counts, **values, "estimates": {name: asdict(rate) for name, rate in rates.items()}}


def as_lines(table: FairnessTable, facts: dict[str, Any]) -> Iterator[str]:
    """The readable report: the worst label first, then each label with its groups."""
    yield f"{facts['tasks']} labeled tasks, {facts['checked']} checked, by {facts['group']}"
    yield from facts["notes"]
    yield "\nWorst label"
    yield from _gap_lines(table.overall)
    yield f"  {'80% rule':36}{table.eighty_percent}{_left_out(table)}"
    yield f"  {'Share right, difference':36}{_number(table.accuracy_difference)}{_remarks(table.accuracy_difference)}"
    for one in table.labels:
        yield f"\n{one.label}"
        yield from _gap_lines(one.gaps)
        yield from _group_lines(one)
    yield from of_files.lines(facts.get("doubly_robust", {}))
    for found in table.stand_outs:
        yield f"\n{found.group} differs from the rest in {found.measure} of {found.label}: {found.difference:+.3f}"


def _left_out(table: FairnessTable) -> str:
    """Who was too few for the rule, where it says no more than undecided."""
    ratio = table.overall.demographic_parity_ratio
    return f"  {ratio.reason}" if table.eighty_percent == "undecided" and ratio.reason else ""


def _gap_lines(gaps: Any) -> Iterator[str]:
    for name, title in SHOWN:
        yield f"  {title:36}{_number(getattr(gaps, name))}{_remarks(getattr(gaps, name))}"


def _group_lines(table: LabelTable) -> Iterator[str]:
    width = max(5, *(len(row.group) for row in table.rows))
    yield f"  {'Group':{width}}  {'n':>6}  {'given':>6}  {'Selection':24}{'True positives':24}False positives"
    for row in table.rows:
        rates = f"{_cell(row.selection_rate):24}{_cell(row.tpr):24}{_cell(row.fpr)}"
        yield f"  {row.group:{width}}  {row.n:6}  {row.n_positive:6}  {rates}".rstrip()


def _cell(found: Estimate) -> str:
    """The number, or in short why there is none: "11 of 30", "undefined"."""
    return _number(found) if found.estimable else found.reason.partition(":")[0].partition(" checked")[0]


def _number(found: Estimate) -> str:
    if not found.estimable or found.value is None:
        return found.reason if found.reason.startswith("undefined") else f"not estimable, {found.reason}"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _remarks(found: Gap) -> str:
    """The label of a headline, the two groups, and who was left out; nothing for what is not estimable."""
    apart = f"{found.lowest} to {found.highest}" if found.lowest != found.highest else ""
    remarks = [found.label or "", apart, found.reason] if found.estimable else []
    return "".join(f"  {remark}" for remark in remarks if remark)
