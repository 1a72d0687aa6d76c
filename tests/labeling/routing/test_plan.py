"""A plan buys the best set of answers that a budget pays for, and says how much better another plan could be."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.routing.plan import MICRO, STOP, Offers, best_plan


def money(*amounts):
    return np.array(amounts, dtype=np.int64)


def best_of_all(gains, prices, budget):
    """The largest gain by looking at every plan."""
    price = np.broadcast_to(prices, gains.shape)
    choices = np.array(list(product(range(-1, gains.shape[1]), repeat=len(gains))))
    taken, rows = choices >= 0, np.arange(len(gains))
    affordable = np.where(taken, price[rows, choices], 0).sum(axis=1) <= budget
    return np.where(taken, gains[rows, choices], 0.0).sum(axis=1)[affordable].max()


def by_dynamic_programming(gains, prices, budget):
    """The largest gain by the textbook recursion over tasks and whole budgets."""
    price = np.broadcast_to(prices, gains.shape)
    value = np.zeros(budget + 1)
    for row, costs in zip(gains, price, strict=True):
        options = [value]
        for gain, cost in zip(row, costs, strict=True):
            if cost <= budget:
                shifted = np.full(budget + 1, -np.inf)
                shifted[cost:] = value[: budget + 1 - cost] + gain
                options.append(shifted)
        value = np.max(options, axis=0)
    return value[budget]


def beliefs_and_prices(n, seed=0):
    """Gains of three relabelers on beliefs that differ from task to task, and their prices."""
    rng = np.random.default_rng(seed)
    sure = rng.beta(3, 1.5, n)
    return np.maximum(np.array([0.8, 0.9, 0.97]) - sure[:, None], 0) * rng.uniform(0.8, 1, (n, 3)), money(
        200, 2_500, 90_000
    )


def test_the_best_ratio_is_bought_first_and_the_rest_of_the_money_goes_where_it_still_fits():
    gains = np.array([[0.4, 0.0], [0.1, 0.45], [0.05, 0.06]])
    plan = best_plan(gains, money(10, 40), 60)
    assert plan.action.tolist() == [0, 1, 0]
    assert plan.spend == 60
    assert plan.gain == pytest.approx(0.4 + 0.45 + 0.05)
    assert plan.gap == 0


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_small_plan_is_the_best_of_all_plans(seed):
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    gains = np.round(rng.normal(0.1, 0.2, shape), int(rng.integers(1, 9)))
    prices = rng.integers(0, 20, shape if seed % 2 else shape[1])
    budget = int(rng.integers(0, 60))
    plan = best_plan(gains, prices, budget)
    best = best_of_all(gains, prices, budget)
    assert plan.spend <= budget
    assert plan.gain == pytest.approx(best, abs=1e-12)
    assert plan.bound >= best - 1e-12


def test_a_plan_of_two_hundred_tasks_is_as_good_as_dynamic_programming():
    rng = np.random.default_rng(3)
    gains, prices = rng.beta(0.5, 2, (200, 3)), money(3, 17, 90)
    offers = Offers.of(gains, prices)
    for budget in (5, 89, 400, 2_000):
        plan, best = offers.plan(budget), by_dynamic_programming(gains, prices, budget)
        assert plan.spend <= budget
        assert plan.bound >= best - 1e-9
        assert plan.gain >= best * (1 - plan.gap) - 1e-9
        assert plan.gain == pytest.approx(best, rel=1e-3)


def test_an_action_that_the_whole_budget_cannot_pay_hides_no_cheaper_one():
    gains = np.array([[0.1, 0.9]] * 5)
    plan = best_plan(gains, money(10, 50), 40)
    assert plan.action.tolist().count(0) == 4
    assert plan.bound == pytest.approx(0.4)


def test_the_budget_is_never_passed_by_a_micro_dollar_and_more_money_never_buys_less():
    gains, prices = beliefs_and_prices(3_000)
    prices = (prices * np.random.default_rng(1).uniform(0.5, 2, gains.shape)).astype(np.int64)
    budgets = np.unique(np.geomspace(1, prices.sum(), 25).astype(np.int64))
    curve = Offers.of(gains, prices).curve(budgets.tolist())
    assert (curve.spend <= budgets).all()
    assert (np.diff(curve.gain) >= -1e-9).all()
    assert (np.diff(curve.bound) >= -1e-9).all()
    assert (curve.gain <= curve.bound + 1e-9).all()
    assert (curve.marginal_dollars[1:] >= curve.marginal_dollars[:-1]).all()


def test_the_spend_and_the_gain_are_those_of_the_actions():
    gains, prices = beliefs_and_prices(500)
    plan = best_plan(gains.astype(np.float32), prices, 1_000_000)
    taken = np.flatnonzero(plan.action != STOP)
    assert plan.spend == prices[plan.action[taken]].sum()
    assert plan.gain == pytest.approx(gains[taken, plan.action[taken]].sum(), rel=1e-6)


def test_the_gap_on_many_tasks_is_below_a_thousandth():
    gains, prices = beliefs_and_prices(20_000)
    offers = Offers.of(gains, prices)
    assert max(offers.plan(budget).gap for budget in (10**6, 10**7, 10**8)) < 0.001


def test_the_gap_survives_many_equal_beliefs():
    gains = np.round(beliefs_and_prices(20_000)[0], 1)
    offers = Offers.of(gains, money(200, 2_500, 90_000))
    assert max(offers.plan(budget).gap for budget in (10**6, 10**7, 10**8)) < 0.001


def test_an_answer_that_costs_nothing_is_taken_without_money():
    plan = best_plan(np.array([[0.2, 0.1], [-0.1, 0.3]]), money(0, 5), 0)
    assert plan.action.tolist() == [0, STOP]
    assert (plan.spend, plan.gain) == (0, pytest.approx(0.2))


def test_nothing_is_bought_that_does_not_help():
    plan = best_plan(np.array([[0.0, -0.2], [-np.inf, 0.0]]), money(1, 0), 1_000)
    assert plan.action.tolist() == [STOP, STOP]
    assert plan.gain == plan.spend == plan.bound == plan.gap == 0
    assert plan.marginal_dollars is None


def test_an_action_that_is_not_open_to_a_task_is_never_its_action():
    plan = best_plan(np.array([[-np.inf, 0.1], [0.3, 0.2]]), money(1, 1), 2)
    assert plan.action.tolist() == [1, 0]


def test_the_marginal_price_is_that_of_the_next_correct_label():
    gains = np.array([[0.5], [0.25], [0.1]])
    plan = best_plan(gains, money(MICRO), 2 * MICRO)
    assert plan.multiplier == pytest.approx(0.1 / MICRO)
    assert plan.marginal_dollars == pytest.approx(10.0)
    assert best_plan(gains, money(MICRO), 3 * MICRO).marginal_dollars is None


def test_a_label_is_not_bought_for_more_than_it_is_worth():
    gains = np.array([[0.5], [0.25], [0.1]])
    offers = Offers.of(gains, money(MICRO))
    assert offers.plan(10 * MICRO, worth=5.0).action.tolist() == [0, 0, STOP]
    assert offers.plan(10 * MICRO, worth=1.0).spend == 0
    assert offers.plan(MICRO, worth=5.0).action.tolist() == [0, STOP, STOP]


def test_a_plan_after_a_round_is_the_plan_ranked_anew():
    gains, prices = beliefs_and_prices(2_000)
    changed = np.random.default_rng(2).choice(2_000, 300, replace=False).astype(np.int32)
    after = gains.copy()
    after[changed] = np.where(np.arange(300)[:, None] % 3 == 0, -np.inf, gains[changed] * 0.5)
    revised, anew = Offers.of(gains, prices).revised(changed, after[changed]), Offers.of(after, prices)
    for budget in (10**5, 10**8):
        assert np.array_equal(revised.plan(budget).action, anew.plan(budget).action)
        assert revised.plan(budget).bound == pytest.approx(anew.plan(budget).bound)


def test_prices_of_single_tasks_may_change_after_a_round():
    gains, prices = np.array([[0.3], [0.2], [0.1]]), money(5, 5, 5)[:, None]
    offers = Offers.of(gains, prices).revised(np.array([0], dtype=np.int32), gains[:1], money(50)[:, None])
    assert offers.plan(10).action.tolist() == [STOP, 0, 0]
    with pytest.raises(ValueError, match="one price list"):
        Offers.of(gains, money(5)).revised(np.array([0], dtype=np.int32), gains[:1], money(50)[:, None])


def test_the_order_of_tasks_does_not_change_what_is_gained():
    gains, prices = beliefs_and_prices(300)
    shuffled = np.random.default_rng(4).permutation(300)
    straight, mixed = best_plan(gains, prices, 10**6), best_plan(gains[shuffled], prices, 10**6)
    assert np.array_equal(straight.action[shuffled], mixed.action)


def test_where_a_budget_ends_among_equals_a_lot_decides_and_not_the_order_of_the_file():
    gains = np.full((1_000, 1), 0.2)
    bought = [np.flatnonzero(Offers.of(gains, money(1), seed=seed).plan(300).action == 0) for seed in (0, 0, 1)]
    assert [len(tasks) for tasks in bought] == [300] * 3
    assert np.array_equal(bought[0], bought[1]) and not np.array_equal(bought[0], bought[2])
    # the middle of 300 drawn of 1,000 is 500, give or take 14
    assert all(abs(tasks.mean() - 499.5) < 60 for tasks in bought)


def test_who_is_drawn_with_more_money_comes_on_top_of_who_was_drawn_with_less():
    offers = Offers.of(np.full((1_000, 1), 0.2), money(1), seed=3)
    less, more = (set(np.flatnonzero(offers.plan(budget).action == 0)) for budget in (100, 400))
    assert less < more


def test_no_task_needs_no_money():
    plan = best_plan(np.empty((0, 2)), money(1, 2), 100)
    assert len(plan.action) == plan.spend == plan.gain == 0


@pytest.mark.parametrize(
    ("gains", "prices", "budget", "message"),
    [
        ([[0.1]], [1], -1, "must not be negative"),
        ([[0.1]], [-1], 1, "price is negative"),
        ([[np.nan]], [1], 1, "not a finite number"),
        ([[0.1]], [1.5], 1, "whole micro-dollars"),
        ([[0.1]], [1, 2], 1, "one per column"),
        ([[0.1]] * 8, [2**60], 1, "too large"),
    ],
)
def test_unusable_input_is_refused_in_one_sentence(gains, prices, budget, message):
    with pytest.raises(ValueError, match=message):
        best_plan(np.array(gains), np.array(prices), budget)
