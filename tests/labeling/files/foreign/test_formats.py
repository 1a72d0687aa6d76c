"""Answers as other programs read them; what a format cannot hold is counted and told."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from labeling.files.foreign import brat, conll, doccano, hugging_face, label_studio
from labeling.files.foreign.formats import FORMATS, into_folder, into_zip
from labeling.files.foreign.settled import Asked, Settled, Shown, Told, Unsuited

PICK = Asked(1, "What is it?", "choice", ("roads", "water & ice"))
SET = Asked(2, "What else?", "choices", ("wet", "dark"))
RATE = Asked(3, "How bad?", "scale", ("1", "5"), (1.0, 5.0))
MARK = Asked(1, "Who and where?", "spans", ("PER", "street name"))
TEXT = "\U0001f600 Ann Lee\nmet O\u2019Hara, at Kings-Road 5."


def marked(*spans: list[Any], text: str = TEXT, task: str = "t1") -> Settled:
    return Settled(task, text, ((MARK, [list(spans)]),))


def answered(**more: Any) -> Settled:
    answers = ((PICK, ["water & ice"]), (SET, ["wet", "dark"]), (RATE, ["2.5"]))
    return Settled("t1", "ice on the road", answers, **more)


def column_file(*settled: Settled) -> tuple[str, Told]:
    told = Told()
    return "".join(conll.lines(settled, [MARK], told)), told


def test_words_carry_the_type_of_their_mark_with_a_line_between_sentences() -> None:
    written, told = column_file(marked([2, 9, "PER"], [14, 20, "PER"], [25, 35, "street name"]))
    assert written == (
        "-DOCSTART- -X- -X- O\n\n"
        "\U0001f600 -X- -X- O\nAnn -X- -X- B-PER\nLee -X- -X- I-PER\n\n"
        "met -X- -X- O\nO\u2019Hara -X- -X- B-PER\n, -X- -X- O\nat -X- -X- O\n"
        "Kings-Road -X- -X- B-street-name\n5 -X- -X- O\n. -X- -X- O\n\n"
    )
    assert told.sentences() == [f"{conll.RENAMED}: 1."]


def test_a_mark_inside_a_word_is_widened_and_of_overlapping_ones_the_longest_stays_both_counted() -> None:
    written, told = column_file(marked([2, 4, "PER"], [25, 30, "PER"], [22, 35, "PER"], [9, 10, "PER"]))
    assert "Ann -X- -X- B-PER\nLee -X- -X- O" in written
    assert "at -X- -X- B-PER\nKings-Road -X- -X- I-PER" in written
    said = " ".join(told.sentences())
    assert "widened to it: 1." in said
    assert "overlap a longer one and were left out: 1." in said
    assert "blanks alone, which were left out: 1." in said


def test_two_marks_side_by_side_are_told_apart() -> None:
    assert "Ann -X- -X- B-PER\nLee -X- -X- B-PER" in column_file(marked([2, 5, "PER"], [6, 9, "PER"]))[0]


def test_a_mark_over_the_end_of_a_line_keeps_the_lines_together() -> None:
    assert "Lee -X- -X- B-PER\nmet -X- -X- I-PER" in column_file(marked([6, 13, "PER"]))[0]


def test_scripts_without_spaces_are_cut_by_character() -> None:
    written, _ = column_file(marked([0, 2, "PER"], text="\u738b\u660e\u5728iPhone8\u5e97"))
    words = [line.split()[0] for line in written.splitlines()[2:-1]]
    assert words == ["\u738b", "\u660e", "\u5728", "iPhone8", "\u5e97"]


def test_a_text_without_marks_and_one_without_words_are_documents_too() -> None:
    assert column_file(marked(text="no one"), marked(text=" \n "))[0].count("-DOCSTART-") == 2


def test_brat_has_a_text_and_a_file_of_marks_whose_offsets_find_their_words() -> None:
    told = Told()
    files = dict(brat.files([marked([2, 9, "PER"], [6, 13, "street name"])], [MARK], told))
    text = files["t1.txt"].decode()
    assert text == TEXT
    lines = files["t1.ann"].decode().splitlines()
    assert lines == ["T1\tPER 2 9\tAnn Lee", "T2\tstreet_name 6 9;10 13\tLee met"]
    assert "[entities]\nPER\nstreet_name\n" in files["annotation.conf"].decode()
    assert any(sentence.startswith(brat.SPLIT) for sentence in told.sentences())


def test_files_of_brat_are_called_after_tasks_and_never_lead_out_of_the_folder() -> None:
    tasks = ["../../etc/passwd", "a/b", "a b", "A B", "..", ""]
    names = [name for name, _ in brat.files([marked(task=task) for task in tasks], [MARK], Told())][1:]
    assert len({name.casefold() for name in names}) == len(names) == 12
    assert all("/" not in name and not name.startswith(".") for name in names)


def test_doccano_gets_labels_or_stretches_in_code_points() -> None:
    row = json.loads("".join(doccano.lines([marked([2, 9, "PER"])], [MARK], Told())))
    assert row == {"task": "t1", "text": TEXT, "label": [[2, 9, "PER"]]}
    row = json.loads("".join(doccano.lines([answered(groups={"district": "north"})], [SET], Told())))
    assert (row["label"], row["district"]) == (["wet", "dark"], "north")


def test_label_studio_gets_every_question_as_a_control_of_its_own() -> None:
    (task,) = json.loads("".join(label_studio.lines([answered()], [PICK, SET, RATE], Told())))
    results = {one["from_name"]: one["value"] for one in task["annotations"][0]["result"]}
    assert results == {
        "label": {"choices": ["water & ice"]},
        "label_2": {"choices": ["wet", "dark"]},
        "label_3": {"number": 2.5},
    }
    controls = ElementTree.fromstring(label_studio.config([PICK, SET, RATE]))
    assert {one.get("name") for one in controls.iter() if one.get("toName")} == set(results)


def test_label_studio_counts_code_points_and_holds_the_marked_words() -> None:
    (task,) = json.loads("".join(label_studio.lines([marked([2, 9, "PER"])], [MARK], Told())))
    (result,) = task["annotations"][0]["result"]
    assert result["value"] == {"start": 2, "end": 9, "text": "Ann Lee", "labels": ["PER"]}


def test_nothing_settled_is_an_empty_list() -> None:
    assert json.loads("".join(label_studio.lines([], [PICK], Told()))) == []


def test_a_format_without_a_form_for_the_answers_says_which_have_one() -> None:
    for lines in (conll.lines, brat.files):
        with pytest.raises(Unsuited, match="no form for these answers; choose"):
            list(lines([answered()], [PICK, SET], Told()))
    with pytest.raises(Unsuited, match="say which with --question, 1 to 3"):
        list(doccano.lines([answered()], [PICK, SET, RATE], Told()))


def rows_of(files: dict[str, bytes]) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = pq.read_table(io.BytesIO(files[hugging_face.DATA])).to_pylist()
    return found


def test_a_datasets_folder_has_typed_columns_for_every_kind() -> None:
    image = Shown("Photo", "pictures/ab/abc.png", lambda: b"png")
    files = dict(hugging_face.files([answered(images=(image,), groups={"by": "night"})], [PICK, SET, RATE], Told()))
    assert rows_of(files) == [
        {
            **{"task": "t1", "text": "ice on the road", "image": {"bytes": b"png", "path": "abc.png"}},
            **{"label": 1, "label_2": [0, 1], "label_3": 2.5, "by": "night"},
        }
    ]
    head = json.loads(files["README.md"].decode().split("---\n")[1])
    names = {one["name"]: one for one in head["dataset_info"]["features"]}
    assert names["label"]["dtype"]["class_label"]["names"] == {"0": "roads", "1": "water & ice"}
    assert names["image"]["dtype"] == "image"


def test_unsettled_questions_are_empty_in_a_datasets_folder_and_no_row_is_fine() -> None:
    one = Settled("t1", "text", ((PICK, ["roads"]),))
    assert rows_of(dict(hugging_face.files([one], [PICK, SET], Told())))[0]["label_2"] is None
    assert rows_of(dict(hugging_face.files([], [PICK, MARK], Told()))) == []


def test_files_go_into_a_folder_or_a_zip(tmp_path: Path) -> None:
    write = FORMATS["brat"].files
    assert write is not None
    assert into_folder(write([marked()], [MARK], Told()), tmp_path / "out") == 3
    assert (tmp_path / "out" / "t1.txt").read_text() == TEXT
    out = io.BytesIO()
    into_zip(write([marked()], [MARK], Told()), out)
    assert sorted(zipfile.ZipFile(out).namelist()) == ["annotation.conf", "t1.ann", "t1.txt"]


def test_the_library_datasets_loads_the_folder(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="the library datasets is not installed")
    files = hugging_face.files([marked([2, 9, "PER"])], [MARK], Told())
    into_folder(files, tmp_path)
    loaded = datasets.load_dataset(str(tmp_path), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded[0]["label"] == [{"start": 2, "end": 9, "label": "PER"}]
