"""Every reference value of fairness and agreement in one place, to nine digits; each was computed by hand and checked
with two libraries. What the numbers mean is tested beside their own modules."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from scipy.stats import norm

from fairness.gaps import Terms
from fairness.intervals import difference_in_differences, log_odds_interaction, newcombe, wilson
from fairness.metrics import Labeled, LabelTable, fairness_table
from labeling.truth.agreement import (
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    patterns,
    raw_agreement,
    summarise,
)
from labeling.truth.cohen import pairwise
from labeling.truth.votes import Votes

NINE = 1e-9
TERMS = Terms(minimum=1, draws=50)


def tables(gold: str, label: str, group: str) -> dict[str, LabelTable]:
    names, sides = tuple(sorted({*gold, *label})), tuple(sorted(set(group)))
    columns = [np.array([names.index(x) for x in row]) for row in (label, gold)]
    groups = np.array([sides.index(x) for x in group])
    found = fairness_table(Labeled(columns[0], groups, columns[1], names, sides), TERMS)
    return {one.label: one for one in found.labels}


def votes(*coders: str) -> Votes:
    """One string a coder, one character a task; "." is no vote."""
    rows = [(t, c, x) for c, row in enumerate(coders) for t, x in enumerate(row) if x != "."]
    names = sorted({x for _, _, x in rows})
    task, coder, label = (np.array(column, dtype=np.int32) for column in zip(
        *((t, c, names.index(x)) for t, c, x in rows), strict=True))  # fmt: skip
    return Votes(task, coder, label, len(coders[0]), len(coders), len(names))


def counts(found: Votes) -> tuple[object, np.ndarray]:
    table = np.zeros((found.n_tasks, found.n_labels))
    np.add.at(table, (found.task, found.label), 1)
    return patterns(table)


def test_a_two_groups_of_ten() -> None:
    one = tables("1111000000" + "1111100000", "1110100000" + "1100011000", "a" * 10 + "b" * 10)["1"]
    assert [row.selection_rate.value for row in one.rows] == pytest.approx([2 / 5, 2 / 5], abs=NINE)
    assert [row.tpr.value for row in one.rows] == pytest.approx([3 / 4, 2 / 5], abs=NINE)
    assert [row.fpr.value for row in one.rows] == pytest.approx([1 / 6, 2 / 5], abs=NINE)
    gaps = one.gaps
    assert gaps.demographic_parity_difference.value == pytest.approx(0, abs=NINE)
    assert gaps.demographic_parity_ratio.value == pytest.approx(1, abs=NINE)
    assert gaps.equal_opportunity_difference.value == pytest.approx(7 / 20, abs=NINE)
    assert gaps.false_positive_difference.value == pytest.approx(7 / 30, abs=NINE)
    assert gaps.equalized_odds_difference.value == pytest.approx(7 / 20, abs=NINE)
    assert gaps.equalized_odds_mean.value == pytest.approx(7 / 24, abs=NINE)
    assert gaps.equalized_odds_ratio.value == pytest.approx(5 / 12, abs=NINE)


def test_b_sparse_groups_have_undefined_rates() -> None:
    one = tables("11001000001", "10011010001", "aaaabbbcccd")["1"]
    rows = {row.group: row for row in one.rows}
    assert rows["c"].tpr.value is None and rows["d"].fpr.value is None
    assert one.gaps.equal_opportunity_difference.value == pytest.approx(1 / 2, abs=NINE)
    assert one.gaps.false_positive_difference.value == pytest.approx(1 / 2, abs=NINE)
    assert one.gaps.demographic_parity_difference.value == pytest.approx(1, abs=NINE)
    without = tables("1100100000", "1001101000", "aaaabbbccc")["1"]
    assert without.gaps.demographic_parity_difference.value == pytest.approx(2 / 3, abs=NINE)


def test_c_three_labels_each_against_the_rest() -> None:
    found = tables("001122001122", "011120001222", "aaaaaabbbbbb")
    parity = [found[name].gaps.demographic_parity_difference.value for name in "012"]
    opportunity = [found[name].gaps.equal_opportunity_difference.value for name in "012"]
    assert parity == pytest.approx([0, 1 / 3, 1 / 3], abs=NINE)
    assert opportunity == pytest.approx([1 / 2] * 3, abs=NINE)


def test_d_annotator_group_by_task_group() -> None:
    positives, n = [[8, 8], [6, 13]], [[20, 20], [20, 20]]
    found, z = difference_in_differences(positives, n), float(norm.ppf(0.975))
    se = sqrt((2 * 0.4 * 0.6 + 0.3 * 0.7 + 0.65 * 0.35) / 20)
    assert found.value == pytest.approx(7 / 20, abs=NINE)
    assert (found.low, found.high) == pytest.approx((7 / 20 - z * se, 7 / 20 + z * se), abs=NINE)
    assert (round(found.low, 6), round(found.high, 6)) == (-0.069794, 0.769794)
    odds = log_odds_interaction(positives, n)
    assert odds.value == pytest.approx(log(13 / 3), abs=NINE)
    exact = sqrt(2 * (1 / 8 + 1 / 12) + 1 / 6 + 1 / 14 + 1 / 13 + 1 / 7)
    assert odds.se == pytest.approx(exact, abs=NINE) and round(odds.se, 5) == 0.93517
    assert odds.p_value == pytest.approx(2 * norm.sf(log(13 / 3) / exact), abs=NINE)
    assert round(odds.p_value or 0, 5) == 0.11688


def test_k1_two_raters_of_ordered_labels() -> None:
    found = votes("AAAABBBBCCCC", "AAABBBBCCCCB")
    values = np.arange(3.0)
    for weights, expected in ((None, 5 / 8), ("linear", 22 / 31), ("quadratic", 4 / 5)):
        assert pairwise(found, weights, values).kappa[0] == pytest.approx(expected, abs=NINE)
    assert float(krippendorff_alpha(*counts(found))) == pytest.approx(122 / 191, abs=NINE)


def test_k2_fleiss_own_table() -> None:
    rows = "0 0 0 0 14|0 2 6 4 2|0 0 3 5 6|0 3 9 2 0|2 2 8 1 1|7 7 0 0 0|3 2 6 3 0|2 5 3 2 2|6 5 2 1 0|0 2 2 3 7"
    table = np.array([[float(x) for x in row.split()] for row in rows.split("|")])
    assert float(fleiss_kappa(table, np.ones(10))) == pytest.approx(0.209930704, abs=NINE)


def test_k3_four_coders_with_gaps() -> None:
    coded = votes("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    values = np.arange(1.0, 6.0)
    for metric, expected in (("nominal", 113 / 152), ("ordinal", 0.815387504), ("interval", 0.849107143)):
        alpha = float(krippendorff_alpha(*counts(coded), metric=metric, values=values))
        assert alpha == pytest.approx(expected, abs=NINE)


def test_k4_three_raters_of_six_tasks() -> None:
    columns = ["000", "001", "111", "101", "000", "110"]
    found = votes(*("".join(column[rater] for column in columns) for rater in range(3)))
    assert float(fleiss_kappa(*counts(found))) == pytest.approx(13 / 40, abs=NINE)
    assert float(krippendorff_alpha(*counts(found))) == pytest.approx(29 / 80, abs=NINE)
    assert sorted(pairwise(found).kappa.tolist()) == pytest.approx([0, 1 / 3, 2 / 3], abs=NINE)


def test_two_constant_raters_who_agree_are_undefined_with_full_raw_agreement() -> None:
    same = votes("1111111111", "1111111111")
    both = Votes(same.task, same.annotator, same.label, 10, 2, 2)
    found = summarise(both)
    assert found.alpha.value is None and "one label" in (found.alpha.undefined or "")
    assert float(raw_agreement(*counts(both))) == 1.0


def test_the_prevalence_paradox() -> None:
    found = votes("y" * 95 + "n" * 5, "y" * 90 + "n" * 5 + "y" * 5)
    assert float(raw_agreement(*counts(found))) == pytest.approx(0.90, abs=NINE)
    assert pairwise(found).kappa[0] == pytest.approx(-1 / 19, abs=NINE)
    assert round(float(pairwise(found).kappa[0]), 4) == -0.0526
    assert float(gwet_ac1(*counts(found))) == pytest.approx((0.9 - 0.095) / (1 - 0.095), abs=NINE)
    assert round(float(gwet_ac1(*counts(found))), 2) == 0.89


def test_intervals() -> None:
    assert [float(end) for end in wilson(8, 20)] == pytest.approx([0.218806532, 0.613418499], abs=NINE)
    assert newcombe((55, 40), (100, 100)) == pytest.approx((0.011723935, 0.280448521), abs=NINE)
