"""The certificate: hand-computed bounds, refusals with what is missing, and coverage on simulated crowds."""

from math import log

import numpy as np
import pytest
from scipy import stats

from labeling.routing import bounds
from labeling.routing.certificate import Audit, ahead, anytime, as_it_stands, once, steps

DELTA = 0.05


def audit_of(uncertainty, wrong, drawn, probability=None, turn=None):
    """An audit of labels of which `drawn` places were checked."""
    n = len(uncertainty)
    answer = np.full(n, -1)
    answer[drawn] = np.asarray(wrong)[drawn]
    if turn is None:
        turn = np.full(n, 0.9)
        turn[drawn] = np.linspace(0, 0.5, len(drawn))
    chance = np.full(n, len(drawn) / n) if probability is None else probability
    return Audit(np.asarray(uncertainty, dtype=float), answer, chance, turn)


def simulated(rng, n, checks):
    """A calibrated crowd: a label of uncertainty u is wrong with probability u."""
    doubt = np.round(rng.beta(1, 4, n) / 2, 2)
    wrong = (rng.random(n) < doubt).astype(int)
    turn = rng.random(n)
    return audit_of(doubt, wrong, np.argsort(turn)[:checks], turn=turn), wrong


def error_of(finding, audit, wrong, *, released=False):
    accepted = audit.uncertainty <= (-1 if finding.threshold is None else finding.threshold)
    return (accepted & (wrong == 1)).sum() / (max(accepted.sum(), 1) if released else len(wrong))


def test_clopper_and_pearson_by_hand():
    """0 of 59 gives 1 - .05^(1/59) = .0495; 1 of 2 solves (1 - p)^2 + 2 p (1 - p) = .05, p = sqrt(.95)."""
    found = bounds.clopper_pearson_upper([0, 1, 2], [59, 2, 2], DELTA)
    assert found == pytest.approx([1 - 0.05 ** (1 / 59), np.sqrt(0.95), 1.0])
    assert bounds.clopper_pearson_upper(0, 0, DELTA) == 1


def test_the_hypergeometric_bound_by_hand():
    """0 wrong of 5 out of 10: W wrong hide with C(10 - W, 5) / C(10, 5): W = 3 in 21 of 252, W = 4 in 6 of 252."""
    assert bounds.hypergeometric_upper(0, 5, 10, DELTA) == 3
    assert bounds.hypergeometric_upper(0, 5, 10, 6 / 252 - 1e-9) == 4
    assert bounds.hypergeometric_upper(2, 10, 10, DELTA) == 2, "when all are checked nothing is uncertain"


def test_a_bet_by_hand():
    """Budget 2 of 4, one right label: the bet on 0 wrong wins (1 - 0) / (1 - 2/4) = 2, so do those on .15 and .3."""
    part = np.exp(bounds.log_capital(0, 1, 4, 2))
    stakes = dict(zip(np.floor(bounds.PARTS * 2), [0] * 8, strict=True))
    for place, stake in zip(np.floor(bounds.PARTS * 2), np.exp(bounds.LOG_STAKES), strict=True):
        stakes[place] += stake
    assert part == pytest.approx(stakes[0] * 2 + stakes[1] * 0.75 / 0.5)
    assert bounds.log_capital(0, 3, 4, 2) == np.inf, "two wrong ones cannot hide in one label"
    assert bounds.log_capital(2, 2, 4, 2) == -np.inf


def test_the_capital_never_grows_on_the_mean_where_the_claim_is_true():
    """Over all orders of 3 wrong among 9: the exact mean capital after n checks is at most 1."""
    for n in range(1, 6):
        x = np.arange(0, 4)
        mean = stats.hypergeom.pmf(x, 9, 3, n) @ np.exp(np.maximum(bounds.log_capital(x, np.full(4, n), 9, 3), -700))
        assert mean <= 1 + 1e-9


def test_betting_with_equal_probabilities_finds_the_zero_error_bound_of_order_log_over_n():
    """No error in 1,000 draws of 20,000: the bound lies between ln(20) / m and ln(160) / m, eight bets being tried."""
    found = bounds.betting_upper(np.zeros(0), 20_000, 0.05, DELTA)
    assert log(20) / 1000 < found < log(160) / 1000
    assert bounds.betting_upper(np.full(30, 0.05), 20_000, 0.05, DELTA) > 0.03, "30 of 1,000 were wrong"
    assert bounds.betting_upper(np.zeros(0), 100, 0.0, DELTA) == 1


def test_fifty_nine_right_checks_release_everything_at_five_percent():
    doubt = np.linspace(0, 0.5, 2000)
    found = once(audit_of(doubt, np.zeros(2000, int), np.arange(59) * 33), 0.05, DELTA)
    assert found.accepted == 2000 and found.threshold == 0.5 and found.checks == 59
    assert found.bound == pytest.approx(1 - 0.05 ** (1 / 59))


def test_fifty_eight_are_refused_and_one_more_is_asked_for():
    doubt = np.linspace(0, 0.5, 2000)
    found = once(audit_of(doubt, np.zeros(2000, int), np.arange(58) * 33), 0.05, DELTA)
    assert found.threshold is None and found.accepted == 0 and found.further == 1


def test_errors_among_uncertain_labels_lower_the_threshold():
    """100 checks, all wrong above .3: x errors among 100 may be accepted while BetaInv(.95; x + 1, 100 - x) <= .1."""
    doubt = np.repeat([0.1, 0.2, 0.3, 0.4, 0.5], 400)
    wrong = (doubt > 0.3).astype(int)
    found = once(audit_of(doubt, wrong, np.arange(0, 2000, 20)), 0.1, DELTA)
    assert (found.threshold, found.accepted, found.errors, found.checks) == (0.3, 1200, 0, 100)
    assert found.bound == pytest.approx(1 - 0.05 ** (1 / 100))


def test_a_threshold_is_not_reached_over_one_that_fails():
    doubt = np.repeat([0.1, 0.2, 0.3], 500)
    wrong = (doubt == 0.2).astype(int)
    assert once(audit_of(doubt, wrong, np.arange(0, 1500, 10)), 0.1, DELTA).threshold == 0.1


def test_labels_that_might_all_be_wrong_are_no_certificate():
    """The surest 50 of 1,000 need no check to be within 5%; to release those alone would say nothing."""
    doubt = np.repeat([0.1, 0.5], [50, 950])
    found = anytime(audit_of(doubt, np.ones(1000, int), np.arange(0, 1000, 10)), 0.05, DELTA)
    assert found.threshold is None


def test_an_unanswered_check_counts_as_wrong():
    doubt = np.linspace(0, 0.5, 2000)
    answers = np.zeros(2000, int)
    answers[33 * 58] = 2
    found = once(audit_of(doubt, answers, np.arange(59) * 33), 0.05, DELTA)
    assert found.accepted < 2000


def test_known_answers_are_counted_and_not_estimated():
    """Every answer known: the threshold is exact, without any check."""
    doubt = np.repeat([0.1, 0.2, 0.3, 0.4], 25)
    wrong = (doubt >= 0.3).astype(int)
    audit = Audit(doubt, wrong, np.ones(100), np.full(100, np.nan))
    for rule in (once, anytime):
        found = rule(audit, 0.3, DELTA)
        assert (found.threshold, found.accepted, found.checks, found.bound) == (0.3, 75, 0, 0.25)
        assert rule(audit, 0.1, DELTA).threshold == 0.2


def test_only_the_checks_in_turn_count_at_every_look():
    """A check that was drawn beyond the common order, for one group alone, is left out."""
    rng = np.random.default_rng(1)
    audit, _ = simulated(rng, 500, 60)
    extra = int(np.argmax(audit.turn))
    answer = audit.answer.copy()
    answer[extra] = 1
    more = Audit(audit.uncertainty, answer, audit.probability, audit.turn)
    assert more.asked.sum() == 61 and len(more.in_turn) == 60
    assert (np.diff(more.turn[more.in_turn]) > 0).all()


def test_a_look_never_takes_a_certificate_back():
    """With more checks, the largest accepted share of the rule for every look only grows."""
    rng = np.random.default_rng(3)
    doubt = np.round(rng.beta(1, 4, 3000) / 2, 2)
    wrong = (rng.random(3000) < doubt).astype(int)
    turn = rng.random(3000)
    order = np.argsort(turn)
    accepted = [
        anytime(audit_of(doubt, wrong, order[:m], turn=turn), 0.08, DELTA).accepted for m in range(100, 501, 50)
    ]
    assert accepted == sorted(accepted) and accepted[-1] > accepted[0]


def test_the_number_of_further_checks_is_the_first_that_is_enough():
    """A crowd that is never wrong: with `further` more right answers there is a certificate, with one less none."""
    doubt, wrong = np.linspace(0, 0.5, 3000), np.zeros(3000, int)
    turn = np.random.default_rng(5).random(3000)
    order = np.argsort(turn)
    for rule in (once, anytime):
        missing = rule(audit_of(doubt, wrong, order[:10], turn=turn), 0.05, DELTA).further
        assert rule(audit_of(doubt, wrong, order[: 10 + missing - 1], turn=turn), 0.05, DELTA).threshold is None
        assert rule(audit_of(doubt, wrong, order[: 10 + missing], turn=turn), 0.05, DELTA).accepted == 3000


def test_a_crowd_that_is_always_wrong_gets_none_whatever_is_checked():
    found = once(audit_of(np.full(200, 0.1), np.ones(200, int), np.arange(40)), 0.05, DELTA)
    assert found.threshold is None and found.further is None


def test_released_labels_alone_keep_the_target_where_that_is_asked():
    """Of 1,000 sure labels none is wrong, of 1,000 others half: only the sure ones may go at 10% of the released."""
    doubt = np.repeat([0.1, 0.4], 1000)
    wrong = np.concatenate([np.zeros(1000, int), np.arange(1000) % 2])
    audit = audit_of(doubt, wrong, np.random.default_rng(0).permutation(2000)[:300])
    for rule in (once, anytime):
        found = rule(audit, 0.1, DELTA, released=True)
        assert found.accepted == 1000 and found.bound <= 0.1
    assert len(steps(audit, 0.1, released=True).threshold) == 2


def test_unequal_probabilities_are_weighted():
    """Doubtful labels drawn ten times as often: errors found among them must not count ten times."""
    rng = np.random.default_rng(8)
    doubt = np.repeat([0.05, 0.4], [9000, 1000])
    wrong = (rng.random(10_000) < np.where(doubt > 0.1, 0.3, 0.005)).astype(int)
    chance = np.where(doubt > 0.1, 0.5, 0.05)
    drawn = np.flatnonzero(rng.random(10_000) < chance)
    found = once(audit_of(doubt, wrong, drawn, probability=chance), 0.06, DELTA)
    assert wrong[drawn].mean() > 0.1 and found.accepted == 10_000 and wrong.mean() < found.bound <= 0.06


def test_the_whole_as_it_stands():
    """3 wrong of 100 among 1,000: the hypergeometric bound, and a wider one that holds at every look."""
    wrong = np.zeros(1000, int)
    wrong[[3, 33, 66]] = 1
    audit = audit_of(np.full(1000, 0.2), wrong, np.arange(100))
    exact, sequence = as_it_stands(audit, DELTA, "once"), as_it_stands(audit, DELTA, "anytime")
    most = round(exact.bound * 1000)
    assert stats.hypergeom.cdf(3, 1000, most, 100) > DELTA >= stats.hypergeom.cdf(3, 1000, most + 1, 100)
    assert exact.errors == sequence.errors == 3 and exact.bound < sequence.bound < 0.12


def test_more_checks_release_more():
    audit, _ = simulated(np.random.default_rng(2), 4000, 150)
    later = ahead(audit, 0.05, DELTA, [10, 50, 1000])
    assert anytime(audit, 0.05, DELTA).accepted <= later[0] <= later[1] < later[2] <= 4000


def test_no_labels_and_bad_targets():
    nothing = Audit(np.zeros(0), np.zeros(0, int), np.zeros(0), np.zeros(0))
    assert once(nothing, 0.05, DELTA).threshold is None and anytime(nothing, 0.05, DELTA).threshold is None
    with pytest.raises(ValueError, match="alpha"):
        once(nothing, 1.0, DELTA)


def test_the_order_of_the_tasks_does_not_matter():
    audit, _ = simulated(np.random.default_rng(4), 800, 120)
    mixed = np.random.default_rng(5).permutation(800)
    other = Audit(*(getattr(audit, name)[mixed] for name in ("uncertainty", "answer", "probability", "turn")))
    for rule in (once, anytime):
        assert rule(audit, 0.1, DELTA) == rule(other, 0.1, DELTA)


@pytest.mark.slow
@pytest.mark.parametrize("released", [False, True])
def test_certificates_are_true_as_often_as_they_say(released):
    """300 runs at delta .1 with the true error close to the target at many thresholds."""
    rng = np.random.default_rng(11)
    broken = {once: 0, anytime: 0}
    for _ in range(300):
        audit, wrong = simulated(rng, 1500, 150)
        for rule in broken:
            found = rule(audit, 0.08, 0.1, released=released)
            broken[rule] += error_of(found, audit, wrong, released=released) > 0.08
    assert all(count / 300 <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / 300) for count in broken.values()), broken
