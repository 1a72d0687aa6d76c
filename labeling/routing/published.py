"""Routers as their papers publish them, for replays beside our own.

LMCrowd: rounds of k tasks chosen by H(A), one accuracy for the paid model, Bayes' rule (Zhang et al., section 3). Its
tasks are independent (equation 1) and none is asked twice, so Exact and Approx choose the same tasks, and k changes
nothing but the size of a step: what the paper's figures 3 and 5 show beyond that is the order of ties.
Chain ensembles: Farr et al. 2024. AutoAnnotator: Lu et al. 2025, its labeling stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from labeling.routing.chain import Link, chain
from labeling.routing.entropy import largest, most_uncertain
from labeling.routing.joint import one_coin
from labeling.routing.recording import Replay, Standing
from labeling.routing.selection import at_random, independent
from labeling.truth import bayes, majority_vote
from labeling.truth.belief import margin
from labeling.truth.methods import method
from labeling.truth.votes import Bools, Floats, Ints

Select = Callable[[Floats, int, Floats, Bools, int], Ints]
"""(belief, k, the model's confusion matrix, allowed tasks, seed) to the tasks of the next round."""
EXPECTED, CERTAINTY = 1.5, 2.0
"""Right answers and answers assumed before any is seen: without known labels the accuracy is .75."""


def exact(belief: Floats, k: int, coin: Floats, allowed: Bools, seed: int) -> Ints:
    """Algorithm 1: the k tasks whose answers have the largest entropy together; of independent tasks, the k largest."""
    return independent(belief, k, coin, allowed, by="answer_entropy", seed=seed)


def approx(belief: Floats, k: int, coin: Floats, allowed: Bools, seed: int) -> Ints:
    """Algorithm 2: k times the task whose answer adds most entropy to the answers chosen before."""
    left, chosen = allowed.copy(), []
    for _ in range(min(k, int(allowed.sum()))):
        picked = independent(belief, 1, coin, left, by="answer_entropy", seed=seed)
        chosen.append(picked)
        left[picked] = False
    return np.concatenate(chosen) if chosen else np.empty(0, dtype=np.int32)


def by_lot(belief: Floats, k: int, coin: Floats, allowed: Bools, seed: int) -> Ints:
    """Random: k of the allowed tasks, each as likely as any other."""
    return at_random(len(belief), k, np.random.default_rng([seed, int(allowed.sum())]), allowed)


def lmcrowd(select: Select) -> Callable[[Replay, Sequence[int]], Iterator[Standing]]:
    """LMCrowd's loop: select k tasks, ask, update the belief in them by Bayes' rule; equations 7 to 10.

    Where majority vote starts it, the belief is the plain share of the votes, so that unanimous tasks are certain.
    """

    def router(run: Replay, budgets: Sequence[int]) -> Iterator[Standing]:
        belief, coin = _start(run, smoothing=0.0), _measured(run)
        asked, left = run.nothing_asked(), run.allowed()
        for budget in budgets:
            calls = budget // int(run.recording.prices[0]) - int(asked.sum())
            while calls > 0 and left.any():
                tasks = select(belief, min(run.k, calls), coin, left, run.seed)
                if not len(tasks):
                    break
                belief = _told(run, belief, tasks, coin)
                asked[tasks, 0], left[tasks] = True, False
                calls -= len(tasks)
            yield Standing(belief, asked.copy())

    return router


def by_entropy(run: Replay, budgets: Sequence[int]) -> Iterator[Standing]:
    """LMCrowd at its best: the most uncertain first, from a majority vote that keeps unanimous tasks open.

    No task is asked twice and all are independent: what its rounds select is the beginning of one fixed order.
    """
    belief, coin = _start(run, smoothing=0.5), _measured(run)
    order = most_uncertain(belief, len(belief), run.allowed(), seed=run.seed)
    for budget in budgets:
        calls = budget // int(run.recording.prices[0])
        yield Standing(_told(run, belief, order[:calls], coin), run.first(order, calls))


def _start(run: Replay, smoothing: float) -> Floats:
    """The aggregator's own belief; no known label enters it, as in the paper."""
    votes = run.recording.votes
    if run.aggregator == "majority_vote":
        return majority_vote.infer(votes, smoothing=smoothing).belief
    return method(run.aggregator)(votes, seed=run.seed).belief


def _measured(run: Replay) -> Floats:
    """The matrix of an annotator that is right as often as the first paid one was on the known tasks."""
    answers, n_labels = run.recording.answers[:, 0], run.recording.votes.n_labels
    given = (run.known >= 0) & (answers < n_labels)
    right = (answers[given] == run.known[given]).sum()
    return one_coin(float((right + EXPECTED) / (given.sum() + CERTAINTY)), n_labels)


def _told(run: Replay, belief: Floats, asked: Ints, coin: Floats) -> Floats:
    """The belief after the first paid annotator's answers to some tasks; where it gave none, as it was."""
    answers = run.recording.answers[:, 0]
    tasks = asked[answers[asked] < run.recording.votes.n_labels]
    posterior = belief.copy()
    posterior[tasks] = bayes.update(belief[tasks], answers[tasks], coin)
    return posterior


def chained(run: Replay, budgets: Sequence[int]) -> Iterator[Standing]:
    """The crowd's majority vote, then the paid annotators, cheapest first, each with an equal part of the money."""
    record = run.recording
    shares = majority_vote.infer(record.votes).belief
    order = np.argsort(record.prices, kind="stable")
    links = [Link(shares.argmax(axis=1).astype(np.int32), margin(shares))]
    links += [Link(np.where(answers < record.votes.n_labels, answers, -1)) for answers in record.answers.T[order]]
    allowed = np.all([run.known < 0, *(record.recorded(int(place)) for place in order)], axis=0)
    for budget in budgets:
        calls = (budget // len(order)) // record.prices[order]
        result = chain(links, _falling(calls / max(int(allowed.sum()), 1)), allowed, seed=run.seed)
        asked = run.nothing_asked()
        asked[:, order] = result.reached[:, 1:]
        yield Standing(result.label, asked)


def _falling(shares: Floats) -> list[float]:
    """At most 1, and none above the one before."""
    fractions: list[float] = np.minimum.accumulate(np.minimum(shares, 1.0)).tolist()
    return fractions


def autoannotator(run: Replay, budgets: Sequence[int]) -> Iterator[Standing]:
    """What the crowd says unanimously is accepted; all else goes to the first paid annotator, whose label stands.

    Needs no known label. The paper has no budget: where the money does not reach, a lot decides who is asked.
    """
    record = run.recording
    shares = majority_vote.infer(record.votes, smoothing=0.0).belief
    disputed = shares.max(axis=1) < 1
    order = largest(np.zeros(len(shares)), len(shares), run.allowed() & disputed, seed=run.seed)
    for budget in budgets:
        label = shares.argmax(axis=1).astype(np.int32)
        asked = run.first(order, budget // int(record.prices[0]))
        tasks = np.flatnonzero(asked[:, 0] & (record.answers[:, 0] < record.votes.n_labels))
        label[tasks] = record.answers[tasks, 0]
        yield Standing(label, asked)
