import numpy as np
import pytest

from labeling.truth import calibration


def drawn(n: int, n_labels: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Beliefs that are right by construction, and labels drawn from them."""
    generator = np.random.default_rng(seed)
    belief = generator.dirichlet(np.full(n_labels, 0.6), n)
    truth = (generator.random(n)[:, None] > belief.cumsum(axis=1)).sum(axis=1)
    return belief, np.minimum(truth, n_labels - 1).astype(np.int32)


def test_the_exponent_that_spoilt_a_belief_is_found():
    belief, truth = drawn(8000)
    assert calibration.fit_exponent(calibration.temper(belief, 3.0), truth) == pytest.approx(1 / 3, rel=0.05)


def test_weights_stand_for_tasks_that_were_not_validated():
    belief, truth = drawn(3000)
    kept = np.arange(3000) % 3 == 0
    weight = np.where(kept, 1.0, 0.0)
    spoilt = calibration.temper(belief, 2.0)
    assert calibration.fit_exponent(spoilt, truth, weight) == pytest.approx(
        calibration.fit_exponent(spoilt[kept], truth[kept]), abs=1e-3
    )


def test_cross_fitting_keeps_a_tasks_own_label_out():
    belief, truth = drawn(60)
    base = calibration.fit_temperature(belief, truth)
    flipped = truth.copy()
    flipped[7] = (truth[7] + 1) % 3
    other = calibration.fit_temperature(belief, flipped)
    np.testing.assert_array_equal(other.belief[7], base.belief[7])
    assert other.exponent != base.exponent


def test_a_cross_fitted_temperature_mends_overconfidence():
    belief, truth = drawn(600)
    spoilt = calibration.temper(belief, 4.0)
    mended = calibration.fit_temperature(spoilt, truth).belief
    before, after = (calibration.expected_calibration_error(rows, truth) for rows in (spoilt, mended))
    assert before > 0.1
    assert after < before / 2


def test_without_known_labels_the_belief_stays():
    belief, _ = drawn(5)
    none = np.zeros(0, dtype=np.int32)
    assert calibration.fit_exponent(belief[:0], none) == 1.0
    assert np.isnan(calibration.expected_calibration_error(belief[:0], none))
    assert np.isnan(calibration.brier(belief[:0], none).score)
    assert np.isnan(calibration.area_under_risk_coverage(belief[:0], none))


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    belief = np.tile([0.9, 0.1], (100, 1))
    truth = np.array([0] * 70 + [1] * 30, dtype=np.int32)
    shuffled = np.random.default_rng(0).permutation(truth)
    assert calibration.expected_calibration_error(belief, shuffled, bins=1) == pytest.approx(0.2)


def test_debiasing_takes_away_the_error_that_chance_alone_makes():
    belief, truth = drawn(450, seed=3)
    plain = calibration.expected_calibration_error(belief, truth)
    assert calibration.expected_calibration_error(belief, truth, debiased=True) < plain


def test_brier_by_hand_and_its_split():
    belief = np.array([[0.8, 0.2], [0.6, 0.4]])
    truth = np.array([0, 1], dtype=np.int32)
    score = calibration.brier(belief, truth, bins=2)
    assert score.score == pytest.approx((2 * 0.2**2 + 2 * 0.6**2) / 2)
    # one task a bin: the split is exact
    assert score.reliability - score.resolution + score.uncertainty == pytest.approx(score.score)
    assert score.uncertainty == pytest.approx(0.5)


def test_the_area_under_the_risk_coverage_curve_by_hand():
    # right, wrong, right in order of confidence: risks 0, 1/2, 1/3
    belief = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    truth = np.array([0, 1, 0], dtype=np.int32)
    assert calibration.area_under_risk_coverage(belief, truth) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    # an oracle accepts the wrong one last: 0, 0, 1/3
    assert calibration.excess_area_under_risk_coverage(belief, truth) == pytest.approx(1 / 6)


def test_tasks_of_equal_confidence_share_their_errors():
    belief = np.tile([0.9, 0.1], (4, 1))
    truth = np.array([1, 0, 0, 0], dtype=np.int32)
    risks = [calibration.area_under_risk_coverage(belief, np.roll(truth, shift)) for shift in range(4)]
    assert risks == pytest.approx([0.25] * 4)


def test_reliability_bars_hold_equal_mass_and_true_accuracy():
    belief, truth = drawn(3000, seed=5)
    bars = calibration.reliability(belief, truth)
    assert len(bars.n) == 15
    assert set(bars.n) == {200}
    assert (np.diff(bars.confidence) > 0).all()
    inside = (bars.low <= bars.confidence) & (bars.confidence <= bars.high)
    assert inside.mean() >= 0.8


def test_weighted_measures_count_a_task_of_weight_two_twice():
    belief, truth = drawn(90, seed=6)
    weight = np.where(np.arange(90) < 30, 2.0, 1.0)
    twice = np.concatenate([np.arange(90), np.arange(30)])
    for measure in (
        calibration.negative_log_likelihood,
        lambda *parts: calibration.brier(*parts).score,
    ):
        assert measure(belief, truth, weight) == pytest.approx(measure(belief[twice], truth[twice], None))


def test_tasks_of_equal_confidence_share_a_bin_so_that_their_order_does_not_matter():
    rng = np.random.default_rng(11)
    confidence = rng.choice([0.6, 0.75, 0.9, 1.0], 300)
    truth = (rng.random(300) > confidence).astype(np.int32)
    for measure in (
        calibration.expected_calibration_error,
        lambda *parts: calibration.brier(*parts).reliability,
        lambda *parts: calibration.reliability(*parts).accuracy,
    ):
        found = []
        for _ in range(6):
            order = rng.permutation(300)
            # noise of the size that sums in another order leave behind
            noisy = confidence[order] + rng.normal(0, 1e-15, 300)
            found.append(measure(np.stack([noisy, 1 - noisy], axis=1), truth[order]))
        for other in found[1:]:
            np.testing.assert_allclose(other, found[0], atol=1e-12)


def test_four_confidences_make_four_bars():
    belief = np.repeat([[0.6, 0.4], [0.7, 0.3], [0.8, 0.2], [1.0, 0.0]], [50, 25, 100, 25], axis=0)
    bars = calibration.reliability(belief, np.zeros(200, dtype=np.int32))
    assert bars.n.tolist() == [50, 25, 100, 25]
    assert bars.confidence == pytest.approx([0.6, 0.7, 0.8, 1.0])
