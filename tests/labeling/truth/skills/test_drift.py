import numpy as np
import pytest

from labeling.truth.skills.drift import ages, discounts, last_change


def answers(*parts: tuple[int, float], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate([(rng.random(n) < right).astype(float) for n, right in parts])


def test_the_age_of_an_answer_is_the_number_of_later_ones():
    np.testing.assert_array_equal(ages(np.array([0, 1, 0, 0, 1])), [2, 1, 1, 0, 0])


def test_after_the_half_life_an_answer_counts_half():
    weight = discounts(np.zeros(501, np.int32))
    assert weight[-1] == 1
    assert weight[0] == pytest.approx(0.5)


def test_somebody_who_becomes_careless_raises_an_alarm_soon():
    right = answers((300, 0.95), (100, 0.6))
    change = last_change(right, right, 0.9, 2)
    assert change is not None
    assert 280 <= change.since <= 320
    assert change.at < 350
    assert change.before > 0.9 > 0.75 > change.after


def test_somebody_who_learns_raises_one_too():
    right = answers((200, 0.6), (200, 0.95))
    change = last_change(right, right, 0.6, 2)
    assert change is not None
    assert change.before < 0.7 < 0.85 < change.after


def test_somebody_who_stays_as_they_are_raises_an_alarm_less_than_once_in_ten_times_200_answers():
    alarms = [last_change(right, right, 0.9, 2) for seed in range(100) for right in [answers((200, 0.85), seed=seed)]]
    assert sum(alarm is not None for alarm in alarms) <= 10


def test_answers_that_cannot_be_judged_raise_none():
    unknown = np.full(500, 0.5)
    assert last_change(np.full(500, 0.9), unknown, 0.9, 2) is None


def test_no_answers_no_alarm():
    assert last_change(np.zeros(0), np.zeros(0), 0.9, 2) is None
