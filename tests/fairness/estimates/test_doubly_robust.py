"""Rates of weighted checks with what was expected: by hand, at the ends, and without bias whatever was expected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fairness.estimates.doubly_robust import (
    Sampled,
    accuracies,
    distortions,
    false_positive_rates,
    prevalences,
    true_positive_rates,
)
from fairness.estimates.outcomes import Told, expected
from fairness.rates import group_rates

STEP = 1e-9


def sampled(gold, label, weight, group=None, likely=None):
    """Tasks from strings of one digit a task; "." in gold is not checked."""
    sides = np.zeros(len(label), int) if group is None else np.array([int(x) for x in group])
    true = np.array([-1 if x == "." else int(x) for x in gold])
    given = np.array([int(x) for x in label])
    return Sampled(given, true, np.array(weight, float), sides, int(sides.max()) + 1, likely)


def many(seed, n=4000):
    rng = np.random.default_rng(seed)
    gold, group = rng.integers(3, size=n), rng.integers(2, size=n)
    sure = rng.beta(6, 1.5, n) * 0.7 + 0.3
    label = np.where(rng.random(n) < sure, gold, (gold + rng.integers(1, 3, size=n)) % 3)
    chance = np.clip(1.05 - sure, 0.05, 0.6)
    seen = np.where(rng.random(n) < chance, gold, -1)
    return gold, label, group, sure, Sampled(label, seen, 1 / chance, group, 2)


def test_by_hand_two_checked_tasks_of_four():
    """Weights 2 and 1: of 3 tasks that truly bear it, weighted, 2 were given it; 2/3."""
    tasks = sampled("1.1.", "1100", [2, 1, 1, 1])
    assert true_positive_rates(tasks, 1).value[0] == pytest.approx(2 / 3, abs=STEP)
    assert prevalences(tasks, 1).value[0] == pytest.approx(1, abs=STEP)
    assert accuracies(tasks).value[0] == pytest.approx(2 / 3, abs=STEP)
    assert distortions(tasks, 1).value[0] == pytest.approx(-1 / 3, abs=STEP)


def test_weighting_alone_is_the_hajek_mean():
    *_, tasks = many(1)
    where = tasks.gold == 2
    plain = group_rates(tasks.label[where] == 2, tasks.group[where], 2, tasks.weight[where])
    found = true_positive_rates(tasks, 2)
    assert found.value == pytest.approx(plain.value, abs=STEP)
    assert found.n.tolist() == plain.n.tolist() and found.positives.tolist() == plain.positives.tolist()
    assert found.n_effective == pytest.approx(plain.n_effective, rel=1e-6)


def test_who_expects_the_truth_comes_near_the_census():
    gold, label, group, _, tasks = many(2)
    known = replace(tasks, expected=np.eye(3)[gold])
    for g in (0, 1):
        here = group == g
        assert accuracies(known).value[g] == pytest.approx(np.mean((gold == label)[here]), abs=0.02)
        assert prevalences(known, 1).value[g] == pytest.approx(np.mean(gold[here] == 1), abs=0.02)
        truly = here & (gold == 1)
        assert true_positive_rates(known, 1).value[g] == pytest.approx(np.mean(label[truly] == 1), abs=0.02)


@pytest.mark.slow
def test_beliefs_that_are_wrong_bend_nothing():
    """What is expected may be nonsense: the mean over many draws is the truth all the same."""
    found, truth = [], []
    for seed in range(150):
        gold, label, group, _, tasks = many(seed, 2000)
        lie = np.full((len(gold), 3), 0.05)
        lie[np.arange(len(gold)), (label + 1) % 3] = 0.9
        told = replace(tasks, expected=lie)
        found.append([true_positive_rates(told, 0).value[0], prevalences(told, 0).value[0], accuracies(told).value[0]])
        here = group == 0
        truth.append(
            [np.mean(label[here & (gold == 0)] == 0), np.mean(gold[here] == 0), np.mean((gold == label)[here])]
        )
    spread = np.std(np.array(found) - truth, axis=0) / np.sqrt(150)
    assert np.all(np.abs(np.mean(np.array(found) - truth, axis=0)) < 4 * spread + 0.002)


def test_the_order_of_tasks_and_names_of_labels_change_nothing():
    gold, label, group, sure, tasks = many(3, 800)
    likely = expected(Told(label, sure, 3), tasks.gold, tasks.weight)
    told = replace(tasks, expected=likely)
    order = np.random.default_rng(0).permutation(len(gold))
    turned = Sampled(label[order], tasks.gold[order], tasks.weight[order], group[order], 2, likely[order])
    for rates in (true_positive_rates, false_positive_rates, prevalences, distortions):
        assert rates(turned, 1).value == pytest.approx(rates(told, 1).value)
        named = replace(
            told, label=2 - label, gold=np.where(tasks.gold < 0, -1, 2 - tasks.gold), expected=likely[:, ::-1]
        )
        assert rates(named, 1).value == pytest.approx(rates(told, 1).value)


def test_a_group_without_a_check_is_undefined_and_not_0():
    found = true_positive_rates(sampled("11..", "1011", [1, 1, 1, 1], "0011"), 1)
    assert found.n.tolist() == [2, 0] and np.isnan(found.value[1]) and found.value[0] == 0.5


def test_when_all_is_checked_once_the_rates_are_the_census():
    gold, label, group, sure, _ = many(4, 500)
    likely = expected(Told(label, sure, 3), gold)
    found = distortions(Sampled(label, gold, np.ones(500), group, 2, likely), 1)
    for g in (0, 1):
        here = group == g
        assert found.value[g] == pytest.approx(np.mean((label == 1)[here]) - np.mean((gold == 1)[here]), abs=STEP)
        assert found.up[g] - found.down[g] == pytest.approx(found.value[g], abs=STEP)
        assert found.up[g] + found.down[g] == pytest.approx(np.mean(((label == 1) != (gold == 1))[here]), abs=STEP)


def test_what_is_expected_of_a_checked_task_does_not_know_its_check():
    """Turning the check of one task around moves what is expected of others, never of itself."""
    _, label, _, sure, tasks = many(5, 600)
    place = int(np.flatnonzero(tasks.gold >= 0)[0])
    other = tasks.gold.copy()
    other[place] = (other[place] + 1) % 3
    before, after = (expected(Told(label, sure, 3), seen, tasks.weight) for seen in (tasks.gold, other))
    assert after[place] == pytest.approx(before[place], abs=1e-12)
    assert np.abs(after - before).max() > 1e-6
    assert before.sum(axis=1) == pytest.approx(np.ones(600))


def test_confidence_that_says_too_much_is_brought_down():
    rng = np.random.default_rng(6)
    gold = rng.integers(2, size=3000)
    label = np.where(rng.random(3000) < 0.7, gold, 1 - gold)
    likely = expected(Told(label, np.full(3000, 0.99), 2), np.where(rng.random(3000) < 0.3, gold, -1))
    assert likely[np.arange(3000), label].mean() == pytest.approx(0.7, abs=0.05)
