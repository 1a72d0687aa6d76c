"""Where a command writes: a file, or standard output for `-`; and how it refuses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from labeling.files.tables import UnusableFile


@contextmanager
def opened(path: str) -> Iterator[TextIO]:
    """The stream to write to, closed at the end. Raises UnusableFile where the file cannot be written."""
    if path == "-":
        yield sys.stdout
        return
    try:
        with Path(path).open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        raise UnusableFile(f"{path} cannot be written ({error.strerror}).") from error


@contextmanager
def refusing(command: BaseCommand) -> Iterator[None]:
    """End with 2 and the sentence of the UnusableFile raised inside, or of a database that cannot be read."""
    try:
        yield
    except UnusableFile as error:
        command.stderr.write(str(error))
        sys.exit(2)
    except DatabaseError as error:
        command.stderr.write(f"The database cannot be read ({error}); make its tables with: manage.py migrate")
        sys.exit(2)
