"""Taggers: specialists that mark stretches of text, need no download, and learn from the validation slice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labeling.crowd.abilities import TAGGED, check_kind
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.crossfit import Folds
from labeling.crowd.errors import NeedsExamples
from labeling.crowd.specialist import one_thread
from labeling.crowd.tagging import candidates, learners
from labeling.crowd.tagging.candidates import Mark, Marked, Marker
from labeling.crowd.tagging.features import Company, Vocabulary, feature_names
from labeling.crowd.tagging.gazetteer import Gazetteer, phrases
from labeling.crowd.tagging.words import Words, spans_of, tags_of, words_of
from labeling.kinds.stretches import Stretches
from labeling.truth.spans import scoring
from labeling.truth.spans.marks import Answer as Spans

FOLDS = 5
"""Fewer than for labels: each fold's tagger takes seconds."""
CAUTION = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
"""What is tried as a bonus for marking, in the units of the scores."""

FitMarker = Callable[[Sequence[Words], Sequence[Spans], int, Company], Marker]


@dataclass(frozen=True, slots=True)
class Tagging:
    """How a tagger learns, and one sentence about it."""

    fit: FitMarker
    about: str


def by_words(learn: Callable[..., tuple[learners.Score, learners.Floats]]) -> FitMarker:
    """A tagger that scores every word and takes the best sequence."""

    def fit(texts: Sequence[Words], spans: Sequence[Spans], n_types: int, company: Company) -> Marker:
        own = [phrases(words, marked) for words, marked in zip(texts, spans, strict=True)]
        gazetteer = Gazetteer(texts, own)
        rows = [feature_names(words, company, gazetteer, mine) for words, mine in zip(texts, own, strict=True)]
        vocabulary = Vocabulary(rows)
        tags = [tags_of(words, marked) for words, marked in zip(texts, spans, strict=True)]
        numbers = [vocabulary.numbers(row) for row in rows]
        score, steps = learn(numbers, tags, len(vocabulary), 1 + 2 * n_types)

        def read(words: Words) -> Mark:
            scores = score(vocabulary.numbers(feature_names(words, company, gazetteer, Counter())))

            def mark(bonus: float) -> Marked:
                raised = scores.copy()
                raised[:, 1:] += bonus
                return spans_of(words, learners.best_tags(raised, steps)), ()

            return mark if len(words) else lambda bonus: ((), ())

        return read

    return fit


TAGGERS: dict[str, Tagging] = {
    "span_perceptron": Tagging(
        by_words(learners.perceptron), "averaged perceptron that tags words by form and company"
    ),
    "span_logistic": Tagging(
        by_words(learners.logistic(1.0)), "logistic regression that tags words by form and company"
    ),
    "span_candidates": Tagging(candidates.fit, "logistic regression on whole stretches: words, edges and neighbours"),
    "span_gazetteer": Tagging(
        candidates.by_list, "known stretches and their forms, found again where they are mostly marked"
    ),
}


class Tagger:
    """A specialist that marks stretches; known texts are marked by a tagger that did not see their answer."""

    outside = False
    sees = False
    kinds = TAGGED

    def __init__(self, name: str) -> None:
        self.name = name
        self._tagging = TAGGERS[name]
        self._model = ""

    def prepare(self, brief: Brief) -> None:
        """Fit the tagger and its folds; raises Misconfigured or NeedsExamples."""
        check_kind(self, brief)
        self._require(brief)
        with one_thread():
            self._learn(brief)
        self._model = f"{self.name} {brief.fingerprint()}"

    def _require(self, brief: Brief) -> None:
        texts = {example.question.content for example in brief.examples}
        marked = sum(bool(example.said.spans) for example in brief.examples)
        if len(texts) < 2 or marked < 2:
            raise NeedsExamples(
                f"{self.name} learns from texts whose stretches are known and needs two with something marked, but "
                f"there are {marked}; give more known answers or leave {self.name} out of the crowd."
            )

    def _learn(self, brief: Brief) -> None:
        company = Company(brief)
        texts = [words_of(example.question.text) for example in brief.examples]
        spans = [example.said.spans for example in brief.examples]
        self._folds, n_types = Folds(brief.examples, brief.seed, FOLDS), len(brief.space.labels)
        self._markers: list[Marker] = []
        held_out: list[list[Spans]] = [[() for _ in texts] for _ in CAUTION]
        for number in range(self._folds.count):
            outside = np.flatnonzero(self._folds.of_example != number).tolist()
            self._markers.append(self._tagging.fit(_of(texts, outside), _of(spans, outside), n_types, company))
            for at in np.flatnonzero(self._folds.of_example == number).tolist():
                mark = self._markers[number](texts[at])
                for place, bonus in enumerate(CAUTION):
                    held_out[place][at] = mark(bonus)[0]
        self._markers.append(self._tagging.fit(texts, spans, n_types, company))
        others = [np.flatnonzero(self._folds.of_example != number).tolist() for number in range(self._folds.count)]
        self._bonus = [_best_bonus(held_out, spans, rows) for rows in [*others, list(range(len(texts)))]]

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """The stretches of every question's text; none is an answer, too."""
        for question in questions:
            began = time.perf_counter()
            which = self._folds.model_for(question)
            with one_thread():
                spans, chances = self._markers[which](words_of(question.text))(self._bonus[which])
            said = Stretches(tuple(sorted(spans)), len(question.text))
            yield Answer(None, chances or None, seconds=time.perf_counter() - began, model=self._model, said=said)


def _of(values: Sequence[Any], at: list[int]) -> list[Any]:
    return [values[i] for i in at]


def _best_bonus(held_out: list[list[Spans]], right: Sequence[Spans], rows: list[int]) -> float:
    """The bonus with the best strict F1 on texts that the taggers did not see, drawn towards none."""
    scores = [scoring.strict(_of(marked, rows), _of(right, rows)).f1 or 0.0 for marked in held_out]
    smooth = [float(np.mean(scores[max(i - 1, 0) : i + 2])) for i in range(len(scores))]
    return CAUTION[max(range(len(CAUTION)), key=lambda i: (smooth[i], -abs(CAUTION[i])))]
