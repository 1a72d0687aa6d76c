"""Specialists learn from the validation slice and do not vote on what they learned."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from labeling.crowd.base import Brief, Example, LabelSet, Question
from labeling.crowd.errors import NeedsExamples, Unsuitable
from labeling.crowd.registry import EMBEDDED_CROWD, build, embedded_crowd
from labeling.crowd.specialist import Specialist
from tests.labeling.crowd.conftest import LABELS, question

PAIRS = ("overlap_logistic", "overlap_svm")
QUICK = ("word_logistic", "naive_bayes", "nearest_neighbours", "latent_svm")
MEMBERS = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in EMBEDDED_CROWD]
NEW = [
    (question("n1", "a pothole in the road"), 0),
    (question("n2", "water from a broken pipe"), 1),
    (question("n3", "loud music at night"), 2),
]


@lru_cache(maxsize=64)
def prepared(name: str, brief: Brief) -> Specialist:
    voter = Specialist(name)
    voter.prepare(brief)
    return voter


@pytest.mark.parametrize("name", MEMBERS)
def test_a_specialist_learns_what_the_examples_show(name: str, brief: Brief) -> None:
    voter = prepared(name, brief)
    answers = list(voter.answer([q for q, _ in NEW]))
    assert sum(answer.label == label for answer, (_, label) in zip(answers, NEW, strict=True)) >= 2
    for answer in answers:
        assert answer.probabilities is not None
        assert sum(answer.probabilities) == pytest.approx(1.0)
        assert answer.label == int(np.argmax(answer.probabilities))
        assert answer.cost_microdollars == 0
        assert brief.fingerprint() in answer.model
    assert not voter.outside


@pytest.mark.slow
@pytest.mark.parametrize("name", MEMBERS)
def test_an_example_is_answered_by_a_model_that_did_not_see_it(name: str) -> None:
    """Each example's label is random and its words are its own: whoever saw it knows it, whoever did not must guess."""
    rng = np.random.default_rng(5)
    words = ["".join(rng.choice(list("bcdfghjklmnpqrstvwxz"), 7)) for _ in range(160)]
    examples = tuple(Example(question(f"e{i}", " ".join(words[4 * i : 4 * i + 4])), i % 2) for i in range(40))
    brief = Brief(LabelSet(("a1", "b2")), examples=examples, texts=tuple(e.question for e in examples))
    voter = prepared(name, brief)
    seen = [a.label for a in voter.answer([replace(e.question, task=f"x{e.question.task}") for e in examples])]
    own = [a.label for a in voter.answer([e.question for e in examples])]
    right = np.mean([label == example.label for label, example in zip(own, examples, strict=True)])
    assert own == seen
    assert right < 0.75
    everything = voter._fitted.models[-1](voter._view([e.question for e in examples])).argmax(axis=1)
    knew = np.mean(everything == [e.label for e in examples])
    assert knew > 0.95
    assert knew > right + 0.2


@pytest.mark.parametrize("name", MEMBERS)
def test_a_wrong_label_does_not_reach_the_vote_on_its_own_example(name: str, brief: Brief) -> None:
    first = brief.examples[0]
    falsified = replace(brief, examples=(Example(first.question, 2), *brief.examples[1:]))
    honest, misled = _answer_to(name, brief, first.question), _answer_to(name, falsified, first.question)
    assert np.argsort(honest).tolist() == np.argsort(misled).tolist()
    with_all = [_answer_with_all(name, b, first.question) for b in (brief, falsified)]
    assert with_all[0][2] < with_all[1][2]  # a model that sees the example follows its label


def test_two_examples_with_the_same_text_share_a_fold(brief: Brief) -> None:
    double = Example(question("double", "A deep  pothole in the STREET"), 0)
    voter = build("word_logistic")
    voter.prepare(replace(brief, examples=(*brief.examples, double)))
    assert voter._fitted.folds.by_task["double"] == voter._fitted.folds.by_task["e0"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*MEMBERS, *PAIRS])
def test_chunks_of_any_size_and_order_give_the_same_answers(name: str, brief: Brief) -> None:
    brief, questions = (
        _pairs(40) if name in PAIRS else (brief, [e.question for e in brief.examples] + [q for q, _ in NEW])
    )
    voter = prepared(name, brief)
    at_once = _told(voter, questions)
    one_by_one = [_told(voter, [q])[0] for q in questions]
    backwards = _told(voter, questions[::-1])[::-1]
    assert at_once == one_by_one == backwards


@pytest.mark.parametrize("name", QUICK[:2])
def test_preparing_again_gives_the_same_answers(name: str, brief: Brief) -> None:
    again = build(name)
    again.prepare(replace(brief))
    questions = [q for q, _ in NEW]
    assert _told(prepared(name, brief), questions) == _told(again, questions)


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_told_apart_by_what_the_two_texts_share(name: str) -> None:
    brief, questions = _pairs(60)
    voter = prepared(name, brief)
    labels = [answer.label for answer in voter.answer(questions)]
    assert np.mean([label == i % 2 for i, label in enumerate(labels)]) > 0.9


@pytest.mark.parametrize("name", PAIRS)
def test_a_specialist_for_pairs_declines_single_texts(name: str, brief: Brief) -> None:
    with pytest.raises(Unsuitable, match="two text fields"):
        build(name).prepare(brief)


def test_pairs_get_specialists_of_their_own() -> None:
    assert set(embedded_crowd(2)) - set(embedded_crowd(1)) == set(PAIRS)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*MEMBERS, *PAIRS])
def test_without_known_labels_of_two_kinds_it_says_what_it_needs(name: str) -> None:
    brief, _ = _pairs(10)
    for examples in ((), brief.examples[:1], tuple(e for e in brief.examples if e.label == 0)):
        with pytest.raises(NeedsExamples, match="give more known labels or leave"):
            build(name).prepare(replace(brief, examples=examples))


@pytest.mark.slow
@pytest.mark.parametrize("name", MEMBERS)
def test_odd_texts_and_rare_labels_are_answered_all_the_same(name: str) -> None:
    odd = ["", " ", "\x00", "\ud800", "🙂", "。", "word", "wort " * 3_000, "<script>", "漢字かな交じり文", "a"]
    examples = tuple(Example(question(f"e{i}", text), min(i, 2)) for i, text in enumerate(odd))
    brief = Brief(LABELS, examples=examples, texts=tuple(e.question for e in examples))
    voter = prepared(name, brief)
    answers = list(voter.answer([e.question for e in examples] + [question("new", "quite new")]))
    assert len(answers) == len(odd) + 1
    assert all(a.probabilities and np.isfinite(a.probabilities).all() for a in answers)


def test_texts_without_anything_to_read_are_refused_in_one_sentence() -> None:
    examples = tuple(Example(question(f"e{i}", " " * (i + 1)), i % 2) for i in range(4))
    unlike = tuple(
        replace(e, question=Question(e.question.task, (("Text", "\n\t"), ("Text", " "))[: e.label + 1]))
        for e in examples
    )
    with pytest.raises(Unsuitable, match="choose another text field"):
        build("word_logistic").prepare(Brief(LABELS, examples=unlike))


def test_known_labels_of_one_kind_more_do_not_drown_the_others(brief: Brief) -> None:
    many = tuple(Example(question(f"m{i}", f"street hole number {i}"), 0) for i in range(60))
    voter = build("naive_bayes")
    voter.prepare(replace(brief, examples=brief.examples + many))
    assert next(voter.answer([NEW[2][0]])).label == 2


def _told(voter: object, questions: list[Question]) -> list[tuple[object, object]]:
    return [(answer.label, answer.probabilities) for answer in voter.answer(questions)]  # type: ignore[attr-defined]


def _answer_to(name: str, brief: Brief, asked: Question) -> tuple[float, ...]:
    voter = prepared(name, brief)
    return next(voter.answer([asked])).probabilities or ()


def _answer_with_all(name: str, brief: Brief, asked: Question) -> list[float]:
    voter = prepared(name, brief)
    return list(voter._fitted.models[-1](voter._view([asked]))[0])


def _pairs(n: int) -> tuple[Brief, list[Question]]:
    """Pairs whose second text repeats the first (label 0) or speaks of something else (label 1)."""
    rng = np.random.default_rng(1)
    words = [f"word{i}" for i in range(200)]
    questions = []
    for i in range(2 * n):
        premise = rng.choice(words, 12)
        hypothesis = premise[:6] if i % 2 == 0 else rng.choice(words, 6)
        questions.append(Question(f"p{i}", (("Premise", " ".join(premise)), ("Hypothesis", " ".join(hypothesis)))))
    examples = tuple(Example(q, i % 2) for i, q in enumerate(questions[:n]))
    return Brief(LabelSet(("same", "other")), examples=examples, texts=tuple(questions)), questions
