"""What may be believed about each task, and, honestly, about the tasks whose label is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.truth import (
    annotator_weights,
    confusion,
    correlation,
    gold_naive_bayes,
    ibcc,
    mace,
    text_annotator,
)
from labeling.truth.known_slice import FOLDS, KnownSlice, votes_on
from labeling.truth.label_votes import label_votes
from labeling.truth.vote_matrix import VoteMatrix, prepare
from labeling.truth.votes import Floats, Ints, Votes

EM_ITERATIONS = 100
EM_VOTES = 1_000_000
"""Votes from which matrices are learnt without labels; more change them by less than the known labels leave open."""
MACE_STARTS = 4
MOST_PAIRED = 2_000
"""Annotators beyond which nobody looks at every pair of them."""
MOST_VOTES, MOST_WEIGHT = 4.0, 0.8
"""Weight of a vote before any label is seen: 4 shared by all votes on a task, at most .8."""
FAINTEST = 0.005
"""A probability below this says no more than this one."""
MOST_SPOKEN, MOST_LOUD = 1.4, 0.5
"""The same for an annotator's own log-probabilities."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """One member of the blend: log beliefs of all tasks, (n, K), and honest ones of the known tasks, (m, K).

    `start`, `ridge`: its weight before any label is seen, and how many labels it takes to move it.
    """

    name: str
    everywhere: Floats
    out_of_fold: Floats
    start: float
    ridge: float


@dataclass(frozen=True, slots=True)
class Unaided:
    """What the votes tell without any label, so that it is honest on the known tasks too.

    `competence`: MACE's opinion. `independence`: (n_annotators,), mean 1 over votes, less for annotators
    who err together.
    """

    competence: Opinion
    independence: Floats


def naive_bayes(matrix: VoteMatrix, gold: KnownSlice) -> Opinion:
    return Opinion("naive_bayes", *gold_naive_bayes.opinions(matrix, gold), start=0.12, ridge=60.0)


def independent(matrix: VoteMatrix, gold: KnownSlice, unaided: Unaided) -> Opinion:
    """Naive Bayes in which annotators who err together share their weight."""
    logs = gold_naive_bayes.opinions(matrix, gold, unaided.independence)
    return Opinion("independent_naive_bayes", *logs, start=0.1, ridge=60.0)


def semi_supervised(matrix: VoteMatrix, gold: KnownSlice, tasks: Ints) -> Opinion:
    """IBCC with the known labels held fast. The matrices come from the votes on `tasks` alone."""
    sample, known = votes_on(matrix.votes, tasks), matrix.known[tasks]
    whole, within = _fit(sample, known), prepare(gold.votes)
    out_of_fold = np.empty((len(gold), gold.votes.n_labels))
    for fold in range(FOLDS):
        inside = gold.fold == fold
        fitted = _fit(sample, gold.hide(matrix.known, fold)[tasks])
        out_of_fold[inside] = gold_naive_bayes.log_posterior(within, *fitted)[inside]
    return Opinion("ibcc", gold_naive_bayes.log_posterior(matrix, *whole), out_of_fold, start=0.1, ridge=60.0)


def _fit(votes: Votes, known: Ints) -> tuple[Floats, Floats]:
    """Confusion matrices and label shares."""
    inference = ibcc.infer(votes, known=known, max_iterations=EM_ITERATIONS)
    assert inference.confusion is not None
    shares = inference.belief.sum(axis=0) + 1.0
    return inference.confusion, shares / shares.sum()


def unaided(matrix: VoteMatrix, gold: KnownSlice, tasks: Ints, seed: int) -> Unaided:
    """Fit MACE, and see who errs together, on the votes of `tasks`."""
    sample = votes_on(matrix.votes, tasks)
    fitted = mace.infer(sample, seed=seed, restarts=MACE_STARTS)
    assert fitted.confusion is not None
    logs = gold_naive_bayes.log_posterior(matrix, fitted.confusion, fitted.details["shares"])
    return Unaided(Opinion("mace", logs, logs[gold.tasks], start=0.1, ridge=60.0), _independence(sample, fitted.belief))


def _independence(votes: Votes, belief: Floats) -> Floats:
    if votes.n_annotators > MOST_PAIRED or not len(votes.task):
        return np.ones(votes.n_annotators)
    doubtful = 0.7 * belief + 0.3 / votes.n_labels
    weight = correlation.independence_weights(correlation.shrunken_excess(votes, doubtful))
    cast = np.bincount(votes.annotator, minlength=votes.n_annotators)
    independence: Floats = weight * cast.sum() / (weight @ cast)
    return independence


def enough_tasks(matrix: VoteMatrix, gold: KnownSlice, seed: int) -> Ints:
    """All tasks, or the known ones and as many others, at random, as have about a million votes."""
    votes = matrix.votes
    if len(votes.task) <= EM_VOTES:
        return np.arange(votes.n_tasks, dtype=np.int32)
    size = max(int(votes.n_tasks * EM_VOTES / len(votes.task)), 1)
    drawn = np.random.default_rng(seed).choice(votes.n_tasks, size, replace=False)
    return np.union1d(drawn, gold.tasks).astype(np.int32)


def majority(matrix: VoteMatrix, gold: KnownSlice) -> Opinion:
    counts = matrix.label_counts() + 0.5
    logs = np.log(counts / counts.sum(axis=1, keepdims=True))
    return Opinion("majority_vote", logs, logs[gold.tasks], start=0.2, ridge=20.0)


def weighted_vote(matrix: VoteMatrix, gold: KnownSlice) -> Opinion:
    """Votes that count by who gave them."""
    answers = label_votes(matrix.votes)
    start = min(MOST_VOTES / _votes_a_task(matrix), MOST_WEIGHT)
    said = annotator_weights.statements(answers, answers.weight, gold, start, ridge=6.0)
    return Opinion("weighted_vote", *annotator_weights.opinions(said, matrix, gold), start=0.2, ridge=20.0)


def spoken(matrix: VoteMatrix, gold: KnownSlice) -> Opinion:
    """The probabilities that the annotators gave, pooled in logs, each with a weight of its own."""
    answers = label_votes(matrix.votes)
    start = min(MOST_SPOKEN / _votes_a_task(matrix), MOST_LOUD)
    loudness = np.log(np.maximum(answers.weight / FAINTEST, 1.0))
    said = annotator_weights.statements(answers, loudness, gold, start, ridge=20.0)
    return Opinion("spoken", *annotator_weights.opinions(said, matrix, gold), start=0.7, ridge=20.0)


def _votes_a_task(matrix: VoteMatrix) -> float:
    return float(max(matrix.weight.sum() / max(matrix.counted.sum(), 1), 1))


def text(features: NDArray[np.float32], belief: Floats, known: Ints, gold: KnownSlice, seed: int) -> Opinion:
    logs = text_annotator.opinion(features, belief, known, seed)
    return Opinion("text", logs, logs[gold.tasks], start=1.0, ridge=5.0)


def best_single(matrix: VoteMatrix, gold: KnownSlice) -> Opinion:
    """The annotator who is right most often, unanswered tasks counted as guesses; chosen anew for each fold.

    Where there is no annotator at all, how frequent each label is.
    """
    within, logs = prepare(gold.votes), np.empty((len(gold), gold.votes.n_labels))
    for fold in range(FOLDS):
        inside = gold.fold == fold
        logs[inside] = _alone(within, gold, fold)[inside]
    return Opinion("best_single", _alone(matrix, gold, None), logs, start=1.0, ridge=4.0)


def _alone(matrix: VoteMatrix, gold: KnownSlice, without: int | None) -> Floats:
    truth = gold.truth if without is None else np.where(gold.fold == without, np.int32(-1), gold.truth)
    counts, prior = confusion.count_known(gold.votes, truth), gold.prior(without)
    right = np.trace(counts[:, :, :-1], axis1=1, axis2=2)
    guessed = (truth >= 0).sum() - counts[:, :, :-1].sum(axis=(1, 2))
    flat = np.ones_like(counts)
    if len(flat):
        best = int(np.argmax(right + guessed * prior.max()))
        flat[best] = confusion.shrunken(counts, gold_naive_bayes.STRENGTH)[best]
    return gold_naive_bayes.log_posterior(matrix, flat, prior)
