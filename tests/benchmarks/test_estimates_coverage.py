"""Whether corrected estimates cover the truth, and how much narrower beliefs make them; two minutes of one core.

Run with `pytest tests/benchmarks/test_estimates_coverage.py -s` to see the measured figures.
"""

from dataclasses import replace

import numpy as np
import pytest

from fairness.estimates.doubly_robust import (
    Sampled,
    accuracies,
    distortions,
    prevalences,
    true_positive_rates,
)
from fairness.estimates.outcomes import Told, expected
from fairness.gaps import Terms, compare, gap
from fairness.intervals import normal_z, wilson_limits

RUNS = 500
TERMS = Terms(draws=1)
MEASURES = {
    "true positive rate": lambda one: true_positive_rates(one, 1),
    "accuracy": accuracies,
    "true share": lambda one: prevalences(one, 1),
    "distortion": lambda one: distortions(one, 1),
}


def zones(rng, n=20_000):
    """Methods 4.3: confident errors of 2% and 6% by group, an uncertain zone alike; checked .5 there and .03 else."""
    group, gold = (rng.random(n) < 0.5).astype(int), rng.integers(2, size=n)
    uncertain = rng.random(n) < 0.2
    error = np.where(uncertain, 0.3, np.where(group == 1, 0.06, 0.02))
    chance, sure = np.where(uncertain, 0.5, 0.03), np.where(uncertain, 0.7, 0.96)
    return _drawn(rng, group, gold, error, chance, sure)


def graded(rng, n=20_000):
    """Beliefs as a crowd has them: errors from sure to torn, one group's confidence overstated by half."""
    group, gold = (rng.random(n) < 0.5).astype(int), rng.integers(2, size=n)
    doubt = rng.beta(0.5, 6, n)
    error = np.clip(doubt * np.where(group == 1, 1.3, 0.8), 0, 0.5)
    return _drawn(rng, group, gold, error, np.clip(0.03 + doubt, 0.03, 0.5), np.clip(1 - doubt, 0.5, 0.999))


def _drawn(rng, group, gold, error, chance, sure):
    label = np.where(rng.random(len(gold)) < error, 1 - gold, gold)
    seen = np.where(rng.random(len(gold)) < chance, gold, -1)
    bare = Sampled(label, seen, 1 / chance, group, 2)
    return replace(bare, expected=expected(Told(label, sure, 2), seen, 1 / chance)), gold


def truths(tasks, gold):
    """The gaps between both groups if everything were checked."""
    whole = Sampled(tasks.label, gold, np.ones(len(gold)), tasks.group, 2)
    return {name: float(np.ptp(rates(whole).value)) for name, rates in MEASURES.items()}


@pytest.mark.parametrize(("draw", "narrow"), [(zones, 0.9), (graded, 0.8)])
def test_both_ways_cover_the_true_gap_and_beliefs_make_it_narrower(draw, narrow):
    rng = np.random.default_rng(3)
    covered = {name: np.zeros(2) for name in MEASURES}
    width = {name: np.zeros(2) for name in MEASURES}
    unweighted, true_gap = [], []
    for _ in range(RUNS):
        tasks, gold = draw(rng)
        truth = truths(tasks, gold)
        for name, rates in MEASURES.items():
            for way, one in enumerate((replace(tasks, expected=None), tasks)):
                found = gap(compare(rates(one), "ab", TERMS), TERMS)
                covered[name][way] += found.low <= truth[name] <= found.high
                width[name][way] += found.high - found.low
        even = replace(tasks, weight=np.ones(len(gold)), expected=None)
        unweighted.append(np.diff(true_positive_rates(even, 1).value)[0])
        true_gap.append(truth["true positive rate"])
    for name in MEASURES:
        shares, ratio = covered[name] / RUNS, width[name][1] / width[name][0]
        print(f"{draw.__name__}, {name}: covered {shares[0]:.1%} weighted, {shares[1]:.1%} robust; width {ratio:.2f}")
        assert shares.min() >= 0.93, name
    print(f"{draw.__name__}: true gap {np.mean(true_gap):.4f}, unweighted {-np.mean(unweighted):.4f}")
    found = {name: width[name][1] / width[name][0] for name in MEASURES}
    assert found["true positive rate"] <= narrow and found["true share"] <= 0.5


def test_on_babe_the_same_checks_tell_more_with_the_crowds_belief(real_data):
    """Twelve models' share of votes as belief; checks drawn by doubt; the truth is that of all 3,021 tasks."""
    gold, label, sure = babe(real_data)
    doubt = 1 - sure
    chance = np.clip(0.05 + doubt, 0.05, 0.5)
    whole = Sampled(label, gold, np.ones(len(gold)), np.zeros(len(gold), int), 1)
    rng, found = np.random.default_rng(4), {name: [] for name in MEASURES}
    for _ in range(RUNS):
        seen = np.where(rng.random(len(gold)) < chance, gold, -1)
        bare = replace(whole, gold=seen, weight=1 / chance)
        told = replace(bare, expected=expected(Told(label, sure, 2), seen, 1 / chance))
        for name, rates in MEASURES.items():
            if name == "distortion":
                continue
            row = []
            for one in (bare, told):
                here = rates(one)
                low, high = wilson_limits(here.value, here.n_effective, normal_z(0.95))
                row += [low[0] <= rates(whole).value[0] <= high[0], high[0] - low[0]]
            found[name].append(row)
    for name, rows in found.items():
        if rows:
            mean = np.mean(np.array(rows, float), axis=0)
            print(f"BABE {name}: covered {mean[0]:.1%} and {mean[2]:.1%}, width {mean[3] / mean[1]:.2f}")
            assert min(mean[0], mean[2]) >= 0.93
    shares = np.array(found["true share"], float).mean(axis=0)
    assert shares[3] / shares[1] <= 0.8


def babe(real_data):
    """Gold, majority label and its smoothed share of the votes of the free crowd."""
    import csv

    def rows(name):
        with real_data(f"llm_votes/babe_4_shot/{name}").open() as stream:
            return list(csv.DictReader(stream))

    known = {row["task"]: row["label"] for row in rows("gold.csv")}
    names = sorted(set(known.values()))
    counts = {task: np.full(len(names), 0.5) for task in known}
    for row in rows("votes.csv"):
        if row["label"] in names and not row["worker"].startswith("gpt"):
            counts[row["task"]][names.index(row["label"])] += 1
    table = np.array([counts[task] / counts[task].sum() for task in known])
    gold = np.array([names.index(label) for label in known.values()])
    return gold, table.argmax(axis=1), table.max(axis=1)
