"""What to buy for a budget: one action per task, as a multiple-choice knapsack with a bound on what was missed.

Each task takes one action or none. With a price on money, the multiplier, every task decides alone: it goes up its own
upper hull of (price, gain) as long as a step gains more than it costs. So the steps of all tasks, sorted by gain per
micro-dollar, hold the plans of all budgets at once: a plan is a beginning of that list, and the linear relaxation,
which no plan can beat, takes a part of the next step, too. Source: Sinha and Zoltners, Operations Research 27 (1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.routing.knapsack import improve
from labeling.truth.votes import Floats, Ints

STOP = -1
"""The action of a task that is left as it is."""
MICRO = 1_000_000
BLOCK = 65_536
"""Tasks whose hulls are built together: their arrays stay in the cache."""
SCAN = 1_024
SMALLEST_GAP = 1e-4
"""A relative gap below which looking for a better plan is not worth the time."""

Actions = NDArray[np.int8]
Money = NDArray[np.int64]
Gains = NDArray[np.float64] | NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Plan:
    """One action for each task.

    `action`: (n,) int8, the column of `gains` or -1 for stop. `spend`: its price in micro-dollars, at most the budget.
    `gain`: expected extra correct labels. `bound`: no plan for this budget gains more. `gap`: the share of `bound` that
    this plan may be missing, 0 where it is proved the best. `multiplier`: extra correct labels per micro-dollar of more
    budget. `marginal_dollars`: the price of one more correct label, None where nothing is left to buy.
    """

    action: Actions
    spend: int
    gain: float
    bound: float
    multiplier: float

    @property
    def gap(self) -> float:
        """The share of `bound` that the plan may be missing, from 0 to 1."""
        return max(1 - self.gain / self.bound, 0.0) if self.bound > 0 else 0.0

    @property
    def marginal_dollars(self) -> float | None:
        """What the next correct label costs, in dollars; None where nothing is left to buy."""
        return 1 / (self.multiplier * MICRO) if self.multiplier > 0 else None


@dataclass(frozen=True, slots=True)
class Curve:
    """Plans for several budgets: arrays of one entry for each, money in micro-dollars, gains in correct labels.

    `marginal_dollars`: dollars for one more correct label at this point, inf where nothing is left to buy.
    """

    budget: Money
    spend: Money
    gain: Floats
    bound: Floats
    marginal_dollars: Floats


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps up the hulls, best ratio first: step s moves `task[s]` from action `before[s]` to `after[s]`.

    All arrays have one entry for each step. `cost`: extra micro-dollars, positive. `gain`: extra correct labels.
    `ratio`: gain / cost, falling along the list and along the steps of each task.
    """

    task: Ints
    before: Actions
    after: Actions
    cost: Money
    gain: Floats
    ratio: Floats

    def sorted(self) -> Steps:
        """The same steps, best ratio first; equal ones stay in their order, and so do each task's own steps."""
        return self.taken(np.argsort(-self.ratio, kind="stable"))

    def taken(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Steps:
        """The steps at `chosen`, in that order."""
        return Steps(*(array[chosen] for array in self.columns()))

    def merged(self, other: Steps) -> Steps:
        """Both lists, each sorted, as one sorted list."""
        place = np.searchsorted(-self.ratio, -other.ratio, side="right")
        return Steps(*(np.insert(a, place, b) for a, b in zip(self.columns(), other.columns(), strict=True)))

    def columns(self) -> tuple[NDArray[Any], ...]:
        """The six arrays in the order of the fields."""
        return self.task, self.before, self.after, self.cost, self.gain, self.ratio


@dataclass(frozen=True, slots=True)
class Offers:
    """All that could be bought, ranked once: plans, curves and changes are cheap afterwards.

    Build it by `Offers.of`. `gains`: (n, M). `prices`: (M,) or (n, M). `free`: (n,) the best action without a price.
    `spent`, `won`: running sums of cost and gain along the steps.
    """

    gains: Gains
    prices: Money
    free: Actions
    steps: Steps
    spent: Money
    won: Floats

    @classmethod
    def of(cls, gains: Gains, prices: Money, *, seed: int = 0) -> Offers:
        """Rank the offers of M actions to n tasks.

        `gains`: (n, M) expected extra correct labels; an offer of no gain is never taken, -inf marks an action that is
        not open to a task. `prices`: (M,) or (n, M) integer micro-dollars. Raises ValueError where a gain is nan, a
        price negative or no integer, or the shapes do not fit. Cost O(n M^2 + n M log n).

        Equal offers come in a random order that `seed` fixes: the beginning of a file is often of one sort, and a
        budget that ends among equals must not be spent on it alone.
        """
        _check(gains, prices)
        drawn = np.random.default_rng(seed).permutation(len(gains)).astype(np.int32)
        steps = _steps(gains, prices, drawn).sorted()
        return cls._ranked(gains, prices, _free(gains, prices), steps)

    @classmethod
    def _ranked(cls, gains: Gains, prices: Money, free: Actions, steps: Steps) -> Offers:
        return cls(gains, prices, free, steps, np.cumsum(steps.cost), np.cumsum(steps.gain))

    def revised(self, tasks: Ints, gains: Gains, prices: Money | None = None) -> Offers:
        """The offers after those to some tasks changed; the others keep their place in the ranking, O(n M).

        `tasks`: (t,) indexes without repeats. `gains`: (t, M) the new gains; -inf throughout closes a task.
        `prices`: (t, M) where prices differ between tasks, else None.
        """
        if prices is not None and self.prices.ndim == 1:
            raise ValueError("These offers have one price list for all tasks; rank them anew to change it.")
        _check(gains, self.prices if prices is None and self.prices.ndim == 1 else _rows(prices, self.prices, tasks))
        all_gains, all_prices, free = self.gains.copy(), self.prices, self.free.copy()
        all_gains[tasks] = gains
        if prices is not None:
            all_prices = self.prices.copy()
            all_prices[tasks] = prices
        free[tasks] = _free(gains, _rows(None, all_prices, tasks))
        kept = np.ones(len(free), dtype=bool)
        kept[tasks] = False
        fresh = _steps(all_gains, all_prices, tasks.astype(np.int32)).sorted()
        return self._ranked(all_gains, all_prices, free, self.steps.taken(kept[self.steps.task]).merged(fresh))

    def plan(self, budget: int, *, worth: float | None = None) -> Plan:
        """The best plan found for `budget` micro-dollars, never dearer.

        `worth`: dollars that a correct label is worth at most; what costs more per label is not bought, even if the
        budget would pay for it. The beginning of the list that fits is taken, then what still fits in the order of the
        ratio; where few tasks are left to argue about, the best plan is found and proved by enumeration.
        The gain never falls as the budget grows but for this last improvement. Raises ValueError for a negative budget.
        """
        if budget < 0:
            raise ValueError(f"The budget is {budget} micro-dollars; it must not be negative.")
        offers = self._affordable(budget)
        last = offers._worthwhile(worth)
        place = min(int(np.searchsorted(offers.spent, budget, side="right")), last)
        action = offers.free.copy()
        action[offers.steps.task[:place]] = offers.steps.after[:place]
        left = budget - (int(offers.spent[place - 1]) if place else 0)
        bound, multiplier = offers._bound(place, last, left)
        offers._fill(action, place, last, left)
        if worth is None:
            action, proved = improve(action, offers.gains, offers.prices, budget, multiplier, bound, SMALLEST_GAP)
            bound = offers._gain(action) if proved else bound
        return Plan(action, offers._spend(action), offers._gain(action), bound, self._next_ratio(budget, worth))

    def curve(self, budgets: Sequence[int], *, worth: float | None = None) -> Curve:
        """What each of several budgets buys; arguments as in `plan`."""
        plans = [self.plan(budget, worth=worth) for budget in budgets]
        return Curve(
            np.array(budgets, dtype=np.int64),
            np.array([plan.spend for plan in plans], dtype=np.int64),
            np.array([plan.gain for plan in plans]),
            np.array([plan.bound for plan in plans]),
            np.array([np.inf if plan.marginal_dollars is None else plan.marginal_dollars for plan in plans]),
        )

    def _affordable(self, budget: int) -> Offers:
        """Without the actions that the whole budget cannot pay: they would hide cheaper ones, and spoil the bound."""
        if not self.prices.size or budget >= self.prices.max():
            return self
        return Offers.of(np.where(self.prices <= budget, self.gains, -np.inf), self.prices)

    def _worthwhile(self, worth: float | None) -> int:
        if worth is None:
            return len(self.spent)
        if not worth > 0:
            raise ValueError(f"A correct label is worth {worth} dollars; give a positive number, or none.")
        return int(np.searchsorted(-self.steps.ratio, -1 / (worth * MICRO), side="right"))

    def _next_ratio(self, budget: int, worth: float | None) -> float:
        """What a little more money would buy, extra correct labels per micro-dollar; 0 where nothing is left to buy."""
        place = int(np.searchsorted(self.spent, budget, side="right"))
        return float(self.steps.ratio[place]) if place < self._worthwhile(worth) else 0.0

    def _bound(self, place: int, last: int, left: int) -> tuple[float, float]:
        """The linear relaxation's gain, and its multiplier, where the budget ends before step `place`."""
        won = float(self._free_gain() + (self.won[place - 1] if place else 0.0))
        if place >= last:
            return won, 0.0
        ratio = float(self.steps.ratio[place])
        return won + ratio * left, ratio

    def _fill(self, action: Actions, place: int, last: int, left: int) -> None:
        """Take, in the order of the list, every later step that the rest of the money still pays for."""
        cheapest = int(self.steps.cost[place:last].min(initial=left + 1))
        while place < last and left >= cheapest:
            end = min(place + SCAN, last)
            for step in place + np.flatnonzero(self.steps.cost[place:end] <= left):
                task, cost = self.steps.task[step], int(self.steps.cost[step])
                # a task whose earlier step was too dear has not reached `before`
                if cost <= left and action[task] == self.steps.before[step]:
                    action[task] = self.steps.after[step]
                    left -= cost
            place = end

    def _spend(self, action: Actions) -> int:
        return int(_at(self.prices, action).sum())

    def _gain(self, action: Actions) -> float:
        return float(_at(self.gains, action).sum(dtype=np.float64))

    def _free_gain(self) -> float:
        return self._gain(self.free)


def best_plan(gains: Gains, prices: Money, budget: int, *, worth: float | None = None) -> Plan:
    """`Offers.of(gains, prices).plan(budget)`: for one budget only."""
    return Offers.of(gains, prices).plan(budget, worth=worth)


def _check(gains: Gains, prices: Money) -> None:
    if gains.ndim != 2 or prices.shape not in ((gains.shape[1],), gains.shape):
        raise ValueError(f"`prices` has shape {prices.shape}; it must be one per column, or one per entry, of `gains`.")
    if not np.issubdtype(prices.dtype, np.integer):
        raise ValueError("Prices must be whole micro-dollars.")
    if np.isnan(gains).any() or (gains == np.inf).any():
        raise ValueError("A gain is not a finite number; give -inf where an action is not open to a task.")
    if prices.size and prices.min() < 0:
        raise ValueError("A price is negative; a price is 0 or more micro-dollars.")
    if prices.size and float(prices.max()) * max(len(gains), 1) >= 2**62:
        raise ValueError("The prices are too large: asking all tasks would cost more than the sums can hold.")


def _rows(given: Money | None, prices: Money, tasks: Ints) -> Money:
    if given is not None:
        return given
    return prices if prices.ndim == 1 else prices[tasks]


def _at(table: NDArray[Any], action: Actions) -> NDArray[Any]:
    """The entries of the chosen actions, for those tasks that have one."""
    tasks = np.flatnonzero(action != STOP)
    chosen = action[tasks]
    return table[chosen] if table.ndim == 1 else table[tasks, chosen]


def _free(gains: Gains, prices: Money) -> Actions:
    """The best action that costs nothing and gains something, (n,); -1 where there is none."""
    if not gains.size or prices.min() > 0:
        return np.full(len(gains), STOP, dtype=np.int8)
    open_gains = np.where(prices == 0, gains, -np.inf)
    best = open_gains.argmax(axis=1)
    some = open_gains[np.arange(len(gains)), best] > 0
    return np.where(some, best, STOP).astype(np.int8)


def _steps(gains: Gains, prices: Money, tasks: Ints) -> Steps:
    """The steps of some tasks up their hulls, unsorted; those of one task in their order."""
    empty = Steps(*(np.empty(0, dtype=kind) for kind in (np.int32, np.int8, np.int8, np.int64, float, float)))
    parts = [empty.columns()]
    for first in range(0, len(tasks), BLOCK):
        block = tasks[first : first + BLOCK]
        parts += _climb(gains[block].astype(np.float64), _rows(None, prices, block), block)
    return Steps(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _climb(gains: Floats, prices: Money, tasks: Ints) -> list[tuple[NDArray[Any], ...]]:
    """From what is free, always on to the action of the steepest gain per extra micro-dollar."""
    price = np.broadcast_to(prices, gains.shape)
    action = _free(gains, prices)
    reached = np.where(action == STOP, 0.0, gains[np.arange(len(gains)), action])
    paid, steepest = np.zeros(len(gains), dtype=np.int64), np.full(len(gains), np.inf)
    levels: list[tuple[NDArray[Any], ...]] = []
    while len(tasks):
        cost, gain = price - paid[:, None], gains - reached[:, None]
        slope = np.divide(gain, cost, out=np.zeros_like(gain), where=(cost > 0) & (gain > 0))
        best = slope.argmax(axis=1)
        row = np.arange(len(tasks))
        # rounding must not let a later step look better than the one it builds on
        ratio = np.minimum(slope[row, best], steepest)
        on = np.flatnonzero(ratio > 0)
        row, best = on, best[on]
        after = best.astype(np.int8)
        levels.append((tasks[on], action[on], after, cost[row, best], gain[row, best], ratio[on]))
        reached, paid, steepest = gains[row, best], price[row, best], ratio[on]
        tasks, gains, price, action = tasks[on], gains[on], price[on], after
    return levels
