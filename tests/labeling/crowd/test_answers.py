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
    [
        ("No.", 1),
        ('{"label": "NO"}', 1),
        ("There is no way to tell", None),
        ("yes, no doubt", 0),
        ("yes or no", None),
        ("yes/no", None),
        ("I would not say no.", None),
        ("The answer is no longer clear", None),
        ("No. 5 is the street", None),
    ],
)
def test_a_tiny_label_counts_only_where_it_is_the_answer(raw: str, label: int | None) -> None:
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
    said = ("a-b", '{"label": "a b"}', "The label is A-B.", "a_b")
    assert [parse_label(raw, labels) for raw in said] == [0, 1, 0, None]
    quotes = LabelSet(("5\u2032", "5'", "5’"))
    assert [parse_label(name, quotes) for name in quotes.names] == [0, 1, 2]


DRESSES = [
    'The label is "{}"',
    "The label is {}.",
    "{}, the passage says so",
    "{}. The passage says so.",
    "{}: it is in the passage",
    "{} because the passage says so",
    "Answer: {}",
    "**Answer:** {}",
    "Final answer: {}, since the passage says so.",
    "I would say {}.",
    "Sure! The answer is “{}”.",
    "{}\n\nThe passage speaks of other things.",
    "The passage speaks of other things.\n\nAnswer: {}",
    "```\n{}\n```",
    "<b>{}</b>",
    "<answer>{}</answer>",
    "\\boxed{{{}}}",
    "{{'label': '{}'}}",
    '{{"label": "{}", "why": "cut off in the mid',
    "Die Antwort lautet: {}",
]


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize(
    "names",
    [
        ("yes", "no"),
        ("positive", "negative"),
        ("A", "B", "C"),
        ("1", "2", "3"),
        ("-1", "0", "1"),
        ("A+", "A", "A-", "B"),
    ],
    ids=" ".join,
)
def test_no_label_is_read_less_willingly_than_its_brothers(dress: str, names: tuple[str, ...]) -> None:
    """What is read for "yes" is read for "no": otherwise votes are censored by label."""
    labels = LabelSet(names)
    assert [parse_label(dress.format(name), labels) for name in names] == list(range(len(names)))


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ("1.0", 1),
        ('{"label": 1.0}', 1),
        ('{"label": "0.0"}', 0),
        ("+1", 1),
        ("Label: 1.", 1),
        ("01", 1),
        ('{"label": NaN}', None),
        ('{"label": -1}', None),
        ("I saw 1 car", None),
        ("In 1,000 texts", None),
    ],
)
def test_equal_numbers_are_one_label(raw: str, label: int | None) -> None:
    assert parse_label(raw, LabelSet(("0", "1"))) == label


@pytest.mark.parametrize(
    "raw", ["-1", "0.5", '{"label": 0.5}', "1.5", "10", "1%", "1,5", "1st", "0 or 1", "0-1", "NaN"]
)
def test_another_number_is_no_label(raw: str) -> None:
    assert parse_label(raw, LabelSet(("0", "1"))) is None


def test_a_decimal_on_a_scale_of_whole_numbers_is_no_label() -> None:
    scale = LabelSet(("1", "2", "3", "4", "5"))
    for raw in ("4.5", '{"label": 4.5}', "Rating: 4.5", "1. 4.5", "4.5/5", "4 or 5", "1. The road\n2. The pipe"):
        assert parse_label(raw, scale) is None
    assert [parse_label(raw, scale) for raw in ("2. because", "4.0", "Rating: 5.")] == [1, 3, 4]
    halves = LabelSet(("1", "1.5", "2"))
    assert [parse_label(raw, halves) for raw in ("1.50", '{"label": 1.5}', "Grade: 2", "1.0")] == [1, 1, 2, 0]


FIVE = LabelSet(("1", "2", "3", "4", "5", "unsure"))


@pytest.mark.parametrize(
    "raw",
    [
        "4/5", "4 / 5", "4/5.", "**4/5**", "4.0/5.0", "4 out of 5", "4 out of 5 stars", "4 stars out of 5", "4-star",
        "4 stars", "4 Stars!", "4 points", "4 (out of 5)", "(4/5)", "Rating: 4/5", "Rating: 4 stars", "Score: 4 of 5",
        "I would give it a 4 out of 5.", "I'd rate this a 4.", "A solid 4/5, because the room was clean.",
        "4 von 5 Sternen",
        "4 sur 5", "4 de 5 estrellas", "4 из 5", "4星", "4点", "★★★★☆", "⭐⭐⭐⭐", "⭐️ ⭐️ ⭐️ ⭐️", "４／５",
        "4 on a scale of 1 to 5", "4 auf einer Skala von 1 bis 5", '{"label": "4/5"}', '{"label": "4 stars"}',
        "Good service.\n\n4/5", "4/5\n\nGood service.", "The hotel has 3 stars. Rating: 4",
    ],
)  # fmt: skip
def test_a_rating_on_a_scale_is_read_as_people_write_it(raw: str) -> None:
    assert parse_label(raw, FIVE) == 3


@pytest.mark.parametrize(
    "raw",
    [
        "4/10", "4 out of 10", "4.5/5", "8/5", "8 stars", "3/4", "4/5/2024", "4/5 or 3/5", "3/5 to 4/5", "not 4/5",
        "It is not a 4 out of 5.", "4 out of 5 reviewers liked it.", "I have 4 points: first, the room.",
        "4 starships", "Room 3/5, service 4/5", "Room 3/5\n\nservice 4/5", "★★★★☆☆", "☆☆☆☆☆",
        "It has 4 stars in the guide.", "4/5?",
    ],
)  # fmt: skip
def test_what_may_mean_another_number_is_no_rating(raw: str) -> None:
    assert parse_label(raw, FIVE) is None


def test_two_numbers_and_numbers_below_zero_are_no_scale() -> None:
    for names in (("0", "1"), ("1", "2"), ("-1", "0", "1"), ("1", "2", "level 3")):
        assert parse_label("1/2", LabelSet(names)) is None and parse_label("0/1", LabelSet(names)) is None
    assert parse_label("7/10", LabelSet(tuple(str(n) for n in range(11)))) == 7


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ("-1", 0),
        ("−1", 0),
        ('{"label": -1}', 0),
        ('{"label": "-1"}', 0),
        ('{"label": -1.0}', 0),
        ("Label: -1.", 0),
        ("Answer:-1", 0),
        ("The label is (-1).", 0),
        ("0", 1),
        ("+1", 2),
        ('{"label": 1}', 2),
        ("label 1", 2),
        ("- 1", None),
        ("Label - 1", None),
        ("-1 or 1", None),
        ("not -1", None),
        ("--1", None),
    ],
)
def test_signs_of_numbers_count(raw: str, label: int | None) -> None:
    assert parse_label(raw, LabelSet(("-1", "0", "1"))) == label


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ("A-", 2),
        ("a−", 2),
        ('{"label": "A+"}', 0),
        ("Grade: A", 1),
        ("I would give it an A-, because", 2),
        ("B+", None),
        ("B-", None),
        ("A - the best", 1),
        ("A+ or A", None),
        ("A++", None),
        ("an A-level text", None),
    ],
)
def test_grades_with_plus_and_minus_are_told_apart(raw: str, label: int | None) -> None:
    assert parse_label(raw, LabelSet(("A+", "A", "A-", "B"))) == label


def test_of_names_that_begin_alike_the_one_that_is_written_counts() -> None:
    labels = LabelSet(("C", "C++", "C#", "very good", "good", "good enough"))
    said = ["It is C++ here.", "C#", "The language is: C.", "very good", "It is good enough for me", "good", "c+"]
    assert [parse_label(raw, labels) for raw in said] == [1, 2, 0, 3, 5, 4, None]
    assert parse_label("+", LabelSet(("+", "-"))) == 0 and parse_label('{"label": "-"}', LabelSet(("+", "-"))) == 1


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Der Text ist nicht positiv.", "positiv"),
        ("Das ist kein positiver, kein wirklich positiv gemeinter Text", "positiv"),
        ("Positiv ist der Text nicht.", "positiv"),
        ("Le texte n'est pas positif", "positif"),
        ("No es positivo", "positivo"),
        ("Il testo non è positivo", "positivo"),
        ("O texto não é positivo", "positivo"),
        ("De tekst is niet positief", "positief"),
        ("Texten är inte positiv", "positiv"),
        ("Tekst nie jest pozytywny", "pozytywny"),
        ("Текст не положительный", "положительный"),
        ("Metin olumlu değil", "olumlu"),
        ("Teks ini tidak positif", "positif"),
        ("这不是正面", "正面"),
        ("不正面", "正面"),
        ("ポジティブではない", "ポジティブ"),
        ("이 글은 긍정이 아닙니다", "긍정"),
        ("النص ليس إيجابي", "إيجابي"),
        ("यह सकारात्मक नहीं है", "सकारात्मक"),
        ("הטקסט לא חיובי", "חיובי"),
        ("It is anything but positive", "positive"),
        ("I rule out positive", "positive"),
        ('{"label": "nicht positiv"}', "positiv"),
        ("It is not:\npositive", "positive"),
    ],
)
def test_prose_that_denies_a_label_is_no_label_in_any_language(raw: str, name: str) -> None:
    assert parse_label(raw, LabelSet((name, "other thing"))) is None


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Der Text ist positiv.", "positiv"),
        ("Positiv, da die Autorin nicht klagt.", "positiv"),
        ("Le texte est positif", "positif"),
        ("Текст положительный", "положительный"),
        ("Metin olumlu", "olumlu"),
        ("不错,正面", "正面"),
        ("ポジティブです", "ポジティブ"),
        ("이 글은 긍정입니다", "긍정"),
        ("यह सकारात्मक है", "सकारात्मक"),
    ],
)
def test_the_same_without_the_denial_is_read(raw: str, name: str) -> None:
    assert parse_label(raw, LabelSet((name, "other thing"))) == 0


@pytest.mark.parametrize(
    "raw",
    [
        "Perhaps negative. Or mixed?</think>positive",
        "Perhaps negative.</think> Or mixed?</think>\n\npositive",
        "<thinking>negative</thinking>positive",
        "<reasoning>It is negative.</reasoning>\nLabel: positive",
        "[THINK]negative?[/THINK]positive",
        "◁think▷negative◁/think▷positive",
        "<|START_THINKING|>mixed<|END_THINKING|>positive",
        "<|channel|>analysis<|message|>negative?<|end|><|start|>assistant<|channel|>final<|message|>positive<|return|>",
        'analysisPerhaps negative.assistantfinal{"label": "positive"}',
        "<seed:think>negative</seed:think>positive",
        "<|begin_of_thought|>negative<|end_of_thought|>positive",
        'x </think> {"label": "positive"}',
        "negative " * 5_000 + "</think>positive",
    ],
)
def test_what_stands_before_the_last_mark_that_closes_thinking_is_thought(raw: str) -> None:
    assert parse_label(raw, MOOD) == 0


@pytest.mark.parametrize(
    "raw", ["positive</think>", "[THINK]positive", "◁think▷positive", "<|channel|>analysis<|message|>positive"]
)
def test_a_thought_alone_is_no_answer(raw: str) -> None:
    assert parse_label(raw, MOOD) is None


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
