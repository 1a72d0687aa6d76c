"""`manage.py import-votes PROJECT VOTES.csv [--people W1,W2]`: recorded votes become votes of named annotators."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from labeling.management import scopes
from labeling.management.outputs import refusing


class Command(BaseCommand):
    help = (
        "Take recorded votes of people or models into a project; what an export of votes holds, or task,worker,label."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="its name or address")
        parser.add_argument(
            "file", metavar="VOTES", help="CSV or JSONL with task, worker, label; also .gz; - is standard input"
        )
        parser.add_argument(
            "--people", default="", help="workers that are persons, comma between; the others are models"
        )
        parser.add_argument("--question", type=int, help="number of the question, from 1, where the file names none")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        people = [name.strip() for name in options["people"].split(",") if name.strip()]
        with refusing(self):
            taken = take_in(options["project"], options["file"], people, options["question"])
        told = (
            f"{taken['new']:,} votes of {taken['workers']:,} workers taken in, {taken['known']:,} were there already."
        )
        self.stdout.write(json.dumps(taken) if options["json"] else told)


def take_in(project: str, path: str, people: list[str], number: int | None = None) -> dict[str, int]:
    """Take the file in and let its batches be weighed again; returns counts."""
    found = scopes.project_named(project)
    from labeling.managing import recorded_votes  # loads numpy, which --help and refusals do not need

    taken = recorded_votes.take_in(found, path, people, number)
    return {"new": taken.new, "known": taken.known, "workers": len(taken.workers), "batches": len(taken.batches)}
