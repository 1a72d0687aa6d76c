"""Known answers in the cells of a data file, for every kind; what is wrong with one is a sentence."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from labeling.files.gold import GoldReader, label_set
from labeling.kinds import registry
from labeling.kinds.base import Space

COLOURS = Space(("Red", "Dark blue", "green, light"))
SCALE = Space(("1", "2", "3"), (1.0, 2.0, 3.0))
TYPES = Space(("PER", "LOC"))
TEXT = "Ann lives in Oslo."


def reader(kind: str, space: Space, *, overlaps: bool = False) -> GoldReader:
    return GoldReader.of("gold", registry.kind(kind), space, overlaps=overlaps)


def words(kind: str, space: Space, cell: Any, **more: Any) -> str | None:
    found = reader(kind, space, **more).read({"gold": cell}, TEXT)
    return found and found.words


@pytest.mark.parametrize(
    ("cell", "said"),
    [("Red", "Red"), (" red ", "Red"), (["Red"], "Red"), (None, None), ("", None), ("nan", None), ([], None)],
)
def test_one_label_is_a_cell_or_a_list_of_one(cell: Any, said: str | None) -> None:
    assert words("choice", COLOURS, cell) == said


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (["Red", "dark blue"], "Red, Dark blue"),
        ('["Red", "Dark blue"]', "Red, Dark blue"),
        ("Red; Dark blue", "Red, Dark blue"),
        ("red|dark blue", "Red, Dark blue"),
        ("Red,Dark blue", "Red, Dark blue"),
        ("green, light", "green, light"),
        ("[]", "none of them"),
        ([], "none of them"),
        ("", None),
    ],
)
def test_a_set_of_labels_is_a_list_or_names_with_signs_between(cell: Any, said: str | None) -> None:
    assert words("choices", COLOURS, cell) == said


@pytest.mark.parametrize(("cell", "said"), [("2", "2"), (2, "2"), (2.5, "2.5"), ("1.0", "1"), (None, None)])
def test_a_place_on_a_scale_is_a_number(cell: Any, said: str | None) -> None:
    assert words("scale", SCALE, cell) == said


@pytest.mark.parametrize(
    "cell",
    [
        [[0, 3, "PER"], [13, 17, "loc"]],
        '[[0, 3, "PER"], [13, 17, "LOC"]]',
        [{"start": 0, "end": 3, "label": "PER"}, {"start_offset": 13, "end_offset": 17, "labels": ["LOC"]}],
    ],
)
def test_marked_stretches_are_lists_objects_or_json_in_a_cell(cell: Any) -> None:
    found = reader("spans", TYPES).read({"gold": cell}, TEXT)
    assert found is not None
    assert found.answer.spans == ((0, 3, 0), (13, 17, 1))


def test_no_stretch_is_an_answer_and_no_cell_is_none() -> None:
    assert words("spans", TYPES, []) == "nothing"
    assert words("spans", TYPES, "") is None


@pytest.mark.parametrize(
    ("kind", "space", "cell", "told"),
    [
        ("choice", COLOURS, ["Red", "Dark blue"], "holds 2 labels"),
        ("choice", COLOURS, {"a": 1}, "a list or an object"),
        ("choices", COLOURS, ["Red", "pink"], "'pink' is none of the labels"),
        ("choices", COLOURS, "[Red", "no JSON list"),
        ("choices", COLOURS, [["Red"]], "list of lists"),
        ("scale", SCALE, 7, "7 is outside the scale 1 to 3"),
        ("scale", SCALE, "high", "is no number"),
        ("spans", TYPES, [[0, 99, "PER"]], "ends behind its text"),
        ("spans", TYPES, [[3, 0, "PER"]], "does not begin before it ends"),
        ("spans", TYPES, [[0, 3, "ORG"]], "none of PER, LOC"),
        ("spans", TYPES, "PER", "no JSON list"),
        ("spans", TYPES, [[0, 6, "PER"], [4, 9, "LOC"]], "marks that overlap, and the question forbids it"),
    ],
)
def test_what_is_wrong_with_a_known_answer_is_one_sentence(kind: str, space: Space, cell: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told) as error:
        words(kind, space, cell)
    assert str(error.value).startswith("The ")
    assert str(error.value).endswith(".")


def test_overlapping_marks_are_fine_where_the_question_allows_them() -> None:
    assert words("spans", TYPES, [[0, 6, "PER"], [4, 9, "LOC"]], overlaps=True) == "0 to 6 PER, 4 to 9 LOC"


def test_label_sets_come_from_known_answers_numbers_by_size() -> None:
    names = reader("choices", Space(())).named({"gold": "wet; dark"})
    assert names == ["wet", "dark"]
    assert reader("spans", Space(())).named({"gold": [[0, 3, "PER"]]}) == ["PER"]
    assert reader("choices", Space(())).named({"gold": "[broken"}) == []
    assert label_set(Counter({"10": 1, "2": 3})) == ["2", "10"]
    assert label_set(Counter({"Wet": 1, "wet": 3, "dark": 1})) == ["dark", "wet"]
