"""A file between choosing it and starting its batch: kept under a random name, looked at, imported or forgotten."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from labeling.files.rows import Bad, Fields, Row, check_encoding, field_names, fields_for, read_rows
from labeling.files.votes import UnusableFile

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

KINDS = (".csv", ".jsonl", ".ndjson", ".json")
LONGEST_LINE = 20_000_000
OLDEST_SECONDS = 24 * 3600
LOOKED_AT = 50_000
SHOWN = 6
TEXT_NAMES = ("text", "sentence", "question", "content", "body", "premise", "title")
GOLD_NAMES = ("gold", "label", "class", "category", "answer")
GROUP_NAMES = ("group", "district", "region", "dialect", "language")


@dataclass(frozen=True, slots=True)
class Upload:
    """A chosen file. `name` is what its owner calls it, for the page only; the path is ours."""

    token: str
    name: str
    kind: str
    project_id: int

    @property
    def path(self) -> Path:
        return folder() / f"{uuid.UUID(self.token).hex}{self.kind}"

    def told(self, error: UnusableFile) -> str:
        """The sentence of an error with the owner's name of the file in place of ours."""
        return str(error).replace(str(self.path), self.name).replace(self.path.name, self.name)


@dataclass(slots=True)
class Survey:
    """What the first rows of a file hold; `complete` where they are all of it."""

    rows: int = 0
    bad: int = 0
    complete: bool = True
    labels: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)
    first_rows: list[Row] = field(default_factory=list)
    first_bad: list[Bad] = field(default_factory=list)

    @property
    def gold(self) -> int:
        return sum(self.labels.values())


def folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "uploads"


def keep(file: UploadedFile[Any], project_id: int, session: SessionBase) -> Upload:
    """Store a chosen file under a random name and note it in the session. Raises UnusableFile, keeping nothing."""
    forget_old()
    name = Path(str(file.name)).name[:120]
    kind = Path(name).suffix.lower()
    if kind not in KINDS:
        raise UnusableFile(f"{name} is neither CSV nor JSONL; save it as one of them, with the ending .csv or .jsonl.")
    upload = Upload(str(uuid.uuid4()), name, kind, project_id)
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        _write(upload, file)
        check_readable(upload)
    except BaseException:
        upload.path.unlink(missing_ok=True)
        raise
    session["uploads"] = {**session.get("uploads", {}), upload.token: [name, kind, project_id]}
    return upload


def _write(upload: Upload, file: UploadedFile[Any]) -> None:
    line = 0
    with upload.path.open("wb") as copy:
        for chunk in file.chunks():
            copy.write(chunk)
            parts = chunk.split(b"\n")
            longest = max(line + len(parts[0]), *(len(part) for part in parts))
            line = len(parts[-1]) + (line if len(parts) == 1 else 0)
            if longest > LONGEST_LINE:
                raise UnusableFile(f"A line of {upload.name} is longer than {LONGEST_LINE:,} bytes; split the file up.")


def check_readable(upload: Upload) -> None:
    """Raise UnusableFile for a file that is empty, not UTF-8, or without any field."""
    try:
        check_encoding(str(upload.path))
        names = field_names(str(upload.path))
    except UnusableFile as error:
        raise UnusableFile(upload.told(error)) from error
    if not [name for name in names if name.strip()]:
        raise UnusableFile(
            f"{upload.name} has no fields; a CSV needs a header line, a JSONL file one JSON object with names a line."
        )


def find(token: str, project_id: int, session: SessionBase) -> Upload | None:
    """The upload of this visitor for this project, if it is still there."""
    told = session.get("uploads", {}).get(token)
    if told is None or told[2] != project_id:
        return None
    upload = Upload(token, told[0], told[1], project_id)
    return upload if upload.path.exists() else None


def forget(upload: Upload, session: SessionBase) -> None:
    """Delete the file and the note of it."""
    upload.path.unlink(missing_ok=True)
    session["uploads"] = {key: told for key, told in session.get("uploads", {}).items() if key != upload.token}


def forget_old() -> int:
    """Delete files that nobody started a batch with for a day; returns how many."""
    old = [path for path in _files() if time.time() - path.stat().st_mtime > OLDEST_SECONDS]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _files() -> Iterator[Path]:
    return folder().iterdir() if folder().is_dir() else iter(())


def guess(names: list[str], wished_group: str) -> Fields:
    """Which fields probably hold what, by their names; at least one is the text."""
    lower = {name.lower(): name for name in names}
    text = [lower[name] for name in TEXT_NAMES if name in lower][:1]
    if "premise" in lower and "hypothesis" in lower:
        text = [lower["premise"], lower["hypothesis"]]
    gold = next((lower[name] for name in GOLD_NAMES if name in lower), "")
    group = next((lower[name] for name in (wished_group.lower(), *GROUP_NAMES) if name in lower), "")
    left = [name for name in names if name not in (gold, group)]
    return Fields(tuple(text or left[:1] or names[:1]), gold, group)


def survey(upload: Upload, fields: Fields, labels: Sequence[str] = ()) -> Survey:
    """Look at the first 50,000 rows; `labels`: the allowed ones, empty for any.

    Raises UnusableFile where a named field is not there.
    """
    found = Survey()
    try:
        fields = resolved(upload, fields)
        for row in read_rows(str(upload.path), fields, labels, settings.MAX_TEXT_BYTES):
            if found.rows + found.bad == LOOKED_AT:
                found.complete = False
                break
            _note(found, row)
    except UnusableFile as error:
        raise UnusableFile(upload.told(error)) from error
    return found


def resolved(upload: Upload, fields: Fields) -> Fields:
    """The fields with the id field found by its name. Raises UnusableFile where a named field is not there."""
    return fields_for(str(upload.path), fields.text, fields.gold, fields.group, fields.id)


def _note(found: Survey, row: Row | Bad) -> None:
    if isinstance(row, Bad):
        found.bad += 1
        found.first_bad += [row] if len(found.first_bad) < SHOWN else []
        return
    found.rows += 1
    found.first_rows += [row] if len(found.first_rows) < SHOWN else []
    if row.gold:
        found.labels[row.gold] += 1
    found.groups[row.group] += 1
