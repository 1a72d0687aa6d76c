"""`manage.py export PROJECT|BATCH --what labels|votes|ledger --format csv|jsonl --output PATH` (docs/commands.md)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from labeling.files.tables import UnusableFile
from labeling.management import scopes

WHATS, FORMATS = ("labels", "votes", "ledger"), ("csv", "jsonl")


class Command(BaseCommand):
    help = "Take labels, votes or the ledger of a batch or a project out, as a file."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("scope", metavar="PROJECT|BATCH", help="a project's name or address, or a batch's number")
        parser.add_argument("--what", choices=WHATS, default="labels")
        parser.add_argument("--format", choices=FORMATS, default="csv")
        parser.add_argument("--output", default="-", help="the file to write; - is standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            scopes.check_output(options["output"])
            written = self.write(lines(options), options["output"])
        except UnusableFile as error:
            self.stderr.write(str(error))
            sys.exit(2)
        except DatabaseError as error:
            self.stderr.write(f"The database cannot be read ({error}); make its tables with: manage.py migrate")
            sys.exit(2)
        self.stderr.write(f"{max(written - (options['format'] == 'csv'), 0):,} rows written to {options['output']}.")

    def write(self, rows: Iterator[str], path: str) -> int:
        """Stream the lines; returns how many."""
        if path == "-":
            return sum(1 for line in rows if self.stdout.write(line, ending="") is None)
        with Path(path).open("w", encoding="utf-8", newline="") as stream:
            return sum(1 for line in rows if stream.write(line))


def lines(options: dict[str, Any]) -> Iterator[str]:
    """The lines of the file that was asked for."""
    from labeling.files import exported_votes, exports  # models are loaded when there is something to do

    scope = scopes.named(options["scope"])
    if options["what"] == "labels":
        return (exports.as_csv if options["format"] == "csv" else exports.jsonl)(scope)
    records = {"votes": exported_votes.votes, "ledger": exported_votes.ledger}[options["what"]]
    return (exported_votes.as_csv if options["format"] == "csv" else exported_votes.jsonl)(records, scope)
