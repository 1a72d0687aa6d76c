"""Intervals held against reference values, statsmodels and scipy."""

import numpy as np
import pytest
from scipy import stats

from fairness.intervals import (
    clopper_pearson,
    difference_in_differences,
    fisher_p,
    holm,
    log_odds_interaction,
    log_ratio_limits,
    newcombe,
    normal_z,
    null_gaps,
    paired_limits,
    permutation_p,
    ratio_interval,
    simultaneous_z,
    smallest_ratio,
    widest_gap,
    wilson,
    wilson_limits,
)

EXACT = pytest.approx
STEP = 1e-9


def gap_interval(positives, n, level=0.95):
    n = np.asarray(n, dtype=float)
    rate = np.asarray(positives) / n
    narrow, wide = (wilson_limits(rate, n, z) for z in (normal_z(level), simultaneous_z(level, len(n))))
    return widest_gap(rate, narrow, wide)


def test_wilson_for_8_of_20_is_the_published_interval():
    low, high = wilson(8, 20)
    assert (float(low), float(high)) == EXACT((0.218806532, 0.613418499), abs=STEP)


def test_wilson_stays_within_0_and_1_and_keeps_the_exact_ends():
    low, high = wilson([0, 20, 0], [20, 20, 0])
    assert low.tolist() == [0.0, EXACT(1 - float(high[0])), 0.0]
    assert high[1:].tolist() == [1.0, 1.0]


def test_wilson_and_clopper_pearson_agree_with_scipy_on_every_count_of_30():
    for count in range(31):
        test = stats.binomtest(count, 30)
        for name, own in (("wilson", wilson), ("exact", clopper_pearson)):
            reference = test.proportion_ci(method=name)
            assert [float(end) for end in own(count, 30)] == EXACT([reference.low, reference.high], abs=STEP)


def test_newcombe_for_55_less_40_of_100_is_the_published_interval():
    assert newcombe((55, 40), (100, 100)) == EXACT((0.011723935, 0.280448521), abs=STEP)


@pytest.mark.slow
def test_newcombe_agrees_with_statsmodels():
    from statsmodels.stats.proportion import confint_proportions_2indep

    for s1, n1, s0, n0 in ((3, 31, 9, 40), (0, 30, 4, 50), (30, 30, 25, 70)):
        reference = confint_proportions_2indep(s1, n1, s0, n0, method="newcomb")
        assert newcombe((s1, s0), (n1, n0)) == EXACT(reference, abs=STEP)


@pytest.mark.slow
def test_the_ratio_interval_agrees_with_statsmodels_where_no_count_is_0():
    from statsmodels.stats.proportion import confint_proportions_2indep

    reference = confint_proportions_2indep(30, 100, 45, 110, compare="ratio", method="log")
    assert ratio_interval((30, 45), (100, 110)) == EXACT(reference, abs=STEP)


def test_a_ratio_with_no_success_has_half_a_success_added():
    rate, n = np.array([0.5 / 41, 8.5 / 41]), 41
    se = np.sqrt(((1 - rate) / (n * rate)).sum())
    middle = np.log(rate[0] / rate[1])
    expected = np.exp([middle - normal_z(0.95) * se, middle + normal_z(0.95) * se])
    assert ratio_interval((0, 8), (40, 40)) == EXACT(tuple(expected), abs=STEP)


def test_two_rates_of_1_do_not_make_a_ratio_certain():
    low, high = ratio_interval((30, 30), (30, 30))
    assert low == EXACT(1 / high)
    assert low < 0.9


@pytest.mark.parametrize("function", [newcombe, ratio_interval])
def test_an_empty_group_has_no_difference_and_no_ratio(function):
    with pytest.raises(ValueError, match="positive in both groups"):
        function((0, 3), (0, 10))


def test_the_paired_interval_is_symmetric_and_shrinks_with_more_tasks():
    low, high = paired_limits(0.1, 0.02, 100, 1.96)
    mirrored = paired_limits(0.02, 0.1, 100, 1.96)
    assert (float(low), float(high)) == EXACT((-float(mirrored[1]), -float(mirrored[0])))
    wider = paired_limits(0.1, 0.02, 25, 1.96)
    assert wider[1] - wider[0] > high - low > 0


def test_the_paired_interval_is_the_adjusted_wald_one():
    up, down = 11 / 102, 3 / 102
    half = 1.96 * np.sqrt((up + down - (up - down) ** 2) / 102)
    assert [float(end) for end in paired_limits(0.1, 0.02, 100, 1.96)] == EXACT([up - down - half, up - down + half])


def test_the_gap_of_two_groups_has_newcombes_interval():
    assert gap_interval([55, 40], [100, 100]) == EXACT(newcombe((55, 40), (100, 100)), abs=STEP)
    assert gap_interval([40, 55], [100, 100]) == EXACT(newcombe((55, 40), (100, 100)), abs=STEP)


def test_a_gap_among_ten_groups_needs_more_evidence_than_the_same_gap_between_two():
    two = gap_interval([60, 42], [100, 100])
    ten = gap_interval([60, 42] + [51] * 8, [100] * 10)
    assert two[0] > 0
    assert ten[0] == 0


def test_the_order_of_groups_changes_no_gap_interval():
    positives, n = np.array([3, 40, 28, 9]), np.array([30, 90, 60, 35])
    order = np.array([2, 0, 3, 1])
    assert gap_interval(positives, n) == EXACT(gap_interval(positives[order], n[order]))


def test_the_simultaneous_quantile_is_the_normal_one_for_two_groups_and_grows():
    assert simultaneous_z(0.95, 2) == EXACT(normal_z(0.95), abs=1e-8)
    assert simultaneous_z(0.95, 10) == EXACT(4.474124 / np.sqrt(2), abs=1e-5)


def test_ten_equal_groups_of_100_show_a_gap_of_14_points_by_chance():
    null = null_gaps([100] * 10, [30] * 10, 4000, np.random.default_rng(1))
    assert null.mean() == EXACT(0.14, abs=0.005)


def test_the_permutation_null_is_the_one_of_shuffled_tasks():
    rng = np.random.default_rng(3)
    facts, group = np.repeat([1, 0], [25, 55]), np.repeat([0, 1, 2], [20, 25, 35])
    n = np.bincount(group)
    shuffled = [np.ptp(np.bincount(group, rng.permutation(facts)) / n) for _ in range(4000)]
    null = null_gaps(n, [20, 5, 0], 4000, rng)
    assert stats.ks_2samp(null, shuffled).pvalue > 0.001
    assert null.mean() == EXACT(np.mean(shuffled), abs=0.006)


def test_a_permutation_p_value_is_never_0():
    assert permutation_p(0.9, np.zeros(99)) == EXACT(0.01)
    assert permutation_p(0.0, np.zeros(99)) == 1.0


def test_fishers_test_agrees_with_scipy():
    for s1, n1, s0, n0 in (
        (3, 31, 9, 40),
        (0, 30, 4, 50),
        (30, 30, 70, 70),
        (20, 30, 25, 70),
        (0, 5, 0, 9),
        (1100, 9000, 1000, 9000),
    ):
        reference = stats.fisher_exact([[s1, n1 - s1], [s0, n0 - s0]]).pvalue
        assert fisher_p((s1, s0), (n1, n0)) == EXACT(reference, abs=STEP)


@pytest.mark.slow
def test_holm_agrees_with_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p_values = [0.04, 0.001, 0.5, 0.012, 0.013, 0.9]
    assert holm(p_values).tolist() == EXACT(multipletests(p_values, method="holm")[1].tolist(), abs=STEP)


def test_the_smallest_ratio_of_two_groups_has_the_log_interval():
    rate, n = np.array([0.3, 0.6]), np.array([100.0, 100.0])
    limits = log_ratio_limits(rate, n, normal_z(0.95))
    assert smallest_ratio(rate, limits, limits) == EXACT(ratio_interval((30, 60), (100, 100)))


def test_a_reference_group_keeps_other_pairs_out_of_the_ratio():
    rate, n = np.array([0.2, 0.5, 0.25]), np.full(3, 500.0)
    limits = log_ratio_limits(rate, n, normal_z(0.95))
    assert smallest_ratio(rate, limits, limits)[1] < 0.5
    low, high = smallest_ratio(rate, limits, limits, reference=2)
    assert low < 0.8 < high


def test_difference_in_differences_is_the_reference_value():
    found = difference_in_differences([[8, 8], [6, 13]], [[20, 20], [20, 20]])
    assert found.value == EXACT(7 / 20, abs=STEP)
    assert (found.low, found.high) == EXACT((-0.069794, 0.769794), abs=1e-6)


def test_the_log_odds_interaction_is_the_reference_value():
    found = log_odds_interaction([[8, 8], [6, 13]], [[20, 20], [20, 20]])
    assert found.value == EXACT(np.log(13 / 3), abs=STEP)
    assert (found.se, found.p_value) == EXACT((0.93517, 0.11688), abs=5e-6)


def test_a_cell_without_success_leaves_the_interaction_finite():
    found = log_odds_interaction([[0, 8], [6, 13]], [[20, 20], [20, 20]])
    assert np.isfinite([found.value, found.se]).all()


def test_rates_of_0_and_1_alone_give_no_p_value():
    assert difference_in_differences([[0, 20], [20, 20]], [[20, 20], [20, 20]]).p_value is None


def test_an_empty_cell_is_refused():
    with pytest.raises(ValueError, match="2 x 2"):
        difference_in_differences([[0, 8], [6, 13]], [[0, 20], [20, 20]])
