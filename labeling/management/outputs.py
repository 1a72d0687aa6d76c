"""Where a command writes: a file, or standard output for `-`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

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
