"""Moments on pages: by the server's clock with its time zone named, made for the script that tells the viewer's."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template import engines

from labeling.web.templatetags.concord import MOMENTS, moment

WHEN = datetime(2026, 3, 1, 23, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "words", "iso"),
    [
        ("UTC", "1 Mar, 23:30 UTC", "2026-03-01T23:30:05+00:00"),
        ("Asia/Kolkata", "2 Mar, 05:00 IST", "2026-03-02T05:00:05+05:30"),
    ],
)
def test_a_moment_names_the_time_zone_of_the_server(settings: Any, zone: str, words: str, iso: str) -> None:
    settings.TIME_ZONE = zone
    assert moment(WHEN) == f'<time datetime="{iso}" data-local="">{words}</time>'


def test_a_moment_that_is_not_there_is_nothing() -> None:
    assert moment(None) == ""


def test_the_script_knows_every_form_of_a_moment() -> None:
    script = (settings.BASE_DIR / "static" / "js" / "times.js").read_text()
    forms = script[script.index("const forms") : script.index("};", script.index("const forms"))]
    for name in MOMENTS:
        assert re.search(rf'^\s+"?{re.escape(name)}"?[:,]', forms, re.MULTILINE), name


def test_no_page_tells_a_clock_without_its_time_zone() -> None:
    folder = Path(engines["django"].dirs[0])
    bare = [str(page) for page in folder.rglob("*.html") if re.search(r"\{\{[^}]*H:i", page.read_text())]
    assert bare == []
