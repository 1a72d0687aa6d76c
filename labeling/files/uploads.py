"""A file between choosing it and starting its batch: kept under a random name, looked at, imported or forgotten."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from labeling.files import records, workbooks, zips
from labeling.files.rows import Fields, check_encoding
from labeling.files.tables import UnusableFile
from labeling.kinds.cells import listed

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

WORKBOOK = ".xlsx"
LINES = ".jsonl"
KINDS = (".csv", ".tsv", LINES, ".ndjson", ".json", WORKBOOK)
PACKED = ".zip"
BLOCK = 1 << 20
LONGEST_LINE = 20_000_000
OLDEST_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Upload:
    """A chosen file. `name` is what its owner calls it, for the page only; the path is ours.

    `sheet`: of a workbook, the sheet that was read. `fields`: those of all JSON rows, found once; of a CSV, none.
    `packed`: a ZIP with pictures came with it. `beside`: the folder of that ZIP in which the file lay.
    """

    token: str
    name: str
    kind: str
    project_id: int
    sheet: str = ""
    fields: tuple[str, ...] = ()
    packed: bool = False
    beside: str = ""

    @property
    def path(self) -> Path:
        return folder() / f"{uuid.UUID(self.token).hex}{self.kind}"

    @property
    def pictures(self) -> Path | None:
        """The ZIP that came with the file, if one did."""
        return folder() / f"{uuid.UUID(self.token).hex}{PACKED}" if self.packed else None

    def placed(self, fields: Fields) -> Fields:
        """The fields with the place where pictures lie, if any are named and a ZIP came with the file."""
        named = fields.images and self.packed
        return replace(fields, pictures=str(self.pictures) if named else "", beside=self.beside if named else "")

    def told(self, error: UnusableFile) -> str:
        """The sentence of an error with the owner's name of the file in place of ours."""
        return str(error).replace(str(self.path), self.name).replace(self.path.name, self.name)

    def field_names(self, delimiter: str = "") -> list[str]:
        """The fields of the file, those of a CSV as this delimiter cuts them. Raises UnusableFile."""
        try:
            return list(self.fields) or records.field_names(str(self.path), delimiter)
        except UnusableFile as error:
            raise UnusableFile(self.told(error)) from error

    def check_fields(self, fields: Fields) -> None:
        """Raise UnusableFile where a field is not there."""
        there = self.field_names(fields.delimiter)
        for name in fields.named():
            if name not in there:
                raise UnusableFile(f"{self.name} has no field {name!r}; its fields are {', '.join(there[:20])}.")

    def form(self, delimiter: str = "") -> records.Form:
        return records.form_of(str(self.path), delimiter)


def folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "uploads"


def keep(
    file: UploadedFile[Any], project_id: int, session: SessionBase, pictures: UploadedFile[Any] | None = None
) -> Upload:
    """Store a chosen file under a random name and note it in the session; a ZIP holds the file itself and pictures.

    `pictures`: a ZIP of pictures that belong to the file. Raises UnusableFile, keeping nothing.
    """
    forget_old()
    name = Path(str(file.name)).name[:120]
    kind = Path(name).suffix.lower()
    if kind not in (*KINDS, PACKED):
        raise UnusableFile(f"{name} is neither CSV, JSON, XLSX nor ZIP; save it as one of them, with its ending.")
    if kind == PACKED and pictures:
        raise UnusableFile(f"{name} is a ZIP already; put the pictures into it, too.")
    token = str(uuid.uuid4())
    written = Upload(token, name, kind, project_id, packed=bool(pictures))
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        upload = _looked_at(_taken(written, file, pictures))
    except BaseException:
        for path in folder().glob(f"{uuid.UUID(token).hex}.*"):
            path.unlink(missing_ok=True)
        raise
    noted = [name, upload.kind, project_id, upload.sheet, list(upload.fields), upload.packed, upload.beside]
    session["uploads"] = {**session.get("uploads", {}), token: noted}
    return upload


def _taken(upload: Upload, file: UploadedFile[Any], pictures: UploadedFile[Any] | None) -> Upload:
    """The data file on our disk, whatever it came in, and the pictures beside it."""
    if upload.kind == PACKED:
        upload = replace(upload, packed=True)
        _copy(file, upload.pictures)
        upload = _out_of_zip(upload)
    else:
        _write(upload, file)
    if pictures:
        _copy(pictures, upload.pictures)
        _check_zip(upload, Path(str(pictures.name)).name)
    return _unpacked(upload) if upload.kind == WORKBOOK else upload


def _copy(file: UploadedFile[Any], path: Path | None) -> None:
    assert path is not None
    with path.open("wb") as copy:
        for chunk in file.chunks():
            copy.write(chunk)


def _check_zip(upload: Upload, called: str) -> None:
    try:
        with zips.opened(str(upload.pictures)):
            pass
    except UnusableFile as error:
        raise UnusableFile(str(error).replace(Path(str(upload.pictures)).name, called)) from error


def _out_of_zip(upload: Upload) -> Upload:
    """The one data file of a ZIP beside it. Raises UnusableFile where there is none, or more than one."""
    try:
        with zips.opened(str(upload.pictures)) as contents:
            found = [name for name in contents.files if name.lower().endswith(KINDS)]
            if len(found) != 1:
                many = f"{len(found)} data files ({listed(found, 3)})" if found else "no data file"
                raise UnusableFile(
                    f"{upload.name} holds {many}; put one CSV, JSON or XLSX into it, beside the pictures."
                )
            (name,) = found
            kept = replace(upload, kind=PurePosixPath(name).suffix.lower(), beside=_folder_of(name))
            with contents.stream(name) as source, kept.path.open("wb") as copy:
                _spill(source, copy, name)
            return kept
    except UnusableFile as error:
        raise UnusableFile(str(error).replace(Path(str(upload.pictures)).name, upload.name)) from error


def _folder_of(name: str) -> str:
    parent = PurePosixPath(name).parent.as_posix()
    return "" if parent == "." else parent


def _spill(source: IO[bytes], copy: IO[bytes], name: str) -> None:
    """Unpack a data file, no further than a file may be large."""
    size = 0
    while block := zips.read_on(source, BLOCK, name):
        size += len(block)
        if size > settings.MAX_UPLOAD_BYTES:
            raise UnusableFile(f"{name} unpacks to more than {settings.MAX_UPLOAD_BYTES:,} bytes; split it up.")
        copy.write(block)


def _write(upload: Upload, file: UploadedFile[Any]) -> None:
    line, first = 0, True
    in_lines = upload.kind != WORKBOOK
    with upload.path.open("wb") as copy:
        for chunk in file.chunks():
            in_lines = in_lines and not (first and chunk.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"["))
            first = False
            copy.write(chunk)
            parts = chunk.split(b"\n")
            longest = max(line + len(parts[0]), *(len(part) for part in parts))
            line = len(parts[-1]) + (line if len(parts) == 1 else 0)
            if in_lines and longest > LONGEST_LINE:
                raise UnusableFile(f"A line of {upload.name} is longer than {LONGEST_LINE:,} bytes; split the file up.")


def _unpacked(upload: Upload) -> Upload:
    """The lines of a workbook in its place."""
    lines = replace(upload, kind=LINES)
    sheet = workbooks.as_json_lines(upload.path, lines.path, upload.name)
    upload.path.unlink()
    return replace(lines, sheet=sheet[:80])


def _looked_at(upload: Upload) -> Upload:
    """The upload with its fields. Raises UnusableFile for a file that is empty, not UTF-8, or without any field."""
    try:
        check_encoding(str(upload.path))
        names = records.field_names(str(upload.path))
    except UnusableFile as error:
        raise UnusableFile(upload.told(error)) from error
    if not names:
        raise UnusableFile(
            f"{upload.name} has no fields; a CSV needs a header line, a JSON file objects with named fields."
        )
    found = () if upload.form().kind == "csv" else tuple(names)
    return replace(upload, fields=found)


def find(token: str, project_id: int, session: SessionBase) -> Upload | None:
    """The upload of this visitor for this project, if it is still there."""
    told = session.get("uploads", {}).get(token)
    if told is None or len(told) != 7 or told[2] != project_id:
        return None
    name, kind, project, sheet, fields, packed, beside = told
    upload = Upload(token, name, kind, project, sheet, tuple(fields), packed, beside)
    return upload if upload.path.exists() else None


def forget(upload: Upload, session: SessionBase) -> None:
    """Delete the file with its pictures, and the note of it."""
    for path in filter(None, (upload.path, upload.pictures)):
        path.unlink(missing_ok=True)
    session["uploads"] = {key: told for key, told in session.get("uploads", {}).items() if key != upload.token}


def forget_old() -> int:
    """Delete files that nobody started a batch with for a day; returns how many."""
    old = [path for path in _files() if time.time() - path.stat().st_mtime > OLDEST_SECONDS]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _files() -> Iterator[Path]:
    return folder().iterdir() if folder().is_dir() else iter(())
