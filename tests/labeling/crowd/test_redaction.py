"""What is hidden from a text before it leaves, and what must stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from labeling.crowd.base import Question
from labeling.crowd.cleaning import fenced
from labeling.crowd.redaction import KINDS, outgoing, redact, redact_together

PERSONAL = [
    ("email", "Write to jo.moss+city@example.org today."),
    ("email", "Write to jo.moss(at)example.org today."),
    ("phone", "Ring me on +44 20 7946 0958 after six."),
    ("phone", "My number is (212) 736-5000, call back please."),
    ("phone", "Bitte unter 030 901820 anrufen."),
    ("phone", "Appelez le 01 42 76 40 40."),
    ("iban", "Pay it back to DE89 3704 0044 0532 0130 00, thanks."),
    ("iban", "IBAN GB82WEST12345698765432."),
    ("card", "I paid with 4111 1111 1111 1111 at the counter."),
    ("id", "Passport number C01X00T47, issued in May."),
    ("id", "My SSN 078-05-1120 stands on the form."),
    ("ip", "It comes from 203.0.113.77 every night."),
    ("ip", "It comes from 2001:db8:0:0:8a2e:370:7334:1 every night."),
    ("key", "Log in with password: tr0ub4dor&3 please."),
    ("key", "The key is sk-proj-4f9a8b7c6d5e4f3a2b1c."),
    ("url", "See https://jo:secret99@files.example.org/list for photos."),
    ("url", "Open https://example.org/reset?token=9f8e7d6c5b4a now."),
]
HARMLESS = [
    "The lamp at 14 Mill Road, 2nd floor, has been out since 12.03.2024.",
    "Bus 42 was 25 minutes late at 17:45; ticket 1234567 cost €3.50.",
    "Request R-2024-001873 about Harbour Street 118-122 is still open.",
    "There were 10 000 people and 3 000 cars between 2010-2015.",
    "Version 10.0.19.1 of the app fails in section 1.2.3.4.",
    "Room 4-117, building 12/3, postcode 20457, call number QA76.9.",
    "ISBN 978-3-16-148410-0 is in the library on 5th Avenue.",
    "The pipe is 100-200-300 mm wide, item no. 5550 0199.",
    "See https://example.org/parks?page=2#map for the opening hours.",
    "We tweet as @cityworks and meet at 8 (at the gate).",
]


@pytest.mark.parametrize(("kind", "text"), PERSONAL)
def test_personal_data_gives_way_to_a_placeholder_and_the_words_around_it_stay(kind: str, text: str) -> None:
    told = redact(text)
    assert told.counts == {kind: 1}
    before, _, after = told.text.partition(f"[{kind} 1]")
    assert text.startswith(before) and text.endswith(after) and len(before) > 2


@pytest.mark.parametrize("text", HARMLESS)
def test_streets_dates_prices_and_numbers_of_things_stay(text: str) -> None:
    assert redact(text).text == text


def test_the_same_value_has_the_same_number_in_all_parts_of_a_question() -> None:
    question = Question("1", (("Call", "a@b.example or c@d.example"), ("Answer", "ask A@b.example")))
    told = outgoing(question, hide=True)
    assert [text for _, text in told.question.parts] == ["[email 1] or [email 2]", "ask [email 1]"]
    assert told.counts == {"email": 2} and told.question.task == "1"
    assert outgoing(question, hide=False).question is question


def test_redacting_again_changes_nothing_and_foreign_placeholders_are_not_reused() -> None:
    once = redact("[email 1] wrote to jo@moss.example")
    assert once.text == "[email 1] wrote to [email 2]"
    assert redact(once.text).text == once.text and not redact(once.text).counts


def test_invisible_characters_do_not_hide_a_number() -> None:
    assert redact("+44 20\u200b 7946\u2060 0958").counts == {"phone": 1}


def test_nothing_can_be_read_back() -> None:
    texts, counts = redact_together([text for _, text in PERSONAL])
    assert set(counts) == set(KINDS)
    shown = "\n".join(texts)
    for secret in ("jo.moss", "7946", "736-5000", "901820", "3704", "4111", "C01X00T47", "1120", "203.0", "tr0ub4dor"):
        assert secret not in shown


def test_requests_to_a_city_keep_their_streets_and_numbers() -> None:
    """The demonstration's own 360 texts hold no personal data."""
    lines = Path("labeling/management/demo/city_requests.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    assert any(character.isdigit() for text in texts for character in text)
    assert [text for text in texts if redact(text).text != text] == []


@pytest.mark.slow
def test_real_texts_are_hardly_ever_touched(real_data: Callable[[str], Path]) -> None:
    """Of 1,250 sentences of abstracts only three with an author's address are touched."""
    lines = real_data("items/coda19_test_subset.jsonl").read_text(encoding="utf-8").splitlines()
    touched = [text for line in lines if redact(text := json.loads(line)["text"]).counts]
    assert len(touched) == 3 and all("@" in text or "Tel." in text for text in touched)


@pytest.mark.slow
def test_of_a_very_long_text_only_what_a_prompt_may_show_is_read_and_nothing_is_cut_in_two() -> None:
    mail = "jo.moss@example.org "
    long = Question("1", (("Text", mail * 50_000),))
    told = outgoing(long, hide=True)
    assert len(told.question.text) < 20_000 and told.counts == {"email": 1}
    assert "jo.moss@example.org" not in fenced(told.question) and "jo." not in fenced(told.question)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["1 " * 1_000, "a" * 20_000 + "@", "+1" * 1_000, "4" * 8_000, "x:" * 8_000])
def test_odd_texts_cost_no_more_than_long_ones(text: str) -> None:
    assert not redact(text).counts
