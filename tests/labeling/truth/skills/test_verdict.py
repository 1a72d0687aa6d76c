import numpy as np

from labeling.truth.bayes import combine
from labeling.truth.skills.dependence import IN_DISPUTE, Dependence, fit, share
from labeling.truth.skills.verdict import Dispute, Opinion, Outcome, Verdict, verdict


def coin(right: float) -> np.ndarray:
    return np.array([[right, 1 - right], [1 - right, right]])


def settled(
    crowd: float, *said: tuple[int, float], proven: bool = True, accept: float = 0.8, in_dispute: float = 0.0
) -> Verdict:
    before = np.array([crowd, 1 - crowd])
    after = combine(before, [label for label, _ in said], [coin(right) for _, right in said])
    return verdict(before, after, [Opinion(label, proven) for label, _ in said], accept, in_dispute)


def test_one_answer_that_nothing_speaks_against_settles():
    assert settled(0.6, (1, 0.9)) == Verdict(Outcome.AGREED, Dispute.NONE, 1)


def test_two_who_differ_are_settled_where_their_skills_make_a_label_sure():
    assert settled(0.5, (0, 0.95), (1, 0.6)) == Verdict(Outcome.BY_SKILL, Dispute.PEOPLE, 0)


def test_two_who_differ_and_are_equally_good_are_an_experts_case():
    assert settled(0.5, (0, 0.8), (1, 0.8)).outcome is Outcome.EXPERT


def test_the_answer_of_somebody_always_wrong_confirms_the_other():
    assert settled(0.5, (0, 0.8), (1, 0.2)) == Verdict(Outcome.BY_SKILL, Dispute.PEOPLE, 0)


def test_skill_that_is_not_proven_settles_nothing_that_is_disputed():
    assert settled(0.5, (0, 0.95), (1, 0.6), proven=False).outcome is Outcome.EXPERT


def test_a_sure_crowd_is_contradicted_by_somebody_unproven_before_an_expert():
    assert settled(0.9, (1, 0.9), proven=False) == Verdict(Outcome.EXPERT, Dispute.CROWD, 0)


def test_a_sure_crowd_yields_to_somebody_proven():
    assert settled(0.85, (1, 0.99)) == Verdict(Outcome.BY_SKILL, Dispute.CROWD, 1)


def test_people_who_agree_but_are_mostly_wrong_do_not_settle_their_label():
    assert settled(0.45, (0, 0.1), (0, 0.2)) == Verdict(Outcome.BY_SKILL, Dispute.RECORD, 1)
    assert settled(0.5, (0, 0.4)) == Verdict(Outcome.EXPERT, Dispute.RECORD, 1)


def test_no_label_is_settled_that_neither_the_crowd_nor_anybody_chose():
    assert settled(0.55, (0, 0.05)) == Verdict(Outcome.EXPERT, Dispute.RECORD, 1)


def test_people_who_err_together_settle_less():
    assert settled(0.5, (0, 0.9), (1, 0.6), in_dispute=0.0).outcome is Outcome.BY_SKILL
    assert settled(0.5, (0, 0.9), (1, 0.6), in_dispute=0.8).outcome is Outcome.EXPERT


def test_several_answers_count_as_in_a_sample_of_clusters():
    np.testing.assert_allclose(share(np.array([0, 1, 2, 5]), 0.5), [1, 1, 1 / 1.5, 1 / 3])


def test_dependence_is_what_was_assumed_until_labels_are_known():
    nothing = np.zeros(0, np.int32)
    found = fit(np.zeros((0, 2)), nothing, np.zeros(0, bool), nothing, np.zeros(0))
    assert found == Dependence()
    assert found.in_dispute == IN_DISPUTE


def test_dependence_is_learnt_from_known_tasks():
    scores = np.tile([2.0, -2.0], (400, 1))
    count, truth = np.full(400, 2), np.zeros(400, np.int32)
    truth[:7] = 1
    independent = fit(scores, count, np.ones(400, bool), truth, np.ones(400))
    truth[:100] = 1
    dependent = fit(scores, count, np.ones(400, bool), truth, np.ones(400))
    assert independent.in_dispute <= 0.15 < 0.8 <= dependent.in_dispute
