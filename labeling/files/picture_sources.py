"""Where the pictures of a data file lie: a folder beside it, or a ZIP that came with it. Never an address elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol

from labeling.files import zips
from labeling.files.pictures import MOST_BYTES, UnusablePicture
from labeling.files.tables import UnusableFile
from labeling.files.zips import Contents

ADDRESS = re.compile(r"^(https?|ftp|s3|gs|file|data|blob):", re.IGNORECASE)
PLACE = "the folder of the data file"


class PictureSource(Protocol):
    """Gives the bytes of a picture by the path that a row names."""

    def read(self, name: str) -> bytes:
        """Raises UnusablePicture where there is no such file, or it must not be read."""


def checked_name(cell: str) -> str:
    """The path in a cell. Raises UnusablePicture for one that is no path inside the folder or the ZIP."""
    name = cell.strip()
    if not name:
        raise UnusablePicture("The picture is not named; write its path, beside the data file.")
    if ADDRESS.match(name) or name.startswith("//"):
        raise UnusablePicture(
            "The picture is an address of the web, and none is fetched from a data file; save the file beside it and "
            "write its path."
        )
    if "\\" in name:
        raise UnusablePicture("The picture's path has a backslash; write / between folders.")
    if zips.leads_away(name):
        raise UnusablePicture(f"The picture's path leads out of {PLACE}; write it from there on, such as images/1.png.")
    return zips.plain_name(name)


class Folder:
    """Pictures in a folder of this machine and the folders inside it."""

    def __init__(self, root: str | Path, most_bytes: int = MOST_BYTES) -> None:
        self.root, self.most_bytes = Path(root).resolve(), most_bytes

    def read(self, name: str) -> bytes:
        """The file at a path inside the folder, links that stay inside followed."""
        checked = checked_name(name)
        try:
            path = (self.root / checked).resolve(strict=True)
            if not path.is_relative_to(self.root):
                raise UnusablePicture(f"The picture {checked} is a link out of {PLACE}; copy the file there.")
            if not path.is_file():
                raise UnusablePicture(f"The picture {checked} is no file.")
            _check_bytes(path.stat().st_size, self.most_bytes)
            return path.read_bytes()
        except (OSError, RuntimeError) as error:
            raise UnusablePicture(f"The picture {checked} is not in {PLACE}, or may not be read.") from error


class Packed:
    """Pictures in a ZIP. `beside`: the folder inside it that paths start from, that of the data file."""

    def __init__(self, contents: Contents, beside: str = "", most_bytes: int = MOST_BYTES) -> None:
        self.contents, self.beside, self.most_bytes = contents, beside, most_bytes

    def read(self, name: str) -> bytes:
        """The file at a path, from the data file's folder or from the top, else the only one whose path ends so."""
        found = self._found(checked_name(name))
        _check_bytes(self.contents.files[found].file_size, self.most_bytes)
        try:
            return self.contents.read(found, self.most_bytes)
        except UnusableFile as error:
            raise UnusablePicture(f"The picture {error}") from error

    def _found(self, name: str) -> str:
        for path in (zips.plain_name(f"{self.beside}/{name}") if self.beside else name, name):
            if path in self.contents.files:
                return path
        ends = [path for path in self._by_last_part.get(PurePosixPath(name).name, ()) if path.endswith(f"/{name}")]
        if len(ends) > 1:
            raise UnusablePicture(f"The picture {name} is in the ZIP more than once; write its whole path.")
        if not ends:
            raise UnusablePicture(f"The picture {name} is not in the ZIP.")
        return ends[0]

    @cached_property
    def _by_last_part(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.contents.files:
            found.setdefault(PurePosixPath(path).name, []).append(path)
        return found


@contextmanager
def packed(path: str, beside: str = "", most_bytes: int = MOST_BYTES) -> Iterator[Packed]:
    """The pictures of a ZIP on this machine. Raises UnusableFile for one that is not harmless."""
    with zips.opened(path) as contents:
        yield Packed(contents, beside, most_bytes)


def _check_bytes(size: int, most: int) -> None:
    if size > most:
        raise UnusablePicture(f"The picture has {size:,} bytes; at most {most:,} are allowed.")
