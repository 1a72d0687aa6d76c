"""What `make demo` does on a machine unlike ours: another Python, a path with a space, an interrupted .venv."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parents[1] / "Makefile"
FAKE = """#!/bin/sh
case "$*" in
  *version_info*) exit {version};;
  "-m venv --clear .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && echo made anew;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout in a path with a space."""
    found = tmp_path / "with space" / "concord"
    found.mkdir(parents=True)
    shutil.copy(MAKEFILE, found)
    (found / "requirements.txt").touch()
    return found


def make(folder: Path, version: int) -> subprocess.CompletedProcess[str]:
    """`make .venv/ready` with a Python that says it is 3.11 (0) or another one (1)."""
    if not shutil.which("make"):
        pytest.skip("needs make")
    python = folder / "python"
    python.write_text(FAKE.format(version=version))
    python.chmod(0o755)
    command = ["make", ".venv/ready", f"PYTHON={python}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_another_python_is_told_how_to_get_the_right_one(folder: Path) -> None:
    told = make(folder, 1)
    assert told.returncode == 2 and not (folder / ".venv").exists()
    for words in (
        "needs Python 3.11",
        "python3.11-venv",
        "uv python install 3.11",
        "make demo PYTHON=/path/to/python3.11",
    ):
        assert words in told.stderr


def test_a_path_may_hold_spaces_and_a_half_made_environment_is_made_anew(folder: Path) -> None:
    (folder / ".venv" / "bin").mkdir(parents=True)  # interrupted: there is no Python in it
    told = make(folder, 0)
    assert told.returncode == 0, told.stderr
    assert "made anew" in told.stdout and (folder / ".venv" / "ready").exists()
