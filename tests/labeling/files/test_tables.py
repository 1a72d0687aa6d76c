"""Columns out of CSV with any delimiter, and JSONL."""

import io
from pathlib import Path

import pytest

from labeling.files.tables import UnusableFile, delimiter_of, open_table

THREE = ("task", "worker", "label")


def rows(tmp_path: Path, content: str, columns: tuple[str, ...] = THREE, optional: tuple[str, ...] = ()) -> list:
    path = tmp_path / "votes.csv"
    path.write_text(content, encoding="utf-8")
    with open_table(str(path), columns, optional) as table:
        return list(map(tuple, table.rows))


def refused(tmp_path: Path, content: str) -> str:
    with pytest.raises(UnusableFile) as stopped:
        rows(tmp_path, content)
    return str(stopped.value).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    "header", ["task,worker,label", "Task,WORKER,Label", " task , worker , label ", "\ufefftask,worker,label"]
)
def test_outer_blanks_and_case_of_the_header_are_forgiven(tmp_path: Path, header: str):
    assert rows(tmp_path, f"{header}\nt1,a,yes\n") == [("t1", "a", "yes")]


def test_an_exact_name_goes_before_one_that_differs_in_case(tmp_path: Path):
    assert rows(tmp_path, "task,worker,Label,label\nt1,a,no,yes\n") == [("t1", "a", "yes")]


@pytest.mark.parametrize(("delimiter", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_the_delimiter_is_found_and_told(tmp_path: Path, delimiter: str, word: str):
    path = tmp_path / "votes.csv"
    path.write_text("task,worker,label\nt1,a,\"yes; no | 'x'\"\n".replace(",", delimiter))
    with open_table(str(path), THREE) as table:
        assert len(list(table.rows)) == 1
        assert table.notes == (f"{path} has its fields between {word}.",)


def test_a_comma_in_a_semicolon_file_stays_in_its_field(tmp_path: Path):
    assert rows(tmp_path, "task;worker;label\nt1;a;0,5\n") == [("t1", "a", "0,5")]


def test_without_known_columns_the_delimiter_that_cuts_all_lines_alike_is_taken():
    assert delimiter_of(["id;text;label\n", "1;a, b, c;x\n", "2;d, e;y\n"]) == ";"
    assert delimiter_of(["INPUT:text\tOUTPUT:result\n", "a, b\tx\n"]) == "\t"
    assert delimiter_of(["text\n", "one; two\n"]) == ","
    assert delimiter_of([]) == ","


def test_a_row_that_is_longer_or_shorter_than_the_header_is_refused_with_its_line_and_the_others(tmp_path: Path):
    said = refused(tmp_path, "task,worker,label\nt1,a,yes, sure\nt1,b,yes\nt2,a\n\n , \nt3,a,b,c\n")
    assert said == (
        "votes.csv line 2 has 4 fields; it needs 3, as many as the header; so do 2 more (lines 4, 7). "
        "A text that holds the delimiter stands in quotes."
    )


def test_a_wished_column_that_stands_there_twice_is_refused_and_another_one_is_not(tmp_path: Path):
    assert "line 1 has the column 'label' 2 times" in refused(tmp_path, "task,worker,label,label\nt1,a,x,y\n")
    assert rows(tmp_path, "task,note,worker,note,label\nt1,x,a,y,no\n") == [("t1", "a", "no")]


def test_a_field_in_quotes_may_hold_delimiters_lines_and_follow_a_blank(tmp_path: Path):
    assert rows(tmp_path, 'task,worker,label\nt1, "a, b","x\ny"\n') == [("t1", "a, b", "x\ny")]


def test_an_optional_column_that_is_not_there_is_empty(tmp_path: Path):
    assert rows(tmp_path, "task,gold\nt1,x\n", ("task",), ("gold", "weight")) == [("t1", "x", "")]


def test_json_lines_are_read_with_null_and_nan_as_empty(tmp_path: Path):
    lines = ['{"task": 1, "worker": "a", "label": null}', "", '{"task": 2, "worker": "a", "label": NaN}']
    assert rows(tmp_path, "\n".join([*lines, '{"task": 3, "label": 1.0}'])) == [
        ("1", "a", ""),
        ("2", "a", ""),
        ("3", "", "1.0"),
    ]
    assert "has no field 'worker' in any line" in refused(tmp_path, '{"task": 1, "label": "x"}\n')
    assert "line 2 is not JSON" in refused(tmp_path, '{"task": 1, "worker": 2, "label": 3}\nx\n')
    assert "the field 'label' holds a list" in refused(tmp_path, '{"task": 1, "worker": 2, "label": [3]}\n')


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("task;worker;label\nt1;a;yes\n"))
    with open_table("-", THREE) as table:
        assert list(map(tuple, table.rows)) == [("t1", "a", "yes")]


def test_lines_are_counted_through_long_files_and_fields_over_several_lines(tmp_path: Path):
    good = ['t,a,"two\nlines"', ""] * 150
    content = "\n".join(["task,worker,label", *good])
    assert len(rows(tmp_path, content)) == 150
    assert "votes.csv line 452 has 2 fields" in refused(tmp_path, f"{content}\nt,b\n")
    assert "votes.csv line 3 has 1 fields" in refused(tmp_path, content.replace("t,a,", "", 1))
    assert "votes.csv line 452 has a NUL character" in refused(tmp_path, f"{content}\nt,b,\0\n")
