import numpy as np

from labeling.truth import crh, majority_vote, wawa, zero_based_skill
from tests.labeling.truth.crowds import votes_of


def test_shares_are_smoothed_by_half_a_vote_a_label():
    belief = majority_vote.infer(votes_of([[0, 1], [0, 0], [1, 0]], 2)).belief
    np.testing.assert_allclose(belief, [[2.5 / 4, 1.5 / 4], [2.5 / 4, 1.5 / 4]])


def test_without_smoothing_shares_are_plain():
    belief = majority_vote.infer(votes_of([[0, 1], [0, 1], [1, 1]], 2), smoothing=0).belief
    np.testing.assert_allclose(belief, [[2 / 3, 1 / 3], [0, 1]])


def test_a_tie_is_flagged_and_shared_equally():
    result = majority_vote.infer(votes_of([[0, 1], [1, 1]], 2))
    np.testing.assert_array_equal(result.ties(), [True, False])
    np.testing.assert_array_equal(result.belief[0], [0.5, 0.5])


def test_wawa_weighs_annotators_by_their_agreement_with_the_majority():
    # majority 0 0 0 1; the three agree with it on 4, 3 and 2 of 4 tasks
    result = wawa.infer(votes_of([[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, 1], [None, None, None, 1]], 2))
    np.testing.assert_allclose(result.skill, [1, 3 / 4, 3 / 4, 1])
    np.testing.assert_allclose(result.belief[2], [1.75 / 2.5, 0.75 / 2.5])


def test_an_annotator_agrees_in_part_with_a_tied_majority():
    result = wawa.infer(votes_of([[0, 0], [1, 0]], 2))
    np.testing.assert_allclose(result.skill, [3 / 4, 3 / 4])


def test_zero_based_skill_ends_at_agreement_with_its_own_vote():
    votes = votes_of([[0, 1, 0, 1, 0], [0, 1, 0, 1, 1], [1, 0, 0, 1, 0], [0, 1, 0, 0, 0]], 2)
    result = zero_based_skill.infer(votes)
    labels = result.labels()
    agreement = [np.mean(votes.label[votes.annotator == j] == labels) for j in range(4)]
    assert result.converged
    np.testing.assert_allclose(result.skill, agreement, atol=1e-5)


def test_crh_judges_rates_and_not_counts():
    # annotator 3 answers two tasks, both wrong; counts would call that as good as one with two slips in ten
    truth = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    slips = [1, 0, *truth[2:]]
    result = crh.infer(votes_of([truth, slips, truth, [1, 0, *[None] * 8]], 2))
    assert result.skill[3] < result.skill[1] < result.skill[0]
