"""`manage.py alternative votes.csv --models gpt-4 --epsilon 0.1`: may a model replace a person?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandParser

from fairness.agreement.alternative import NONE, replaces
from fairness.intervals import Estimate
from labeling.files.tables import UnusableFile
from labeling.files.votes import VoteTable, read_votes
from labeling.management.cell_options import (
    add_cell_options,
    add_vote_columns,
    check_files,
    check_seed,
    columns_of,
    named,
    rules_of,
)
from labeling.management.outputs import refusing


class Command(BaseCommand):
    help = "Test whether models may stand in for the people of a file of votes (alternative annotator test)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("votes", help="CSV with task,worker,label; - is standard input, .gz is read too")
        parser.add_argument("--models", required=True, help="which workers are models, commas between")
        parser.add_argument("--people", default="", help="which are people; by default all others")
        parser.add_argument("--epsilon", type=float, default=0.1, help="what the lower cost is worth, 0.1 by default")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        add_cell_options(parser)
        add_vote_columns(parser, gold=False)

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusing(self):
            report = _report(options)
        self.stdout.write(json.dumps(report) if options["json"] else "\n".join(lines(report)))


def _report(options: dict[str, Any]) -> dict[str, Any]:
    """Raises UnusableFile."""
    if not 0 <= options["epsilon"] < 1:
        raise UnusableFile("--epsilon is a share of the tasks, at least 0 and below 1.")
    check_seed(options)
    check_files([options["votes"]])
    table = read_votes(options["votes"], rules=rules_of(options), columns=columns_of(options))
    models = named(options["models"])
    people = named(options["people"]) or tuple(name for name in table.annotators if name not in models)
    both = [name for name in models if name in people]
    if both:
        raise UnusableFile(f"{both[0]!r} is among --models and --people; nobody can replace a person and be that one.")
    for name in (*models, *people):
        if name not in table.annotators:
            raise UnusableFile(f"{name!r} has no vote in {options['votes']}; there are {_some(table)}.")
    grid = np.full((len(table.annotators), len(table.tasks)), NONE, dtype=np.int64)
    grid[table.votes.annotator, table.votes.task] = table.votes.label
    row = {name: at for at, name in enumerate(table.annotators)}
    persons = grid[[row[name] for name in people]]
    told = {name: replaces(persons, grid[row[name]], options["epsilon"], options["seed"]) for name in models}
    return {
        "people": list(people),
        "models": {
            name: {**asdict(one), "may_replace": one.may_replace, "alpha_falls": one.alpha_falls}
            for name, one in told.items()
        },
        "notes": list(table.notes),
    }


def _some(table: VoteTable) -> str:
    more = f" and {len(table.annotators) - 8:,} more" if len(table.annotators) > 8 else ""
    return ", ".join(table.annotators[:8]) + more


def lines(report: dict[str, Any]) -> Iterator[str]:
    """A block for each model, a line for each person."""
    yield f"{len(report['people'])} people"
    yield from report["notes"]
    for name, told in report["models"].items():
        if told["reason"]:
            yield f"\n{name}: not estimable, {told['reason']}"
            continue
        needed = "at no advantage up to 0.5" if told["needed"] is None else f"from an advantage of {told['needed']:.2f}"
        may = "may" if told["may_replace"] else "may not"
        yet = ", yet alpha falls" if told["may_replace"] and told["alpha_falls"] else ""
        yield f"\n{name} {may} replace a person at {told['epsilon']:.2f} ({needed}){yet}"
        yield f"  {'Winning rate':22}{_number(told['winning'])}"
        yield f"  {'Wins or draws':22}{_number(told['advantage'])}"
        yield f"  {'Change of alpha':22}{_number(told['alpha'])}"
        for one in told["against"]:
            passed = "passes" if one["passed"] else "does not pass"
            yield (
                f"  {report['people'][one['person']]:22}{one['n']:,} tasks, model {one['model']:.3f}, person "
                f"{one['human']:.3f}, p {one['p_adjusted']:.4f}: {passed}"
            )


def _number(told: dict[str, Any]) -> str:
    found = Estimate(**told)
    if not found.estimable or found.value is None:
        return found.reason
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
