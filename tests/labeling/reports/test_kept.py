"""Numbers that are kept: for how long, and never over an update of the product."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.cache import cache

from labeling.reports import kept
from labeling.reports.build import build, fingerprint


def test_an_update_of_the_product_starts_anew_though_the_cache_outlives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    assert kept.keep("sum", 1, lambda: "old") == kept.keep("sum", 1, lambda: "new") == "old"
    monkeypatch.setattr(kept, "build", lambda: "another-build")
    assert kept.peek("sum", 1) == (None, 0)
    assert kept.keep("sum", 1, lambda: "new") == "new"


def test_a_build_is_known_by_its_source_alone(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("here", "there")]
    for folder in folders:
        (folder / "room").mkdir(parents=True)
        (folder / "room" / "one.py").write_text("A = 1")
    assert fingerprint(folders[:1]) == fingerprint(folders[1:])
    (folders[1] / "room" / "one.py").write_text("A = 2")
    assert fingerprint(folders[:1]) != fingerprint(folders[1:])
    assert len(build()) == 16
