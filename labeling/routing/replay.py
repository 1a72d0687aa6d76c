"""A run played again on recorded votes: what another router, aggregator or budget would have bought and reached.

The crowd's votes are there from the start; a recorded answer of a paid annotator counts, and costs, only once the
router asks for it. An answer that was never recorded is paid for all the same and is an abstention: that is what a
refused or unreadable reply is; of a `partial` recording, though, only what is there is asked for. The paid annotators'
answers on the validation slice are known from the start and free, as its labels are; its tasks are never bought.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from labeling.routing import published, value
from labeling.routing.entropy import largest, most_uncertain
from labeling.routing.plan import STOP
from labeling.routing.promises import Watch
from labeling.routing.recording import Replay, Standing
from labeling.routing.value import Crowd
from labeling.truth.votes import Bools, Ints

ROUNDS = 20
"""Rounds in which all tasks would be asked; after each the router learns from the answers."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where a run stands when a budget is spent: `calls`, `cost` in micro-dollars, `label` (n,).

    `stopped`: see `Standing`.
    """

    calls: int
    cost: int
    label: Ints
    stopped: dict[int, str] = field(default_factory=dict)


def replay(run: Replay, router: str, budgets: Sequence[int]) -> list[Point]:
    """What a router reaches with each of rising budgets, in micro-dollars: one run whose budget is raised each time.

    Raises ValueError where there is no router of that name.
    """
    if router not in ROUTERS:
        raise ValueError(f"There is no router {router!r}; choose one of {', '.join(ROUTERS)}.")
    points = []
    for now, budget in zip(ROUTERS[router](run, budgets), budgets, strict=True):
        cost = int((now.asked * run.recording.prices).sum())
        assert cost <= budget
        label = now.belief.argmax(axis=1) if now.belief.ndim == 2 else now.belief
        points.append(Point(int(now.asked.sum()), cost, label.astype(np.int32), now.stopped))
    return points


def _by_value(run: Replay, budgets: Sequence[int]) -> Iterator[Standing]:
    """The plan for a twentieth of all tasks at a time, everything refitted in between, until no answer is worth it.

    Nothing is bought from whoever fails on the known tasks, and nothing more from whose answers contradict what was
    foreseen of them.
    """
    crowd, asked, prices, relabelers = run.crowd(), run.nothing_asked(), run.recording.prices, run.relabelers()
    watch, spent = Watch.over(crowd, relabelers if run.watched else [], run.heard(asked), seed=run.seed), 0
    step = max(int(prices.max()) * (len(asked) // ROUNDS), int(prices.max()))
    router = value.fit(crowd, watch.left(relabelers), run.heard(asked), seed=run.seed)
    for budget in budgets:
        while True:
            plan = router.plan(min(step, budget - spent))
            tasks = np.flatnonzero(plan.action != STOP)
            if not len(tasks):
                break
            asked[tasks, plan.action[tasks]] = True
            spent += plan.spend
            heard = run.heard(asked)
            watch = watch.after(heard)
            router = value.fit(crowd, watch.left(relabelers), heard, seed=run.seed)
        yield Standing(router.belief(), asked, watch.stopped)


def _in_order(
    rank: Callable[[Crowd, Bools, int], Ints], as_published: Callable[[Replay, Sequence[int]], Iterator[Standing]]
) -> Callable[[Replay, Sequence[int]], Iterator[Standing]]:
    """The first paid annotator, asked in a fixed order of tasks, with the answers weighed as by `value`.

    With the paper's weighing the router is `as_published`.
    """

    def ordered(run: Replay, budgets: Sequence[int]) -> Iterator[Standing]:
        if run.weighing == "paper":
            yield from as_published(run, budgets)
            return
        crowd, price = run.crowd(), int(run.recording.prices[0])
        order = rank(crowd, run.allowed(), run.seed)
        for budget in budgets:
            asked = run.first(order, budget // price)
            router = value.fit(crowd, run.relabelers(), run.heard(asked), seed=run.seed)
            yield Standing(router.belief(), asked)

    return ordered


def _most_uncertain(crowd: Crowd, allowed: Bools, seed: int) -> Ints:
    return most_uncertain(crowd.belief, len(allowed), allowed, seed=seed)


def _at_random(crowd: Crowd, allowed: Bools, seed: int) -> Ints:
    return largest(np.zeros(len(allowed)), len(allowed), allowed, seed=seed)


ROUTERS: dict[str, Callable[[Replay, Sequence[int]], Iterator[Standing]]] = {
    "value": _by_value,
    "lmcrowd": published.by_entropy,
    "exact": published.lmcrowd(published.exact),
    "approx": published.lmcrowd(published.approx),
    "entropy": _in_order(_most_uncertain, published.by_entropy),
    "random": _in_order(_at_random, published.lmcrowd(published.by_lot)),
    "chain": published.chained,
    "autoannotator": published.autoannotator,
}
PAPERS_OWN = ("lmcrowd", "exact", "approx")
"""Routers that weigh as the paper does; `value` as was learned, `chain` and `autoannotator` by rules of their own."""
EITHER = ("entropy", "random")
"""Routers that weigh as they are told."""
ROUNDS_OF_K = ("exact", "approx", "random")
"""Routers that ask in rounds of k tasks where they weigh as the paper does."""
FIRST_PAID_ONLY = (*PAPERS_OWN, *EITHER, "autoannotator")
"""Routers that know one paid annotator, and use the first."""
