"""Specialists answer in every kind, by what they learned from other examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from labeling.crowd.base import Brief, Example, LabelSet
from labeling.crowd.crossfit import Column, Folds
from labeling.crowd.errors import Misconfigured, NeedsExamples
from labeling.crowd.kinds.choices import thresholds
from labeling.crowd.registry import BUILT_IN, build, embedded_crowd
from labeling.crowd.steps import Steps
from labeling.kinds.registry import NAMES
from tests.labeling.crowd.conftest import question

ABOUT = {"road": ("hole", "street", "pavement"), "water": ("pipe", "flood", "tap"), "noise": ("music", "drill", "bark")}
GRADES = ("awful", "poor", "fair", "good", "great")


def many(n: int = 60) -> Brief:
    """Texts with a word for each label that is right, of which there may be none or three."""
    rng = np.random.default_rng(1)
    examples = []
    for i in range(n):
        chosen = rng.random(3) < 0.4
        words = [str(rng.choice(words)) for words, here in zip(ABOUT.values(), chosen, strict=True) if here]
        text = " ".join(rng.permutation([*words, "please", "come", f"today{i % 7}"]))
        examples.append(Example(question(f"c{i}", text), said=chosen.astype(np.int8)))
    return Brief(LabelSet(tuple(ABOUT)), examples=tuple(examples), kind="choices")


def graded(n: int = 60) -> Brief:
    """Texts that say their grade, from 0 to 4."""
    grades = np.random.default_rng(2).integers(0, 5, n)
    examples = tuple(
        Example(question(f"g{i}", f"it was {GRADES[g]} {i % 9}"), said=float(g)) for i, g in enumerate(grades)
    )
    return Brief(LabelSet(GRADES), examples=examples, kind="scale")


def test_each_label_is_ticked_or_not_on_its_own() -> None:
    brief, new = many(), many(100).examples[60:]
    voter = build("naive_bayes")
    voter.prepare(brief)
    answers = list(voter.answer([replace(example.question, task=f"n{i}") for i, example in enumerate(new)]))
    kind, space = brief.answers, brief.space
    score = kind.score(kind.pack([a.said for a in answers], space), kind.pack([e.said for e in new], space), space)
    assert score["micro_f1"] > 0.75  # every label for every text: .57
    assert all(a.label is None and a.probabilities and len(a.probabilities) == 3 for a in answers)


@pytest.mark.parametrize("name", ["naive_bayes", pytest.param("word_logistic", marks=pytest.mark.slow)])
def test_a_grade_between_is_nearer_than_one_at_the_end(name: str) -> None:
    voter = build(name)
    voter.prepare(graded())
    answers = list(voter.answer([question(f"n{g}", f"it was {word}") for g, word in enumerate(GRADES)]))
    assert [answer.said for answer in answers] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert all(answer.probabilities and sum(answer.probabilities) == pytest.approx(1, abs=1e-6) for answer in answers)


@pytest.mark.slow
@pytest.mark.parametrize("brief", [many(), graded()], ids=["choices", "scale"])
def test_a_wrong_answer_does_not_reach_the_vote_on_its_own_example(brief: Brief) -> None:
    first = brief.examples[0]
    other = 1 - first.said if brief.kind == "choices" else 4.0 - first.said
    told = []
    for said in (first.said, other):
        voter = build("naive_bayes")
        voter.prepare(replace(brief, examples=(Example(first.question, said=said), *brief.examples[1:])))
        told.append(next(voter.answer([first.question])))
    # temperatures and thresholds of a fold come from other folds, whose models saw it: chances move a little
    assert told[0].probabilities == pytest.approx(told[1].probabilities, abs=0.1)


def test_a_threshold_takes_at_most_twice_as_many_as_are_right() -> None:
    rng = np.random.default_rng(3)
    said = rng.random((200, 2)) < 0.1
    limits = thresholds(rng.random((200, 2)), said)
    assert (limits > 0.6).all()


def test_a_scale_of_numbers_without_steps_is_answered_between_them() -> None:
    brief = Brief(LabelSet(("0", "100")), kind="scale")
    steps = Steps.of(brief.space, np.linspace(0, 100, 50))
    assert steps.between and len(steps.values) == 7
    assert steps.answer(np.array([0, 0, 0, 1.0, 1.0, 0, 0])).said == pytest.approx(57, abs=1)


def test_known_answers_that_are_all_alike_teach_nothing() -> None:
    brief = many()
    alike = tuple(replace(example, said=np.zeros(3, dtype=np.int8)) for example in brief.examples)
    with pytest.raises(NeedsExamples, match="give more known labels"):
        build("word_logistic").prepare(replace(brief, examples=alike))


def test_who_cannot_answer_in_a_kind_says_who_can() -> None:
    with pytest.raises(Misconfigured, match=r"word_logistic cannot answer in spans; span_logistic .* can\."):
        build("word_logistic").prepare(Brief(LabelSet(("a",), fewest=1), kind="spans"))
    with pytest.raises(Misconfigured, match=r"span_logistic cannot answer in scale; any specialist"):
        build("span_logistic").prepare(graded())


@pytest.mark.parametrize("kind", NAMES)
def test_every_kind_has_a_crowd_of_three_that_needs_no_download(kind: str) -> None:
    crowd = embedded_crowd(1, kind)
    assert len(crowd) >= 3
    assert all(kind in build(name).kinds and not build(name).sees for name in crowd)


def test_images_have_a_crowd_of_their_own_but_nobody_marks_them() -> None:
    alone, beside = embedded_crowd(0, "choices", images=1), embedded_crowd(1, "choices", images=1)
    assert len(alone) >= 3 and all(BUILT_IN[name].sees for name in alone)
    assert set(beside) == set(alone) | set(embedded_crowd(1, "choices"))
    with pytest.raises(Misconfigured, match="add a chat model"):
        embedded_crowd(0, "spans", images=1)


def test_a_rare_yes_is_rare_also_of_a_learner_that_does_not_mind_how_rare_it_is() -> None:
    rng = np.random.default_rng(4)
    said = (rng.random(120) < 0.1).astype(int)
    features = (said + rng.normal(0.0, 1.0, 120))[:, None]
    examples = many(120).examples

    def even(rows: np.ndarray, label: np.ndarray, n_labels: int) -> Callable[[np.ndarray], np.ndarray]:
        return lambda some: np.hstack([0.5 - some, some - 0.5])

    plain, shifted = (
        Column(even, features, said, 2, Folds(examples, 0), shifted=each).held_out[:, 1] for each in (False, True)
    )
    assert shifted.mean() == pytest.approx(said.mean(), abs=0.02) and plain.mean() > 0.3
    assert np.log(np.where(said, shifted, 1 - shifted)).mean() > np.log(np.where(said, plain, 1 - plain)).mean() + 0.2
