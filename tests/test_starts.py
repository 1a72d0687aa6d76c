"""Commands start without what they do not need yet: counted in modules, which are the same on every machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = (
    *("numpy", "scipy.stats", "scipy.special", "scipy.sparse", "scipy.optimize", "sklearn", "torch", "transformers"),
    *("openai", "httpx2", "phonenumbers", "stdnum", "celery", "redis", "uvicorn"),
)
WITHOUT_NUMPY = ("label", "run", "sweep", "demo", "certify", "export", "import_votes", "first_user")
WITH_NUMPY = ("aggregate", "agreement", "simulate", "fairness")
REFUSED = (
    ("certify",),
    ("label", "/no/such.csv", "--labels", "a,b"),
    ("aggregate", "votes.csv", "--method", "no-such-method"),
    ("agreement", "/no/such/votes.csv"),
    ("fairness", "/no/such/labels.csv", "--group", "district"),
)
START = """
import contextlib, io, json, sys
from django.core.management import execute_from_command_line
loaded = {}
for line in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            execute_from_command_line(["manage.py", *line])
        except SystemExit as end:
            refused = bool(end.code)
    loaded[" ".join(line)] = [refused, [name for name in json.loads(sys.argv[2]) if name in sys.modules]]
print(json.dumps(loaded))
"""


def started(*lines: tuple[str, ...]) -> dict[str, tuple[bool, list[str]]]:
    """Whether each line was refused, and what one process that ran them one after another had loaded by then."""
    told = subprocess.run(
        [sys.executable, "-c", START, json.dumps(lines), json.dumps(HEAVY)],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    return {line: tuple(found) for line, found in json.loads(told.stdout).items()}


@pytest.mark.slow
def test_help_and_refusals_load_nothing_heavy() -> None:
    helped = [(command, "--help") for command in (*WITHOUT_NUMPY, *WITH_NUMPY)]
    loaded = started(*REFUSED[:2], *helped, *REFUSED[2:])
    assert {line for line, (refused, _) in loaded.items() if refused} == {" ".join(line) for line in REFUSED}
    light = [" ".join(line) for line in REFUSED[:2]] + [*(f"{command} --help" for command in WITHOUT_NUMPY)]
    assert {line: found for line, (_, found) in loaded.items() if line in light and found} == {}
    assert {line: found for line, (_, found) in loaded.items() if set(found) - {"numpy"}} == {}
