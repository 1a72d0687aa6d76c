"""The last few tasks of a plan: which of them to buy so that nothing better exists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.truth.votes import Floats

STOP = -1
MOST_TASKS = 2_000
"""Tasks still open to argument beyond which a plan is left as it is: its gap is small then, anyway."""
MOST_STATES = 20_000
MOST_WORK = 400_000
"""Combinations looked at in all before giving up, about a tenth of a second."""

Actions = NDArray[np.int8]
Money = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Core:
    """The tasks for which more than one action may be part of a better plan.

    `task`: (t,). `options`: for each of them the actions, their prices and their losses, that is, how much less they
    are worth at the multiplier than the task's best action. `spend`: what the other tasks' actions cost.
    """

    task: NDArray[np.intp]
    options: list[tuple[Actions, Money, Floats]]
    spend: int


def improve(
    action: Actions,
    gains: NDArray[np.float64] | NDArray[np.float32],
    prices: Money,
    budget: int,
    multiplier: float,
    bound: float,
    tolerance: float,
) -> tuple[Actions, bool]:
    """The best plan, and True; or the plan as given, and False, where it is near enough or looking would take too long.

    `action`: (n,) a plan within `budget`; `gains`: (n, M); `prices`: (M,) or (n, M) micro-dollars; `multiplier`,
    `bound`: of the Lagrangian relaxation. An action whose loss at the multiplier is larger than bound - gain cannot be
    part of a better plan (Pisinger, European Journal of Operational Research 83, 1995); the rest is enumerated task by
    task, keeping only combinations that no other one beats in both price and gain.
    """
    gain = _gain(action, gains)
    missing = bound - gain
    if missing <= tolerance * bound:
        return action, False
    best, core = _core(gains, prices, budget, multiplier, missing)
    if len(core.task) > MOST_TASKS or core.spend > budget:
        return action, False
    found = _enumerate(core, budget, multiplier, missing)
    if found is None:
        return action, False
    chosen, lost = found
    if lost >= missing:
        return action, True
    best[core.task] = chosen
    return best, True


def _gain(action: Actions, gains: NDArray[np.float64] | NDArray[np.float32]) -> float:
    tasks = np.flatnonzero(action != STOP)
    return float(gains[tasks, action[tasks]].astype(np.float64).sum())


def _core(
    gains: NDArray[np.float64] | NDArray[np.float32], prices: Money, budget: int, multiplier: float, missing: float
) -> tuple[Actions, Core]:
    """The best action of each task at the multiplier, (n,), and the tasks where another one loses little enough."""
    price = np.broadcast_to(prices, gains.shape)
    worth = np.zeros((len(gains), gains.shape[1] + 1))
    worth[:, 1:] = np.where(price <= budget, gains - multiplier * price, -np.inf)
    best = worth.argmax(axis=1)
    loss = worth.max(axis=1, keepdims=True) - worth
    open_to = loss <= missing
    task = np.flatnonzero(open_to.sum(axis=1) > 1)
    cost = np.concatenate([np.zeros((len(gains), 1), dtype=np.int64), price], axis=1)
    # the tasks that lose least by another action come first: good combinations appear early
    nearest = np.where(open_to[task] & (loss[task] > 0), loss[task], np.inf).min(axis=1)
    task = task[np.argsort(nearest, kind="stable")]
    rows = [(i, np.flatnonzero(open_to[i])) for i in task[: MOST_TASKS + 1]]
    options = [((at - 1).astype(np.int8), cost[i, at], loss[i, at]) for i, at in rows]
    fixed = np.ones(len(gains), dtype=bool)
    fixed[task] = False
    rest = np.flatnonzero(fixed)
    return (best - 1).astype(np.int8), Core(task, options, int(cost[rest, best[rest]].sum()))


def _enumerate(core: Core, budget: int, multiplier: float, missing: float) -> tuple[Actions, float] | None:
    """The actions of the core's tasks that lose least, and that loss with the money left over; None when too many."""
    least = np.array([cost.min() for _, cost, _ in core.options], dtype=np.int64)
    still = least[::-1].cumsum()[::-1]
    spend, loss = np.array([core.spend], dtype=np.int64), np.zeros(1)
    trace: list[tuple[NDArray[np.intp], Actions]] = []
    work = 0
    for at, (actions, cost, lost) in enumerate(core.options):
        needed = int(still[at + 1]) if at + 1 < len(still) else 0
        spend, loss, parent, choice = _extend(spend, loss, cost, lost, budget - needed, multiplier, missing)
        trace.append((parent, actions[choice]))
        work += len(actions) * len(spend)
        if len(spend) > MOST_STATES or work > MOST_WORK:
            return None
    total = loss + multiplier * (budget - spend)
    if not len(total):
        return np.empty(0, dtype=np.int8), np.inf
    at = int(total.argmin())
    chosen = np.empty(len(trace), dtype=np.int8)
    for place in range(len(trace) - 1, -1, -1):
        parent, actions = trace[place]
        chosen[place], at = actions[at], int(parent[at])
    return chosen, float(total.min() if len(total) else np.inf)


def _extend(
    spend: Money, loss: Floats, cost: Money, lost: Floats, most: int, multiplier: float, missing: float
) -> tuple[Money, Floats, NDArray[np.intp], NDArray[np.intp]]:
    """All combinations with one more task that fit and are not beaten, with their parent and the task's option."""
    spends, losses = (spend[:, None] + cost).ravel(), (loss[:, None] + lost).ravel()
    alive = np.flatnonzero((spends <= most) & (losses < missing))
    # up to a constant, the same for all combinations
    gain = multiplier * spends[alive] - losses[alive]
    order = np.lexsort((-gain, spends[alive]))
    ahead = np.maximum.accumulate(gain[order])
    unbeaten = np.ones(len(order), dtype=bool)
    unbeaten[1:] = gain[order][1:] > ahead[:-1]
    kept = alive[order[unbeaten]]
    return spends[kept], losses[kept], kept // len(cost), kept % len(cost)
