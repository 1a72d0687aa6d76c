"""ZIP files from outside, judged by their table of contents before anything is unpacked."""

from __future__ import annotations

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from labeling.files.tables import UnusableFile

MOST_ENTRIES = 50_000
MOST_BYTES = 20_000_000_000
"""Unpacked, all together."""
MOST_RATIO = 1000
"""No picture or table shrinks to less than a thousandth; what claims to is made to fill a disk."""
ENDING, END, END_BYTES = b"PK\x05\x06", "<4s4H2LH", 22
LONG_ENDING = b"PK\x06\x07"
LONGEST_COMMENT = 1 << 16
PACKED = (".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar", ".jar")
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error)
LEFT_BY_PROGRAMS = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of a ZIP that was found harmless, by name; folders and what operating systems leave are not among them.

    Read while the ZIP is open.
    """

    path: str
    zip: zipfile.ZipFile
    files: dict[str, zipfile.ZipInfo]

    def read(self, name: str, most: int) -> bytes:
        """A file of it, of at most so many bytes. Raises UnusableFile for a longer or a damaged one."""
        if self.files[name].file_size > most:
            raise UnusableFile(f"{name} has {self.files[name].file_size:,} bytes; at most {most:,} are allowed.")
        with self.stream(name) as source:
            return read_on(source, most + 1, name)

    @contextmanager
    def stream(self, name: str) -> Iterator[IO[bytes]]:
        """A file of it to read bit by bit. Raises UnusableFile."""
        try:
            source = self.zip.open(self.files[name])
        except _BROKEN as error:
            raise UnusableFile(f"{name} is damaged inside its ZIP; pack it anew.") from error
        with source:
            yield source


def read_on(source: IO[bytes], size: int, name: str) -> bytes:
    """The next bytes of a packed file, none at its end. Raises UnusableFile where it is damaged."""
    try:
        return source.read(size)
    except _BROKEN as error:
        raise UnusableFile(f"{name} is damaged inside its ZIP; pack it anew.") from error


@contextmanager
def opened(path: str) -> Iterator[Contents]:
    """A ZIP whose table of contents was checked: how many, how large, how far packed, what they are called.

    Raises UnusableFile with the first fault; nothing is unpacked then.
    """
    called = Path(path).name
    try:
        _check_ending(path, called)
        packed = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, struct.error) as error:
        raise UnusableFile(f"{called} is no ZIP file, or is cut off; pack it anew.") from error
    with packed:
        yield Contents(path, packed, checked(packed.infolist(), called))


def _check_ending(path: str, called: str) -> None:
    """Refuse by the last lines alone what has too many entries to be looked through."""
    with Path(path).open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - LONGEST_COMMENT - END_BYTES, 0))
        tail = stream.read()
    at = tail.rfind(ENDING)
    if at < 0 or len(tail) - at < END_BYTES:
        raise zipfile.BadZipFile
    entries = struct.unpack(END, tail[at : at + END_BYTES])[4]
    if entries > MOST_ENTRIES or tail[max(at - 20, 0) : at].startswith(LONG_ENDING):
        raise UnusableFile(f"{called} holds too many files, more than {MOST_ENTRIES:,}; pack fewer together.")


def checked(entries: list[zipfile.ZipInfo], called: str) -> dict[str, zipfile.ZipInfo]:
    """The files among the entries, by name. Raises UnusableFile where one is not harmless."""
    if len(entries) > MOST_ENTRIES:
        raise UnusableFile(f"{called} holds {len(entries):,} files; at most {MOST_ENTRIES:,} are allowed.")
    total = sum(entry.file_size for entry in entries)
    if total > MOST_BYTES:
        raise UnusableFile(f"{called} would unpack to {total:,} bytes; at most {MOST_BYTES:,} are allowed.")
    _check_overlap(entries, called)
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        reason = _fault(entry)
        if reason:
            raise UnusableFile(f"{called} is not taken: {reason}.")
        name = plain_name(entry.orig_filename)
        if name in found:
            raise UnusableFile(f"{called} is not taken: it holds two files called {_short(name)}.")
        if not entry.is_dir() and not _is_leftover(name):
            found[name] = entry
    if not found:
        raise UnusableFile(f"{called} is empty.")
    return found


def _check_overlap(entries: list[zipfile.ZipInfo], called: str) -> None:
    """Two entries that share their bytes unpack to far more than there is."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise UnusableFile(f"{called} is not taken: files inside it overlap.")
        end = entry.header_offset + entry.compress_size


def _fault(entry: zipfile.ZipInfo) -> str:
    """Why an entry is not harmless, in half a sentence; empty where it is."""
    name, kind = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
    if leads_away(name):
        return f"{_short(name)} leads out of it, or is no plain path with / between folders"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f"{_short(name)} is a link or a device, not a file"
    if entry.flag_bits & 1:
        return f"{_short(name)} is encrypted; pack it without a password"
    if name.lower().endswith(PACKED):
        return f"{_short(name)} is packed itself; unpack it first"
    if entry.compress_type not in METHODS:
        return f"{_short(name)} is packed in an unusual way; pack it with the usual one (deflate)"
    if entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
        return f"{_short(name)} unpacks to more than {MOST_RATIO:,} times its size"
    return ""


def leads_away(name: str) -> bool:
    """Whether a path may lead out of the folder it is meant in, or means different things to different systems."""
    parts = PurePosixPath(name).parts
    strange = "\\" in name or any(ord(sign) < 32 for sign in name)
    return strange or not parts or name.startswith(("/", "~")) or ".." in parts or ":" in parts[0]


def plain_name(name: str) -> str:
    """A path without `./` and with composed letters, as two systems write the same."""
    return unicodedata.normalize("NFC", PurePosixPath(name).as_posix())


def _is_leftover(name: str) -> bool:
    return name.startswith(LEFT_BY_PROGRAMS[0]) or PurePosixPath(name).name in LEFT_BY_PROGRAMS


def _short(name: str) -> str:
    return repr(name[:80])
