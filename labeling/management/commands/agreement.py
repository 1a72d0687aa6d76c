"""`manage.py agreement VOTES.csv`: how far annotators agree beyond chance."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandParser

from labeling.files.tables import UnusableFile
from labeling.files.votes import VoteTable, read_votes
from labeling.kinds.cells import listed, number
from labeling.management import kind_agreement
from labeling.management.cell_options import (
    add_cell_options,
    add_vote_columns,
    check_files,
    check_seed,
    columns_of,
    rules_of,
)
from labeling.management.kind_job import add_kind_option, is_plain
from labeling.management.outputs import refusing
from labeling.truth.agreement import ONE_LABEL, Agreement, Coefficient, summarise
from labeling.truth.cohen import Pairs, pairwise
from labeling.truth.votes import Floats

LEAST_LOST = 0.01
"""Share of resamples without a value from which on they are told."""
MOST_LABELS = 30
MOST_PAIRS = 20
MINIMUM_PAIR = 30
"""Tasks that two annotators share before their kappa is ranked, as on the pages."""
"""Labels that the table for people shows, the commonest first where there are more."""
SHOWN = (
    ("raw_agreement", "Raw agreement"),
    ("fleiss_kappa", "Fleiss' kappa"),
    ("krippendorff_alpha", "Krippendorff's alpha"),
    ("gwet_ac1", "Gwet's AC1"),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """Votes with their labels in order, and where the labels stand: `values`, (n_labels,), None for their ranks.

    `basis`: where the order comes from.
    """

    table: VoteTable
    values: Floats | None
    basis: str


class Command(BaseCommand):
    help = "Measure the agreement of annotators from a file of votes, each number with its interval."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("votes", help="CSV with task,worker,label; - is standard input, .gz is read too")
        parser.add_argument(
            "--metric",
            choices=("nominal", "ordinal", "interval"),
            help="distance for Krippendorff's alpha (default: nominal); interval takes the labels as numbers",
        )
        parser.add_argument("--weights", choices=("linear", "quadratic"), help="for Cohen's kappa of ordered labels")
        parser.add_argument("--order", default="", help="all labels in their order, commas between: low,medium,high")
        parser.add_argument("--seed", type=int, default=0, help="of the bootstrap over tasks")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        add_cell_options(parser)
        add_vote_columns(parser, gold=False)
        add_kind_option(parser)
        parser.add_argument("--repeats", help="CSV of votes: workers asked again (not for one label)")
        parser.add_argument("--items", help="JSONL with task (or id) and texts, for kinds that need the texts")
        parser.add_argument("--text", default="text", help="field or fields of --items, separated by commas")

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusing(self):
            plain = is_plain(options)
            report = self._report(options) if plain else kind_agreement.agreement(options)
        lines = as_lines if plain else kind_agreement.as_lines
        self.stdout.write(json.dumps(report) if options["json"] else "\n".join(lines(report)))

    def _report(self, options: dict[str, Any]) -> dict[str, Any]:
        options = {**options, "metric": options["metric"] or "nominal"}
        if options["repeats"]:
            raise UnusableFile("--repeats needs another --kind than one label; leave it out.")
        check_seed(options)
        if options["order"] and options["labels"]:
            raise UnusableFile("--order names the labels, too; leave --labels out.")
        check_files([options["votes"]])
        rules = rules_of(options, "order" if options["order"] else "labels")
        table = read_votes(options["votes"], least_labels=1, rules=rules, columns=columns_of(options))
        scale = in_order(table, options)
        found = summarise(scale.table.votes, values=scale.values, metric=options["metric"], seed=options["seed"])
        return as_json(scale, found, pairwise(scale.table.votes, options["weights"], scale.values))


def in_order(table: VoteTable, options: dict[str, Any]) -> Scale:
    """Labels in the order that was given, else numbers in theirs (10 after 9), else words by the alphabet.

    Raises UnusableFile where distances are asked for and the labels have none.
    """
    numbers = np.array([_value(label) for label in table.labels])
    odd = [label for label, value in zip(table.labels, numbers.tolist(), strict=True) if math.isnan(value)]
    interval = options["metric"] == "interval"
    ranked = bool(options["weights"]) or options["metric"] != "nominal"
    if odd and (interval or (ranked and len(odd) < len(numbers) and not options["order"])):
        raise UnusableFile(_odd(odd, table, options))
    if options["order"]:
        rising = not odd and bool((np.diff(numbers) > 0).all())
        return Scale(table, numbers if rising or interval else None, "as given" if ranked else "")
    if odd:
        return Scale(table, None, "alphabetical, since none was given: --order names it" if ranked else "")
    return Scale(_sorted(table, numbers), np.sort(numbers), "by number" if ranked else "")


def _value(label: str) -> float:
    """The label as a number; nan where it is none, or too large to reckon with."""
    found = number(label)
    value = math.nan if found is None else float(found)
    return value if math.isfinite(value) else math.nan


def _odd(odd: Sequence[str], table: VoteTable, options: dict[str, Any]) -> str:
    """The sentence about labels that are no numbers where numbers are needed."""
    often = dict(zip(table.labels, np.bincount(table.votes.label, minlength=len(table.labels)).tolist(), strict=True))
    told = listed(f"{label!r} ({often[label]:,} times)" for label in odd)
    interval = options["metric"] == "interval"
    asked = "--metric interval" if interval else "--weights" if options["weights"] else "--metric ordinal"
    if len(odd) == len(table.labels):
        return f"{asked} needs labels that are numbers, and there are {told}; use ordinal or nominal."
    order = "" if interval else ", or name the order of all labels with --order"
    return f"{asked} needs labels that are numbers, and {told} is none; leave it out with --missing={odd[0]}{order}."


def _sorted(table: VoteTable, numbers: Floats) -> VoteTable:
    order = np.argsort(numbers, kind="stable")
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order))
    votes = replace(table.votes, label=place[table.votes.label])
    return replace(table, votes=votes, labels=[table.labels[index] for index in order])


def as_json(scale: Scale, found: Agreement, pairs: Pairs) -> dict[str, Any]:
    """The report as plain values; a coefficient without meaning is null, `undefined`, and has a `reason`."""
    table = scale.table
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
        **({"order": table.labels, "order_basis": scale.basis} if scale.basis else {}),
        "notes": list(table.notes),
    }


def _coefficient(found: Coefficient) -> dict[str, Any]:
    values: dict[str, Any] = {"value": found.value, "low": found.low, "high": found.high}
    if found.undefined:
        return values | {"undefined": True, "reason": found.undefined}
    values |= {"resamples": found.resamples, "undefined_resamples": found.lost}
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
    """The report as a table for people, the pairs with the lowest kappa last."""
    lines = ["{annotators} annotators, {votes} votes, {compared_tasks} of {tasks} tasks compared".format(**report), ""]
    lines += [_coefficient_line(name, report[key]) for key, name in SHOWN]
    lines += _lost_line([report[key] for key, _ in SHOWN])
    if "order" in report:
        lines += ["", f"order of the labels ({report['order_basis']}): {' < '.join(report['order'][:MOST_LABELS])}"]
    lines += ["", f"{'label':<24} {'prevalence':>10} {'agreement':>10}", *_label_lines(report)]
    lines += ["", f"{'pair':<40} {'tasks':>7} {'raw':>8} {'kappa':>8}", *_pair_lines(report["pairs"])]
    return [*lines, *([""] if report["notes"] else []), *report["notes"]]


def _pair_lines(found: list[dict[str, Any]]) -> list[str]:
    """The twenty pairs with the lowest kappa among those that share enough tasks; where none does, among all."""
    enough = [pair for pair in found if pair["n"] >= MINIMUM_PAIR]
    ranked = sorted(enough or found, key=lambda pair: 2.0 if pair["kappa"] is None else pair["kappa"])
    rows = [
        f"{pair['a'] + ', ' + pair['b']:<40} {pair['n']:>7} {pair['raw']:>8.4f} {_number(pair['kappa']):>8}"
        for pair in ranked[:MOST_PAIRS]
    ]
    if len(ranked) > MOST_PAIRS:
        rows.append(f"and {len(ranked) - MOST_PAIRS:,} pairs that agree more")
    few = len(found) - len(enough)
    if few and enough:
        noun = "pairs" if few > 1 else "pair"
        rows.append(f"and {few:,} {noun} with fewer than {MINIMUM_PAIR} tasks in common, too few to tell")
    elif few:
        rows.append(f"no pair has {MINIMUM_PAIR} tasks in common: too few to tell one from the other")
    return rows


def _label_lines(report: dict[str, Any]) -> list[str]:
    shares: dict[str, float] = report["prevalence"]
    shown = list(shares)
    if len(shown) > MOST_LABELS:
        shown = sorted(shares, key=lambda label: -shares[label])[:MOST_LABELS]
    rows = [f"{name:<24} {shares[name]:>10.4f} {_number(report['specific_agreement'][name]):>10}" for name in shown]
    return rows + ([f"and {len(shares) - len(shown):,} rarer labels"] if len(shown) < len(shares) else [])


def _lost_line(found: list[dict[str, Any]]) -> list[str]:
    """How many resamples had no value, where any had none."""
    lost, resamples = (max(each.get(name, 0) for each in found) for name in ("undefined_resamples", "resamples"))
    if not lost or lost < LEAST_LOST * resamples:
        return []
    return [
        f"in {lost:,} of {resamples:,} resamples of the tasks every vote is for one label and the coefficients are "
        "undefined; the intervals rest on the others"
    ]


def _coefficient_line(name: str, found: dict[str, Any]) -> str:
    if found["value"] is None:
        return f"{name:<24} undefined: {found['reason']}"
    note = f"  ({found['note']})" if "note" in found else ""
    limits = "no interval" if found["low"] is None else f"[{found['low']:.4f}, {found['high']:.4f}]"
    return f"{name:<24} {found['value']:>8.4f}  {limits}{note}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
