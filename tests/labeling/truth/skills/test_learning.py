import numpy as np
import pytest

from labeling.truth import ibcc
from labeling.truth.bayes import combine
from labeling.truth.skills.hierarchy import Group
from labeling.truth.skills.learning import Skills, learn
from labeling.truth.votes import Floats, Ints, Votes
from tests.labeling.truth.crowds import accuracy, human_crowd, renumbered, votes_of

PEOPLE = [Group(0.9, 10.0)]
SKILL = np.array([0.95, 0.8, 0.6, 0.2])


def torn(n: int, n_labels: int, right: float, truth: Ints, seed: int = 100) -> Floats:
    """A calibrated crowd: the label it believes most, with chance `right`, is the true one."""
    rng = np.random.default_rng(seed)
    top = np.where(rng.random(n) < right, truth, (truth + rng.integers(1, n_labels, n)) % n_labels)
    rows = np.full((n, n_labels), (1 - right) / (n_labels - 1))
    rows[np.arange(n), top] = right
    return rows


def at_work(n: int, skill: Floats, n_labels: int = 2, seed: int = 0, per_task: int = 2) -> tuple[Votes, Ints]:
    """So many of the people, drawn at random, answer each task."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_labels, n).astype(np.int32)
    who = rng.permuted(np.tile(np.arange(len(skill)), (n, 1)), axis=1)[:, :per_task].ravel()
    task = np.repeat(np.arange(n), per_task)
    wrong = (truth[task] + rng.integers(1, n_labels, len(task))) % n_labels
    label = np.where(rng.random(len(task)) < skill[who], truth[task], wrong)
    arrays = (part.astype(np.int32) for part in (task, who, label))
    return Votes(*arrays, n, len(skill), n_labels), truth


def learnt(votes: Votes, belief: Floats, **more: object) -> Skills:
    return learn(belief, votes, np.zeros(votes.n_annotators, np.int32), PEOPLE, **more)  # type: ignore[arg-type]


def test_everybody_has_an_own_skill_although_no_label_is_known():
    votes, truth = at_work(1200, SKILL)
    found = learnt(votes, torn(1200, 2, 0.7, truth))
    np.testing.assert_allclose(found.accuracy, SKILL, atol=0.05)
    assert ((found.low <= SKILL) & (found.high >= SKILL)).all()


def test_an_answer_of_somebody_who_is_mostly_wrong_speaks_for_the_other_label():
    votes, truth = at_work(1200, SKILL)
    matrix = learnt(votes, torn(1200, 2, 0.7, truth)).confusion[3]
    assert matrix[0, 0] < 0.3 < 0.7 < matrix[0, 1]
    assert matrix[1, 1] < 0.3 < 0.7 < matrix[1, 0]


def test_a_person_overruled_on_each_of_120_tasks_loses_all_trust():
    said = votes_of([[0, 1] * 60], 2)
    known = 1 - said.label
    found = learnt(said, np.full((120, 2), 0.5), known=known)
    assert found.accuracy[0] < 0.05
    assert found.high[0] < 0.1
    assert found.confusion[0, 0, 1] > 0.9


def test_labels_are_better_than_with_one_matrix_for_all():
    votes, truth = at_work(1200, SKILL)
    belief = torn(1200, 2, 0.7, truth)
    found = learnt(votes, belief)
    nine_of_ten = np.array([[0.9, 0.1], [0.1, 0.9]])
    alike = combine(belief, list(votes.label.reshape(-1, 2).T), [nine_of_ten] * 2)
    assert accuracy(found.belief, truth) > accuracy(alike, truth) + 0.03


def test_where_nobody_answered_the_crowd_has_the_last_word():
    belief = np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    found = learnt(votes_of([[None, 1, None]], 2), belief)
    np.testing.assert_allclose(found.belief[[0, 2]], belief[[0, 2]])


def test_without_any_answer_everybody_is_what_is_expected_of_the_group():
    nobody = Votes(*(np.zeros(0, np.int32) for _ in range(3)), 5, 2, 3)
    belief = np.full((5, 3), 1 / 3)
    found = learnt(nobody, belief)
    np.testing.assert_allclose(found.belief, belief)
    np.testing.assert_allclose(found.accuracy, 0.9, atol=0.03)
    np.testing.assert_array_equal(found.evidence, 0)
    assert found.low[0] < 0.6 < 0.95 < found.high[0]


def test_a_new_member_starts_as_good_as_its_group_has_shown_to_be():
    votes, truth = at_work(300, np.array([0.62, 0.6, 0.64, 0.58, 0.6]), per_task=5)
    more = Votes(votes.task, votes.annotator, votes.label, 300, 6, 2)
    found = learnt(more, np.full((300, 2), 0.5), known=truth)
    assert found.accuracy[5] == pytest.approx(0.61, abs=0.05)


def test_groups_are_kept_apart():
    votes, truth = at_work(400, np.array([0.97, 0.97, 0.6, 0.6]), per_task=4)
    more = Votes(votes.task, votes.annotator, votes.label, 400, 6, 2)
    groups = [Group(0.97, 20.0), Group(0.9, 10.0)]
    found = learn(np.full((400, 2), 0.5), more, np.array([0, 0, 1, 1, 0, 1], np.int32), groups, known=truth)
    assert found.accuracy[4] > 0.93
    assert found.accuracy[5] < 0.7


def test_known_tasks_are_worth_one_answer_each_and_torn_ones_less():
    skill = np.array([0.8, 0.8])
    votes, truth = at_work(200, skill, per_task=1)
    nobody = np.full((200, 2), 0.5)
    all_known = learnt(votes, nobody, known=truth, half_life=np.inf)
    np.testing.assert_allclose(all_known.evidence, all_known.given, rtol=1e-4)
    unsure = learnt(votes, torn(200, 2, 0.7, truth), half_life=np.inf)
    assert (unsure.evidence < 0.5 * unsure.given).all()


def test_an_uncertain_known_label_counts_less():
    votes = votes_of([[0] * 30], 2)
    known, nobody = np.ones(30, np.int32), np.full((30, 2), 0.5)
    sure = learnt(votes, nobody, known=known).accuracy[0]
    half = learnt(votes, nobody, known=known, certainty=np.full(30, 0.6)).accuracy[0]
    assert sure < half < 0.9


def test_old_answers_count_less():
    votes, known = votes_of([[0] * 2000], 1 + 1), np.zeros(2000, np.int32)
    known[:1000] = 1
    found = learnt(votes, np.full((2000, 2), 0.5), known=known)
    assert found.accuracy[0] > 0.75
    assert found.evidence[0] < 750


def test_abstentions_are_no_errors():
    votes = votes_of([[0, 1] * 20 + [2] * 20], 2)
    found = learnt(votes, np.full((60, 2), 0.5), known=np.array([0, 1] * 20 + [0] * 20, np.int32))
    assert found.accuracy[0] > 0.9
    assert found.given[0] == 40
    assert found.confusion[0, 0, 2] > found.confusion[0, 1, 2] > 0


def test_a_crowd_that_promises_too_much_is_believed_less():
    votes, truth = at_work(1500, np.array([0.9, 0.85, 0.9]))
    loud = torn(1500, 2, 0.65, truth) ** 4
    found = learnt(votes, loud / loud.sum(axis=1, keepdims=True))
    assert found.crowd.weight < 0.6


def test_answers_to_one_task_that_err_together_make_a_label_less_sure():
    rng = np.random.default_rng(0)
    truth, hard = rng.integers(0, 2, 800), rng.random(800) < 0.3
    astray = rng.random((6, 800)) < np.where(hard, 0.5, 0.05)
    known = np.where(rng.random(800) < 0.4, truth, -1).astype(np.int32)
    found = learnt(votes_of(np.where(astray, 1 - truth, truth).tolist(), 2), np.full((800, 2), 0.5), known=known)
    assert found.dependence.usual >= 0.2
    unknown = known < 0
    sure = unknown & (found.belief.max(axis=1) > 0.97)
    assert (found.belief.argmax(axis=1) == truth)[sure].mean() > 0.96


def test_a_later_weighing_goes_on_where_the_last_one_ended():
    votes, truth = at_work(1500, SKILL)
    belief = torn(1500, 2, 0.7, truth)
    cold = learnt(votes, belief)
    warm = learnt(votes, belief, start=cold.start())
    assert warm.iterations <= 2 < cold.iterations
    np.testing.assert_allclose(warm.belief, cold.belief, atol=5e-3)


def test_the_order_of_tasks_and_the_names_of_labels_change_nothing():
    votes, truth = at_work(300, np.array([0.9, 0.8, 0.7]), n_labels=3)
    belief = torn(300, 3, 0.6, truth)
    rng = np.random.default_rng(3)
    tasks, labels = rng.permutation(300), np.array([2, 0, 1])
    moved = np.empty_like(belief)
    moved[tasks[:, None], labels[None, :]] = belief
    one = learnt(votes, belief, half_life=np.inf)
    other = learnt(renumbered(votes, tasks, np.arange(3), labels), moved, half_life=np.inf)
    np.testing.assert_allclose(other.belief[tasks[:, None], labels[None, :]], one.belief, atol=1e-6)
    np.testing.assert_allclose(other.accuracy, one.accuracy, atol=1e-6)


def test_one_label_is_always_right():
    found = learnt(votes_of([[0, 0, 0]], 1), np.ones((3, 1)))
    np.testing.assert_allclose(found.belief, 1)
    assert found.accuracy[0] > 0.9


@pytest.mark.parametrize("name", ["bluebird", "snow2008_rte", "dog"])
def test_on_recorded_people_labels_are_as_good_as_the_best_methods(name):
    votes, gold = human_crowd(name)
    nobody = np.full((votes.n_tasks, votes.n_labels), 1 / votes.n_labels)
    found = learn(nobody, votes, np.zeros(votes.n_annotators, np.int32), [Group(0.75, 2.0)])
    assert accuracy(found.belief, gold) >= accuracy(ibcc.infer(votes).belief, gold) - 0.005


def test_arrays_that_do_not_fit_are_refused():
    votes = votes_of([[0, 1]], 2)
    with pytest.raises(ValueError, match=r"`belief` has shape \(1, 2\)"):
        learnt(votes, np.ones((1, 2)))
    with pytest.raises(ValueError, match="`group_of` has shape"):
        learn(np.ones((2, 2)), votes, np.zeros(3, np.int32), PEOPLE)
    with pytest.raises(ValueError, match="names a group"):
        learn(np.ones((2, 2)), votes, np.ones(1, np.int32), PEOPLE)
