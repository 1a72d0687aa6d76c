"""`manage.py audit votes.csv --gold gold.csv --group district`: candidates side by side before one is used."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fairness.audit import of_files
from labeling.files.tables import UnusableFile
from labeling.management.cell_options import (
    add_cell_options,
    add_vote_columns,
    check_files,
    columns_of,
    gold_columns_of,
    named,
    rules_of,
)
from labeling.management.outputs import refusing


class Command(BaseCommand):
    help = "Compare models and people on the same tasks: how right, how unequal between groups, who may check a crowd."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("votes", help="CSV with task,worker,label[,cost_usd][,seconds]; .gz is read too")
        parser.add_argument(
            "--gold", required=True, help="file of right labels, task,label; with the group, or see --items"
        )
        parser.add_argument("--group", required=True, help="the column that names each task's group")
        parser.add_argument("--items", default="", help="CSV or JSONL with a row for each task and its group")
        parser.add_argument("--key", default="task", help="what --items calls the task")
        parser.add_argument("--crowd", default="", help="who votes in the crowd that is to be checked, commas between")
        parser.add_argument("--minimum", type=int, default=30, help="tasks that a group needs, 30 by default")
        parser.add_argument("--seed", type=int, default=0, help="of the halves and the resamples")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        add_cell_options(parser)
        add_vote_columns(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusing(self):
            report = _report(options)
        self.stdout.write(json.dumps(report) if options["json"] else "\n".join(of_files.lines(report)))


def _report(options: dict[str, Any]) -> dict[str, Any]:
    """Raises UnusableFile."""
    if options["minimum"] < 1 or options["seed"] < 0:
        raise UnusableFile("--minimum is a whole number of at least 1, --seed of at least 0.")
    check_files([options["votes"], options["gold"], options["items"]])
    files = of_files.Files(
        options["votes"], options["gold"], options["group"], options["items"], options["key"], columns_of(options),
        gold_columns_of(options), rules_of(options),
    )  # fmt: skip
    field, prices, notes = of_files.read(files)
    told = of_files.report(field, prices, named(options["crowd"]), options["minimum"], options["seed"])
    return {**told, "notes": list(notes)}
