"""Sequences, near-duplicates, correlated annotators, and the screen."""

from itertools import pairwise

import numpy as np
import pytest

from labeling.truth import correlation, duplicates, majority_vote, screen, sequence
from labeling.truth.votes import Votes
from tests.labeling.truth.crowds import accuracy, simulate, votes_of


def chain(n_sequences: int, length: int, stay: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth of a sticky Markov chain over three labels, noisy calibrated beliefs, and the sequence of each task."""
    generator = np.random.default_rng(seed)
    truth = np.empty((n_sequences, length), dtype=int)
    truth[:, 0] = generator.integers(0, 3, n_sequences)
    for step in range(1, length):
        jump = (truth[:, step - 1] + generator.integers(1, 3, n_sequences)) % 3
        truth[:, step] = np.where(generator.random(n_sequences) < stay, truth[:, step - 1], jump)
    truth = truth.ravel()
    seen = np.where(generator.random(len(truth)) < 0.6, truth, generator.integers(0, 3, len(truth)))
    right = 0.6 + 0.4 / 3
    belief = np.full((len(truth), 3), (1 - right) / 2)
    belief[np.arange(len(truth)), seen] = right
    return truth.astype(np.int32), belief, np.repeat(np.arange(n_sequences), length).astype(np.int32)


def test_neighbours_in_a_sequence_correct_each_other():
    truth, belief, of_sequence = chain(150, 8, 0.85)
    found = sequence.smooth(belief, of_sequence)
    assert found.converged
    assert accuracy(found.belief, truth) > accuracy(belief, truth) + 0.05
    np.testing.assert_allclose(np.diag(found.transition), 0.85, atol=0.06)


def test_forward_backward_is_the_sum_over_all_paths():
    _, belief, of_sequence = chain(1, 5, 0.7, seed=3)
    found = sequence.smooth(belief, of_sequence, prior=np.full(3, 1 / 3), max_iterations=1)
    posterior = np.zeros((5, 3))
    for path in np.ndindex(3, 3, 3, 3, 3):
        weight = found.initial[path[0]] * np.prod(belief[np.arange(5), path])
        weight *= np.prod([found.transition[a, b] for a, b in pairwise(path)])
        posterior[np.arange(5), path] += weight
    np.testing.assert_allclose(found.belief, posterior / posterior.sum(axis=1, keepdims=True), atol=1e-9)


def test_sequences_of_any_length_and_order_of_tasks_are_smoothed_alike():
    _, belief, of_sequence = chain(20, 6, 0.8)
    of_sequence[-3:] = 77
    shuffle = np.random.default_rng(0).permutation(len(belief))
    plain = sequence.smooth(belief, of_sequence)
    position = np.arange(len(belief), dtype=np.int32)
    moved = sequence.smooth(belief[shuffle], of_sequence[shuffle], position[shuffle])
    np.testing.assert_allclose(moved.belief, plain.belief[shuffle], atol=1e-9)


def test_a_known_task_informs_its_neighbours_and_loners_keep_their_belief():
    belief = np.array([[0.5, 0.5], [0.5, 0.5], [0.7, 0.3]] + [[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]] * 6)
    of_sequence = np.array([0, 0, -1, *np.repeat(np.arange(1, 13), 2)], dtype=np.int32)
    known = np.full(len(belief), -1, dtype=np.int32)
    known[0] = 1
    found = sequence.smooth(belief, of_sequence, known=known)
    assert found.belief[0, 1] > 0.999
    assert found.belief[1, 1] > 0.7
    np.testing.assert_array_equal(found.belief[2], [0.7, 0.3])


def test_without_any_sequence_beliefs_stay():
    belief = np.array([[0.6, 0.4]])
    np.testing.assert_array_equal(sequence.smooth(belief, np.array([-1], dtype=np.int32)).belief, belief)


def test_duplicates_share_evidence_exactly_as_the_joint_does():
    belief, cluster = np.array([[0.7, 0.3], [0.6, 0.4], [0.2, 0.8]]), np.zeros(3, dtype=np.int32)
    prior, mismatch = np.array([0.6, 0.4]), 0.1
    noise = np.array([[0.9, 0.1], [0.1, 0.9]])
    evidence = belief / (prior @ noise)
    joint = np.zeros((3, 2))
    for z in range(2):
        for labels in np.ndindex(2, 2, 2):
            weight = prior[z] * np.prod(noise[z, labels] * evidence[np.arange(3), labels])
            joint[np.arange(3), labels] += weight
    shared = duplicates.share(belief, cluster, prior=prior, mismatch=mismatch)
    np.testing.assert_allclose(shared, joint / joint.sum(axis=1, keepdims=True), atol=1e-9)


def test_a_cluster_of_one_and_a_task_without_cluster_keep_their_belief():
    belief = np.array([[0.7, 0.3], [0.2, 0.8], [0.55, 0.45]])
    shared = duplicates.share(belief, np.array([4, -1, 2], dtype=np.int32))
    np.testing.assert_allclose(shared, belief, atol=1e-9)


def test_the_share_of_mismatched_duplicates_is_fitted():
    generator = np.random.default_rng(0)
    cluster = np.repeat(np.arange(400), 3).astype(np.int32)
    known = np.where(generator.random(1200) < 0.85, cluster % 2, 1 - cluster % 2).astype(np.int32)
    assert duplicates.fit_mismatch(known, cluster, 2) == pytest.approx(0.15, abs=0.03)
    assert duplicates.fit_mismatch(np.full(3, -1, np.int32), np.zeros(3, np.int32), 2) == duplicates.MISMATCH


def with_row(votes: Votes, labels: np.ndarray) -> Votes:
    """`votes` and one more annotator who gives `labels` to every task."""
    everything = np.arange(votes.n_tasks, dtype=np.int32)
    return Votes(
        np.concatenate([votes.task, everything]),
        np.concatenate([votes.annotator, np.full(votes.n_tasks, votes.n_annotators, np.int32)]),
        np.concatenate([votes.label, labels.astype(np.int32)]),
        votes.n_tasks,
        votes.n_annotators + 1,
        votes.n_labels,
    )


def test_the_screen_finds_constant_and_random_annotators_only():
    votes, truth = simulate(400, 5, 3, seed=1)
    votes = with_row(votes, np.full(400, 2))
    votes = with_row(votes, np.random.default_rng(5).integers(0, 3, 400))
    votes = with_row(votes, (truth + 1) % 3)
    found = screen.screen(votes)
    assert found.degenerate.tolist() == [False] * 5 + [True, True, False]
    assert found.reason[5] == "answers one label nearly always"
    assert found.reason[6] == "answers have nothing to do with the others'"
    assert found.reason[7] == ""


def test_random_annotators_are_caught_and_honest_ones_spared_at_the_rates_of_the_test():
    spared = caught = 0
    for seed in range(30):
        votes, _ = simulate(150, 5, 2, seed=seed, accuracy=(0.65, 0.9))
        votes = with_row(votes, np.random.default_rng(900 + seed).integers(0, 2, 150))
        degenerate = screen.screen(votes, seed=seed).degenerate
        spared += (~degenerate[:5]).sum()
        caught += degenerate[5]
    assert spared >= 140
    assert caught >= 25


def test_a_few_votes_condemn_nobody():
    votes, _ = simulate(30, 4, 2, seed=2)
    assert not screen.screen(with_row(votes, np.zeros(30))).degenerate[:4].any()
    assert not screen.screen(votes_of([[0]], 2)).degenerate.any()


def test_a_constant_label_is_no_fault_where_the_crowd_gives_it_too():
    votes = votes_of([[0] * 60, [0] * 58 + [1] * 2, [0] * 57 + [1] * 3], 2)
    assert "answers one label nearly always" not in screen.screen(votes).reason


def clones(seed: int = 0) -> tuple[Votes, np.ndarray]:
    """Five independent annotators, and a near-copy of the last."""
    votes, truth = simulate(600, 5, 2, seed=seed, accuracy=(0.7, 0.75))
    last = votes.label[votes.annotator == 4]
    copied = np.random.default_rng(9).random(600) < 0.95
    return with_row(votes, np.where(copied, last, 1 - last)), truth


def test_excess_agreement_is_near_zero_for_independent_errors_and_near_one_for_clones():
    votes, truth = clones()
    excess = correlation.excess_agreement(votes, np.eye(2)[truth])
    assert np.abs(excess[:4, :4][~np.eye(4, dtype=bool)]).max() < 0.15
    assert excess[4, 5] > 0.8
    np.testing.assert_allclose(excess, excess.T)


def test_a_clone_adds_nobody_to_the_effective_number():
    votes, truth = clones()
    excess = correlation.excess_agreement(votes, np.eye(2)[truth])
    assert correlation.effective_number(excess) == pytest.approx(5, abs=0.8)
    np.testing.assert_allclose(correlation.independence_weights(excess)[4:], 0.5, atol=0.1)


def test_clones_form_a_family():
    votes, truth = clones()
    family = correlation.families(correlation.excess_agreement(votes, np.eye(2)[truth]), 0.7)
    assert family[4] == family[5]
    assert len(set(family)) == 5


def test_correlation_needs_no_gold():
    votes, _ = clones()
    excess = correlation.excess_agreement(votes, majority_vote.infer(votes).belief)
    assert excess[4, 5] > 0.7


def test_pairs_that_share_little_are_not_judged():
    excess = correlation.excess_agreement(votes_of([[0, 1, 0], [0, 1, 1]], 2), np.full((3, 2), 0.5))
    assert np.isnan(excess[0, 1])
    assert excess[0, 0] == 1
    assert correlation.effective_number(excess) == 2
