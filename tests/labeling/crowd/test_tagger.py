"""Taggers mark stretches by what other known texts show."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from labeling.crowd.base import Brief, Example, LabelSet
from labeling.crowd.errors import NeedsExamples
from labeling.crowd.registry import build
from labeling.crowd.tagger import TAGGERS, Tagger
from labeling.crowd.tagging import candidates, learners
from labeling.crowd.tagging.candidate_view import CandidateView, Columns, text_view
from labeling.crowd.tagging.features import Company
from labeling.crowd.tagging.gazetteer import Gazetteer, phrases
from labeling.crowd.tagging.words import spans_of, tags_of, words_of
from labeling.kinds.registry import kind
from labeling.kinds.spans import Stretches
from tests.labeling.crowd.conftest import question

NAMES, TOWNS = ("Ann", "Bob", "Carla", "Dan", "Eve"), ("Oslo", "New York", "Rome", "Lima")
FAST = ("span_logistic", "span_gazetteer")
EVERY = [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in TAGGERS]


def marked(task: str, name: str, town: str, odd: int) -> Example:
    text = (
        f"{name} moved to {town} in {1990 + odd}." if odd % 2 else f"Yesterday {name} saw the sea near {town}, twice."
    )
    spans = [(text.index(name), text.index(name) + len(name), 0), (text.index(town), text.index(town) + len(town), 1)]
    return Example(question(task, text), said=Stretches(tuple(sorted(spans)), len(text)))


@lru_cache(maxsize=1)
def people_and_places() -> Brief:
    examples = tuple(marked(f"s{i}", NAMES[i % 5], TOWNS[i % 4], i) for i in range(24))
    texts = tuple(example.question for example in examples)
    return Brief(LabelSet(("person", "place")), examples=examples, texts=texts, kind="spans")


@lru_cache(maxsize=8)
def prepared(name: str) -> Tagger:
    voter = Tagger(name)
    voter.prepare(people_and_places())
    return voter


@pytest.mark.parametrize("name", EVERY)
def test_a_tagger_finds_what_known_texts_show(name: str) -> None:
    new = [marked("n1", "Eve", "Oslo", 7), marked("n2", "Bob", "New York", 8)]
    answers = [answer.said for answer in prepared(name).answer([example.question for example in new])]
    score = kind("spans").score(answers, [example.said for example in new], people_and_places().space)
    assert score["span_f1"] > 0.7


@pytest.mark.parametrize("name", EVERY)
def test_a_wrong_answer_does_not_reach_the_marks_of_its_own_text(name: str) -> None:
    brief = people_and_places()
    first = brief.examples[0]
    misled = Example(first.question, said=Stretches(((0, 9, 1),), len(first.question.text)))
    voter = build(name)
    voter.prepare(replace(brief, examples=(misled, *brief.examples[1:])))
    assert next(voter.answer([first.question])).said == next(prepared(name).answer([first.question])).said


def test_a_text_with_nothing_to_mark_gets_an_empty_answer() -> None:
    answer = next(prepared("span_logistic").answer([question("n", "it rains again and again")]))
    assert answer.said == Stretches(()) and answer.label is None


def test_without_marked_texts_it_says_what_it_needs() -> None:
    empty = tuple(replace(example, said=Stretches(())) for example in people_and_places().examples)
    with pytest.raises(NeedsExamples, match="needs two with something marked"):
        build("span_logistic").prepare(replace(people_and_places(), examples=empty))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don’t go, CO2!", ["Don", "’", "t", "go", ",", "CO2", "!"]),
        ("我爱Oslo 2024", ["我", "爱", "Oslo", "2024"]),
        ("Приве́т, café", ["Приве", "́", "т", ",", "café"]),
        ("", []),
    ],
)
def test_words_border_as_their_script_does(text: str, words: list[str]) -> None:
    assert words_of(text).strings == words


def test_stretches_become_tags_of_words_and_come_back() -> None:
    words = words_of("Ann Lee met Bob Ray today")
    spans = ((0, 3, 0), (4, 7, 0), (12, 19, 1))
    assert tags_of(words, spans) == [1, 1, 0, 3, 4, 0]
    assert spans_of(words, tags_of(words, spans)) == spans


def test_the_best_sequence_never_goes_on_inside_what_did_not_begin() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        tags = learners.best_tags(rng.normal(size=(9, 5)), learners.allowed(5))
        assert all(
            tag % 2 or not tag or before in (tag, tag - 1) for before, tag in zip([0, *tags], tags, strict=False)
        )


def test_the_best_sequence_is_the_best_of_all() -> None:
    from itertools import product

    rng = np.random.default_rng(1)
    scores, steps = rng.normal(size=(5, 3)), rng.normal(size=(3, 3)) + learners.allowed(3)

    def worth(path: tuple[int, ...]) -> float:
        begins = -1e9 if path[0] == 2 else 0.0
        return (
            begins
            + sum(scores[i, t] for i, t in enumerate(path))
            + sum(steps[a, b] for a, b in itertools.pairwise(path))
        )

    assert tuple(learners.best_tags(scores, steps)) == max(product(range(3), repeat=5), key=worth)


@pytest.mark.parametrize(
    "texts", [("Ann met Bob in Oslo.", "Bob saw Oslo."), ("安娜在奥斯陆见到鲍勃。", "鲍勃爱奥斯陆 Oslo。")]
)
def test_scores_of_candidates_are_their_features_times_the_weights(texts: tuple[str, str]) -> None:
    asked = tuple(question(f"t{n}", text) for n, text in enumerate(texts))
    company = Company(Brief(LabelSet(("person", "place")), texts=asked, kind="spans"))
    read = [words_of(text) for text in texts]
    gazetteer = Gazetteer(read, [phrases(read[0], ((0, 2, 0),)), Counter()])
    views = [CandidateView(text_view(words, company), gazetteer, Counter()) for words in read]
    places = [candidates._places(len(words), 3) for words in read]
    columns = Columns(view.names(here) for view, here in zip(views, places, strict=True))
    rows = views[1].rows(places[1], columns)
    weights = np.random.default_rng(0).normal(size=(rows.shape[1], 2))
    assert rows.sum() > 0
    assert np.allclose(views[1].scores(places[1], columns, weights), rows @ weights)
