"""`manage.py export PROJECT|BATCH --what WHAT --format FORMAT --output PATH` (docs/commands.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from labeling.files.tables import UnusableFile
from labeling.management import scopes
from labeling.management.outputs import refusing

WHATS = ("labels", "votes", "ledger")
FORMATS = ("csv", "jsonl", "label-studio", "doccano", "conll", "brat", "hf")
FOLDERS = ("brat", "hf")
PACKED = ("csv", "jsonl")


class Command(BaseCommand):
    help = "Take labels, votes or the ledger of a batch or a project out, as a file, or for another program."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("scope", metavar="PROJECT|BATCH", help="a project's name or address, or a batch's number")
        parser.add_argument("--what", choices=WHATS, default="labels")
        parser.add_argument("--format", choices=FORMATS, default="csv")
        parser.add_argument("--question", type=int, help="number of the question, from 1; by default all")
        parser.add_argument(
            "--output",
            default="-",
            help="the file to write, a folder or a .zip for brat and hf, a .zip for csv and jsonl with their pictures; "
            "- is standard output",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusing(self):
            packed = options["format"] in PACKED and options["output"].lower().endswith(".zip")
            several = packed or options["format"] in FOLDERS
            written = self.write_folder(options) if several else self.write_file(options)
        self.stderr.write(f"{written} written to {options['output']}.")

    def write_file(self, options: dict[str, Any]) -> str:
        """Stream the lines of one file; returns how many rows, in words."""
        from labeling.files import leaving  # models are loaded when there is something to do
        from labeling.files.foreign.settled import Told

        scopes.check_output(options["output"])
        told = Told()
        scope = scopes.named(options["scope"])
        rows = leaving.lines(scope, options["what"], options["format"], options["question"], told)
        count = self.write(rows, options["output"])
        self.tell(told)
        if options["format"] == "label-studio" and options["output"] != "-":
            beside = Path(options["output"]).with_suffix(".xml")
            beside.write_text(leaving.config(scope, options["question"]), encoding="utf-8")
            self.stderr.write(f"The labeling interface for it is in {beside}.")
        if options["format"] not in leaving.PLAIN:
            return f"{count:,} lines"
        return f"{max(count - (options['format'] == 'csv'), 0):,} rows"

    def write_folder(self, options: dict[str, Any]) -> str:
        """Write the files of a folder, or of a ZIP; returns how many, in words."""
        from labeling.files import leaving
        from labeling.files.foreign.formats import into_folder, into_zip
        from labeling.files.foreign.settled import Told

        path, told = Path(options["output"]), Told()
        if options["output"] == "-":
            raise UnusableFile(f"{options['format']} is a folder of files; name it, or a .zip, with --output.")
        scope = scopes.named(options["scope"])
        found = leaving.files(scope, options["what"], options["format"], options["question"], told)
        try:
            if path.suffix.lower() == ".zip":
                with path.open("wb") as stream:
                    count = into_zip(found, stream)
            else:
                count = into_folder(found, path)
        except OSError as error:
            raise UnusableFile(f"{path} cannot be written ({error.strerror}).") from error
        self.tell(told)
        return f"{count:,} files"

    def tell(self, told: Any) -> None:
        for sentence in told.sentences():
            self.stderr.write(sentence)

    def write(self, rows: Iterator[str], path: str) -> int:
        """Stream the lines; returns how many."""
        if path == "-":
            return sum(1 for line in rows if self.stdout.write(line, ending="") is None)
        with Path(path).open("w", encoding="utf-8", newline="") as stream:
            return sum(1 for line in rows if stream.write(line))
