"""What the settings make on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings import database_of, keep_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_data_belong_to_their_owner_only(tmp_path: Path) -> None:
    folder, file = tmp_path / "deep" / "var", tmp_path / "deep" / "var" / "concord.sqlite3"
    keep_private(folder, folder=True)
    keep_private(file)
    assert (mode(folder), mode(file)) == (0o700, 0o600)


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o640), (0o666, 0o660), (0o600, 0o600)])
def test_what_was_open_to_everybody_is_shut(tmp_path: Path, before: int, after: int) -> None:
    file = tmp_path / "concord.sqlite3"
    file.write_text("kept")
    file.chmod(before)
    keep_private(file)
    assert mode(file) == after and file.read_text() == "kept"


def test_a_place_that_cannot_be_made_is_left_to_whoever_needs_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    keep_private(tmp_path / "file" / "database")
    assert not (tmp_path / "file").is_dir()


def test_an_address_without_a_database_is_refused_in_words() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"DATABASE_URL is no address of a database; write one such as"):
        database_of("concord")
    assert database_of("postgres://ann@127.0.0.1:5432/labels")["NAME"] == "labels"
