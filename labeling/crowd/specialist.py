"""Specialists: small classifiers that need no download and learn from the validation slice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from labeling.crowd import learners
from labeling.crowd.abilities import LEARNED, check_kind, check_sight
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.crossfit import Fit
from labeling.crowd.heads import head
from labeling.crowd.image_views import image_view
from labeling.crowd.overlap import overlap_view
from labeling.crowd.text_views import TextViews, pool, views_of

View = Callable[[Sequence[Question]], Any]
CHUNK = 256
DIGITS = 9
"""Probabilities are rounded so that the same question gets the same answer in a chunk of any size."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a specialist looks at, how it learns, and one sentence about it."""

    view: Callable[[Brief], View]
    fit: Fit
    about: str


def _seeing(choose: Callable[[TextViews], View]) -> Callable[[Brief], View]:
    return lambda brief: choose(views_of(brief))


TEXT_RECIPES: dict[str, Recipe] = {
    "word_logistic": Recipe(
        _seeing(lambda views: views.words),
        learners.on_seen_columns(learners.logistic(30.0)),
        "logistic regression on words and pairs of words",
    ),
    "char_logistic": Recipe(
        _seeing(lambda views: views.characters),
        learners.on_seen_columns(learners.logistic(30.0)),
        "logistic regression on character sequences",
    ),
    "char_bayes_logistic": Recipe(
        _seeing(lambda views: views.characters),
        learners.on_seen_columns(learners.weighted_logistic),
        "logistic regression on character sequences weighted by naive Bayes",
    ),
    "naive_bayes": Recipe(
        _seeing(lambda views: views.words),
        learners.complement_naive_bayes,
        "complement naive Bayes on words and pairs of words",
    ),
    "nearest_neighbours": Recipe(
        _seeing(lambda views: views.latent),
        learners.neighbours,
        "the nearest examples on reduced TF-IDF of openings and characters",
    ),
    "latent_svm": Recipe(
        _seeing(lambda views: views.latent_in_company),
        learners.radial_svm,
        "support vector machine on reduced TF-IDF of openings and characters, and on word vectors",
    ),
    "topic_logistic": Recipe(
        _seeing(lambda views: views.topics),
        learners.logistic(5.0),
        "logistic regression on fifty latent topics",
    ),
    "company_logistic": Recipe(
        _seeing(lambda views: views.company_in_order),
        learners.logistic(5.0),
        "logistic regression on word vectors learned from the batch",
    ),
    "opening_logistic": Recipe(
        _seeing(lambda views: _beside(views.opening, views.company_in_order, 0.85)),
        learners.logistic(10.0),
        "logistic regression on openings and word vectors learned from the batch",
    ),
    "char_company_logistic": Recipe(
        _seeing(lambda views: _beside(views.characters, views.company, 0.7)),
        learners.logistic(10.0),
        "logistic regression on character sequences and word vectors learned from the batch",
    ),
    "overlap_logistic": Recipe(
        lambda brief: overlap_view(pool(brief)),
        learners.standardised(learners.logistic(0.1)),
        "logistic regression on how much of one text is found in the other, for tasks of two texts or more",
    ),
    "overlap_svm": Recipe(
        lambda brief: overlap_view(pool(brief)),
        learners.standardised(learners.radial_svm),
        "support vector machine on how much of one text is found in the other, for tasks of two texts or more",
    ),
}

IMAGE_RECIPES: dict[str, Recipe] = {
    name: Recipe(image_view(features), learners.standardised(fit), about)
    for name, (features, fit, about) in {
        "image_thumbnail": ("thumbnail", learners.logistic(0.01), "logistic regression on small thumbnails"),
        "image_colours": ("colours", learners.logistic(0.03), "logistic regression on how often each colour occurs"),
        "image_gradients": ("gradients", learners.logistic(0.003), "logistic regression on directions of edges"),
        "image_gradient_svm": ("gradients", learners.wide_svm, "support vector machine on directions of edges"),
        "image_patches": ("patches", learners.logistic(0.01), "logistic regression on small patches of the image"),
        "image_neighbours": ("together", learners.near, "the nearest examples by colours, edges and patches"),
        "image_everything": ("together", learners.logistic(0.003), "logistic regression on colours, edges and patches"),
    }.items()
}
"""Classifiers of images."""
RECIPES = TEXT_RECIPES | IMAGE_RECIPES


def one_thread() -> AbstractContextManager[Any]:
    """Matrix libraries kept to one thread: on problems this small, more of them burn five times the CPU time."""
    limits: AbstractContextManager[Any] = _matrix_libraries().limit(limits=1)
    return limits


@lru_cache(maxsize=1)
def _matrix_libraries() -> Any:
    import sklearn.svm  # noqa: F401  (loads them all, so that the controller finds them)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _beside(sparse: View, dense: View, weight: float) -> View:
    from scipy.sparse import csr_matrix, hstack

    return lambda questions: hstack([sparse(questions), weight * csr_matrix(dense(questions))]).tocsr()


class Specialist:
    """A classifier that learns from the examples of its brief and answers them by cross-fitting."""

    outside = False
    kinds = LEARNED

    def __init__(self, name: str) -> None:
        self.name = name
        self._recipe = RECIPES[name]
        self._model = ""
        self.sees = name in IMAGE_RECIPES

    def prepare(self, brief: Brief) -> None:
        """Fit the model and its folds; raises Misconfigured, NeedsExamples or Unsuitable."""
        check_kind(self, brief)
        if self.sees:
            check_sight(self.name, brief)
        questions = [example.question for example in brief.examples]
        with one_thread():
            self._view = self._recipe.view(brief)
            self._fitted = head(self._recipe.fit, self._view, questions, brief, self.name)
        self._model = f"{self.name} {brief.fingerprint()}"

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """An answer and its probabilities for every question."""
        for begin in range(0, len(questions), CHUNK):
            yield from self._answer_chunk(questions[begin : begin + CHUNK])

    def _answer_chunk(self, questions: Sequence[Question]) -> Iterator[Answer]:
        began = time.perf_counter()
        with one_thread():
            answers = self._fitted.answers(questions, self._view(questions), DIGITS)
        seconds = (time.perf_counter() - began) / len(questions)
        for answer in answers:
            yield replace(answer, seconds=seconds, model=self._model)
