"""Beliefs before and after an answer fit together: the correction by how often which answer is given."""

import numpy as np
import pytest

from labeling.routing import coherence, fusion
from labeling.routing.answer_law import AnswerLaw
from labeling.routing.fusion import Fusion, Heard
from labeling.routing.value import Relabeler, learn

MATRIX = np.array([[0.83, 0.17, 0.0], [0.15, 0.85, 0.0]])
RARELY = np.array([[0.845, 0.155]]), np.array([[0.881, 0.119, 0.0]])
"""A belief and the frequencies of the answers; one against the crowd is rarer than the matrix implies (.28)."""


def after(belief, chance, matrix):
    """P(k | T, a), (n, K, S)."""
    scores = np.log(belief) + coherence.correction(belief, chance, matrix)
    joint = np.exp(scores)[:, :, None] * np.maximum(matrix, 1e-12)
    return joint / joint.sum(axis=1, keepdims=True)


def led_astray(n, rng):
    """Beliefs, truths and answers of a model that goes along with the crowd, whatever is true."""
    belief = rng.dirichlet(np.ones(2), n)
    truth = (rng.random(n) < belief[:, 1]).astype(np.int32)
    chance = MATRIX[truth, :2] * belief
    answer = (rng.random(n) < chance[:, 1] / chance.sum(axis=1)).astype(np.int32)
    return belief, answer, truth


def test_answers_as_frequent_as_belief_and_matrix_imply_need_no_correction():
    belief = np.random.default_rng(0).dirichlet(np.ones(2), 20)
    assert coherence.correction(belief, belief @ MATRIX, MATRIX) == pytest.approx(np.zeros((20, 2)), abs=1e-3)


def test_a_rare_answer_against_the_crowd_is_believed_as_the_joint_law_says():
    belief, chance = RARELY
    # of a 2 x 2 table the margins and the odds ratio give a quadratic equation
    odds = MATRIX[0, 0] * MATRIX[1, 1] / (MATRIX[0, 1] * MATRIX[1, 0])
    both = np.roots([odds - 1, -((0.155 + 0.119) * (odds - 1) + 1), odds * 0.155 * 0.119]).min()
    found = after(belief, chance, MATRIX)[0]
    assert found[1, 1] == pytest.approx(both / 0.119, abs=0.005)
    assert found[1, 1] > 0.68 > 0.52 > 0.155 * 0.85 / (0.155 * 0.85 + 0.845 * 0.17)


def test_the_mean_belief_after_all_answers_is_the_belief_before_them():
    rng = np.random.default_rng(1)
    belief, matrix = rng.dirichlet(np.ones(4), 50), rng.dirichlet(np.ones(5), 4) + np.eye(4, 5)
    matrix /= matrix.sum(axis=1, keepdims=True)
    chance = 0.5 * belief @ matrix + 0.5 * np.column_stack([belief, np.zeros(50)])
    mean = np.einsum("ns,nks->nk", chance, after(belief, chance, matrix))
    assert mean == pytest.approx(belief, abs=0.01)


def test_the_order_of_the_labels_does_not_matter():
    belief, chance = RARELY
    turned = coherence.correction(belief[:, ::-1], chance[:, [1, 0, 2]], MATRIX[::-1][:, [1, 0, 2]])
    assert turned[:, ::-1] == pytest.approx(coherence.correction(belief, chance, MATRIX))


def test_a_certain_belief_and_an_answer_that_never_comes_give_finite_corrections():
    found = coherence.correction(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]]), np.eye(2, 3))
    assert np.isfinite(found).all()


def test_a_fusion_without_a_law_corrects_nothing():
    crowd = np.log(RARELY[0])
    assert not Fusion(MATRIX, gamma=1.0).correction(crowd).any()
    assert not Fusion(MATRIX, law=AnswerLaw(MATRIX, leans=1.0)).correction(crowd).any()


def test_beliefs_are_better_where_a_model_is_led_astray_with_the_crowd():
    rng, loss = np.random.default_rng(2), []
    belief, answer, truth = led_astray(6_000, rng)
    known = np.where(np.arange(6_000) < 100, truth, -1)
    learnt, _ = learn(Relabeler("p", 1), belief, answer, known)
    for fused in (learnt, fusion.fit(belief[:100], answer[:100], truth[:100])):
        told = Heard.crowd_alone(belief[100:]).after(fused, answer[100:]).belief()
        loss.append(-np.log(told[np.arange(5_900), truth[100:]]).mean())
    assert loss[0] < loss[1] - 0.002
