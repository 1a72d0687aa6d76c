import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.truth import bayes, belief

WEATHER = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1]])
chance = st.floats(0.001, 0.999)


def test_entropy_is_in_bits_and_zero_where_certain():
    rows = np.array([[0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25], [1, 0, 0, 0]])
    np.testing.assert_allclose(belief.entropy(rows), [1, 2, 0])


def test_margin_is_the_lead_of_the_best_label():
    np.testing.assert_allclose(belief.margin(np.array([[0.6, 0.3, 0.1], [0.4, 0.4, 0.2]])), [0.3, 0])
    np.testing.assert_allclose(belief.margin(np.ones((2, 1))), [1, 1])


def test_clipping_leaves_no_zero_and_keeps_the_sum():
    rows = belief.clipped(np.array([[1.0, 0, 0], [0, 0, 0]]))
    assert (rows > 0).all()
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    np.testing.assert_allclose(rows[1], 1 / 3)


def test_logits_of_any_size_are_normalised():
    np.testing.assert_allclose(belief.from_logits(np.array([-1e9, -1e9 - np.log(3)])), [0.75, 0.25])
    np.testing.assert_allclose(belief.from_logits(np.array([[1e5, 0.0]])), [[1, 1e-12]], atol=1e-11)


def test_one_answer_is_bayes_rule():
    np.testing.assert_allclose(bayes.update(np.array([0.3, 0.7]), 0, WEATHER), np.array([0.27, 0.14]) / 0.41)


def test_an_abstention_is_an_answer():
    assert bayes.update(np.array([0.5, 0.5]), 2, WEATHER)[1] > 0.999


def test_many_tasks_at_once_are_the_tasks_one_by_one():
    rows = np.array([[0.3, 0.7], [0.8, 0.2]])
    answers = np.array([1, 0])
    each = [bayes.update(row, int(answer), WEATHER) for row, answer in zip(rows, answers, strict=True)]
    np.testing.assert_allclose(bayes.update(rows, answers, WEATHER), each)
    np.testing.assert_allclose(bayes.update(rows, answers, np.stack([WEATHER, WEATHER])), each)


@given(p=chance, right=chance)
def test_the_mean_of_the_possible_posteriors_is_the_prior(p: float, right: float):
    prior, confusion = np.array([p, 1 - p]), np.array([[right, 1 - right], [1 - right, right]])
    law = bayes.answer_law(prior, confusion)
    mean = sum(law[a] * bayes.update(prior, a, confusion) for a in range(2))
    np.testing.assert_allclose(mean, prior, atol=1e-9)
    assert law.sum() == pytest.approx(1)


@given(p=chance)
def test_two_answers_are_one_after_the_other(p: float):
    prior = np.array([p, 1 - p])
    step_by_step = bayes.update(bayes.update(prior, 0, WEATHER), 1, WEATHER)
    np.testing.assert_allclose(bayes.combine(prior, [0, 1], [WEATHER, WEATHER]), step_by_step, atol=1e-9)


def test_a_tempered_answer_moves_the_belief_less():
    prior = np.array([0.5, 0.5])
    full, half, none = (bayes.update(prior, 0, WEATHER, temper)[0] for temper in (1, 0.5, 0))
    assert none == pytest.approx(0.5)
    assert 0.5 < half < full
    mixed = bayes.combine(prior, [0, 0], [WEATHER, WEATHER], [0.5, 0.5])
    assert mixed[0] == pytest.approx(full)


def test_answers_and_matrices_must_pair_up():
    with pytest.raises(ValueError, match="zip"):
        bayes.combine(np.array([0.5, 0.5]), [0, 1], [WEATHER])


def test_an_answer_is_worth_most_where_it_may_change_the_label():
    coin = np.array([[0.8, 0.2], [0.2, 0.8]])
    np.testing.assert_allclose(
        bayes.gain(np.array([[0.5, 0.5], [0.7, 0.3], [0.9, 0.1]]), coin), [0.3, 0.1, 0.0], atol=1e-12
    )


def test_an_answer_of_somebody_mostly_wrong_is_worth_as_much_as_its_opposite():
    coin = np.array([[0.2, 0.8], [0.8, 0.2]])
    assert bayes.gain(np.array([0.5, 0.5]), coin) == pytest.approx(0.3)
