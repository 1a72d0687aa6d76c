"""`manage.py datasheet BATCH --format html|md|json|croissant --output PATH` (docs/commands.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from labeling.files.tables import UnusableFile
from labeling.management import scopes
from labeling.management.outputs import refusing

FORMATS = ("html", "md", "json", "croissant")


class Command(BaseCommand):
    help = "Write down how the labels of a batch came to be: to read and print, as JSON, or as Croissant with the data."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("batch", metavar="BATCH", help="the number of the batch, as in its address")
        parser.add_argument("--format", choices=FORMATS, default="html")
        parser.add_argument(
            "--output",
            default="-",
            help="the file to write, - for standard output; the data of croissant lie beside it, or inside a .zip",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusing(self):
            written = self.write(options)
        self.stderr.write(written)

    def write(self, options: dict[str, Any]) -> str:
        """Write the sheet; returns a sentence about it. Raises UnusableFile."""
        from fairness.disclosure import files  # loads numpy and the crowd, which --help and refusals do not need

        batch = scopes.batch_named(options["batch"])
        path, form = options["output"], options["format"]
        zipped = form == "croissant" and path.lower().endswith(".zip")
        scopes.check_output(path)
        made = files.FORMATS[form](batch)
        if path == "-":
            self.stdout.write(made[""].decode(), ending="")
            return "The data are left out; name a file with --output." if len(made) > 1 else "Written."
        if not zipped and Path(path).name in made:
            raise UnusableFile(f"{path} is the name of a file with data that lies beside; give --output another one.")
        try:
            count = self.put(made, Path(path), files.packed(made) if zipped else None)
        except OSError as error:
            raise UnusableFile(f"{path} cannot be written ({error.strerror}).") from error
        return f"Written to {path}{f', with {count} files of data beside it' if count else ''}."

    def put(self, made: dict[str, bytes], path: Path, packed: bytes | None) -> int:
        """Write the file, and its data beside it unless it is packed; returns how many files lie beside it."""
        path.write_bytes(made[""] if packed is None else packed)
        beside = {} if packed is not None else {name: data for name, data in made.items() if name}
        for name, data in beside.items():
            path.with_name(name).write_bytes(data)
        return len(beside)
