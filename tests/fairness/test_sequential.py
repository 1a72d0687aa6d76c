"""Evidence that may be looked at as often as one likes."""

from math import exp, inf, log, sqrt

import numpy as np
import pytest

from fairness.rates import group_rates
from fairness.sequential import Watch, anytime_interval, evidence, first_pause, log_evidence, look_at

GROUPS = ("a", "b")


def stream(rng, n, minority, rate, gap):
    group = (rng.random(n) < minority).astype(np.int64)
    return (rng.random(n) < rate - gap * group).astype(np.int64), group


def looks(fact, group, n_looks, watch=None):
    for end in np.linspace(len(fact) / n_looks, len(fact), n_looks).astype(int):
        yield look_at(group_rates(fact[:end], group[:end], 2), GROUPS, watch)


def test_the_evidence_is_the_mixture_likelihood_ratio():
    variance, tau, difference = 0.0009, 0.05, 0.07
    z = difference / sqrt(variance)
    expected = sqrt(variance / (variance + tau**2)) * exp(z**2 * tau**2 / (2 * (variance + tau**2)))
    assert evidence(difference, variance, tau) == pytest.approx(expected, abs=1e-12)


def test_the_evidence_is_the_integral_over_gaps_that_it_stands_for():
    variance, tau, difference = 0.0009, 0.05, 0.07
    gaps = np.linspace(-0.5, 0.5, 200_001)
    prior = np.exp(-(gaps**2) / (2 * tau**2)) / (tau * sqrt(2 * np.pi))
    ratio = np.exp((2 * difference * gaps - gaps**2) / (2 * variance))
    assert evidence(difference, variance, tau) == pytest.approx(float((prior * ratio).sum() * (gaps[1] - gaps[0])))


def test_no_difference_is_evidence_against_a_gap_and_grows_with_data():
    assert log(evidence(0, 0.001)) == pytest.approx(log_evidence(0, 0.001))
    assert 1 > evidence(0, 0.01) > evidence(0, 0.001) > 0


def test_overwhelming_evidence_is_infinite_and_no_error():
    assert evidence(0.9, 1e-9) == inf


@pytest.mark.parametrize(("variance", "tau"), [(0, 0.05), (0.01, 0)])
def test_no_variance_or_no_gap_of_interest_is_refused(variance, tau):
    with pytest.raises(ValueError, match="positive"):
        log_evidence(0.1, variance, tau)


def test_the_interval_ends_where_the_evidence_reaches_20():
    variance = 0.0004
    low, high = anytime_interval(0.03, variance)
    assert evidence(0.03 - low, variance) == pytest.approx(20)
    assert evidence(0.03 - high, variance) == pytest.approx(20)
    assert high - low > 2 * 1.96 * sqrt(variance)


def test_a_group_below_30_gathers():
    fact, group = np.ones(60, dtype=np.int64), np.array([0] * 31 + [1] * 29)
    found = look_at(group_rates(fact, group, 2), GROUPS)
    assert [one.verdict for one in found] == ["gathering", "gathering"]
    assert found[1].n == 29
    assert found[0].difference is None


def test_a_clear_gap_pauses():
    fact, group = np.array([1] * 90 + [0] * 10 + [1] * 50 + [0] * 50), np.repeat([0, 1], 100)
    one, other = look_at(group_rates(fact, group, 2), GROUPS)
    assert (one.verdict, other.verdict) == ("pause", "pause")
    assert one.difference == pytest.approx(0.4)
    assert other.difference == pytest.approx(-0.4)
    assert one.evidence == pytest.approx(other.evidence)
    assert one.low > 0 > other.high


def test_many_tasks_without_a_gap_are_fair_enough():
    fact, group = np.tile([1, 1, 1, 0], 5000), np.repeat([0, 1], 10_000)
    assert {one.verdict for one in look_at(group_rates(fact, group, 2), GROUPS)} == {"fair enough"}


def test_few_tasks_without_a_gap_are_watched():
    fact, group = np.tile([1, 1, 1, 0], 50), np.repeat([0, 1], 100)
    assert {one.verdict for one in look_at(group_rates(fact, group, 2), GROUPS)} == {"watching"}


def test_more_groups_need_more_evidence_each():
    fact, group = np.tile([1, 0], 200), np.repeat([0, 1, 2, 3], 100)
    found = look_at(group_rates(fact, group, 4), "abcd")
    assert [one.threshold for one in found] == pytest.approx([80] * 4)


def test_only_the_group_that_differs_pauses():
    fact = np.concatenate([np.tile([1, 1, 1, 1, 0], 200)] * 3 + [np.tile([1, 0], 500)])
    found = look_at(group_rates(fact, np.repeat([0, 1, 2, 3], 1000), 4), "abcd")
    assert found[3].verdict == "pause"
    assert found[3].evidence == max(one.evidence for one in found)


def test_an_empty_group_neither_pauses_nor_harms_the_others():
    fact, group = np.array([1] * 90 + [0] * 10 + [1] * 50 + [0] * 50), np.repeat([0, 2], 100)
    found = look_at(group_rates(fact, group, 3), "abc")
    assert found[1].verdict == "gathering"
    assert found[0].difference == pytest.approx(0.4)


def test_weights_make_the_evidence_weaker():
    rng = np.random.default_rng(0)
    fact, group = stream(rng, 1000, 0.5, 0.9, 0.15)
    weight = rng.choice([1.0, 20.0], 1000)
    plain, weighted = (look_at(group_rates(fact, group, 2, w), GROUPS)[0] for w in (None, weight))
    assert weighted.high - weighted.low > plain.high - plain.low


def test_a_pause_stands_when_the_gap_closes_again():
    fact = np.array([1] * 200 + [0] * 200)
    group = np.repeat([0, 1, 1, 0], 100)
    fact = np.concatenate([fact[:100], fact[200:300], fact[:100], fact[200:300]])
    found = list(looks(fact, group, 4))
    assert first_pause(found) == (1, "a")
    assert found[3][0].verdict != "pause"
    assert first_pause([]) is None


@pytest.mark.slow
def test_fifty_looks_at_a_fair_stream_seldom_pause():
    """The benchmark measures the rate; here 60 streams, of which more than 8 would have probability below 1%."""
    rng = np.random.default_rng(5)
    alarms = sum(first_pause(looks(*stream(rng, 2000, 0.3, 0.9, 0), 50)) is not None for _ in range(60))
    assert alarms <= 8


@pytest.mark.slow
def test_a_gap_that_matters_stops_nine_of_ten_streams():
    """The benchmark measures the power at 200 streams; here 40, of which fewer than 32 would have probability 1%."""
    rng = np.random.default_rng(9)
    found = sum(first_pause(looks(*stream(rng, 10_000, 0.3, 0.8, 0.05), 50)) is not None for _ in range(40))
    assert found >= 32


def test_the_interval_leaves_out_0_exactly_where_there_is_an_alarm():
    rng = np.random.default_rng(10)
    for rate, gap in [(0.9, 0.1), (0.97, 0.15), (0.5, 0.2)]:
        for groups in looks(*stream(rng, 2000, 0.2, rate, gap), 40):
            for one in groups:
                assert one.low is None or (one.verdict == "pause") == (one.low > 0 or one.high < 0)


def test_only_the_chosen_groups_are_looked_at_and_share_the_chance_of_an_alarm():
    fact, group = np.tile([1, 0], 200), np.repeat([0, 1, 2, 3], 100)
    found = look_at(group_rates(fact, group, 4), "abcd", only={"b", "d"})
    assert [one.group for one in found] == ["b", "d"] and found[0].threshold == pytest.approx(40)


def test_a_gap_of_12_points_pauses_long_before_the_end():
    rng = np.random.default_rng(6)
    found = [first_pause(looks(*stream(rng, 5000, 0.3, 0.9, 0.12), 25)) for _ in range(10)]
    assert all(one is not None and one[0] < 20 for one in found)


def test_the_margin_is_the_callers():
    fact, group = np.tile([1, 1, 1, 0], 500), np.repeat([0, 1], 1000)
    assert look_at(group_rates(fact, group, 2), GROUPS, Watch(margin=0.2))[0].verdict == "fair enough"
    assert look_at(group_rates(fact, group, 2), GROUPS, Watch(margin=0.02))[0].verdict == "watching"
