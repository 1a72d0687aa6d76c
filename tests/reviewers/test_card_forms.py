"""What a card's form sends becomes an answer of its kind, or one sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import QueryDict

from labeling.kinds.base import Space
from labeling.models import Label
from reviewers.cards.asked import Asked, Refused, parts_of
from reviewers.cards.registry import form

TEXT = "Ana met Bo. Ana left."


def asked(kind: str, *names: str, overlaps: bool = False, parts: Any = (("Text", TEXT),), **space: Any) -> Asked:
    labels = [Label(pk=10 + place, position=place, name=name) for place, name in enumerate(names)]
    values = space.get("values", tuple(map(float, range(len(names)))))
    return Asked(kind, "What?", labels, parts_of(parts), Space(names, values), overlaps)


def read(question: Asked, told: str) -> Any:
    return form(question.kind).read(QueryDict(told), question)


def refusal(question: Asked, told: str) -> str:
    with pytest.raises(Refused) as caught:
        read(question, told)
    return str(caught.value)


def marks(*stretches: Any) -> str:
    return f"answered=1&spans={json.dumps(stretches)}"


class TestChoices:
    question = asked("choices", "Water", "Roads", "Noise")

    def test_what_is_chosen_comes_in_the_order_of_the_labels_each_once(self) -> None:
        assert read(self.question, "chosen=11&chosen=10&chosen=11&answered=some") == ["Water", "Roads"]

    def test_none_of_them_is_said_on_purpose(self) -> None:
        assert read(self.question, "answered=none") == [] == read(self.question, "answered=1")
        assert "None of these" in refusal(self.question, "answered=some")
        assert "None of these" in refusal(self.question, "")

    def test_none_of_them_beside_labels_is_asked_about(self) -> None:
        assert "take the labels away" in refusal(self.question, "chosen=10&answered=none")

    @pytest.mark.parametrize("key", ["99", "x", "-1", "9" * 40])
    def test_a_label_of_another_question_is_refused(self, key: str) -> None:
        assert "does not belong to this question" in refusal(self.question, f"chosen={key}&answered=1")

    def test_what_was_chosen_of_a_refused_form_is_kept(self) -> None:
        assert form("choices").kept(QueryDict("chosen=12&chosen=99"), self.question) == ["Noise"]
        assert form("choices").shown(["Noise"], self.question)["chosen"] == {12}

    def test_a_thousand_labels_are_read(self) -> None:
        many = asked("choices", *(f"Code {at}" for at in range(1000)))
        told = "&".join(f"chosen={10 + at}" for at in range(1000))
        assert len(read(many, f"{told}&answered=some")) == 1000


class TestScale:
    named = asked("scale", "never", "sometimes", "always")
    numbers = asked("scale", *(str(at) for at in range(-100, 101)), values=tuple(map(float, range(-100, 101))))

    def test_a_step_or_its_number(self) -> None:
        assert read(self.named, "label=11") == "sometimes"
        assert read(self.numbers, "place=-7") == read(self.numbers, "place=−7.0") == "-7"

    @pytest.mark.parametrize(
        ("told", "words"),
        [
            ("place=101", "101 is outside the scale, which goes from -100 to 100."),
            ("place=1.5", "1.5 is no step of the scale; the next one is 1."),
            ("place=much", "“much” is no number; the scale goes from -100 to 100."),
            ("place=", "Choose a step of the scale."),
            ("label=9", "One of the labels does not belong to this question; reload the page."),
        ],
    )
    def test_what_is_no_step_is_refused_in_a_sentence(self, told: str, words: str) -> None:
        assert refusal(self.numbers, told) == words

    def test_whole_numbers_up_to_ten_have_the_digit_they_are_called(self) -> None:
        keys = lambda *names: [one.key for one in form("scale").shown(None, asked("scale", *names))["steps"]]  # noqa: E731
        assert keys("1", "2", "3") == ["1", "2", "3"] and keys("0", "5", "10") == ["0", "5", ""]
        assert keys("1", "10") == ["1", "0"] and keys("low", "high") == ["1", "2"]


class TestSpans:
    question = asked("spans", "Person", "Place")

    def test_stretches_come_in_order_each_once(self) -> None:
        told = marks([8, 10, 11], [0, 3, 10], [0, 3, 10])
        assert read(self.question, told) == [[0, 3, "Person"], [8, 10, "Place"]]

    def test_nothing_to_mark_is_said_on_purpose(self) -> None:
        assert read(self.question, "spans=[]&answered=none") == [] == read(self.question, "spans=[]&answered=1")
        assert "Nothing to mark" in refusal(self.question, "spans=[]&answered=some")

    @pytest.mark.parametrize(
        ("stretch", "words"),
        [
            ([0, 99, 10], "outside the text"),
            ([-1, 2, 10], "outside the text"),
            ([5, 5, 10], "outside the text"),
            ([3, 4, 10], "nothing but blanks"),
            ([0, 3, 99], "does not belong"),
            ([0, 3, "Person"], "could not be read"),
            ([0, 3.5, 10], "could not be read"),
            ([True, 3, 10], "could not be read"),
        ],
    )
    def test_a_stretch_that_cannot_be_is_refused(self, stretch: Any, words: str) -> None:
        assert words in refusal(self.question, marks(stretch))

    @pytest.mark.parametrize("told", ["spans={}", "spans=[1]", "spans=nonsense", f"spans={'[' * 9000}"])
    def test_what_is_no_list_of_stretches_is_refused(self, told: str) -> None:
        assert "could not be read" in refusal(self.question, f"answered=1&{told}")

    def test_marks_lie_over_each_other_only_where_the_question_allows_it(self) -> None:
        told = marks([0, 7, 10], [4, 10, 11])
        assert "“met” is marked twice over" in refusal(self.question, told)
        assert len(read(asked("spans", "Person", "Place", overlaps=True), told)) == 2

    def test_a_mark_stays_within_one_part(self) -> None:
        parts = asked("spans", "Person", parts=(("Title", "Ana"), ("Body", "Bo left")))
        assert read(parts, marks([4, 6, 10])) == [[4, 6, "Person"]]
        assert "one part of the text into the next" in refusal(parts, marks([0, 6, 10]))

    def test_offsets_count_code_points_and_never_cut_a_character(self) -> None:
        emoji = asked("spans", "Person", parts=(("Text", "🙂 e\u0301tude 👩\u200d👧"),))
        assert read(emoji, marks([2, 8, 10])) == [[2, 8, "Person"]]
        for half in ([2, 3, 10], [9, 10, 10], [9, 11, 10]):
            assert "whole characters" in refusal(emoji, marks(half))

    def test_quoted_words_are_found_again(self) -> None:
        rows = "quote=Ana&nth=2&type=10&quote=&nth=1&type=&quote=met%20Bo&nth=&type=11&answered=some"
        assert read(self.question, rows) == [[4, 10, "Place"], [12, 15, "Person"]]
        lines = asked("spans", "Place", parts=(("Text", "New\nYork"),))
        assert read(lines, "quote=New York&nth=1&type=10&answered=some") == [[0, 8, "Place"]]

    @pytest.mark.parametrize(
        ("row", "words"),
        [
            ("quote=Eve&nth=1&type=10", "“Eve” is not in the text; copy the words as they stand there."),
            ("quote=Ana&nth=3&type=10", "“Ana” is in the text 2 times, so there is no place 3."),
            ("quote=Bo&nth=2&type=10", "“Bo” is in the text once, so there is no place 2."),
            ("quote=Ana&nth=1&type=", "“Ana” has no type yet."),
        ],
    )
    def test_a_quote_that_is_not_there_is_told(self, row: str, words: str) -> None:
        assert refusal(self.question, f"{row}&answered=some") == words

    def test_what_was_marked_is_shown_again_and_as_quotes(self) -> None:
        kept = form("spans").kept(QueryDict(marks([12, 15, 10], [0, 99, 10])), self.question)
        assert kept == [[12, 15, "Person"]]
        row = form("spans").shown(kept, self.question)["rows"][0]
        assert (row.quote, row.nth, row.label) == ("Ana", 2, 10)
