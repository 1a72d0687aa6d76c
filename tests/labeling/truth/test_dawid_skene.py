from functools import partial

import numpy as np
import pytest

from labeling.truth import dawid_skene, one_coin
from labeling.truth.device_expectation import DeviceExpectation
from labeling.truth.votes import Votes
from tests.labeling.truth.crowds import accuracy, human_crowd, simulate, votes_of


def slow_dawid_skene(votes: Votes, rounds: int) -> np.ndarray:
    """The paper's formulas in plain loops and probabilities."""
    n, m, k = votes.n_tasks, votes.n_annotators, votes.n_labels
    entries = list(zip(votes.task, votes.annotator, votes.label, strict=True))
    belief = np.zeros((n, k))
    for i, _, label in entries:
        belief[i, label] += 1
    belief /= belief.sum(axis=1, keepdims=True)
    for _ in range(rounds):
        prior = belief.mean(axis=0)
        confusion = np.full((m, k, k), 1e-10)
        for i, j, label in entries:
            confusion[j, :, label] += belief[i]
        confusion /= confusion.sum(axis=2, keepdims=True)
        belief = np.tile(prior, (n, 1))
        for i, j, label in entries:
            belief[i] *= confusion[j, :, label]
        belief /= belief.sum(axis=1, keepdims=True)
    return belief


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_every_round_is_the_round_of_the_paper(rounds: int):
    votes, _ = simulate(40, 5, 3, seed=3, coverage=0.8)
    result = dawid_skene.infer(votes, max_iterations=rounds, tolerance=-1)
    np.testing.assert_allclose(result.belief, slow_dawid_skene(votes, rounds), atol=1e-7)
    assert result.iterations == rounds


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bluebird", "snow2008_rte", "dog", "web"])
def test_labels_are_those_of_crowd_kit(name: str):
    aggregation = pytest.importorskip("crowdkit.aggregation")
    pandas = pytest.importorskip("pandas")
    votes, _ = human_crowd(name)
    table = pandas.DataFrame({"task": votes.task, "worker": votes.annotator, "label": votes.label})
    expected = aggregation.DawidSkene().fit(table)
    result = dawid_skene.infer(votes)
    assert (result.labels() == expected.labels_.loc[np.arange(votes.n_tasks)].to_numpy()).all()
    assert result.iterations == len(expected.loss_history_)
    beliefs = expected.probas_.loc[np.arange(votes.n_tasks), np.arange(votes.n_labels)]
    np.testing.assert_allclose(result.belief, beliefs, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bluebird", "snow2008_rte"])
def test_one_coin_labels_are_those_of_crowd_kit(name: str):
    aggregation = pytest.importorskip("crowdkit.aggregation")
    pandas = pytest.importorskip("pandas")
    votes, _ = human_crowd(name)
    table = pandas.DataFrame({"task": votes.task, "worker": votes.annotator, "label": votes.label})
    expected = aggregation.OneCoinDawidSkene().fit_predict(table).loc[np.arange(votes.n_tasks)].to_numpy()
    assert (one_coin.infer(votes).labels() == expected).all()


def test_an_annotator_who_swaps_labels_is_turned_round():
    right = [0, 1, 0, 1, 1, 0, 1, 0]
    swapped = [1 - label for label in right]
    result = dawid_skene.infer(votes_of([right, right, swapped], 2))
    np.testing.assert_array_equal(result.labels(), right)
    np.testing.assert_allclose(result.confusion[2, :, :2], [[0, 1], [1, 0]], atol=1e-6)


def test_shrinkage_keeps_rare_classes_from_starving():
    votes, truth = simulate(150, 6, 21, seed=8, coverage=0.5)
    plain, shrunk = dawid_skene.infer(votes), dawid_skene.infer(votes, shrinkage=8)
    assert accuracy(shrunk.belief, truth) > accuracy(plain.belief, truth) + 0.01
    assert shrunk.confusion[:, np.arange(21), np.arange(21)].min() > 0.2


def test_confusions_and_class_shares_are_recovered():
    votes, truth = simulate(4000, 8, 3, seed=9)
    result = dawid_skene.infer(votes)
    diagonal = np.trace(result.confusion[:, :, :3], axis1=1, axis2=2) / 3
    np.testing.assert_allclose(diagonal, np.linspace(0.55, 0.9, 8), atol=0.03)
    np.testing.assert_allclose(result.belief.mean(axis=0), np.bincount(truth) / 4000, atol=0.02)


def test_more_rounds_than_allowed_are_reported_as_not_converged():
    votes, _ = simulate(50, 5, 3, seed=1)
    result = dawid_skene.infer(votes, max_iterations=1)
    assert (result.iterations, result.converged) == (1, False)


@pytest.mark.slow
def test_a_torch_device_computes_the_same():
    votes, truth = simulate(60, 5, 3, seed=4, coverage=0.7)
    votes = Votes(votes.task, votes.annotator, np.where(votes.task % 7 == 0, 3, votes.label).astype(np.int32), 60, 5, 3)
    known = np.where(np.arange(60) < 6, truth, -1).astype(np.int32)
    torch = pytest.importorskip("torch")
    here = dawid_skene.infer(votes, known=known)
    there = dawid_skene.infer(votes, known=known, step_on=partial(DeviceExpectation, torch, "cpu"))
    np.testing.assert_allclose(there.belief, here.belief, atol=1e-12)
    assert there.iterations == here.iterations
