"""Answers of every kind out of files: stretches stand in JSON lines, or as JSON in the cells of a CSV."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from labeling.files.kind_votes import read_raw, table_of
from labeling.kinds import registry
from labeling.kinds.base import Space
from labeling.kinds.cells import Rules

SPANS = registry.kind("spans")
COLUMNS = ("task", "worker", "spans")


def csv_of(path: Path, rows: list[list[str]]) -> str:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return str(path)


def test_stretches_in_the_cells_of_a_csv_read_as_in_json_lines(tmp_path: Path) -> None:
    marks = [[0, 3, "PER"], [4, 6, "LOC"]]
    table = csv_of(tmp_path / "v.csv", [["1", "ann", json.dumps(marks)], ["1", "ben", "[]"]])
    lines = tmp_path / "v.jsonl"
    rows = [{"task": "1", "worker": "ann", "spans": marks}, {"task": "1", "worker": "ben", "spans": []}]
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_raw(table, SPANS, COLUMNS, Rules()).answers == read_raw(str(lines), SPANS, COLUMNS, Rules()).answers


def test_a_cell_that_is_no_json_is_told_and_an_empty_one_is_no_answer(tmp_path: Path) -> None:
    path = csv_of(tmp_path / "v.csv", [["1", "ann", "[[0, 3,"], ["2", "ann", ""], ["3", "ann", '[[0, 3, "PER"]]']])
    raw = read_raw(path, SPANS, COLUMNS, Rules())
    table, notes = table_of(raw, SPANS, Space(("PER",)), {})
    assert table.tasks == ["3"]
    assert any("no JSON, left out: 1 (task 1)" in note for note in notes)
    assert any("no answer: 1" in note for note in notes)
