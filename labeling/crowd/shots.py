"""Which worked examples a prompt shows: the same few for every question, or those most like it."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np

from labeling.crowd import prompts
from labeling.crowd.base import Brief, Example, Question
from labeling.crowd.errors import Misconfigured

ShotPicker = Callable[[Question], list[Example]]
CANDIDATES = 64
LIKENESS = 0.5
"""Weight of likeness to the question against likeness to examples taken already."""


WAYS = ("fixed", "random", "nearest")
"""The ways to choose examples, the plainest first."""
CHOSEN = "chosen"
"""The way that is best on known answers (`shot_trials`)."""


def check_way(way: str, *, nearest: bool = False) -> None:
    """Raises Misconfigured where there is no such way to choose examples, or two are named."""
    if way and way not in (*WAYS, CHOSEN):
        raise Misconfigured(f"examples must be {', '.join(WAYS)} or {CHOSEN}, but it is {way!r}.")
    if nearest and way not in ("", "nearest"):
        raise Misconfigured(f"nearest=yes and examples={way} are two ways to choose examples; leave nearest out.")


def shot_picker(brief: Brief, count: int, way: str = "fixed", *, nearest: bool = False) -> ShotPicker:
    """What picks up to `count` examples for a question; never the question itself, nor one with its text.

    `way`: the same for all questions, drawn by chance for each, or the nearest to each.
    """
    if not count or not brief.examples:
        return lambda _: []
    order = prompts.shot_order(brief)
    if nearest or way == "nearest":
        return NearestExamples(brief, order, count)
    if way == "random":
        return lambda question: prompts.shots_for(question, _drawn(question, order, brief.seed), count)
    return lambda question: prompts.shots_for(question, order, count)


def best_first(picker: ShotPicker, question: Question) -> list[Example]:
    """What is picked for a question, whatever is shown of it best of all coming first."""
    picked = picker(question)
    return picked[::-1] if isinstance(picker, NearestExamples) else list(picked)


def _drawn(question: Question, order: list[Example], seed: int) -> list[Example]:
    """The examples in an order that is the question's own."""
    draw = random.Random(f"{seed}:{question.content}")  # noqa: S311  (examples, no secrets)
    return draw.sample(order, len(order))


class NearestExamples:
    """The validated examples nearest to a question, few of each label, unlike each other, the nearest one last.

    Likeness is the cosine of TF-IDF weights of words and pairs of words. Examples are taken one by one by maximal
    marginal relevance (Carbonell and Goldstein 1998, lambda .5): likeness to the question less the greatest likeness
    to an example taken before. At most two have the same answer, or as many as it takes to fill the count.
    """

    def __init__(self, brief: Brief, order: list[Example], count: int) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._examples, self._count = order, count
        self._marks = [brief.mark(example) for example in order]
        self._most_of_a_label = max(2, ceil(count / len(brief.labels)))
        words = r"(?u)\b\w+\b"
        self._words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=words)
        texts = [example.question.text for example in order]
        self._rows = self._words.fit(texts + [question.text for question in brief.texts]).transform(texts)

    def __call__(self, question: Question) -> list[Example]:
        near = self._likeness(self._words.transform([question.text]))
        content = question.content
        others = [
            place
            for place in np.argsort(-near, kind="stable").tolist()
            if self._examples[place].question.task != question.task
            and self._examples[place].question.content != content
        ][:CANDIDATES]
        return [self._examples[place] for place in reversed(self._taken(others, near))]

    def _likeness(self, row: Any) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Cosine to every example, shape (n_examples,); rows have length one already."""
        found: np.ndarray[tuple[int], np.dtype[np.float64]] = (self._rows @ row.T).toarray()[:, 0]
        return found

    def _taken(self, candidates: list[int], near: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[int]:
        """Places of the examples taken, the first taken first."""
        taken: list[int] = []
        labels: list[int | str] = []
        alike = np.zeros(len(near))
        while candidates and len(taken) < self._count:
            best = max(candidates, key=lambda place: LIKENESS * near[place] - (1 - LIKENESS) * alike[place])
            candidates = [place for place in candidates if place != best]
            taken.append(best)
            labels.append(self._marks[best])
            alike = np.maximum(alike, self._likeness(self._rows[best]))
            if labels.count(labels[-1]) >= self._most_of_a_label:
                candidates = [place for place in candidates if self._marks[place] != labels[-1]]
        return taken
