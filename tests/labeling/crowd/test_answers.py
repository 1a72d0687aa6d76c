"""Reading a label out of what a model wrote."""

import time

import pytest

from labeling.crowd.answers import parse_label
from labeling.crowd.base import LabelSet

MOOD = LabelSet(("positive", "negative", "mixed"))
ENTAILMENT = LabelSet(("entailment", "not_entailment"))
YES_NO = LabelSet(("yes", "no"))


@pytest.mark.parametrize(
    "raw",
    [
        '{"label": "positive"}',
        '{"label": "Positive", "confidence": 0.9, "why": "It is not negative, nor mixed."}',
        '```json\n{"label": "positive"}\n```',
        'Here you are: {"label": "positive"} I hope this helps with negative texts.',
        '{"result": {"label": "positive"}}',
        '{"Label": ["positive"]}',
        '{"label": "positive", "why": "cut off in the mid',
        "positive",
        "  POSITIVE.\n",
        "“Positive”",
        "Sure! The label is “positive”.",
        "The label is: **positive**",
        "1. positive",
        "Label: positive",
        "pos\u200bitive",
        "ｐｏｓｉｔｉｖｅ",
        "<think>Perhaps negative. Or mixed?</think>positive",
        "I would call this one positive, because the author smiles.",
    ],
)
def test_a_label_is_found_whatever_its_dress(raw: str) -> None:
    assert parse_label(raw, MOOD) == 0


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "   \n",
        "I cannot tell.",
        "positive or negative",
        "Either positive, negative or mixed.",
        "not positive",
        "This is not really all that positive.",
        "It isn't positive",
        "I wouldn’t say positive",
        "non-positive",
        "The text is anything. Positive is wrong",
        "positive?",
        "positively",
        "postive",
        '{"label": null}',
        '{"label": "neutral"}',
        '{"label": 0}',
        '{"label": true}',
        '{"label": ["positive", "negative"]}',
        '{"label": {"positive": 1}}',
        '{"label": "positive", "label": "negative"}',
        '{"label": "positive"}{"label": "negative"}',
        '{"label": "not positive"}',
        '{"label": "posi',
        "<think>It must be positive",
        "<think>positive</think>",
        "\x00\ud800",
    ],
)
def test_an_answer_that_names_no_single_label_is_no_label(raw: str) -> None:
    assert parse_label(raw, MOOD) is None


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ("entailment", 0),
        ("Not entailment", 1),
        ("not-entailment", 1),
        ('{"label": "not_entailment"}', 1),
        ("The label is NOT_ENTAILMENT.", 1),
        ("entailment, not not_entailment", None),
        ("no entailment", None),
        ("entailment and not entailment", None),
    ],
)
def test_the_longest_of_names_that_contain_one_another_counts(raw: str, label: int | None) -> None:
    assert parse_label(raw, ENTAILMENT) == label


@pytest.mark.parametrize(
    ("raw", "label"),
    [("No.", 1), ("Answer: no", 1), ('{"label": "NO"}', 1), ("There is no way to tell", None), ("yes, no doubt", None)],
)
def test_a_tiny_label_counts_only_when_it_stands_alone(raw: str, label: int | None) -> None:
    assert parse_label(raw, YES_NO) == label


def test_labels_in_other_scripts_are_found_in_running_text() -> None:
    assert parse_label("答案是正面。", LabelSet(("正面", "负面"))) == 0
    assert parse_label("Die Antwort lautet: GRÖSSE", LabelSet(("größe", "farbe"))) == 0
    assert parse_label("الإجابة: إيجابي", LabelSet(("إيجابي", "سلبي"))) == 0


def test_labels_that_are_numbers_or_truth_values_are_read_from_json() -> None:
    assert parse_label('{"label": 2}', LabelSet(("1", "2"))) == 1
    assert parse_label('{"label": true}', LabelSet(("true", "false"))) == 0


def test_labels_that_differ_only_in_punctuation_need_their_exact_spelling() -> None:
    labels = LabelSet(("a-b", "a b"))
    assert parse_label("a-b", labels) == 0
    assert parse_label('{"label": "a-b"}', labels) is None


def test_labels_made_of_signs_are_no_patterns() -> None:
    labels = LabelSet((".*", "(+", "c++"))
    assert [parse_label(raw, labels) for raw in (".*", "(+", "It is c++ here", "anything")] == [0, 1, 2, None]


@pytest.mark.parametrize(
    "raw", ["{" * 200_000, '{"label":' * 50_000, "not " * 100_000 + "positive", "[" * 100_000, "a" * 10**6]
)
def test_a_hostile_answer_is_read_in_no_time(raw: str) -> None:
    began = time.process_time()
    assert parse_label(raw, MOOD) is None
    assert time.process_time() - began < 1.0
