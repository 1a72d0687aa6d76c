"""`manage.py agreement VOTES.csv`: how far annotators agree beyond chance."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandParser

from labeling.files.votes import UnusableFile, VoteTable, read_votes
from labeling.truth.agreement import ONE_LABEL, Agreement, Coefficient, summarise
from labeling.truth.cohen import Pairs, pairwise
from labeling.truth.votes import Floats

SHOWN = (
    ("raw_agreement", "Raw agreement"),
    ("fleiss_kappa", "Fleiss' kappa"),
    ("krippendorff_alpha", "Krippendorff's alpha"),
    ("gwet_ac1", "Gwet's AC1"),
)


class Command(BaseCommand):
    help = "Measure the agreement of annotators from a file of votes, each number with its interval."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("votes", help="CSV with task,worker,label; - is standard input, .gz is read too")
        parser.add_argument(
            "--metric",
            choices=("nominal", "ordinal", "interval"),
            default="nominal",
            help="distance for Krippendorff's alpha; interval takes the labels as numbers",
        )
        parser.add_argument("--weights", choices=("linear", "quadratic"), help="for Cohen's kappa of ordered labels")
        parser.add_argument("--seed", type=int, default=0, help="of the bootstrap over tasks")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            report = self._report(options)
        except UnusableFile as error:
            self.stderr.write(str(error))
            sys.exit(2)
        self.stdout.write(json.dumps(report) if options["json"] else "\n".join(as_lines(report)))

    def _report(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["seed"] < 0:
            raise UnusableFile("--seed must be a whole number of at least 0.")
        table = in_order(read_votes(options["votes"], least_labels=1))
        values = label_values(table.labels, options["metric"])
        found = summarise(table.votes, values=values, metric=options["metric"], seed=options["seed"])
        return as_json(table, found, pairwise(table.votes, options["weights"]))


def in_order(table: VoteTable) -> VoteTable:
    """The same votes with numeric labels in numeric order (10 after 9); other labels stay in alphabetical order."""
    numbers = _numbers(table.labels)
    if numbers is None:
        return table
    order = np.argsort(numbers, kind="stable")
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order))
    votes = replace(table.votes, label=place[table.votes.label])
    return replace(table, votes=votes, labels=[table.labels[index] for index in order])


def label_values(labels: Sequence[str], metric: str) -> Floats | None:
    """The labels as numbers where `metric` is interval, else None. Raises UnusableFile where they are no numbers."""
    if metric != "interval":
        return None
    numbers = _numbers(labels)
    if numbers is None:
        raise UnusableFile("--metric interval needs labels that are numbers; use ordinal or nominal.")
    return numbers


def _numbers(labels: Sequence[str]) -> Floats | None:
    try:
        numbers = np.array([float(label) for label in labels])
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def as_json(table: VoteTable, found: Agreement, pairs: Pairs) -> dict[str, Any]:
    """The report as plain values; a coefficient without meaning is null, `undefined`, and has a `reason`."""
    coefficients = zip(SHOWN, (found.raw, found.fleiss, found.alpha, found.ac1), strict=True)
    specific = [None if math.isnan(value) else value for value in found.specific.tolist()]
    return {
        **{key: _coefficient(each) for (key, _), each in coefficients},
        "pairs": [_pair(table, pairs, index) for index in range(len(pairs.n))],
        "prevalence": dict(zip(table.labels, found.prevalence.tolist(), strict=True)),
        "specific_agreement": dict(zip(table.labels, specific, strict=True)),
        "tasks": table.votes.n_tasks,
        "compared_tasks": found.tasks,
        "annotators": table.votes.n_annotators,
        "votes": len(table.votes.task),
    }


def _coefficient(found: Coefficient) -> dict[str, Any]:
    values: dict[str, Any] = {"value": found.value, "low": found.low, "high": found.high}
    if found.undefined:
        return values | {"undefined": True, "reason": found.undefined}
    return values | ({"note": found.note} if found.note else {})


def _pair(table: VoteTable, pairs: Pairs, index: int) -> dict[str, Any]:
    kappa = float(pairs.kappa[index])
    row: dict[str, Any] = {
        "a": table.annotators[pairs.first[index]],
        "b": table.annotators[pairs.second[index]],
        "n": int(pairs.n[index]),
        "raw": float(pairs.raw[index]),
        "kappa": None if math.isnan(kappa) else kappa,
    }
    return row if row["kappa"] is not None else row | {"undefined": True, "reason": ONE_LABEL}


def as_lines(report: dict[str, Any]) -> list[str]:
    """The report as a table for people, the twenty pairs with the lowest kappa last."""
    lines = ["{annotators} annotators, {votes} votes, {compared_tasks} of {tasks} tasks compared".format(**report), ""]
    lines += [_coefficient_line(name, report[key]) for key, name in SHOWN]
    lines += ["", f"{'label':<24} {'prevalence':>10} {'agreement':>10}"]
    for label, share in report["prevalence"].items():
        lines.append(f"{label:<24} {share:>10.4f} {_number(report['specific_agreement'][label]):>10}")
    lines += ["", f"{'pair':<40} {'tasks':>7} {'raw':>8} {'kappa':>8}"]
    pairs = sorted(report["pairs"], key=lambda pair: 2.0 if pair["kappa"] is None else pair["kappa"])[:20]
    for pair in pairs:
        name = f"{pair['a']}, {pair['b']}"
        lines.append(f"{name:<40} {pair['n']:>7} {pair['raw']:>8.4f} {_number(pair['kappa']):>8}")
    return lines


def _coefficient_line(name: str, found: dict[str, Any]) -> str:
    if found["value"] is None:
        return f"{name:<24} undefined: {found['reason']}"
    note = f"  ({found['note']})" if "note" in found else ""
    return f"{name:<24} {found['value']:>8.4f}  [{found['low']:.4f}, {found['high']:.4f}]{note}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
