"""Fairness measures held against worked references and, where it is right, fairlearn."""

import warnings
from dataclasses import fields, replace

import numpy as np
import pytest

from fairness.gaps import Gap, Terms, compare, eighty_percent_rule, gap, verdict
from fairness.intervals import Estimate, wilson
from fairness.metrics import Gaps, Labeled, fairness_table, label_rates
from fairness.rates import group_rates

SMALL = Terms(minimum=1, draws=200)
STEP = 1e-9


def labeled(gold, label, group, **more):
    """Tasks from three strings of one character a task; "." in gold is not checked."""
    names, sides = sorted(set(label) | set(gold) - {"."}), sorted(set(group))
    index = {name: place for place, name in enumerate(names)}
    return Labeled(
        np.array([index[x] for x in label]),
        np.array([sides.index(x) for x in group]),
        np.array([index.get(x, -1) for x in gold]),
        tuple(names),
        tuple(sides),
        **more,
    )


CASE_A = ("1111000000" + "1111100000", "1110100000" + "1100011000", "a" * 10 + "b" * 10)
CASE_B = ("11001000001", "10011010001", "aaaabbbcccd")
CASE_C = ("001122001122", "011120001222", "aaaaaabbbbbb")


def of(table, label):
    return next(one for one in table.labels if one.label == label)


def values(gaps):
    return {field.name: getattr(gaps, field.name).value for field in fields(Gaps)}


def random_tasks(seed=0, n=600, labels=3, groups=4, checked=1.0):
    rng = np.random.default_rng(seed)
    gold = rng.integers(labels, size=n)
    label = np.where(rng.random(n) < 0.7, gold, rng.integers(labels, size=n))
    seen = np.where(rng.random(n) < checked, gold, -1)
    names = tuple(f"label {k}" for k in range(labels)), tuple(f"group {g}" for g in range(groups))
    return Labeled(label, rng.integers(groups, size=n), seen, *names)


class TestReferenceA:
    def test_rates_of_both_groups(self):
        rows = of(fairness_table(labeled(*CASE_A), SMALL), "1").rows
        found = [(row.selection_rate.value, row.tpr.value, row.fpr.value) for row in rows]
        assert found == [pytest.approx((2 / 5, 3 / 4, 1 / 6)), pytest.approx((2 / 5, 2 / 5, 2 / 5))]

    def test_all_gaps(self):
        found = values(of(fairness_table(labeled(*CASE_A), SMALL), "1").gaps)
        expected = {
            "demographic_parity_difference": 0,
            "demographic_parity_ratio": 1,
            "equal_opportunity_difference": 7 / 20,
            "false_positive_difference": 7 / 30,
            "equalized_odds_difference": 7 / 20,
            "equalized_odds_mean": 7 / 24,
            "equalized_odds_ratio": 5 / 12,
        }
        assert {name: found[name] for name in expected} == pytest.approx(expected, abs=STEP)

    def test_the_headline_is_the_worst_of_both_labels(self):
        overall = fairness_table(labeled(*CASE_A), SMALL).overall
        assert overall.equal_opportunity_difference.value == pytest.approx(7 / 20, abs=STEP)
        assert overall.equal_opportunity_difference.label == "1"
        assert overall.equal_opportunity_difference.lowest == "b"


class TestReferenceB:
    def test_an_undefined_rate_is_undefined_and_not_0(self):
        rows = {row.group: row for row in of(fairness_table(labeled(*CASE_B), SMALL), "1").rows}
        for rate in (rows["c"].tpr, rows["d"].fpr):
            assert (rate.value, rate.low, rate.high, rate.estimable) == (None, None, None, False)
            assert rate.reason.startswith("undefined")
        assert rows["c"].fpr.value == 0

    def test_gaps_are_over_the_groups_that_have_a_rate(self):
        found = values(of(fairness_table(labeled(*CASE_B), SMALL), "1").gaps)
        assert found["equal_opportunity_difference"] == pytest.approx(1 / 2, abs=STEP)
        assert found["false_positive_difference"] == pytest.approx(1 / 2, abs=STEP)
        assert found["demographic_parity_difference"] == pytest.approx(1, abs=STEP)

    def test_a_group_below_the_minimum_is_left_out_by_name(self):
        found = of(fairness_table(labeled(*CASE_B), replace(SMALL, minimum=2)), "1").gaps.demographic_parity_difference
        assert found.value == pytest.approx(2 / 3, abs=STEP)
        assert found.estimable
        assert found.reason == "without d (1 of 2 labeled)"

    @pytest.mark.slow
    def test_fairlearn_counts_the_undefined_rate_as_0(self):
        from fairlearn.metrics import equal_opportunity_difference

        gold, label, group = ([int(x) if x in "01" else x for x in row] for row in CASE_B)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert equal_opportunity_difference(gold, label, sensitive_features=group) == 1.0


class TestReferenceC:
    def test_each_of_three_labels_against_the_rest(self):
        table = fairness_table(labeled(*CASE_C), SMALL)
        found = [values(one.gaps) for one in table.labels]
        parity = [one["demographic_parity_difference"] for one in found]
        opportunity = [one["equal_opportunity_difference"] for one in found]
        assert parity == pytest.approx([0, 1 / 3, 1 / 3], abs=STEP)
        assert opportunity == pytest.approx([1 / 2, 1 / 2, 1 / 2], abs=STEP)

    @pytest.mark.slow
    def test_fairlearn_says_0_for_the_same_labels_as_strings(self):
        from fairlearn.metrics import demographic_parity_difference

        gold, label, group = ([f"label {x}" for x in row] for row in CASE_C)
        assert demographic_parity_difference(gold, label, sensitive_features=group) == 0.0
        overall = fairness_table(labeled(*CASE_C), SMALL).overall
        assert overall.demographic_parity_difference.value == pytest.approx(1 / 3, abs=STEP)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_fairlearn_agrees_where_every_rate_is_defined(seed):
    from fairlearn import metrics as fairlearn

    tasks = random_tasks(seed)
    table = fairness_table(tasks, SMALL)
    for place, one in enumerate(table.labels):
        binary = {"y_true": tasks.gold == place, "y_pred": tasks.label == place, "sensitive_features": tasks.group}
        found = values(one.gaps)
        for name in ("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_ratio"):
            assert found[name] == pytest.approx(getattr(fairlearn, name)(**binary), abs=STEP)
        for name, agg in (("equalized_odds_difference", "worst_case"), ("equalized_odds_mean", "mean")):
            assert found[name] == pytest.approx(fairlearn.equalized_odds_difference(**binary, agg=agg), abs=STEP)


@pytest.mark.slow
def test_fairlearn_agrees_on_weighted_rates():
    from fairlearn.metrics import MetricFrame, selection_rate

    tasks = random_tasks(2)
    weight = np.random.default_rng(9).uniform(1, 20, len(tasks.label))
    found = label_rates(replace(tasks, label_weight=weight), 1)["selection_rate"].value
    frame = MetricFrame(
        metrics=selection_rate,
        y_true=tasks.gold == 1,
        y_pred=tasks.label == 1,
        sensitive_features=tasks.group,
        sample_params={"sample_weight": weight},
    )
    assert found.tolist() == pytest.approx(frame.by_group.tolist(), abs=STEP)


class TestMinimum:
    def test_a_rate_says_how_many_of_30_are_checked(self):
        tasks = labeled("1" * 11 + "0" * 31, "1" * 42, "a" * 11 + "b" * 31)
        row = of(fairness_table(tasks), "1").rows[0]
        assert (row.accuracy.estimable, row.accuracy.reason) == (False, "11 of 30 checked")
        assert row.selection_rate.reason == "11 of 30 labeled"
        assert of(fairness_table(tasks), "1").rows[1].accuracy.estimable

    def test_a_gap_needs_two_groups_with_enough(self):
        tasks = labeled("1" * 11 + "0" * 31, "1" * 42, "a" * 11 + "b" * 31)
        found = of(fairness_table(tasks), "1").gaps.accuracy_difference
        assert (found.estimable, found.reason) == (False, "11 of 30 checked in a")

    def test_many_small_groups_are_counted_not_listed(self):
        tasks = labeled("." * 67, "1" * 67, "a" * 30 + "b" * 32 + "cdefg")
        found = of(fairness_table(tasks), "1").gaps.demographic_parity_difference
        assert found.reason.endswith("e (1 of 30 labeled) and 2 more")

    def test_one_group_has_no_gap(self):
        found = fairness_table(labeled("10", "10", "aa"), SMALL).overall.demographic_parity_difference
        assert (found.value, found.estimable) == (None, False)
        assert found.reason.startswith("undefined: fewer than two groups")


class TestWithoutGold:
    def test_parity_is_known_and_the_rest_is_undefined(self):
        gaps = of(fairness_table(labeled("." * 8, "11100110", "aaaabbbb"), SMALL), "1").gaps
        assert gaps.demographic_parity_difference.value == pytest.approx(1 / 4)
        for name in ("equal_opportunity_difference", "equalized_odds_difference", "accuracy_difference"):
            assert getattr(gaps, name).value is None
            assert getattr(gaps, name).reason.startswith("undefined")

    def test_unchecked_tasks_count_for_parity_only(self):
        row = of(fairness_table(labeled("10..", "1011", "aaaa"), SMALL), "1").rows[0]
        assert (row.n, row.n_positive, row.n_checked, row.n_true) == (4, 3, 2, 1)
        assert row.tpr.value == 1


class TestDegenerate:
    def test_a_label_nobody_gets_has_no_ratio(self):
        gaps = of(fairness_table(labeled("0111", "1111", "aabb"), SMALL), "0").gaps
        assert gaps.demographic_parity_difference.value == 0
        assert gaps.demographic_parity_ratio.value is None
        assert gaps.demographic_parity_ratio.reason == "undefined: the rate to divide by is 0"

    def test_all_tasks_alike_show_no_gap_and_no_certainty(self):
        found = of(fairness_table(labeled("1" * 80, "1" * 80, "ab" * 40)), "1").gaps
        assert found.demographic_parity_difference.value == 0
        assert found.demographic_parity_difference.high > 0.05
        assert found.equalized_odds_difference.value is None

    def test_no_task_is_refused(self):
        with pytest.raises(ValueError, match="at least one task"):
            fairness_table(labeled("", "", ""))

    def test_an_index_out_of_range_is_refused(self):
        with pytest.raises(ValueError, match="`group`"):
            fairness_table(replace(labeled("10", "10", "ab"), group_names=("a",)))


class TestInvariance:
    def test_the_order_of_tasks_changes_nothing(self):
        tasks = random_tasks(4)
        order = np.random.default_rng(1).permutation(len(tasks.label))
        shuffled = replace(tasks, label=tasks.label[order], group=tasks.group[order], gold=tasks.gold[order])
        assert fairness_table(tasks, SMALL) == fairness_table(shuffled, SMALL)

    def test_renaming_labels_and_groups_changes_no_value(self):
        tasks = random_tasks(5, labels=3, groups=4)
        turned = replace(tasks, label=2 - tasks.label, gold=2 - tasks.gold, group=3 - tasks.group)
        first, second = fairness_table(tasks, SMALL), fairness_table(turned, SMALL)
        assert values(first.labels[0].gaps) == pytest.approx(values(second.labels[2].gaps))
        assert values(first.overall) == pytest.approx(values(second.overall))

    def test_the_same_seed_gives_the_same_table(self):
        tasks = random_tasks(6)
        first, again, other = (fairness_table(tasks, replace(SMALL, seed=seed)) for seed in (3, 3, 4))
        assert first == again
        assert first.overall.accuracy_difference.by_chance != other.overall.accuracy_difference.by_chance


class TestWeights:
    def test_equal_weights_change_nothing(self):
        fact, group = np.array([1, 0, 1, 1, 0, 0]), np.array([0, 0, 0, 1, 1, 1])
        plain, weighted = (group_rates(fact, group, 2, weight) for weight in (None, np.full(6, 7.0)))
        assert weighted.value.tolist() == pytest.approx(plain.value.tolist())
        assert weighted.n_effective.tolist() == pytest.approx([3, 3])

    def test_a_rate_is_the_hajek_mean(self):
        rates = group_rates(np.array([1, 0, 0]), np.zeros(3, dtype=int), 1, np.array([20.0, 2.0, 3.0]))
        assert rates.value[0] == pytest.approx(20 / 25)
        assert (rates.n[0], rates.positives[0]) == (3, 1)

    def test_unequal_weights_are_worth_fewer_tasks(self):
        rng = np.random.default_rng(0)
        fact, weight = rng.random(500) < 0.3, rng.choice([2.0, 33.0], 500)
        rates = group_rates(fact, np.zeros(500, dtype=int), 1, weight)
        kish = weight.sum() ** 2 / (weight**2).sum()
        assert rates.n_effective[0] == pytest.approx(kish, rel=0.15)
        assert rates.n_effective[0] < 400

    def test_unanimous_tasks_take_kishs_count(self):
        weight = np.array([1.0, 1.0, 8.0])
        rates = group_rates(np.ones(3), np.zeros(3, dtype=int), 1, weight)
        assert rates.n_effective[0] == pytest.approx(100 / 66)

    def test_weights_of_checked_tasks_leave_selection_rates_alone(self):
        tasks = random_tasks(7, checked=0.5)
        weight = np.random.default_rng(0).uniform(1, 5, len(tasks.label))
        plain, weighted = label_rates(tasks, 0), label_rates(replace(tasks, gold_weight=weight), 0)
        assert (plain["selection_rate"].value == weighted["selection_rate"].value).all()
        assert (plain["tpr"].value != weighted["tpr"].value).all()


class TestPrevalenceDistortion:
    def test_it_is_the_share_given_less_the_share_true(self):
        rows = of(fairness_table(labeled("1100" + "1000", "1110" + "1100", "aaaabbbb"), SMALL), "1").rows
        assert [row.distortion.value for row in rows] == pytest.approx([1 / 4, 1 / 4])

    def test_honest_labels_of_unequal_groups_show_parity_gap_but_no_distortion(self):
        tasks = labeled(
            "1" * 60 + "0" * 20 + "1" * 10 + "0" * 70, "1" * 60 + "0" * 20 + "1" * 10 + "0" * 70, "a" * 80 + "b" * 80
        )
        gaps = of(fairness_table(tasks), "1").gaps
        assert gaps.demographic_parity_difference.low > 0.4
        assert (gaps.prevalence_distortion_difference.value, gaps.prevalence_distortion_difference.low) == (0, 0)

    def test_a_group_that_always_gets_the_label_is_distorted(self):
        tasks = labeled("10" * 40 + "10" * 40, "10" * 40 + "11" * 40, "a" * 80 + "b" * 80)
        found = of(fairness_table(tasks), "1").gaps.prevalence_distortion_difference
        assert found.value == pytest.approx(0.5)
        assert found.low > 0.3


class TestIntervals:
    def test_a_rate_has_wilsons_interval(self):
        row = of(fairness_table(labeled(*CASE_A), SMALL), "1").rows[0]
        low, high = wilson(4, 10)
        assert (row.selection_rate.low, row.selection_rate.high) == pytest.approx((float(low), float(high)), abs=STEP)

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(4))
    def test_every_value_lies_within_its_interval(self, seed):
        table = fairness_table(random_tasks(seed, n=300, labels=4, groups=5), SMALL)
        for gaps in (*(one.gaps for one in table.labels), table.overall):
            for field in fields(Gaps):
                found = getattr(gaps, field.name)
                assert found.low - STEP <= found.value <= found.high + STEP

    def test_the_headline_claims_no_more_than_any_label_alone(self):
        table = fairness_table(random_tasks(8), SMALL)
        for field in fields(Gaps):
            if not field.name.endswith("ratio"):
                alone = max(getattr(one.gaps, field.name).low for one in table.labels)
                assert getattr(table.overall, field.name).low <= alone

    def test_a_wide_gap_has_a_small_p_value_and_a_low_end_above_0(self):
        tasks = labeled("." * 200, "1" * 80 + "0" * 20 + "1" * 40 + "0" * 60, "a" * 100 + "b" * 100)
        found = fairness_table(tasks).overall.demographic_parity_difference
        assert found.low > 0.2
        assert found.p_adjusted < 0.01
        assert found.by_chance == pytest.approx(0.056, abs=0.01)

    def test_holm_multiplies_the_smallest_p_value_by_the_number_of_labels(self):
        table = fairness_table(random_tasks(9, labels=5))
        p_values = [one.gaps.demographic_parity_difference.p_value for one in table.labels]
        expected = min(1, 5 * min(p_values))
        assert table.overall.demographic_parity_difference.p_adjusted == pytest.approx(expected)


class TestAnswers:
    @pytest.mark.parametrize(
        ("low", "high", "answer"), [(0.82, 1.0, "pass"), (0.5, 0.79, "fail"), (0.7, 0.9, "undecided")]
    )
    def test_the_80_percent_rule_has_three_answers(self, low, high, answer):
        assert eighty_percent_rule(Estimate((low + high) / 2, low, high)) == answer

    @pytest.mark.parametrize(
        ("low", "high", "answer"), [(0.0, 0.04, "pass"), (0.06, 0.2, "fail"), (0.01, 0.2, "undecided")]
    )
    def test_a_margin_has_the_same_three(self, low, high, answer):
        assert verdict(Estimate((low + high) / 2, low, high), 0.05) == answer

    def test_nothing_passes_while_a_group_is_left_out_and_a_failure_stands(self):
        for low, high, rule, margin in ((0.9, 1.0, "undecided", "fail"), (0.0, 0.04, "fail", "undecided")):
            found = Gap((low + high) / 2, low, high, True, "without C (11 of 30 labeled)")
            assert (eighty_percent_rule(found), verdict(found, 0.05)) == (rule, margin)

    def test_what_is_not_estimable_is_undecided(self):
        weak = Gap(0.1, 0.09, 0.11, False, "11 of 30 checked")
        assert (eighty_percent_rule(weak), verdict(weak, 0.05)) == ("undecided", "undecided")

    def test_a_reference_group_replaces_the_highest_one(self):
        tasks = labeled(
            "." * 300,
            "1" * 30 + "0" * 70 + "1" * 50 + "0" * 50 + "1" * 60 + "0" * 40,
            "a" * 100 + "b" * 100 + "c" * 100,
        )
        highest, named = (
            of(fairness_table(tasks, Terms(reference=name)), "1").gaps.demographic_parity_ratio for name in (None, "b")
        )
        assert (highest.value, named.value) == pytest.approx((0.5, 0.6))

    def test_the_group_that_differs_from_the_rest_stands_out_alone(self):
        label = ("1" * 15 + "0" * 15) * 3 + "1" * 30
        table = fairness_table(labeled("." * 120, label, "a" * 30 + "b" * 30 + "c" * 30 + "d" * 30))
        assert {one.group for one in table.stand_outs} == {"d"}
        assert {one.measure for one in table.stand_outs} == {"selection_rate"}

    def test_equal_groups_do_not_stand_out(self):
        label = ("1" * 15 + "0" * 15) * 4
        assert fairness_table(labeled("." * 120, label, "a" * 30 + "b" * 30 + "c" * 30 + "d" * 30)).stand_outs == ()


def test_any_yes_or_no_fact_has_a_gap():
    """Review rate or refusal rate by group need no label."""
    reviewed, group = np.array([1] * 40 + [0] * 60 + [1] * 10 + [0] * 90), np.repeat([0, 1], 100)
    found = gap(compare(group_rates(reviewed, group, 2), ("a", "b"), Terms(), "labeled"), Terms())
    assert found.value == pytest.approx(0.3)
    assert found.low > 0.15
