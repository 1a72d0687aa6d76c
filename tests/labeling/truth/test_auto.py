"""The default aggregator, with known labels and without."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.truth import annotator_weights, auto, correlation, majority_vote, opinions
from labeling.truth.calibration import expected_calibration_error
from labeling.truth.known_slice import known_slice
from labeling.truth.label_votes import label_votes
from labeling.truth.vote_matrix import prepare
from labeling.truth.votes import Floats, Ints, Votes
from tests.labeling.truth.crowds import accuracy, renumbered, simulate, votes_of

EMPTY = np.zeros(0, dtype=np.int32)


def slice_of(truth: Ints, size: int, seed: int = 0) -> Ints:
    """Known labels of `size` random tasks, -1 elsewhere."""
    known = np.full(len(truth), -1, dtype=np.int32)
    drawn = np.random.default_rng(seed).choice(len(truth), size, replace=False)
    known[drawn] = truth[drawn]
    return known


def outside(belief: Floats, truth: Ints, known: Ints) -> float:
    return accuracy(belief, np.where(known < 0, truth, -1).astype(np.int32))


def of_table(labels: np.ndarray, n_labels: int) -> Votes:
    """Votes of everybody on everything, from labels by task and annotator."""
    task, annotator = (part.ravel().astype(np.int32) for part in np.indices(labels.shape))
    return Votes(task, annotator, labels.ravel().astype(np.int32), *labels.shape, n_labels)


def spoken(belief: Floats) -> Votes:
    """Fractional votes from probabilities by task, annotator and label."""
    n_tasks, n_annotators, n_labels = belief.shape
    task, annotator, label = (part.ravel().astype(np.int32) for part in np.indices(belief.shape))
    return Votes(task, annotator, label, n_tasks, n_annotators, n_labels, belief.ravel().astype(np.float32))


@pytest.mark.parametrize("labelled", [False, True], ids=["nothing known", "half known"])
@pytest.mark.parametrize(
    "votes",
    [
        pytest.param(votes_of([[0, 1, 1, 0, 0] * 10], 2), id="one annotator"),
        pytest.param(votes_of([[1], [1], [0]], 3), id="one task"),
        pytest.param(votes_of([[1] * 50, [1] * 50], 3), id="all agree on one label"),
        pytest.param(votes_of([[0, 1] * 25] * 3, 2), id="all agree"),
        pytest.param(Votes(EMPTY, EMPTY, EMPTY, 50, 3, 2), id="no votes"),
        pytest.param(Votes(EMPTY, EMPTY, EMPTY, 0, 0, 2), id="nothing at all"),
        pytest.param(votes_of([[2] * 50, [2] * 50], 2), id="only abstentions"),
        pytest.param(votes_of([[0] * 50, [0] * 50], 1), id="one label"),
        pytest.param(simulate(50, 300, 2)[0], id="300 votes a task"),
        pytest.param(simulate(44, 3, 100)[0], id="100 labels"),
    ],
)
@pytest.mark.slow
def test_extremes_give_sound_beliefs(votes: Votes, labelled: bool) -> None:
    known = np.full(votes.n_tasks, -1, dtype=np.int32)
    if labelled:
        known[::2] = np.arange(len(known[::2])) % votes.n_labels
    result = auto.infer(votes, known=known)
    assert result.belief.shape == (votes.n_tasks, votes.n_labels)
    assert np.isfinite(result.belief).all()
    np.testing.assert_allclose(result.belief.sum(axis=1), 1, atol=1e-9)


@pytest.mark.parametrize("size", [0, 40])
def test_renumbering_tasks_annotators_and_labels_renumbers_the_answer(size: int) -> None:
    votes, truth = simulate(80, 6, 3, seed=11, coverage=0.9, accuracy=(0.4, 0.8))
    known = slice_of(truth, size)
    generator = np.random.default_rng(12)
    tasks, annotators, labels = (generator.permutation(n) for n in (80, 6, 3))
    moved_known = np.full(80, -1, dtype=np.int32)
    moved_known[tasks] = np.where(known < 0, -1, labels[known])
    plain = auto.infer(votes, known=known)
    moved = auto.infer(renumbered(votes, tasks, annotators, labels), known=moved_known)
    np.testing.assert_allclose(moved.belief[np.ix_(tasks, labels)], plain.belief, atol=2e-3)


@pytest.mark.parametrize("size", [0, 40])
def test_an_annotator_that_always_abstains_changes_nothing(size: int) -> None:
    votes, truth = simulate(80, 5, 3, seed=13, coverage=0.7)
    silent = np.arange(80, dtype=np.int32)
    more = Votes(
        np.concatenate([votes.task, silent]),
        np.concatenate([votes.annotator, np.full(80, 5, np.int32)]),
        np.concatenate([votes.label, np.full(80, 3, np.int32)]),
        80,
        6,
        3,
    )
    known = slice_of(truth, size)
    plain, heard = auto.infer(votes, known=known), auto.infer(more, known=known)
    np.testing.assert_allclose(heard.belief, plain.belief, atol=1e-6)


def test_known_labels_hold() -> None:
    votes, truth = simulate(100, 5, 3, seed=14)
    known = slice_of(truth, 40)
    belief = auto.infer(votes, known=known).belief
    np.testing.assert_array_equal(belief[known >= 0], np.eye(3)[known[known >= 0]])


def test_a_crowd_that_errs_together_is_outvoted_and_its_beliefs_mean_what_they_say() -> None:
    # six copies of one annotator at .6, three annotators of their own at .75
    generator = np.random.default_rng(15)
    truth = generator.integers(0, 2, 1000).astype(np.int32)
    copied = np.where(generator.random(1000) < 0.6, truth, 1 - truth)
    own = [np.where(generator.random(1000) < 0.75, truth, 1 - truth) for _ in range(3)]
    votes, known = of_table(np.stack([copied] * 6 + own, axis=1), 2), slice_of(truth, 100)
    belief = auto.infer(votes, known=known).belief
    assert outside(belief, truth, known) > outside(majority_vote.infer(votes).belief, truth, known) + 0.1
    hidden = known < 0
    assert expected_calibration_error(belief[hidden], truth[hidden]) < 0.08


def test_guessing_annotators_keep_their_majority_vote_and_the_user_is_told() -> None:
    generator = np.random.default_rng(16)
    votes, truth = of_table(generator.integers(0, 3, (400, 8)), 3), generator.integers(0, 3, 400).astype(np.int32)
    known = slice_of(truth, 100)
    result = auto.infer(votes, known=known)
    shares = majority_vote.infer(votes).belief
    assert result.details["chosen"] == "majority_vote"
    assert result.details["message"].startswith("On the known labels this crowd does no better")
    clear = (known < 0) & (np.sort(shares, axis=1)[:, -1] > np.sort(shares, axis=1)[:, -2])
    assert (result.labels() == shares.argmax(axis=1))[clear].all()


def test_a_contrary_majority_does_not_replace_what_the_label_shares_tell() -> None:
    # nine tasks in ten have label 0, and the annotators, who know nothing, mostly say 1
    generator = np.random.default_rng(17)
    truth = (generator.random(400) < 0.1).astype(np.int32)
    votes, known = of_table((generator.random((400, 5)) < 0.7).astype(int), 2), slice_of(truth, 100)
    result = auto.infer(votes, known=known)
    assert outside(result.belief, truth, known) > 0.85
    assert "majority vote" not in result.details["message"]


def test_one_able_annotator_among_guessers_is_heard() -> None:
    generator = np.random.default_rng(18)
    truth = generator.integers(0, 4, 500).astype(np.int32)
    able = np.where(generator.random(500) < 0.9, truth, generator.integers(0, 4, 500))
    votes = of_table(np.column_stack([generator.integers(0, 4, (500, 6)), able]), 4)
    known = slice_of(truth, 100)
    assert outside(auto.infer(votes, known=known).belief, truth, known) > (able == truth)[known < 0].mean() - 0.01


def test_many_labels_and_few_known_tasks_do_not_fall_below_the_majority_vote() -> None:
    votes, truth = simulate(600, 10, 21, seed=19, accuracy=(0.2, 0.5))
    known = slice_of(truth, 100)
    plain = outside(majority_vote.infer(votes).belief, truth, known)
    assert outside(auto.infer(votes, known=known).belief, truth, known) > plain - 0.01


def test_probabilities_tell_more_than_the_labels_they_favour() -> None:
    # every annotator sees a noisy score and says how sure it is
    generator = np.random.default_rng(20)
    truth = generator.integers(0, 2, 800).astype(np.int32)
    score = (2 * truth[:, None] - 1) * 0.5 + generator.normal(0, 1, (800, 5))
    chance = 1 / (1 + np.exp(-score))
    votes, known = spoken(np.stack([1 - chance, chance], axis=2)), slice_of(truth, 100)
    result = auto.infer(votes, known=known)
    hard = auto.infer(of_table((chance > 0.5).astype(int), 2), known=known)
    assert result.details["weights"]["spoken"] > 0
    assert "spoken" not in hard.details["weights"]
    assert outside(result.belief, truth, known) > outside(hard.belief, truth, known) + 0.02


def test_a_few_people_and_many_models_are_better_together_than_apart() -> None:
    # two able people a task, of forty; five models that share half of their errors
    generator = np.random.default_rng(29)
    truth = generator.integers(0, 3, 600).astype(np.int32)
    trap = (truth + generator.integers(1, 3, 600)) % 3
    caught = generator.random(600) < 0.2
    models = np.where(generator.random((600, 5)) < 0.7, truth[:, None], generator.integers(0, 3, (600, 5)))
    models = np.where(caught[:, None] & (generator.random((600, 5)) < 0.8), trap[:, None], models)
    task = np.repeat(np.arange(600), 2)
    said = np.where(generator.random(1200) < 0.75, truth[task], generator.integers(0, 3, 1200))
    person = np.concatenate([generator.choice(40, 2, replace=False) for _ in range(600)])
    people = Votes(*(part.astype(np.int32) for part in (task, person, said)), 600, 40, 3)
    machines = of_table(models, 3)
    arrays = (np.concatenate(pair) for pair in zip(parts_of(people, 0), parts_of(machines, 40), strict=True))
    known = slice_of(truth, 100)
    apart = [outside(auto.infer(votes, known=known).belief, truth, known) for votes in (people, machines)]
    assert outside(auto.infer(Votes(*arrays, 600, 45, 3), known=known).belief, truth, known) > max(apart) + 0.02


def parts_of(votes: Votes, first: int) -> tuple[Ints, Ints, Ints]:
    """Task, annotator and label of each vote, the annotators numbered from `first`."""
    return votes.task, votes.annotator + np.int32(first), votes.label


@pytest.mark.slow
def test_texts_help_where_they_tell_something_and_cost_nothing_where_they_are_shuffled() -> None:
    votes, truth = simulate(600, 4, 2, seed=21, accuracy=(0.6, 0.7))
    known, generator = slice_of(truth, 100), np.random.default_rng(22)
    rows = np.column_stack([2 * truth - 1.0, np.zeros((600, 9))]) + generator.normal(0, 1, (600, 10))
    texts = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    plain = outside(auto.infer(votes, known=known).belief, truth, known)
    told = outside(auto.infer(votes, known=known, features=texts).belief, truth, known)
    shuffled = outside(auto.infer(votes, known=known, features=generator.permutation(texts)).belief, truth, known)
    assert told > plain + 0.03
    assert abs(shuffled - plain) < 0.015


def test_without_labels_two_methods_are_weighed_and_labels_are_asked_for() -> None:
    votes, truth = simulate(300, 5, 3, seed=23)
    result = auto.infer(votes)
    assert accuracy(result.belief, truth) > 0.85
    assert result.details["calibrated"] is False
    assert 0 <= result.details["disagreement"] < 0.2
    assert "label 50 tasks" in result.details["message"]
    few = auto.infer(simulate(4, 5, 3, seed=23)[0])
    assert "label 4 tasks" in few.details["message"] and len(few.details["tasks_to_validate"]) == 4


def test_tasks_that_are_known_already_are_not_asked_for_again() -> None:
    votes, truth = simulate(60, 5, 3, seed=23)
    known = slice_of(truth, 15)
    wanted = auto.infer(votes, known=known).details["tasks_to_validate"]
    assert sorted(wanted.tolist()) == np.flatnonzero(known < 0).tolist()


@pytest.mark.slow
def test_the_tasks_to_validate_are_half_disputed_with_the_chance_of_each() -> None:
    votes, _ = simulate(600, 4, 3, seed=24, accuracy=(0.35, 0.7))
    tasks, chance = auto.tasks_to_validate(votes, seed=1)
    assert len(set(tasks.tolist())) == len(tasks) == 50
    assert ((chance > 0) & (chance <= 1)).all()
    # inclusion chances sum to the sample size over all tasks: 1 / chance estimates how many tasks there are (600)
    totals = [(1 / auto.tasks_to_validate(votes, seed=seed)[1]).sum() for seed in range(5)]
    assert np.mean(totals) == pytest.approx(600, rel=0.1)


def test_a_small_batch_is_validated_whole() -> None:
    votes, _ = simulate(20, 4, 3, seed=25)
    tasks, chance = auto.tasks_to_validate(votes)
    assert sorted(tasks.tolist()) == list(range(20))
    np.testing.assert_allclose(chance, 1)


def test_annotators_beyond_the_most_active_share_one_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotator_weights, "MOST_ANNOTATORS", 3)
    votes, truth = simulate(200, 8, 3, seed=26)
    gold, answers = known_slice(votes, slice_of(truth, 60)), label_votes(votes)
    said = annotator_weights.statements(answers, answers.weight, gold, 0.5, 6.0)
    assert said.rows.shape == (600, 4)
    assert said.rows[:, [3]].sum() == 5 * 200
    everywhere, out_of_fold = annotator_weights.opinions(said, prepare(votes), gold)
    assert (everywhere.argmax(axis=1) == truth).mean() > 0.85
    assert out_of_fold.shape == (60, 3)


def test_excess_agreement_is_doubted_where_few_tasks_are_shared() -> None:
    votes, truth = simulate(100, 3, 2, seed=27)
    belief = np.eye(2)[truth]
    plain, doubted = correlation.excess_agreement(votes, belief), correlation.shrunken_excess(votes, belief)
    np.testing.assert_allclose(doubted[0, 1], plain[0, 1] * 100 / 150)
    np.testing.assert_array_equal(np.diag(doubted), 1)


def test_annotators_who_err_together_have_less_say() -> None:
    generator = np.random.default_rng(28)
    truth = generator.integers(0, 2, 600).astype(np.int32)
    copied, *own = (np.where(generator.random(600) < 0.7, truth, 1 - truth) for _ in range(5))
    votes, known = of_table(np.stack([copied] * 3 + own, axis=1), 2), slice_of(truth, 100)
    matrix, gold = prepare(votes, known), known_slice(votes, known)
    unaided = opinions.unaided(matrix, gold, np.arange(600, dtype=np.int32), seed=0)
    assert unaided.independence.mean() == pytest.approx(1)
    assert unaided.independence[:3].max() < 0.6 * unaided.independence[3:].min()
    plain, shared = opinions.naive_bayes(matrix, gold), opinions.independent(matrix, gold, unaided)
    right = [(each.everywhere.argmax(axis=1) == truth).mean() for each in (plain, shared)]
    assert right[1] > right[0] + 0.02
