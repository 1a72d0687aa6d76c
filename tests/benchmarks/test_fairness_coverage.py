"""Simulations behind the fairness intervals and the pausing rule; four to five minutes of one core.

Run with `pytest tests/benchmarks/test_fairness_coverage.py -s` to see the measured figures.
"""

import numpy as np
import pytest

from fairness.gaps import Terms, compare, gap, ratio
from fairness.intervals import normal_z, simultaneous_z, widest_gap, wilson_limits
from fairness.metrics import Labeled, fairness_table
from fairness.rates import Rates, group_rates
from fairness.sequential import first_pause, look_at

RUNS = 2000
TERMS = Terms(draws=1)


def intervals(rate, n, seed=0, runs=RUNS):
    """Value, low and high of the gap in `runs` samples of binomial counts, and the true gap."""
    rng = np.random.default_rng(seed)
    rate, n = np.asarray(rate), np.asarray(n)
    narrow, wide = normal_z(0.95), simultaneous_z(0.95, len(n))
    found = []
    for _ in range(runs):
        seen = rng.binomial(n, rate) / n
        low, high = widest_gap(seen, wilson_limits(seen, n, narrow), wilson_limits(seen, n, wide))
        found.append((np.ptp(seen), low, high))
    return (*np.array(found).T, float(np.ptp(rate)))


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3, 0.5, 0.8, 0.95])
def test_ten_equal_groups_of_100_show_a_low_end_of_0(rate):
    value, low, _, _ = intervals([rate] * 10, [100] * 10)
    print(f"no gap, rate {rate}: mean gap {value.mean():.3f}, low end 0 in {np.mean(low == 0):.1%}")
    assert np.mean(low == 0) >= 0.93


TRUE_GAPS = {
    "two groups of 200, .4 and .5": ([0.4, 0.5], [200, 200]),
    "ten of 100, one .8, others .9": ([0.9] * 9 + [0.8], [100] * 10),
    "ten of 100, five .8, five .9": ([0.8] * 5 + [0.9] * 5, [100] * 10),
    "ten of 100, one .2, eight .5, one .8": ([0.2] + [0.5] * 8 + [0.8], [100] * 10),
    "ten of 100, evenly from .5 to .7": (np.linspace(0.5, 0.7, 10), [100] * 10),
    "ten of 2,000, one .85, others .9": ([0.9] * 9 + [0.85], [2000] * 10),
    "six of 400 down to 30, the smallest .8, others .9": ([0.9] * 5 + [0.8], [400, 300, 200, 100, 60, 30]),
    "six of 30 to 3,000, all .97": ([0.97] * 6, [30, 30, 100, 400, 1000, 3000]),
}


@pytest.mark.parametrize("name", TRUE_GAPS)
def test_the_interval_covers_the_true_gap(name):
    _, low, high, true = intervals(*TRUE_GAPS[name])
    covered = np.mean((low <= true + 1e-12) & (true <= high + 1e-12))
    print(f"{name}: true gap {true:.2f}, covered {covered:.1%}, mean width {np.mean(high - low):.3f}")
    assert covered >= 0.935


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.9])
def test_the_ratio_of_equal_groups_reaches_1(rate):
    rng = np.random.default_rng(1)
    n = np.array([30, 30, 100, 400, 1000, 3000])
    reached = 0
    for _ in range(RUNS):
        positives = rng.binomial(n, rate)
        seen = compare(counted(positives, n), "abcdef", TERMS)
        reached += ratio(seen, TERMS).high >= 1
    print(f"no gap, rate {rate}, groups of 30 to 3,000: high end of the ratio is 1 in {reached / RUNS:.1%}")
    assert reached / RUNS >= 0.93


def test_the_worst_of_six_labels_claims_no_gap_where_there_is_none():
    """Six labels, eight groups of unequal size: one true label share and one accuracy everywhere."""
    rng = np.random.default_rng(2)
    share, size = [0.3, 0.2, 0.2, 0.15, 0.1, 0.05], np.array([0.2, 0.18, 0.15, 0.14, 0.12, 0.1, 0.07, 0.04])
    false, stand_outs, runs = {"parity": 0, "opportunity": 0, "odds": 0, "accuracy": 0}, 0, 200
    for _ in range(runs):
        gold, group = rng.choice(6, 3000, p=share), rng.choice(8, 3000, p=size)
        label = np.where(rng.random(3000) < 0.8, gold, rng.choice(6, 3000))
        names = tuple("abcdef"), tuple("12345678")
        table = fairness_table(Labeled(label, group, gold, *names), TERMS)
        false["parity"] += table.overall.demographic_parity_difference.low > 0
        false["opportunity"] += table.overall.equal_opportunity_difference.low > 0
        false["odds"] += table.overall.equalized_odds_difference.low > 0
        false["accuracy"] += table.accuracy_difference.low > 0
        stand_outs += any(one.measure == "selection_rate" for one in table.stand_outs)
    print(
        "no gap, worst of six labels, low end above 0:", {name: f"{count / runs:.1%}" for name, count in false.items()}
    )
    print(f"no gap, any group standing out in selection rate: {stand_outs / runs:.1%}")
    assert max(*false.values(), stand_outs) <= 0.08 * runs


def audited(rng, n=20_000):
    """Labels with more confident errors in one group, checked with probability .5 where uncertain and .03 elsewhere."""
    group, gold = (rng.random(n) < 0.5).astype(int), rng.integers(2, size=n)
    uncertain = rng.random(n) < 0.2
    error = np.where(uncertain, 0.3, np.where(group == 1, 0.06, 0.02))
    label = np.where(rng.random(n) < error, 1 - gold, gold)
    chance = np.where(uncertain, 0.5, 0.03)
    checked = rng.random(n) < chance
    return label, group, gold, checked, 1 / chance


def test_weighted_equal_opportunity_covers_the_truth_that_selective_checking_hides():
    rng, runs = np.random.default_rng(3), 500
    truth = 0.8 * 0.06 - 0.8 * 0.02
    covered, weighted, bare = 0, [], []
    for _ in range(runs):
        label, group, gold, checked, weight = audited(rng)
        where = checked & (gold == 1)
        rates = group_rates(label[where] == 1, group[where], 2, weight[where])
        found = gap(compare(rates, "ab", TERMS), TERMS)
        covered += found.low <= truth <= found.high
        weighted.append(rates.value[0] - rates.value[1])
        unweighted = group_rates(label[where] == 1, group[where], 2).value
        bare.append(unweighted[0] - unweighted[1])
    print(
        f"true gap {truth:.4f}: weighted mean {np.mean(weighted):.4f} (sd {np.std(weighted):.4f}), "
        f"unweighted {np.mean(bare):.4f}; covered {covered / runs:.1%}"
    )
    assert np.mean(weighted) == pytest.approx(truth, abs=0.005)
    assert abs(np.mean(bare)) < truth / 2
    assert covered / runs >= 0.93


def stream_pauses(rng, n, minority, rate, difference, n_looks=50):
    group = rng.random(n) < minority
    fact = rng.random(n) < rate - difference * group
    ends = np.linspace(n / n_looks, n, n_looks).astype(int) - 1
    counts = np.array([np.cumsum(~group)[ends], np.cumsum(group)[ends]]).T
    positives = np.array([np.cumsum(fact & ~group)[ends], np.cumsum(fact & group)[ends]]).T
    return first_pause(look_at(counted(s, n), "ab") for s, n in zip(positives, counts, strict=True))


def counted(positives, n):
    return Rates(n, positives, positives / n, n.astype(float))


@pytest.mark.parametrize(("minority", "rate"), [(0.3, 0.5), (0.3, 0.9), (0.05, 0.9), (0.05, 0.97)])
def test_fifty_looks_raise_a_false_alarm_in_at_most_5_percent(minority, rate):
    rng, runs = np.random.default_rng(4), 600
    alarms = sum(stream_pauses(rng, 10_000, minority, rate, 0) is not None for _ in range(runs))
    print(f"no gap, 50 looks, minority {minority:.0%}, rate {rate}: false alarms {alarms / runs:.1%}")
    assert alarms / runs <= 0.05


@pytest.mark.parametrize(("difference", "power"), [(0.05, 0.9), (0.08, 0.99), (0.12, 0.99)])
def test_a_gap_that_matters_is_found(difference, power):
    rng, runs = np.random.default_rng(5), 200
    found = [stream_pauses(rng, 10_000, 0.3, 0.8, difference) for _ in range(runs)]
    alarms = [place for place, _ in filter(None, found)]
    median = (np.median(alarms) + 1) * 200
    print(
        f"gap {difference}, rate .8, minority 30%: found {len(alarms) / runs:.1%}, median alarm at {median:.0f} tasks"
    )
    assert len(alarms) / runs >= power


@pytest.mark.parametrize("rate", [0.8, 0.9])
def test_a_fair_line_stops_in_at_most_2_of_100_streams_with_50_looks(rate):
    rng, runs = np.random.default_rng(7), 1000
    stopped = sum(stream_pauses(rng, 10_000, 0.3, rate, 0) is not None for _ in range(runs))
    print(f"no gap, 50 looks, minority 30%, rate {rate}: the line stopped in {stopped} of {runs} streams")
    assert stopped / runs <= 0.02


@pytest.mark.parametrize(("difference", "rate"), [(0.0, 0.9), (0.05, 0.9), (0.2, 0.9), (0.0, 0.97)])
def test_the_interval_covers_the_gap_at_all_50_looks_at_once(difference, rate):
    rng, runs = np.random.default_rng(8), 400
    covered = 0
    for _ in range(runs):
        group = rng.random(10_000) < 0.3
        fact = (rng.random(10_000) < rate - difference * group).astype(int)
        looks = [look_at(group_rates(fact[:n], group[:n].astype(int), 2), "ab")[1] for n in range(200, 10_001, 200)]
        seen = [one for one in looks if one.low is not None]
        covered += all(one.low <= -difference <= one.high for one in seen)
    print(f"gap {difference}, rate {rate}: covered at all 50 looks in {covered / runs:.1%}")
    assert covered / runs >= 0.95


def test_a_group_that_drifts_among_eight_is_found_and_fair_groups_are_left_alone():
    rng, runs = np.random.default_rng(6), 150
    blamed = {"drifted": 0, "fair": 0}
    for _ in range(runs):
        group = rng.choice(8, 8000)
        fact = rng.random(8000) < np.where(group == 7, 0.72, 0.9)
        for end in range(400, 8001, 400):
            looks = look_at(group_rates(fact[:end], group[:end], 8), "abcdefgh")
            named = {one.group for one in looks if one.verdict == "pause"}
            if named:
                blamed["drifted" if named == {"h"} else "fair"] += 1
                break
    print("one of eight groups 18 points lower, first pause names:", {k: f"{v / runs:.1%}" for k, v in blamed.items()})
    assert blamed["drifted"] / runs >= 0.95
