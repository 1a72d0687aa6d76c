"""Durations, intervals and sentences as people read them."""

from __future__ import annotations

import pytest

from labeling.models import Label
from reviewers.quality import Share, Span
from reviewers.templatetags import people


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (Span(660, 545, 801), "<bdi>11 min left (9–14)</bdi>"),
        (Span(170, 126, 216), "<bdi>3 min left (2–4)</bdi>"),
        (Span(45, 30, 59), "a minute left"),
        (Span(50, 30, 70), "<bdi>1 min left (0–2)</bdi>"),
        (Span(9000, 7000, 12_000), "<bdi>2.5 h left (1.9–3.4)</bdi>"),
        (Span(90_000, 80_000, 99_000), "<bdi>25 h left (22–28)</bdi>"),
    ],
)
def test_time_left_has_one_unit_and_a_range_rounded_outwards(span: Span, words: str) -> None:
    assert people.left(span) == words


@pytest.mark.parametrize(
    ("value", "words"), [(None, "–"), (7.26, "7.3 s"), (12.4, "12 s"), (119, "119 s"), (300, "5 min")]
)
def test_seconds_read_well(value: float | None, words: str) -> None:
    assert people.seconds(value) == words


def test_a_record_has_its_interval_or_says_that_there_is_none() -> None:
    assert people.interval(Share(94, 100), "gold") == "94% on gold <bdi>(88–97)</bdi>"
    assert people.interval(Share(2, 2), "gold") == "not estimable"
    assert people.bounds(Share(94, 100)) == "88–97" and people.bounds(Share(1, 1)) == ""


def test_label_names_in_a_sentence_are_strong_longest_first_and_the_rest_is_escaped() -> None:
    labels = [Label(name="Roads"), Label(name="Roads & lights")]
    told = people.naming("Roads & lights <b>or</b> Roads, not Roadside.", labels)
    assert told == "<b>Roads &amp; lights</b> &lt;b&gt;or&lt;/b&gt; <b>Roads</b>, not Roadside."
    assert people.naming("<i>", []) == "&lt;i&gt;"
