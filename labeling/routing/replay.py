"""A run played again on recorded votes: what another router, aggregator or budget would have bought and reached.

The crowd's votes are there from the start; a recorded answer of a paid annotator counts, and costs, only once the
router asks for it. An answer that was never recorded is paid for all the same and is an abstention: that is what a
refused or unreadable reply is; of a `partial` recording, though, only what is there is asked for. The paid annotators'
answers on the validation slice are known from the start and free, as its labels are; its tasks are never bought.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.routing import value
from labeling.routing.calibrated import crowd_of
from labeling.routing.chain import Link, chain
from labeling.routing.entropy import largest, most_uncertain
from labeling.routing.joint import one_coin
from labeling.routing.plan import STOP
from labeling.routing.selection import independent
from labeling.routing.value import Crowd, Relabeler, Router
from labeling.truth import bayes, majority_vote
from labeling.truth.belief import margin
from labeling.truth.methods import method
from labeling.truth.votes import Bools, Floats, Ints, Votes

ROUNDS = 20
"""Rounds in which all tasks would be asked; after each the router learns from the answers."""

Money = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded about n tasks.

    `votes`: of the crowd. `answers`: (n, P) labels by P paid annotators, K where there is none. `prices`: (P,)
    micro-dollars of one answer, at least 1. `truth`: (n,). `features`: (n, d) rows of text, or None. `partial`: True
    where only what a past run bought was recorded, so that nothing else can be asked for.
    """

    votes: Votes
    answers: Ints
    prices: Money
    truth: Ints
    features: NDArray[np.float32] | None = None
    partial: bool = False

    def recorded(self, place: int) -> Bools:
        """Tasks about which a paid annotator may be asked, (n,)."""
        there: Bools = (self.answers[:, place] < self.votes.n_labels) | (not self.partial)
        return there


@dataclass(frozen=True, slots=True)
class Replay:
    """One run: a recording, the labels that may be learnt from, (n,) with -1 elsewhere, and how votes are weighed."""

    recording: Recording
    known: Ints
    aggregator: str
    seed: int

    def crowd(self) -> Crowd:
        """What the crowd believes, calibrated on the known labels."""
        record = self.recording
        texts = {"features": record.features} if self.aggregator == "auto" and record.features is not None else {}
        return crowd_of(method(self.aggregator), record.votes, self.known, self.seed, **texts)

    def heard(self, asked: Bools) -> Votes:
        """The paid annotators' answers that the run has: those bought, (n, P), and those on the known tasks."""
        task, paid = np.nonzero(asked | (self.known >= 0)[:, None])
        label, sizes = self.recording.answers[task, paid], (*asked.shape, self.recording.votes.n_labels)
        return Votes(task.astype(np.int32), paid.astype(np.int32), label, *sizes)

    def allowed(self) -> Bools:
        """Tasks that the first paid annotator may be asked about, (n,)."""
        return (self.known < 0) & self.recording.recorded(0)

    def relabelers(self) -> list[Relabeler]:
        """The paid annotators as the router knows them."""
        prices = enumerate(self.recording.prices)
        return [Relabeler(str(n), int(price), eligible=self.recording.recorded(n)) for n, price in prices]

    def nothing_asked(self) -> Bools:
        """(n, P), all False."""
        return np.zeros(self.recording.answers.shape, dtype=bool)


@dataclass(frozen=True, slots=True)
class Point:
    """Where a run stands when a budget is spent: `calls`, `cost` in micro-dollars, `label` (n,)."""

    calls: int
    cost: int
    label: Ints


Standing = tuple[Floats | Ints, Bools]
"""Beliefs (n, K), or labels (n,), and what was asked so far, (n, P)."""


def replay(run: Replay, router: str, budgets: Sequence[int]) -> list[Point]:
    """What a router reaches with each of rising budgets, in micro-dollars: one run whose budget is raised each time.

    Raises ValueError where there is no router of that name.
    """
    if router not in ROUTERS:
        raise ValueError(f"There is no router {router!r}; choose one of {', '.join(ROUTERS)}.")
    points = []
    for (belief, asked), budget in zip(ROUTERS[router](run, budgets), budgets, strict=True):
        cost = int((asked * run.recording.prices).sum())
        assert cost <= budget
        label = belief.argmax(axis=1) if belief.ndim == 2 else belief
        points.append(Point(int(asked.sum()), cost, label.astype(np.int32)))
    return points


def _by_value(run: Replay, budgets: Sequence[int]) -> Iterator[Standing]:
    """The plan for a twentieth of all tasks at a time, everything refitted in between, until no answer is worth it."""
    crowd, asked, prices = run.crowd(), run.nothing_asked(), run.recording.prices
    relabelers = run.relabelers()
    router, spent = value.fit(crowd, relabelers, run.heard(asked), seed=run.seed), 0
    step = max(int(prices.max()) * (len(asked) // ROUNDS), int(prices.max()))
    for budget in budgets:
        while True:
            plan = router.plan(min(step, budget - spent))
            tasks = np.flatnonzero(plan.action != STOP)
            if not len(tasks):
                break
            asked[tasks, plan.action[tasks]] = True
            spent += plan.spend
            router = value.fit(crowd, relabelers, run.heard(asked), seed=run.seed)
        yield router.belief(), asked


def _in_order(rank: Callable[[Crowd, Bools, int], Ints]) -> Callable[[Replay, Sequence[int]], Iterator[Standing]]:
    """The first paid annotator, asked in a fixed order of tasks, with the answers weighed as by `value`."""

    def router(run: Replay, budgets: Sequence[int]) -> Iterator[Standing]:
        crowd, price = run.crowd(), int(run.recording.prices[0])
        order = rank(crowd, run.allowed(), run.seed)
        for budget in budgets:
            asked = _first(run, order, budget // price)
            yield _fitted(run, crowd, asked).belief(), asked

    return router


def _fitted(run: Replay, crowd: Crowd, asked: Bools) -> Router:
    return value.fit(crowd, run.relabelers(), run.heard(asked), seed=run.seed)


def _first(run: Replay, order: Ints, calls: int) -> Bools:
    asked = run.nothing_asked()
    asked[order[:calls], 0] = True
    return asked


def _most_uncertain(crowd: Crowd, allowed: Bools, seed: int) -> Ints:
    return most_uncertain(crowd.belief, len(allowed), allowed, seed=seed)


def _at_random(crowd: Crowd, allowed: Bools, seed: int) -> Ints:
    return largest(np.zeros(len(allowed)), len(allowed), allowed, seed=seed)


def _lmcrowd(select: Callable[[Floats, Floats, Bools, int], Ints]) -> Callable[..., Iterator[Standing]]:
    """The paper's update: the method's own belief, one accuracy measured on the known tasks, Bayes' rule.

    Tasks are independent and none is asked twice, so what its rounds select is the beginning of one fixed order.
    """

    def router(run: Replay, budgets: Sequence[int]) -> Iterator[Standing]:
        belief, answers = method(run.aggregator)(run.recording.votes, seed=run.seed).belief, run.recording.answers[:, 0]
        n_labels, learnt = run.recording.votes.n_labels, run.known >= 0
        given = learnt & (answers < n_labels)
        right = (answers[given] == run.known[given]).sum()
        coin = one_coin(float((right + 1.5) / (given.sum() + 2)), n_labels)
        order = select(belief, coin, run.allowed(), run.seed)
        for budget in budgets:
            asked = _first(run, order, budget // int(run.recording.prices[0]))
            tasks = np.flatnonzero(asked[:, 0] & (answers < n_labels))
            posterior = belief.copy()
            posterior[tasks] = bayes.update(belief[tasks], answers[tasks], coin)
            yield posterior, asked

    return router


def _by_entropy(belief: Floats, coin: Floats, allowed: Bools, seed: int) -> Ints:
    return most_uncertain(belief, len(belief), allowed, seed=seed)


def _by_information(belief: Floats, coin: Floats, allowed: Bools, seed: int) -> Ints:
    return independent(belief, len(belief), coin, allowed, seed=seed)


def _chain(run: Replay, budgets: Sequence[int]) -> Iterator[Standing]:
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
        yield result.label, asked


def _falling(shares: Floats) -> list[float]:
    """At most 1, and none above the one before."""
    fractions: list[float] = np.minimum.accumulate(np.minimum(shares, 1.0)).tolist()
    return fractions


ROUTERS: dict[str, Callable[[Replay, Sequence[int]], Iterator[Standing]]] = {
    "value": _by_value,
    "lmcrowd": _lmcrowd(_by_entropy),
    "exact": _lmcrowd(_by_information),
    "entropy": _in_order(_most_uncertain),
    "random": _in_order(_at_random),
    "chain": _chain,
}
