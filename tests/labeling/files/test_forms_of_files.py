"""Every form in which a file of texts may come: delimiters, JSON in lines and lists, workbooks, our own exports."""

from __future__ import annotations

import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from labeling.files import workbooks
from labeling.files.exports import as_cells
from labeling.files.guesses import guess
from labeling.files.records import Bad, field_names, form_of, read_records
from labeling.files.rows import Fields, Row, read_rows
from labeling.files.spellings import LabelSet, folded, twins
from labeling.files.tables import UnusableFile
from labeling.kinds.cells import unguarded


def example(name: str) -> str:
    """A small file such as people bring, of a kind that went wrong once."""
    return str(Path(__file__).parent / "examples" / name)


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def held(path: str, delimiter: str = "") -> list[Any]:
    return [record for _, record in read_records(path, delimiter)]


def guessed(path: str) -> Fields:
    return guess(path, field_names(path), "Group")


class TestCsv:
    @pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
    def test_what_stands_between_the_fields_is_found_out(self, tmp_path: Path, sign: str) -> None:
        path = write(tmp_path / "a.csv", f"id{sign}text{sign}gold\n1{sign}a b{sign}yes\n2{sign}c d{sign}no\n")
        assert form_of(path).delimiter == sign
        assert held(path) == [{"id": "1", "text": "a b", "gold": "yes"}, {"id": "2", "text": "c d", "gold": "no"}]

    def test_signs_inside_texts_are_no_delimiters(self, tmp_path: Path) -> None:
        assert form_of(write(tmp_path / "a.csv", 'id,text\n1,"a; b; c"\n2,"d; e; f"\n')).delimiter == ","
        assert form_of(write(tmp_path / "b.csv", "text\nHello; you\nAnd you\n")).delimiter == ","

    def test_a_chosen_delimiter_wins(self, tmp_path: Path) -> None:
        assert held(write(tmp_path / "a.csv", "a;b,c\n1;2,3\n"), ",") == [{"a;b": "1;2", "c": "3"}]

    def test_a_header_of_a_hundred_thousand_columns_is_refused_at_once(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", ",".join(f"c{n}" for n in range(140_000)) + "\n")
        with pytest.raises(UnusableFile, match=r"a\.csv has 140,000 fields, more than 1,000"):
            field_names(path)

    def test_a_name_that_occurs_twice_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UnusableFile, match="two fields called 'text'"):
            field_names(write(tmp_path / "a.csv", "text, text\n1,2\n"))


class TestJson:
    LISTED = [{"id": 1, "text": "one"}, {"id": 2, "text": "two", "late": True}]

    @pytest.mark.parametrize("indent", [None, 0, 2])
    def test_a_list_of_objects_is_read_however_it_is_broken(self, tmp_path: Path, indent: int | None) -> None:
        path = write(tmp_path / "a.json", json.dumps(self.LISTED, indent=indent))
        assert held(path) == self.LISTED and field_names(path) == ["id", "text", "late"]

    def test_objects_over_several_lines_are_read_with_the_line_where_each_begins(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.jsonl", "\n".join(json.dumps(one, indent=2) for one in self.LISTED))
        assert [line for line, _ in read_records(path)] == [1, 5] and held(path) == self.LISTED

    def test_objects_that_hold_lists_of_objects_stay_whole(self, tmp_path: Path) -> None:
        one = {"text": "x", "spans": [{"a": 1}, {"a": 2}]}
        assert held(write(tmp_path / "a.json", json.dumps(one, indent=2))) == [one]

    def test_a_list_that_breaks_off_gives_what_it_has_and_the_reason(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", '[\n{"text": "one"},\n{"text": "tw')
        first, second = held(path)
        assert first == {"text": "one"} and second.line == 3 and "nothing behind it can be read" in second.reason

    def test_what_stands_behind_the_list_is_told(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", '[{"text": "one"}]\n{"text": "two"}')
        assert "more behind the end" in held(path)[1].reason

    def test_a_list_larger_than_a_block_is_read_in_pieces(self, tmp_path: Path) -> None:
        many = [{"id": n, "text": "x" * (n % 5000)} for n in range(200)]
        assert held(write(tmp_path / "a.json", json.dumps(many))) == many

    def test_other_things_than_objects_are_bad_rows(self, tmp_path: Path) -> None:
        assert all(isinstance(row, Bad) for row in held(write(tmp_path / "a.json", '["a", 3, null]')))

    def test_a_faulty_line_costs_this_line_only(self, tmp_path: Path) -> None:
        found = held(write(tmp_path / "a.jsonl", '{"text": "one"}\n{"text": "tw\n{"text": "three"}\n'))
        assert [isinstance(row, Bad) for row in found] == [False, True, False]

    def test_fields_of_all_rows_are_offered(self) -> None:
        path = example("late_gold.jsonl")
        assert "gold" in field_names(path) or "label" in field_names(path)
        assert guessed(path).gold


class TestWorkbooks:
    def read(self, tmp_path: Path, *sheets: list[list[Any]]) -> tuple[str, str]:
        book = Workbook()
        book.remove(book.active)
        for number, rows in enumerate(sheets):
            sheet = book.create_sheet(f"Sheet {number}")
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / "a.xlsx")
        lines = tmp_path / "a.jsonl"
        return workbooks.as_json_lines(tmp_path / "a.xlsx", lines, "a.xlsx"), str(lines)

    def test_the_first_sheet_with_rows_is_read_each_row_under_its_number(self, tmp_path: Path) -> None:
        rows = [["id", "text", "when"], [1, "one", date(2026, 3, 1)], [None, None, None], [2.5, "two", None]]
        name, path = self.read(tmp_path, [], [["only", "a header"]], rows)
        assert name == "Sheet 2"
        assert list(read_records(path)) == [
            (2, {"id": 1, "text": "one", "when": "2026-03-01"}),
            (4, {"id": 2.5, "text": "two"}),
        ]

    def test_fields_are_offered_in_the_order_of_the_sheet(self, tmp_path: Path) -> None:
        _, path = self.read(tmp_path, [["id", "gold", "text"], [1, None, "one"], [2, "yes", "two"]])
        assert field_names(path) == ["id", "gold", "text"]
        assert [record for _, record in read_records(path)][1] == {"id": 2, "gold": "yes", "text": "two"}

    def test_a_workbook_without_rows_or_too_wide_or_too_large_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(UnusableFile, match="no sheet with a header line and rows"):
            self.read(tmp_path, [["text"]])
        with pytest.raises(UnusableFile, match="more than 1,000 fields"):
            self.read(tmp_path, [[f"c{n}" for n in range(1001)], ["x"]])
        with pytest.raises(UnusableFile, match="two fields called 'text'"):
            self.read(tmp_path, [["text", "text"], ["x", "y"]])
        monkeypatch.setattr(workbooks, "MOST_UNPACKED", 1000)
        with pytest.raises(UnusableFile, match="unpacks to"):
            self.read(tmp_path, [["text"], ["x"]])

    def test_a_zip_that_is_no_workbook_is_refused(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as packed:
            packed.writestr("a.txt", "hello")
        with pytest.raises(UnusableFile, match="cannot be read as an XLSX workbook"):
            workbooks.as_json_lines(tmp_path / "b.xlsx", tmp_path / "b.jsonl", "b.xlsx")


class TestGuessing:
    def lines(self, tmp_path: Path, rows: list[dict[str, Any]]) -> str:
        return write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))

    def test_the_text_is_found_by_what_it_holds(self, tmp_path: Path) -> None:
        rows = [{"ref": f"AB-{n}", "remark": f"The lamp number {n} in our street is out.", "n": n} for n in range(9)]
        assert guessed(self.lines(tmp_path, rows)).text == ("remark",)

    def test_a_name_alone_does_not_make_a_number_the_text(self, tmp_path: Path) -> None:
        rows = [{"text": n, "remark": f"The lamp number {n} in our street is out."} for n in range(9)]
        assert guessed(self.lines(tmp_path, rows)).text == ("remark",)

    def test_a_short_title_yields_to_a_long_body_and_a_text_keeps_its_name(self, tmp_path: Path) -> None:
        rows = [
            {"title": f"Lamp {n}", "text": f"It is out, number {n}.", "note": "seen by the day shift"} for n in range(9)
        ]
        assert guessed(self.lines(tmp_path, rows)).text == ("text",)

    def test_premise_and_hypothesis_belong_together(self, tmp_path: Path) -> None:
        rows = [{"premise": "It rains.", "hypothesis": "It is wet.", "label": "yes"}]
        assert guessed(self.lines(tmp_path, rows)).text == ("premise", "hypothesis")

    def test_nothing_is_ever_guessed_to_stand_beside_the_text(self, tmp_path: Path) -> None:
        rows = [{"text": f"Lamp {n} is out.", "gold": "yes", "guess": "no", "channel": "web"} for n in range(9)]
        assert guessed(self.lines(tmp_path, rows)).shown == ()

    def test_an_id_that_many_texts_share_is_none(self) -> None:
        assert guessed(example("doc_id.csv")).id == ""
        assert guessed(example("task_kind.jsonl")).id == ""
        assert guessed(example("semi.csv")).id == "id"

    @pytest.mark.parametrize(
        ("name", "text"),
        [("min.json", "text"), ("doccano.jsonl", "text"), ("toloka.tsv", "INPUT:text"), ("semi.csv", "text")],
    )
    def test_other_tools_files_are_read_with_every_row(self, name: str, text: str) -> None:
        path = example(name)
        fields = guessed(path)
        rows = list(read_rows(path, fields, (), 10_000))
        assert fields.text == (text,) and len(rows) == 80 and all(isinstance(row, Row) for row in rows)

    def test_a_list_of_one_label_is_that_label(self) -> None:
        path = example("doccano.jsonl")
        assert guessed(path).gold == "label"
        assert {row.gold for row in read_rows(path, guessed(path), (), 10_000)} == {"positive", "negative"}


class TestOwnExports:
    def test_our_own_lines_read_back_with_ids_labels_and_texts(self) -> None:
        path = example("own_export.jsonl")
        rows = list(read_rows(path, guessed(path), ("0", "1", "-1"), 10_000))
        assert len(rows) == 10 and all(isinstance(row, Row) for row in rows)
        assert (rows[0].id, rows[0].gold, rows[0].parts) == (
            "1",
            "1",
            (("Text", "The park number 1 was good today."),),
        )

    def test_the_guard_against_formulas_is_taken_off(self) -> None:
        path = example("minus_export.csv")
        assert {record["label"] for record in held(path)} <= {"-1", "0", "1"}
        assert {row.gold for row in read_rows(path, guessed(path), (), 10_000)} <= {"-1", "0", "1"}

    def test_an_apostrophe_in_somebody_elses_file_stays(self, tmp_path: Path) -> None:
        assert held(write(tmp_path / "a.csv", "text,label\n'=1,'-1\n")) == [{"text": "'=1", "label": "'-1"}]


class TestSpellings:
    def test_names_that_differ_in_case_and_equal_numbers_are_one_label(self) -> None:
        assert folded({"Yes": 2, "yes": 5, "1.0": 1, "1": 3, "no": 1}) == {
            "Yes": "yes",
            "yes": "yes",
            "1.0": "1",
            "1": "1",
            "no": "no",
        }
        assert twins(["yes", "no", "Yes"]) == [("yes", "Yes")]

    def test_a_label_is_found_under_every_spelling_but_exactly_first(self) -> None:
        labels = LabelSet(["Yes", "No", "-1"])
        assert [labels.match(name) for name in ("yes", "No", "-1.0", "", "nan", "maybe")] == [
            "Yes",
            "No",
            "-1",
            "",
            "",
            None,
        ]
        assert LabelSet(["NaN", "x"]).match("NaN") == "NaN"


def test_the_guard_is_undone_exactly() -> None:
    texts = ["-1", "+3.5e2", "=A1", "-x", "'=x", "''", "'", "@a", "plain", "\tx", "'plain", "--"]
    cells = as_cells(texts)
    assert cells[0] == "-1" and cells[1] == "+3.5e2" and cells[2] == "'=A1"
    assert unguarded([str(cell) for cell in cells]) == texts


class TestLabelStudio:
    """Tasks of Label Studio have their fields in `data` and their answers in `annotations`."""

    def task(self, number: int, results: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        data = {"text": f"The lamp of house {number} is out.", "district": "Harbour"}
        return {"id": number, "data": data, "annotations": [{"result": results, "was_cancelled": False}], **more}

    def result(self, name: str, kind: str, **value: Any) -> dict[str, Any]:
        return {"from_name": name, "to_name": "text", "type": kind, "value": value}

    def test_the_text_is_read_and_no_number_of_a_task(self, tmp_path: Path) -> None:
        labels = [["yes"], ["no"]]
        tasks = [self.task(n, [self.result("label", "choices", choices=labels[n % 2])]) for n in range(8)]
        path = write(tmp_path / "a.json", json.dumps(tasks))
        assert guessed(path) == Fields(("text",), "label", ("district",), "id")
        assert held(path)[3] == {
            "text": "The lamp of house 3 is out.", "district": "Harbour", "id": 3, "label": "no",
        }  # fmt: skip

    def test_every_kind_of_answer_is_read_by_its_control(self, tmp_path: Path) -> None:
        results = [
            self.result("seen", "choices", choices=["lamp", "wire"]),
            self.result("urgent", "number", number=2.0),
            self.result("marks", "labels", start=4, end=8, text="lamp", labels=["Object"]),
            self.result("marks", "labels", start=12, end=17, text="house", labels=["Place"]),
            self.result("text", "choices", choices=["b"]),
        ]
        record = held(write(tmp_path / "a.json", json.dumps([self.task(1, results)])))[0]
        assert record["seen"] == ["lamp", "wire"] and record["urgent"] == 2.0
        assert record["marks"] == [[4, 8, "Object"], [12, 17, "Place"]]
        assert record["text"].startswith("The lamp") and record["annotation text"] == "b"

    def test_what_was_cancelled_says_nothing_and_other_nested_fields_stay(self, tmp_path: Path) -> None:
        cancelled = {"result": [self.result("label", "choices", choices=["yes"])], "was_cancelled": True}
        path = write(tmp_path / "a.json", json.dumps([self.task(1, [], annotations=[cancelled]), {"data": {"a": 1}}]))
        assert "label" not in held(path)[0] and held(path)[1] == {"data": {"a": 1}}
