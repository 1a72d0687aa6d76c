"""The forecast before spending: level from two estimates, gain from the plan, and a band that is wide enough."""

import numpy as np
import pytest

from labeling.routing import value
from labeling.routing.forecast import CAME_TRUE, GAIN_ERROR, forecast, level, on_everything
from labeling.routing.value import Crowd, Relabeler
from labeling.truth.votes import Votes
from tests.labeling.routing.test_value import simulated, taught


def router_and_truth(seed, price=1_000_000, known=100, paid=0.9):
    crowd, said, truth = simulated(1_000, known, seed, paid=paid)
    return value.fit(crowd, [Relabeler("paid", price)], taught(crowd, said)), said, truth


def reached(router, said, truth, budget):
    plan = router.plan(budget)
    tasks = np.flatnonzero(plan.action == 0).astype(np.int32)
    told = router.told(Votes(tasks, np.zeros_like(tasks), said[tasks], len(said), 1, 2))
    open_tasks = router.crowd.known < 0
    return (told.belief().argmax(axis=1) == truth)[open_tasks].mean()


def test_the_level_lies_between_what_beliefs_promise_and_what_the_slice_shows():
    router, _, _ = router_and_truth(0)
    promised = router.belief()[router.crowd.known < 0].max(axis=1).mean()
    crowd = router.crowd
    seen = (crowd.out_of_fold.argmax(axis=1) == crowd.known[crowd.known_tasks]).mean()
    now = level(router)
    assert now.accuracy == pytest.approx((promised + seen) / 2)
    assert now.low < now.accuracy < now.high
    assert now.validated == 100


@pytest.mark.slow
def test_the_band_holds_what_happens_in_nine_of_ten_runs_at_every_budget():
    inside, errors, runs = 0, [], 40
    for seed in range(runs):
        router, said, truth = router_and_truth(seed)
        budgets = [0, 100_000_000, 900_000_000]
        said_before = forecast(router, budgets)
        happened = np.array([reached(router, said, truth, budget) for budget in budgets])
        inside += ((said_before.low <= happened) & (happened <= said_before.high)).sum()
        errors.append(np.abs(said_before.gain - (happened - happened[0]))[1:].mean())
    assert np.mean(errors) < 0.04, "here errors are independent, so the discount on the plan's gain is too careful"
    assert inside / (3 * runs) >= 0.9


def test_more_money_never_promises_less_and_each_further_label_is_dearer():
    router, _, _ = router_and_truth(1)
    found = forecast(router, [0, 10_000_000, 100_000_000, 300_000_000, 10**12])
    assert (np.diff(found.accuracy) >= 0).all() and (np.diff(found.marginal_dollars) >= 0).all()
    assert (found.spend <= found.budget).all()
    assert found.gain[0] == 0
    assert found.marginal_dollars[-1] == np.inf


def test_less_than_the_plan_promises_is_counted_on_and_the_band_widens_with_it():
    router, _, _ = router_and_truth(1)
    found, plan = forecast(router, [0, 100_000_000]), router.plan(100_000_000)
    open_tasks = (router.crowd.known < 0).sum()
    assert found.gain[1] == pytest.approx(CAME_TRUE * plan.gain / open_tasks)
    assert found.marginal_dollars[1] == pytest.approx(plan.marginal_dollars / CAME_TRUE)
    below = found.accuracy - found.low
    assert below[1] == pytest.approx(np.hypot(below[0], 1.645 * GAIN_ERROR * found.gain[1]), abs=1e-4)


def test_fewer_validated_tasks_give_a_wider_band_and_none_gives_no_promise():
    wide, narrow = (level(router_and_truth(2, known=known)[0]) for known in (40, 400))
    assert wide.high - wide.low > narrow.high - narrow.low
    crowd = Crowd(np.full((5, 2), 0.5), np.full(5, -1, np.int32), np.empty(0, np.int32), np.empty((0, 2)))
    none = np.empty(0, dtype=np.int32)
    unknown = forecast(value.fit(crowd, [Relabeler("p", 1)], Votes(none, none, none, 5, 1, 2)), [0, 10])
    assert unknown.low.tolist() == [0, 0] and unknown.high.tolist() == [1, 1]


def test_the_paid_model_on_everything_costs_all_tasks_and_together_they_are_no_worse():
    router, _, _ = router_and_truth(3, price=2_000_000, paid=0.8)
    (paid,) = on_everything(router)
    assert (paid.name, paid.cost) == ("paid", 900 * 2_000_000)
    assert paid.low < paid.alone < paid.high
    assert paid.alone == pytest.approx(0.8, abs=0.1)
    assert paid.together >= level(router).accuracy


def test_people_about_whom_nothing_is_known_are_judged_by_what_was_assumed():
    crowd, said, _ = simulated(300, 50)
    router = value.fit(crowd, [Relabeler("p", 1), Relabeler("person", 500, 0.9, 10.0)], taught_two(crowd, said))
    person = on_everything(router)[1]
    assert person.alone == pytest.approx(0.9)
    assert person.high - person.low > 0.2


def taught_two(crowd, said):
    given = taught(crowd, said)
    return Votes(given.task, given.annotator, given.label, given.n_tasks, 2, 2)
