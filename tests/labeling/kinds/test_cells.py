"""What a cell means: no answer, a label, a number, and when two spellings are one."""

import json

import pytest

from labeling.kinds.cells import Rules, case_twins, clean, decide, number, written

PLAIN = Rules()


def names(*cells: str, rules: Rules = PLAIN) -> list[str]:
    """The label of each cell in turn, "" for no answer."""
    found = decide({cell: cells.count(cell) for cell in cells}, rules).name
    return [found[cell] for cell in cells]


def notes(*cells: str, rules: Rules = PLAIN) -> str:
    return " ".join(decide({cell: cells.count(cell) for cell in cells}, rules).notes)


def test_an_empty_cell_and_one_of_blanks_are_no_answer():
    assert names("", "  ", "\t", "\u00a0", "yes") == ["", "", "", "", "yes"]


def test_outer_blanks_and_the_way_an_accent_is_composed_make_no_new_label():
    assert names("yes", " yes", "yes ", "yes\u00a0", "\u200byes") == ["yes"] * 5
    assert names("caf\u00e9", "cafe\u0301") == ["caf\u00e9"] * 2


def test_equal_numbers_are_one_label_called_by_the_shortest_spelling_and_that_is_said():
    assert names("1.0", "1", "1.00", "1e0", "+1", "0.0", "0", "-0") == [*["1"] * 5, *["0"] * 3]
    assert notes("1.0", "1") == "Equal numbers are one label: '1.0' is read as '1'."
    assert names("0.1", "0.10", "0.1000000000000000001") == ["0.1", "0.1", "0.1000000000000000001"]


def test_a_lone_spelling_of_a_number_stays_as_it_is_written():
    assert names("1.0", "2.0") == ["1.0", "2.0"]
    assert notes("1.0", "2.0") == ""


@pytest.mark.parametrize("word", ["nan", "inf", "1_000", "0x1", "1,5", "", ".", "e5", "1e", "--1", "٣", "1" * 41])
def test_what_is_no_plain_decimal_is_no_number(word: str):
    assert number(word) is None


def test_a_number_of_any_size_is_compared_at_once():
    assert names("1e999", "1e+999", "10") == ["1e999", "1e999", "10"]


def test_words_for_nothing_are_labels_until_the_user_says_so_and_the_doubt_is_told():
    assert names("nan", "NA", "yes") == ["nan", "NA", "yes"]
    said = notes("nan", "nan", "yes")
    assert said == ("'nan' (2 times) looks like no answer and is read as a label; leave it out with --missing=nan.")
    assert names("nan", "NA", "-1.0", "yes", rules=Rules(missing=("nan", "NA", "-1"))) == ["", "", "", "yes"]


def test_minus_one_is_doubted_beside_numbers_that_are_not_negative():
    assert "'-1' (1 times)" in notes("-1", "0", "1", "2")
    assert notes("-1", "0", "1") == notes("-1", "1") == notes("-1", "-2", "3") == notes("-1", "yes") == ""


def test_labels_that_differ_in_case_alone_are_told_and_folded_on_request_into_the_most_frequent():
    assert names("Yes", "yes", "yes") == ["Yes", "yes", "yes"]
    assert "'Yes' and 'yes'; they are different ones unless you say --fold-case" in notes("Yes", "yes")
    assert names("Yes", "yes", "yes", "NO", rules=Rules(fold_case=True)) == ["yes", "yes", "yes", "NO"]
    assert case_twins(["b", "A", "a", "c"]) == [("A", "a")]


def test_the_label_set_decides_first_so_that_two_spellings_of_a_number_can_be_two_labels():
    chapters = Rules(labels=("1.1", "1.10", "2"))
    assert names("1.1", "1.10", "1.100", "2.0", rules=chapters) == ["1.1", "1.10", "1.1", "2"]
    assert names("YES", "no", rules=Rules(labels=("yes", "no"), fold_case=True)) == ["yes", "no"]


def test_what_is_outside_the_label_set_is_counted():
    found = decide({"yes": 3, "maybe": 2, "": 4}, Rules(labels=("yes", "no")))
    assert found.outside == {"maybe": 2}


@pytest.mark.parametrize(
    ("text", "cell"),
    [("null", ""), ("NaN", ""), ('""', ""), ("1", "1"), ("1.0", "1.0"), ("true", "true"), ('" a "', " a ")],
)
def test_a_json_value_is_the_cell_it_would_be_in_csv(text: str, cell: str):
    assert written(json.loads(text)) == cell


def test_a_list_is_no_cell():
    with pytest.raises(ValueError, match="holds a list or an object"):
        written([1])


def test_cleaning_a_clean_cell_changes_nothing():
    for cell in ("a b", "1.0", "Größe", "\u00e9"):
        assert clean(cell) == cell
