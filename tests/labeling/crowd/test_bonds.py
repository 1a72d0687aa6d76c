"""Scripts without spaces: what holds characters together, and where they stand between signs."""

from __future__ import annotations

import pytest

from labeling.crowd.tagging.bonds import Bonds, clauses
from labeling.crowd.tagging.words import words_of


def strings(text: str) -> list[str]:
    return words_of(text).strings


def test_characters_that_always_stand_together_hold_together_more_firmly() -> None:
    bonds = Bonds([strings("加油的人"), strings("加油吧的"), strings("的人加油"), strings("人的加油吧")])
    assert int(bonds.between("加", "油")) > int(bonds.between("的", "人"))
    assert bonds.between("油", "人") == "x0" and bonds.between("油", "的") == "x1"


def test_signs_and_words_of_other_scripts_are_borders() -> None:
    bonds = Bonds([strings("你好,Oslo好")])
    assert bonds.along(strings("Oslo is")) == ["|"] * 3
    assert bonds.along(strings("你好,好")) == ["|", "x1", "|", "|", "|"]


def test_a_character_knows_its_place_between_signs() -> None:
    assert clauses(strings("你好，加油吧")) == [(0, 1, 2), (1, 0, 2), (0, 0, 0), (0, 2, 3), (1, 1, 3), (2, 0, 3)]
    assert clauses(strings("plain words")) == [(0, 0, 0), (0, 0, 0)]


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("ភាសាខ្មែរ", ["ភា", "សា", "ខ្មែ", "រ"]),
        ("မြန်မာကမ္ဘာ", ["မြ", "န်", "မာ", "က", "မ္ဘာ"]),
        ("ດີຫຼາຍ", ["ດີ", "ຫຼ", "າ", "ຍ"]),
        ("ก็ดี Oslo", ["ก็", "ดี", "Oslo"]),
        ("東京へ。", ["東", "京", "へ", "。"]),
    ],
)
def test_characters_of_scripts_without_spaces_keep_their_marks(text: str, characters: list[str]) -> None:
    assert strings(text) == characters
