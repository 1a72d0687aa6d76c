"""May a model replace a person: by hand, at the ends, and with the error rate that the test promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy

from fairness.agreement import alternative
from fairness.agreement.alternative import alpha_change
from tests.commands import Shell


def crowd(n: int, right: float, people: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """So many people who give the true one of three labels with this chance, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(3, size=n)
    return np.array([_noisy(rng, truth, right) for _ in range(people)]), truth


def _noisy(rng: np.random.Generator, truth: np.ndarray, right: float) -> np.ndarray:
    return np.where(rng.random(len(truth)) < right, truth, (truth + rng.integers(1, 3, size=len(truth))) % 3)


def test_duels_are_counted_by_hand() -> None:
    """Forty tasks, three people who all say 0; the model says 0 on thirty of them."""
    people, model = np.zeros((3, 40), dtype=int), np.zeros(40, dtype=int)
    model[30:] = 1
    found = alternative.replaces(people, model, 0.1)
    for one in found.against:
        assert (one.n, one.model, one.human) == (40, 0.75, 1.0)
        apart = np.array([0.0] * 30 + [1.0] * 10)
        t = (apart.mean() - 0.1) / (apart.std(ddof=1) / np.sqrt(40))
        assert one.p_value == pytest.approx(max(scipy.stats.t.cdf(t, 39), _wald(10, 0, 40)))
    assert found.winning.value == 0.0 and not found.may_replace and found.advantage.value == 0.75
    assert found.needed is not None and found.needed > 0.25


def _wald(up: int, down: int, n: int) -> float:
    apart = (up - down) / (n + 2)
    spread = np.sqrt(((up + down + 2) / (n + 2) - apart**2) / (n + 2))
    return float(scipy.stats.norm.cdf((apart - 0.1) / spread))


def test_one_who_answers_as_they_do_passes_with_little_advantage_of_cost() -> None:
    people = np.zeros((3, 200), dtype=int)
    found = alternative.replaces(people, np.zeros(200, dtype=int), 0.1)
    assert found.winning.value == 1.0 and found.may_replace and found.needed is not None and found.needed <= 0.03


def test_a_better_model_passes_and_a_worse_one_does_not() -> None:
    people, truth = crowd(400, 0.8)
    rng = np.random.default_rng(1)
    assert alternative.replaces(people, _noisy(rng, truth, 0.95), 0.1).may_replace
    assert not alternative.replaces(people, _noisy(rng, truth, 0.5), 0.1).may_replace


def test_with_fewer_than_three_people_or_thirty_tasks_there_is_no_verdict() -> None:
    people, truth = crowd(600, 0.8, people=2)
    assert alternative.replaces(people, truth, 0.1).reason.startswith("2 of 3 people")
    people, truth = crowd(29, 0.8)
    found = alternative.replaces(people, truth, 0.1)
    assert found.reason.startswith("0 of 3 people") and not found.may_replace and not found.winning.estimable


def test_people_who_labeled_some_of_the_tasks_count_on_those() -> None:
    people, truth = crowd(300, 0.8)
    people[0, 100:] = alternative.NONE
    people[1, :250] = alternative.NONE
    found = alternative.replaces(people, truth, 0.1)
    assert {one.person: one.n for one in found.against} == {0: 100, 1: 50, 2: 300, 3: 300}


def test_a_model_no_better_than_epsilon_allows_passes_against_few() -> None:
    """Where the person wins by exactly epsilon, at most one in twenty false passes: all are false here."""
    passes, rng = 0, np.random.default_rng(2)
    for _ in range(200):
        apart = rng.random(200)
        duel = np.stack([apart >= 0.1, np.ones(200)], axis=1).astype(np.int64)
        passes += alternative._p_value(duel, 0.1) <= 0.05
    assert passes / 200 <= 0.08


def test_alpha_changes_as_computed_from_both_tables() -> None:
    from labeling.truth.agreement import krippendorff_alpha

    people, truth = crowd(200, 0.7, people=3)
    found = alpha_change(people, truth)
    ones = np.ones(200)
    before = float(krippendorff_alpha(alternative._counts(people, 3), ones))
    after = [
        float(krippendorff_alpha(alternative._counts(np.vstack([np.delete(people, j, 0), truth]), 3), ones))
        for j in range(3)
    ]
    assert found.value == pytest.approx(np.mean(after) - before, abs=1e-9) and found.low < found.value < found.high
    assert found.low > 0, "the truth agrees with them more than they do among themselves"


@pytest.mark.slow
def test_the_order_of_tasks_and_of_people_changes_no_value() -> None:
    people, truth = crowd(150, 0.75)
    rng = np.random.default_rng(3)
    model, order = _noisy(rng, truth, 0.8), rng.permutation(150)
    one, two = alternative.replaces(people, model, 0.1), alternative.replaces(people[::-1][:, order], model[order], 0.1)
    assert one.winning.value == two.winning.value and one.advantage.value == pytest.approx(two.advantage.value)
    assert one.alpha.value == pytest.approx(two.alpha.value) and one.needed == two.needed


@pytest.fixture
def votes_file(tmp_path: Path) -> str:
    path = tmp_path / "votes.csv"
    rows = [f"t{at},{who},{'yes' if at % 2 else 'no'}" for at in range(40) for who in ("ann", "ben", "cy", "m")]
    path.write_text("\n".join(["task,worker,label", *rows, ""]))
    return str(path)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--models", "m", "--people", "ann,ben,cy,m"), "'m' is among --models and --people"),
        (("--models", "m", "--seed", "-1"), "--seed must be a whole number of at least 0."),
    ],
)
def test_a_model_in_its_own_place_and_a_seed_below_zero_are_refused(
    votes_file: str, options: tuple[str, ...], sentence: str
) -> None:
    assert sentence in Shell("alternative").refusal(votes_file, *options)
