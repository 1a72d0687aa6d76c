"""What holds for every method of the family."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.truth.methods import NAMES, method
from labeling.truth.votes import Inference, Votes
from tests.labeling.truth.crowds import accuracy, renumbered, simulate, votes_of

FAMILY = [name for name in NAMES if name != "auto"]
WITH_CONFUSIONS = ["dawid_skene", "ibcc", "ebcc"]
EMPTY = np.zeros(0, dtype=np.int32)

every_method = pytest.mark.parametrize("name", FAMILY)


def assert_sound(result: Inference, votes: Votes) -> None:
    assert result.belief.shape == (votes.n_tasks, votes.n_labels)
    assert np.isfinite(result.belief).all()
    assert (result.belief >= 0).all()
    np.testing.assert_allclose(result.belief.sum(axis=1), 1, atol=1e-9)
    if result.confusion is not None:
        assert result.confusion.shape == (votes.n_annotators, votes.n_labels, votes.n_symbols)
        np.testing.assert_allclose(result.confusion.sum(axis=2), 1, atol=1e-9)
    if result.skill is not None:
        assert result.skill.shape == (votes.n_annotators,)
        assert np.isfinite(result.skill).all()


@every_method
@pytest.mark.parametrize(
    "votes",
    [
        pytest.param(votes_of([[0, 1, 1, None, 0]], 2), id="one annotator"),
        pytest.param(votes_of([[1], [1], [0]], 3), id="one task"),
        pytest.param(votes_of([[1, 1, 1], [1, 1, 1]], 3), id="all agree on one label"),
        pytest.param(votes_of([[0, 1, 2], [0, 1, 2], [0, 1, 2]]), id="all agree"),
        pytest.param(Votes(EMPTY, EMPTY, EMPTY, 4, 3, 2), id="no votes"),
        pytest.param(Votes(EMPTY, EMPTY, EMPTY, 0, 0, 2), id="nothing at all"),
        pytest.param(votes_of([[None, 0, None, 1], [None, 1, None, 1]], 2), id="tasks without votes"),
        pytest.param(votes_of([[2, 2, 2], [2, 2, 2]], 2), id="only abstentions"),
        pytest.param(votes_of([[0, 0], [0, 0]], 1), id="one label"),
        pytest.param(simulate(6, 300, 2)[0], id="300 votes a task"),
        pytest.param(simulate(20, 4, 100)[0], id="100 labels"),
    ],
)
@pytest.mark.slow
def test_extremes_give_sound_beliefs(name: str, votes: Votes) -> None:
    assert_sound(method(name)(votes), votes)


@pytest.mark.slow
@every_method
@pytest.mark.parametrize("n_known", [0, 1, 30])
@pytest.mark.parametrize("n_annotators", [0, 1])
def test_an_empty_crowd_gives_sound_beliefs_however_many_labels_are_known(
    name: str, n_known: int, n_annotators: int
) -> None:
    nothing, known = np.zeros(0, dtype=np.int32), np.full(40, -1, dtype=np.int32)
    known[:n_known] = np.arange(n_known) % 3
    belief = method(name)(Votes(nothing, nothing, nothing, 40, n_annotators, 3), known=known).belief
    assert belief.shape == (40, 3) and np.allclose(belief.sum(axis=1), 1)
    assert (belief[:n_known].argmax(axis=1) == known[:n_known]).all()


@every_method
def test_a_task_without_votes_stays_open(name: str) -> None:
    votes = votes_of([[0, 1, None, 0, 1], [0, 1, None, 0, 1], [0, 1, None, 1, 1]], 2)
    assert method(name)(votes).belief[2].max() < 0.75


@every_method
def test_the_truth_is_recovered_from_a_skilled_crowd(name: str) -> None:
    votes, truth = simulate(200, 7, 3, seed=1)
    assert accuracy(method(name)(votes).belief, truth) > 0.93


@every_method
def test_sixty_votes_of_a_skilled_crowd_leave_no_doubt(name: str) -> None:
    votes, truth = simulate(20, 60, 4, seed=2)
    assert accuracy(method(name)(votes).belief, truth) == 1.0


@pytest.mark.slow
@every_method
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 10_000), shuffle=st.integers(0, 10_000))
def test_renumbering_tasks_annotators_and_labels_renumbers_the_answer(name: str, seed: int, shuffle: int) -> None:
    votes, _ = simulate(24, 6, 3, seed=seed, coverage=0.8)
    generator = np.random.default_rng(shuffle)
    tasks, annotators, labels = (generator.permutation(n) for n in (24, 6, 3))
    plain = method(name)(votes)
    moved = method(name)(renumbered(votes, tasks, annotators, labels))
    np.testing.assert_allclose(moved.belief[np.ix_(tasks, labels)], plain.belief, atol=2e-3)
    if plain.skill is not None:
        np.testing.assert_allclose(moved.skill[annotators], plain.skill, rtol=1e-2, atol=2e-3)


@pytest.mark.slow
@every_method
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_an_annotator_that_always_abstains_changes_nothing(name: str, seed: int) -> None:
    votes, _ = simulate(25, 5, 3, seed=seed, coverage=0.7)
    silent = np.arange(25, dtype=np.int32)
    more = Votes(
        np.concatenate([votes.task, silent]),
        np.concatenate([votes.annotator, np.full(25, 5, np.int32)]),
        np.concatenate([votes.label, np.full(25, 3, np.int32)]),
        25,
        6,
        3,
    )
    np.testing.assert_allclose(method(name)(more).belief, method(name)(votes).belief, atol=1e-9)


@every_method
def test_known_labels_hold_and_help_the_rest(name: str) -> None:
    # annotators 0 and 1 contradict the truth, 2 is right: only known labels can tell
    right = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0]
    wrong = [1 - label for label in right]
    votes = votes_of([wrong, wrong, right], 2)
    known = np.array([*right[:10], -1, -1], dtype=np.int32)
    result = method(name)(votes, known=known)
    assert (result.labels()[:10] == right[:10]).all()
    np.testing.assert_array_equal(result.belief[:10].max(axis=1), 1)
    if name in (*WITH_CONFUSIONS, "one_coin", "zencrowd", "crh"):
        assert result.labels()[10:].tolist() == right[10:]


@every_method
def test_a_known_task_without_votes_is_known(name: str) -> None:
    votes = votes_of([[0, 1, None], [0, 1, None]], 2)
    result = method(name)(votes, known=np.array([-1, -1, 1], dtype=np.int32))
    np.testing.assert_array_equal(result.belief[2], [0, 1])


@every_method
def test_a_vote_split_in_two_halves_is_the_same_vote(name: str) -> None:
    votes, _ = simulate(30, 5, 2, seed=3, coverage=0.8)
    twice = [np.repeat(part, 2) for part in (votes.task, votes.annotator, votes.label)]
    halves = Votes(*twice, 30, 5, 2, np.full(len(twice[0]), 0.5, np.float32))
    np.testing.assert_allclose(method(name)(halves).belief, method(name)(votes).belief, atol=1e-6)


@every_method
def test_a_fractional_vote_weighs_its_share(name: str) -> None:
    votes, truth = simulate(60, 6, 2, seed=4)
    whole = np.where(np.arange(len(votes.task)) % 2 == 0, 0.9, 1.0).astype(np.float32)
    doubt = np.flatnonzero(whole < 1)
    fractional = Votes(
        np.concatenate([votes.task, votes.task[doubt]]),
        np.concatenate([votes.annotator, votes.annotator[doubt]]),
        np.concatenate([votes.label, 1 - votes.label[doubt]]),
        60,
        6,
        2,
        np.concatenate([whole, np.full(len(doubt), 0.1, np.float32)]),
    )
    result = method(name)(fractional)
    assert_sound(result, fractional)
    assert accuracy(result.belief, truth) > 0.85


@pytest.mark.slow
@every_method
def test_a_seed_gives_the_same_answer_again(name: str) -> None:
    votes, _ = simulate(40, 5, 3, seed=5)
    np.testing.assert_array_equal(method(name)(votes, seed=7).belief, method(name)(votes, seed=7).belief)


@every_method
def test_the_votes_are_left_as_they_were(name: str) -> None:
    votes, truth = simulate(30, 5, 3, seed=6)
    known = np.where(np.arange(30) < 5, truth, -1).astype(np.int32)
    before = votes.task.copy(), votes.annotator.copy(), votes.label.copy(), known.copy()
    method(name)(votes, known=known)
    for was, now in zip(before, (votes.task, votes.annotator, votes.label, known), strict=True):
        np.testing.assert_array_equal(was, now)


@pytest.mark.parametrize("name", WITH_CONFUSIONS)
def test_an_abstention_that_tells_something_is_heard(name: str) -> None:
    # annotator 0 answers only when the truth is 0, and abstains on every 1
    truth = np.array([0, 1] * 20)
    rows = [[0 if label == 0 else 2 for label in truth], *([int(label) for label in truth] for _ in range(3))]
    # on the last two tasks the others are silent
    for row in rows[1:]:
        row[-2:] = [None, None]
    belief = method(name)(votes_of(rows, 2)).belief
    assert belief[-1, 1] > 0.8
    assert belief[-2, 0] > 0.8


def test_an_unknown_method_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(ValueError, match="no method 'lda'; choose one of majority_vote, wawa"):
        method("lda")


@pytest.mark.parametrize(
    ("votes", "known", "sentence"),
    [
        (Votes(np.array([1], np.int32), EMPTY, EMPTY, 2, 1, 2), None, "equally long"),
        (votes_of([[0, 3]], 2), None, "`label` holds 0 to 3"),
        (votes_of([[0, 1]], 2), np.zeros(3, np.int32), "`known` has shape"),
        (votes_of([[0, 1]], 2), np.array([0, 2], np.int32), "`known` must hold labels"),
        (Votes(*[np.zeros(1, np.int32)] * 3, 1, 1, 2, np.array([-1.0], np.float32)), None, "`weight` must hold"),
        (Votes(EMPTY, EMPTY, EMPTY, 0, 0, 0), None, "at least one label"),
    ],
)
def test_votes_that_make_no_sense_are_refused(votes: Votes, known: np.ndarray | None, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        method("dawid_skene")(votes, known=known)
