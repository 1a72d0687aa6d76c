"""Steps against a gap, in numbers: quotas, confidence by group, mistakes that stand out, thresholds held out."""

from __future__ import annotations

import numpy as np
import pytest

from fairness.mitigation.hints import hints
from fairness.mitigation.pooling import pooled
from fairness.mitigation.quotas import audit_quota, routing_quota
from fairness.mitigation.thresholds import equal_opportunity


def test_checks_go_where_the_interval_is_widest_until_all_are_equal() -> None:
    told = audit_quota(np.array([0.9, 0.9]), np.array([40, 160]), np.array([500, 500]), 120)
    assert told.more.tolist() == [120, 0] and told.after[0] == pytest.approx(told.before[1], abs=1e-9)
    even = audit_quota(np.array([0.9, 0.5]), np.array([0, 0]), np.array([1000, 1000]), 400)
    assert even.after[0] == pytest.approx(even.after[1], abs=0.002)
    assert even.more[1] / even.more[0] == pytest.approx(0.25 / 0.09, rel=0.15), "in proportion to p (1 - p)"


def test_no_more_checks_than_tasks_are_left_and_unknown_rates_count_as_one_half() -> None:
    told = audit_quota(np.array([np.nan, 0.9]), np.array([0, 30]), np.array([5, 0]), 60)
    assert told.more.tolist() == [5, 0] and told.before[0] == pytest.approx(0.5)


def test_people_get_the_least_sure_tasks_of_the_worst_group_until_the_groups_are_level() -> None:
    sure = np.array([0.5, 0.6, 0.9, 0.9, 0.9, 0.9])
    told = routing_quota(sure, np.array([0, 0, 0, 1, 1, 1]), 2, 10, people=1.0)
    assert told.before == pytest.approx([1 / 3, 0.1])
    assert told.chosen.tolist()[:2] == [True, True] and told.after.max() == pytest.approx(told.after[1], abs=0.04)


def test_nobody_is_sent_to_people_who_would_not_be_surer() -> None:
    told = routing_quota(np.array([0.96, 0.97]), np.array([0, 1]), 2, 10, people=0.95)
    assert not told.chosen.any() and told.after.tolist() == told.before.tolist()


def test_a_group_that_cannot_be_helped_ends_the_spending_on_others() -> None:
    sure = np.array([0.96, 0.96, 0.5, 0.99, 0.99, 0.99])
    told = routing_quota(np.where(np.arange(6) < 2, 0.9501, sure), np.array([0, 0, 1, 1, 1, 1]), 2, 10, people=0.95)
    assert told.chosen.tolist() == [False, False, True, False, False, False]


def confident(n: int, own: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Confidence .9 everywhere; group 0 is right in .9, group 1 in `own`."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % 2
    sure = rng.uniform(0.85, 0.95, n)
    right = (rng.random(n) < np.where(group == 0, 0.9, own)).astype(float)
    return sure, group, right, np.ones(n, dtype=bool), np.ones(n)


def test_confidence_by_group_is_used_where_held_out_checks_say_so() -> None:
    found = pooled(*confident(1200, 0.6))
    assert found is not None and found.used and found.gain > 2 * found.error
    assert found.gap_before > 0.2 and found.gap_after < 0.06
    group = np.arange(1200) % 2
    assert found.sure[group == 0].mean() == pytest.approx(0.9, abs=0.03)
    assert found.sure[group == 1].mean() == pytest.approx(0.6, abs=0.03)


def test_where_groups_do_not_differ_it_is_not_used() -> None:
    used = 0
    for seed in range(20):
        found = pooled(*confident(400, 0.9, seed))
        assert found is not None
        used += found.used
    assert used <= 4


def test_a_small_group_stays_near_the_rest() -> None:
    sure, _, right, checked, weight = confident(600, 0.9)
    group = (np.arange(600) < 6).astype(int)
    right[group == 1] = 0
    found = pooled(sure, group, right, checked, weight)
    assert found is not None
    if found.used:
        assert found.sure[group == 1].mean() > 0.4


def test_below_thirty_checks_nothing_is_said() -> None:
    sure, group, right, _, weight = confident(100, 0.9)
    assert pooled(sure, group, right, np.arange(100) < 29, weight) is None


def test_a_mistake_that_one_group_meets_more_often_is_named() -> None:
    """Fifty true a's in each group; north has fifteen of them called b, south one."""
    truth, group = np.zeros(100, dtype=int), np.repeat([0, 1], 50)
    label = truth.copy()
    label[:15], label[50] = 1, 1
    (one,) = hints(label, truth, group, ("a", "b"), ("north", "south"))
    assert (one.group, one.truth, one.given, one.count, one.n) == ("north", "a", "b", 15, 50)
    assert one.more == pytest.approx(14 / 50) and one.low > 0 and one.p_adjusted < 0.01


def test_the_same_mistakes_everywhere_are_no_hint() -> None:
    truth, group = np.zeros(200, dtype=int), np.arange(200) % 2
    label = (np.arange(200) // 2 % 4 == 0).astype(int)
    assert hints(label, truth, group, ("a", "b"), ("north", "south")) == ()


def test_thresholds_level_what_is_found_on_checks_that_had_no_part_in_them() -> None:
    rng = np.random.default_rng(4)
    n = 8000
    group, true = np.arange(n) % 2, (rng.random(n) < 0.5).astype(int)
    chance = np.clip(rng.normal(np.where(true == 1, np.where(group == 0, 0.7, 0.55), 0.35), 0.15), 0.01, 0.99)
    given = chance >= 0.5
    found = equal_opportunity(chance, given, true, group, 2, np.ones(n))
    assert found is not None and found.threshold[1] < found.threshold[0]
    assert np.ptp(found.before.value) > 0.2 and np.ptp(found.after.value) < 0.05
    assert found.changed.any() and np.ptp(found.false_after.value) > np.ptp(found.false_before.value)


def test_a_group_with_few_true_cases_gets_no_threshold() -> None:
    rng = np.random.default_rng(5)
    true = np.where(np.arange(400) % 2 == 0, 1, 0)
    group = (np.arange(400) < 10).astype(int)
    assert equal_opportunity(rng.random(400), true == 1, true, group, 2, np.ones(400)) is None
