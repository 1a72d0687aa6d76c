import numpy as np
import pytest

from labeling.truth import confusion
from tests.labeling.truth.crowds import simulate, votes_of


def test_counts_are_by_truth_and_answer_with_abstentions_last():
    votes = votes_of([[0, 1, 2, 0], [0, 0, 0, None]], 2)
    counts = confusion.count_known(votes, np.array([0, 1, 1, -1], dtype=np.int32))
    np.testing.assert_array_equal(counts[0], [[1, 0, 0], [0, 1, 1]])
    np.testing.assert_array_equal(counts[1], [[1, 0, 0], [2, 0, 0]])


def test_beliefs_are_counted_by_their_share():
    counts = confusion.count(votes_of([[0], [1]], 2), np.array([[0.7, 0.3]]))
    np.testing.assert_allclose(counts[:, :, :2], [[[0.7, 0], [0.3, 0]], [[0, 0.7], [0, 0.3]]])


def test_shrinkage_adds_pseudo_votes_of_a_one_coin_annotator():
    # 3 right of 4: accuracy (3 + 1.5) / (4 + 2) = .75; four pseudo-votes a row
    counts = np.array([[2.0, 0, 0], [1, 1, 0]])
    expected = [[(2 + 3) / 6, 1 / 6, 0], [(1 + 1) / 6, (1 + 3) / 6, 0]]
    np.testing.assert_allclose(confusion.shrunken(counts, 4), expected)


def test_nobody_known_is_taken_to_be_right_three_times_in_four():
    np.testing.assert_allclose(confusion.shrunken(np.zeros((3, 4)))[:, :3].diagonal(), 0.75)


def test_abstentions_keep_their_rate_where_a_class_has_no_votes():
    counts = np.array([[6.0, 0, 2], [0, 0, 0]])
    assert confusion.shrunken(counts, 4)[1, 2] == pytest.approx(0.25)


def test_intervals_cover_the_true_cell_as_often_as_they_say():
    covered = []
    for seed in range(40):
        votes, truth = simulate(120, 4, 3, seed=seed)
        found = confusion.estimate(votes, np.eye(3)[truth])
        cell = found.low[:, 0, 0], found.high[:, 0, 0]
        covered.append((cell[0] <= np.linspace(0.55, 0.9, 4)) & (np.linspace(0.55, 0.9, 4) <= cell[1]))
        assert (found.low <= found.mean).all()
        assert (found.mean <= found.high).all()
    assert 0.9 <= np.mean(covered) <= 1.0


def test_accuracy_has_the_wilson_interval():
    votes = votes_of([[0] * 8 + [1] * 12], 2)
    found = confusion.estimate(votes, np.eye(2)[np.zeros(20, int)])
    assert found.accuracy[0] == pytest.approx(0.4)
    assert found.accuracy_low[0] == pytest.approx(0.218806532, abs=1e-9)
    assert found.accuracy_high[0] == pytest.approx(0.613418499, abs=1e-9)


def test_an_annotator_without_known_tasks_has_no_accuracy():
    found = confusion.estimate(votes_of([[0, None], [None, 1]], 2), np.array([[1.0, 0], [0, 0]]))
    assert np.isnan(found.accuracy[1])
    assert np.isnan(found.accuracy_low[1])
    assert np.isfinite(found.mean).all()


def test_a_belief_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"`belief` has shape \(1, 2\)"):
        confusion.count(votes_of([[0, 1]], 2), np.zeros((1, 2)))
