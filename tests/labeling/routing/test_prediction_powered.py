"""Shares of a dataset from cheap labels and checks: hand-computed values, honesty without errors, coverage."""

import numpy as np
import pytest

from labeling.routing.prediction_powered import Sample, share, trust


def test_the_estimate_by_hand():
    """f over eight tasks: half 1. Checked f 1 1 0 0, y 1 0 0 0: Cov = 1/8, Var f = 1/4, lam = 1/8 / (1.5 / 4) = 1/3."""
    cheap = np.array([1, 1, 0, 0, 1, 1, 0, 0.0])
    sample = Sample(cheap, cheap[:4], np.array([1, 0, 0, 0.0]))
    assert trust(sample) == pytest.approx(1 / 3)
    found = share(sample)
    assert found.value == pytest.approx(1 / 3 * 0.5 + 0.25 - 1 / 3 * 0.5) and found.plain == 0.25
    assert trust(Sample(cheap, cheap[:4], np.array([1, 0, 0, 0.0]), finite=True)) == pytest.approx(0.5)


def test_the_interval_by_hand():
    """y - lam f for lam 0: 1 0 0 0, squared distances 3/4, two made-up ones add 2; over (n + 2)(n + 1) = 30."""
    sample = Sample(np.zeros(100), np.zeros(4), np.array([1, 0, 0, 0.0]))
    found = share(sample)
    assert found.lam == 0 and found.high == pytest.approx(0.25 + 1.959964 * np.sqrt(2.75 / 30))
    assert found.low == 0 and (found.plain_low, found.plain_high) == (found.low, found.high)


def test_cheap_answers_that_are_always_right_still_leave_an_interval():
    cheap = np.tile([1, 0, 0, 0.0], 500)
    found = share(Sample(cheap, cheap[:60], cheap[:60], finite=True))
    assert found.value == pytest.approx(0.25) and found.low < 0.24 and found.high > 0.26
    assert found.effective > 300


def test_useless_cheap_answers_are_not_trusted():
    rng = np.random.default_rng(0)
    cheap, truth = rng.integers(0, 2, 5000).astype(float), rng.integers(0, 2, 400).astype(float)
    found = share(Sample(cheap, cheap[:400], truth))
    assert found.lam < 0.1 and found.effective == pytest.approx(400, rel=0.05)


def test_biased_cheap_answers_do_not_bias_the_share():
    rng = np.random.default_rng(1)
    truth = (rng.random(20_000) < 0.3).astype(float)
    cheap = np.where(rng.random(20_000) < 0.2, 1.0, truth)
    found = share(Sample(cheap, cheap[:500], truth[:500], finite=True))
    assert cheap.mean() > 0.42 and abs(found.value - truth.mean()) < 0.04 and found.low < truth.mean() < found.high


def test_tasks_that_were_checked_more_often_weigh_less():
    rng = np.random.default_rng(2)
    truth = np.repeat([0.0, 1.0], [8000, 2000])
    chance = np.where(truth > 0, 0.2, 0.02)
    seen = rng.random(10_000) < chance
    cheap = np.full(10_000, 0.5)
    plain, weighted = (share(Sample(cheap, cheap[seen], truth[seen], weight)) for weight in (None, 1 / chance[seen]))
    assert plain.value > 0.6 and weighted.low < 0.2 < weighted.high


def test_every_task_checked_leaves_no_doubt_about_these_tasks():
    truth = np.array([1, 0, 1, 1.0])
    found = share(Sample(truth, truth, truth, finite=True))
    assert (found.low, found.value, found.high) == (0.75, 0.75, 0.75)


def test_one_check_is_refused():
    with pytest.raises(ValueError, match="two checked"):
        share(Sample(np.zeros(5), np.zeros(1), np.zeros(1)))


@pytest.mark.slow
@pytest.mark.parametrize("finite", [False, True])
def test_intervals_cover_and_are_narrower_than_checks_alone(finite):
    """12% label noise, 300 of 20,000 checked: near 95% coverage, about two thirds of the width (methods 3.2)."""
    rng = np.random.default_rng(3)
    covered, width, raw = [], [], []
    for _ in range(400):
        truth = (rng.random(20_000) < 0.3).astype(float)
        cheap = np.where(rng.random(20_000) < 0.12, 1 - truth, truth)
        found = share(Sample(cheap, cheap[:300], truth[:300], finite=finite))
        target = truth.mean() if finite else 0.3
        covered.append(found.low <= target <= found.high)
        width.append((found.high - found.low) / (found.plain_high - found.plain_low))
        raw.append(cheap.mean() - 0.3)
    assert 0.92 <= np.mean(covered) <= 0.98
    assert np.mean(width) == pytest.approx(0.67, abs=0.03) and np.mean(raw) > 0.03
