"""Files become batches: in = new + duplicate + bad, every bad row with its line, nothing half-imported."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeling.files import imports
from labeling.files.guesses import fields_for
from labeling.files.records import field_names
from labeling.files.rows import Bad, Fields, Row, check_encoding, read_rows
from labeling.files.tables import UnusableFile
from labeling.management.label_job import group_fields
from labeling.models import Batch, Project, SkippedRow, Task

LIMIT = 1_000_000


def write(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def rows(path: str, *text: str, **more: Any) -> list[Row | Bad]:
    labels = more.pop("labels", ())
    return list(read_rows(path, fields_for(path, text or ("text",), **more), labels, LIMIT))


def take(project: Project, path: str, *text: str, **more: Any) -> Batch:
    fields = fields_for(path, text or ("text",), more.pop("gold", ""), more.pop("groups", ()))
    batch = imports.open_batch(project, path, fields, **more)
    assert imports.take_in(batch)
    batch.refresh_from_db()
    return batch


class TestReading:
    def test_csv_with_quotes_line_breaks_and_a_byte_order_mark(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", '\ufeffid,text\n1,"Two\nlines, one text"\n2,Plain\n')
        first, second = rows(path)
        assert (first.id, first.parts) == ("1", (("Text", "Two\nlines, one text"),))
        assert (second.id, second.line) == ("2", 4)

    def test_several_text_fields_become_titled_parts(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.jsonl", json.dumps({"id": 7, "premise": "It rains.", "hypothesis": "It is wet."}))
        (row,) = rows(path, "premise", "hypothesis")
        assert row.parts == (("Premise", "It rains."), ("Hypothesis", "It is wet.")) and row.id == "7"

    def test_packed_files_are_read(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.jsonl.gz", gzip.compress(b'{"text": "hello"}\n'))
        assert rows(path)[0].parts == (("Text", "hello"),)

    def test_rows_without_an_id_are_called_after_their_line(self, tmp_path: Path) -> None:
        assert rows(write(tmp_path / "a.csv", "text\nhello\n"))[0].id == "line-2"

    def test_only_the_chosen_fields_are_kept_for_people_to_see(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.jsonl", '{"text": "x", "channel": "phone", "stars": 4, "guess": "yes"}')
        assert rows(path)[0].about == {}
        assert rows(path, shown=["channel", "stars"])[0].about == {"channel": "phone", "stars": "4"}

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ('{"text": "x"', "It is not JSON"),
            ('["x"]', "not a JSON object"),
            ('{"id": "1", "text": "x", "gold": ["yes", "no"]}', "holds 2 labels"),
            ('{"text": ""}', "'Text' is empty"),
            ('{"other": "x"}', "'Text' is empty"),
            ('{"text": {"a": 1}}', "a list or an object"),
            ('{"text": ["x", "y"]}', "a list or an object"),
            ('{"text": "a\\u0000b"}', "NUL character"),
            ('{"text": "a\\ud800b"}', "lone surrogate"),
            ('{"id": "1", "text": "x", "gold": "maybe"}', "'maybe' is not in the label set"),
            ('{"text": "x", "id": "%s"}' % ("i" * 201), "201 characters"),
            ('{"text": "%s"}' % ("x" * 1_000_001), "1,000,001 bytes; at most 1,000,000"),
            ("[" * 100_000, "It is not JSON"),
        ],
    )
    def test_a_row_that_cannot_be_used_says_why(self, tmp_path: Path, line: str, reason: str) -> None:
        path = write(tmp_path / "a.jsonl", '{"id": "0", "text": "good", "gold": "yes"}\n' + line + "\n")
        good, bad = rows(path, gold="gold", labels=["yes", "no"])
        assert isinstance(good, Row) and isinstance(bad, Bad)
        assert bad.line == 2 and reason in bad.reason

    def test_a_csv_row_with_too_few_or_too_many_fields_says_so(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "id,text\n1,good\n2\n3,a,b\n4,fine\n")
        kinds = [(row.line, isinstance(row, Bad)) for row in rows(path)]
        assert kinds == [(2, False), (3, True), (4, True), (5, False)]

    def test_the_same_text_with_other_spacing_has_the_same_digest(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "text\ncafe\u0301  noir\ncaf\u00e9 noir\nCAF\u00c9 noir\n")
        one, two, three = (row.digest for row in rows(path))
        assert one == two != three


class TestRefusing:
    @pytest.mark.parametrize("content", [b"", b"  \n \n", b"\xef\xbb\xbf"])
    def test_an_empty_file(self, tmp_path: Path, content: bytes) -> None:
        with pytest.raises(UnusableFile, match="is empty"):
            check_encoding(write(tmp_path / "a.csv", content))

    def test_a_file_that_is_not_utf8(self, tmp_path: Path) -> None:
        with pytest.raises(UnusableFile, match="not a UTF-8 text file; save it as UTF-8"):
            check_encoding(write(tmp_path / "a.csv", "text\ncaf\u00e9\n".encode("latin-1")))

    def test_a_file_without_the_named_field_lists_those_it_has(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "id,body\n1,x\n")
        with pytest.raises(UnusableFile, match=r"no field 'text'; its fields are id, body"):
            fields_for(path, ["text"])

    def test_a_file_that_is_not_there(self) -> None:
        with pytest.raises(UnusableFile, match="cannot be read"):
            check_encoding("/nowhere/a.csv")

    def test_a_label_set_of_one(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "text,gold\nx,yes\n")
        with pytest.raises(UnusableFile, match="at least two labels and there is only 'yes'"):
            imports.label_names(path, fields_for(path, ["text"], "gold"), [])
        with pytest.raises(UnusableFile, match="named twice"):
            imports.label_names(path, fields_for(path, ["text"], "gold"), ["a", "b", "a"])

    def test_a_file_of_which_no_row_can_be_used_leaves_nothing_behind(self, project: Project, tmp_path: Path) -> None:
        path = write(tmp_path / "a.jsonl", '{"text": ""}\n{"text": 3')
        batch = imports.open_batch(project, path, Fields(("text",)))
        with pytest.raises(
            UnusableFile, match=r"No row of a.*\.jsonl could be used; the first is line 1: The field 'Text'"
        ):
            imports.take_in(batch)
        assert not Batch.objects.exists() and not SkippedRow.objects.exists()

    def test_another_label_set_than_the_projects(self, project: Project) -> None:
        with pytest.raises(UnusableFile, match="has the labels Roads and lights, "):
            imports.set_labels(project, ["yes", "no"])


class TestTakingIn:
    def test_in_is_new_plus_duplicate_plus_bad(self, project: Project, tmp_path: Path) -> None:
        lines = ["id,text", "1,one", "2,two", "1,other text", "3,ONE", "4,one", "5,", "6"]
        batch = take(project, write(tmp_path / "a.csv", "\n".join(lines)))
        assert (batch.rows_read, batch.rows_new, batch.rows_duplicate, batch.rows_bad) == (7, 3, 1, 3)
        told = [(row.line, row.kind, row.reason) for row in batch.skipped_rows.all()]
        assert told == [
            (4, "bad", "The id 1 is already there, with another text."),
            (6, "duplicate", "The same text is already there as 1."),
            (7, "bad", "The field 'Text' is empty."),
            (8, "bad", "It has 1 fields; the header has 2."),
        ]

    def test_importing_the_same_file_again_adds_nothing(self, project: Project, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "id,text\n1,one\n2,two\n")
        take(project, path)
        with pytest.raises(UnusableFile, match="could be used; the first is line 2: The id 1 is already there"):
            take(project, path)
        assert Task.objects.count() == 2

    def test_a_reader_that_dies_between_chunks_is_taken_up_where_it_stopped(
        self, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(imports, "CHUNK", 10)
        lines = "".join(f"{n},text {n}\n" for n in range(35))
        path = write(tmp_path / "a.csv", "id,text\n" + lines)
        batch = imports.open_batch(project, path, Fields(("text",), id="id"))
        assert not imports.take_in(batch, lambda: batch.rows_read < 20)
        assert (batch.rows_read, Task.objects.count()) == (20, 20)
        again = Batch.objects.get(pk=batch.pk)
        assert imports.take_in(again)
        assert (again.rows_read, again.rows_new, again.rows_duplicate) == (35, 35, 0)
        assert list(again.tasks.values_list("instance__external_id", flat=True)) == [str(n) for n in range(35)]

    def test_the_validation_slice_is_random_seeded_and_only_of_gold(self, project: Project, tmp_path: Path) -> None:
        names = [label.name for label in project.label_list()]
        lines = "".join(f"{n},text {n},{names[n % 3] if n % 2 else ''}\n" for n in range(60))
        path = write(tmp_path / "a.csv", "id,text,gold\n" + lines)
        batch = take(project, path, gold="gold", validation=10, seed=3)
        learn = list(batch.tasks.learnable().values_list("position", flat=True))
        gold = [n for n in range(60) if n % 2]
        expected = sorted(gold[i] for i in np.random.default_rng(3).choice(30, 10, replace=False))
        assert learn == expected
        assert batch.tasks.scorable().count() == 20

    def test_gold_left_alone_is_used_by_half_at_most(self, project: Project, tmp_path: Path) -> None:
        name = project.label_list()[0].name
        path = write(tmp_path / "a.csv", "text,gold\n" + "".join(f"text {n},{name}\n" for n in range(9)))
        assert take(project, path, gold="gold").tasks.learnable().count() == 4

    @pytest.mark.slow
    def test_memory_does_not_grow_with_the_file(self, tmp_path: Path) -> None:
        def peak(count: int) -> int:
            path = write(tmp_path / f"{count}.csv", "id,text\n" + "".join(f"{n},some text {n}\n" for n in range(count)))
            tracemalloc.start()
            check_encoding(path)
            assert sum(1 for _ in read_rows(path, Fields(("text",), id="id"), (), LIMIT)) == count
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return most

        small, large = peak(2_000), peak(20_000)
        assert large < 2 * small + 3_000_000


def test_field_names_of_jsonl_are_the_keys_of_the_first_objects(tmp_path: Path) -> None:
    assert field_names(write(tmp_path / "a.jsonl", '{"a": 1}\n{"b": 2}\n')) == ["a", "b"]


@pytest.mark.parametrize(
    ("told", "groups"), [({"group": "a"}, ("a",)), ({"group": ""}, ()), ({"groups": ["a", "b"]}, ("a", "b"))]
)
def test_a_mapping_of_before_groups_by_its_one_field(told: dict[str, Any], groups: tuple[str, ...]) -> None:
    assert Fields.of({"text": ["text"], "gold": "", "id": "", **told}).groups == groups


def test_group_fields_come_with_comma_between_or_in_options_of_their_own() -> None:
    assert group_fields({"group": ["district, gender", "language", "gender"]}) == ["district", "gender", "language"]
