"""A chosen file with its pictures: a ZIP that holds both, or a file and a ZIP beside it."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from labeling.files import uploads
from labeling.files.tables import UnusableFile
from labeling.files.uploads import Upload

CSV = b"id,picture,text\n1,1.png,one\n"


def packed(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        for name, data in files.items():
            written.writestr(name, data)
    return out.getvalue()


def kept(name: str, data: bytes, pictures: bytes | None = None) -> tuple[Upload, dict[str, Any]]:
    session: dict[str, Any] = {}
    beside = SimpleUploadedFile("pictures.zip", pictures) if pictures else None
    return uploads.keep(SimpleUploadedFile(name, data), 1, session, beside), session  # type: ignore[arg-type]


def refusal(name: str, data: bytes, pictures: bytes | None = None) -> str:
    with pytest.raises(UnusableFile) as told:
        kept(name, data, pictures)
    assert list(uploads.folder().iterdir()) == []
    return str(told.value)


def test_a_zip_gives_its_one_data_file_and_stays_beside_it() -> None:
    upload, session = kept("set.zip", packed(**{"set/rows.csv": CSV, "set/1.png": b"x"}))
    assert upload.path.read_bytes() == CSV
    assert upload.beside == "set"
    assert upload.pictures is not None
    assert upload.pictures.exists()
    found = uploads.find(upload.token, 1, session)  # type: ignore[arg-type]
    assert found == upload
    uploads.forget(upload, session)  # type: ignore[arg-type]
    assert list(uploads.folder().iterdir()) == []


def test_a_file_may_bring_its_pictures_in_a_zip_of_their_own() -> None:
    upload, _ = kept("rows.csv", CSV, packed(**{"1.png": b"x"}))
    assert upload.path.read_bytes() == CSV
    assert upload.packed
    assert upload.beside == ""


def test_what_cannot_be_used_is_one_sentence_with_the_owners_name_and_leaves_nothing() -> None:
    assert refusal("set.zip", packed(**{"1.png": b"x"})) == (
        "set.zip holds no data file; put one CSV, JSON or XLSX into it, beside the pictures."
    )
    assert "2 data files (a.csv, b.jsonl)" in refusal("set.zip", packed(**{"a.csv": CSV, "b.jsonl": b"{}"}))
    assert refusal("set.zip", b"no zip").startswith("set.zip is no ZIP file")
    assert refusal("rows.csv", CSV, b"no zip").startswith("pictures.zip is no ZIP file")
    assert "put the pictures into it" in refusal("set.zip", packed(**{"a.csv": CSV}), packed(**{"1.png": b"x"}))
    assert "leads out of it" in refusal("set.zip", packed(**{"a.csv": CSV, "../1.png": b"x"}))
    assert "is empty" in refusal("set.zip", packed(**{"a.csv": b" "}))


@override_settings(MAX_UPLOAD_BYTES=10)
def test_a_data_file_is_unpacked_no_further_than_a_file_may_be_large() -> None:
    assert "unpacks to more than 10 bytes" in refusal("set.zip", packed(**{"a.csv": CSV}))
