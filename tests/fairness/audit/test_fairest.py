"""Candidates on the same tasks: who may check, who is fairest, and what luck adds to the one who looks best."""

from __future__ import annotations

import numpy as np
import pytest

from fairness.audit.fairest import choose, resampled, worst_gap
from fairness.audit.lineage import akin_by_errors, line_of, of_the_crowd
from fairness.audit.standings import NOBODY, Field, common, standings


def simulated(rates: list[tuple[float, float]], n: int = 2000, seed: int = 0) -> Field:
    """Candidates that are right with so much chance in group a and in group b, on tasks with two labels."""
    rng = np.random.default_rng(seed)
    group, truth = np.arange(n) % 2, rng.integers(2, size=n)
    right = np.array([rng.random(n) < np.where(group == 0, a, b) for a, b in rates])
    answer = np.where(right, truth, 1 - truth)
    names = tuple(f"c{place}" for place in range(len(rates)))
    return Field(names, answer, truth, group, ("a", "b"), np.ones(n), ("no", "yes"))


def everybody(field: Field) -> np.ndarray:
    return np.ones(len(field.names), dtype=bool)


def test_side_by_side_each_has_its_share_and_gap_by_hand() -> None:
    answer = np.array([[0, 0, 1, 1], [0, 1, 1, -1]])
    field = Field(("x", "y"), answer, np.array([0, 0, 1, 0]), np.array([0, 0, 1, 1]), ("a", "b"), np.ones(4))
    first, second = standings(field)
    assert first.right.value == 3 / 4 and first.gap.value == 1 / 2 and first.silent == 0
    assert second.right.value == 1 / 2 and second.gap.value == 0 and second.silent == 1 / 4


def test_weights_of_checks_count() -> None:
    field = Field(("x",), np.array([[0, 0]]), np.array([0, 1]), np.array([0, 0]), ("a",), np.array([3.0, 1.0]))
    assert standings(field)[0].right.value == pytest.approx(3 / 4)


def test_only_those_who_answered_the_same_tasks_stand_side_by_side() -> None:
    answer = np.zeros((4, 200), dtype=int)
    answer[1, 150:] = NOBODY
    answer[2, 30:] = NOBODY
    answer[3, :] = NOBODY
    truth, group = np.zeros(200, dtype=int), np.arange(200) % 2
    field = Field(("all", "most", "few", "none"), answer, truth, group, ("a", "b"), np.ones(200))
    candidates, tasks = common(field)
    assert candidates.tolist() == [0, 1] and tasks.tolist() == list(range(150))


def test_the_fairest_of_those_that_are_right_enough_is_chosen() -> None:
    """The second is nearly as right as the first and far fairer; the third is fairer still and not right enough."""
    field = simulated([(0.95, 0.75), (0.85, 0.84), (0.6, 0.6)])
    found = choose(field, everybody(field))
    assert found is not None and found.name == "c1" and found.sure > 0.8
    assert found.enough.tolist() == [True, True, False]
    assert found.upper[0] > found.upper[1] and found.chose + found.measured == 2000
    assert found.fresh.gap.value == pytest.approx(0.01, abs=0.06)


def test_who_may_not_check_is_never_chosen() -> None:
    field = simulated([(0.95, 0.75), (0.85, 0.84)])
    found = choose(field, np.array([True, False]))
    assert found is not None and found.name == "c0"
    assert choose(field, np.array([False, False])) is None


def test_one_group_alone_has_nobody_who_is_fairest() -> None:
    field = simulated([(0.9, 0.9)])
    alone = Field(field.names, field.answer, field.truth, np.zeros(2000, dtype=int), ("a",), field.weight)
    assert choose(alone, everybody(alone)) is None


def test_the_same_seed_chooses_the_same_halves() -> None:
    field = simulated([(0.9, 0.85), (0.88, 0.87)])
    first, second = (choose(field, everybody(field), seed=5) for _ in range(2))
    assert first is not None and second is not None
    assert first.upper.tolist() == second.upper.tolist() and first.fresh == second.fresh


@pytest.mark.slow
def test_the_winner_s_gap_is_honest_on_fresh_tasks_and_too_small_where_it_was_chosen() -> None:
    """Twelve candidates with the same true gap of eight points: the best-looking one shows less where it won."""
    seen, fresh = [], []
    for seed in range(60):
        field = simulated([(0.9, 0.82)] * 12, 400, seed)
        bare = Field(field.names, field.answer, field.truth, field.group, field.groups, field.weight)
        found = choose(bare, everybody(bare), seed)
        assert found is not None
        for told, standing in ((seen, found.seen), (fresh, found.fresh)):
            told.append(standing.groups[0].value - standing.groups[1].value)  # type: ignore[operator]
    assert np.mean(fresh) == pytest.approx(0.08, abs=0.015)
    assert np.mean(seen) < 0.055


def test_a_resample_keeps_groups_and_pairs() -> None:
    field = simulated([(0.9, 0.8), (0.9, 0.8)], 300)
    same = Field(field.names, np.stack([field.answer[0]] * 2), field.truth, field.group, field.groups, field.weight)
    accuracy, gaps = resampled(same, np.random.default_rng(0), 20, 15)
    assert np.allclose(accuracy[:, 0], accuracy[:, 1]) and np.allclose(gaps[:, 0], gaps[:, 1])
    assert gaps[0, 0] == pytest.approx(worst_gap(same, 0, 15))
    assert accuracy[0, 0] == pytest.approx(same.right[0].mean())


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("chat:gpt-4.1@https://api.openai.com/v1", "gpt"),
        ("meta-llama/Llama-3.2-1B", "llama"),
        ("causal:Qwen/Qwen2.5-0.5B-Instruct?shots=4", "qwen"),
        ("zephyr-7b-beta", "mistral"),
        ("flan_t5_base", "t5"),
        ("word_logistic", ""),
        ("graphite", ""),
        ("ada lovelace", ""),
    ],
)
def test_the_line_of_models_by_name(name: str, line: str) -> None:
    assert line_of(name) == line


def test_kin_of_the_crowd_by_name_or_by_errors_may_not_check_it() -> None:
    field = simulated([(0.8, 0.8), (0.8, 0.8), (0.8, 0.8), (0.8, 0.8)])
    answer = field.answer.copy()
    answer[2] = answer[0]
    alike = Field(field.names, answer, field.truth, field.group, field.groups, field.weight, field.labels)
    close = akin_by_errors(alike)
    assert close[0, 2] and not close[0, 1] and not close[1, 3]
    crowd = np.array([True, False, False, False])
    told = of_the_crowd(["qwen", "qwen", "gpt", "claude"], crowd, close)
    assert [bool(why) for why in told] == [True, True, True, False]
    assert "votes in the crowd" in told[0] and "qwen" in told[1] and "same mistakes" in told[2]
