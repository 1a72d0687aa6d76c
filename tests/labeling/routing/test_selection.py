"""LMCrowd's selection: where Exact, Approx and top-k by entropy agree, and where the entropy of answers errs."""

import numpy as np
import pytest

from labeling.routing.blocks import Block, most_informative
from labeling.routing.entropy import largest, most_uncertain
from labeling.routing.joint import answer_entropy, information, of_independent, one_coin
from labeling.routing.selection import approx, at_random, exact, independent, information_of_each, rounds
from labeling.truth.bayes import update
from labeling.truth.belief import entropy


def two_way(*chances):
    return np.array([[p, 1 - p] for p in chances])


def duplicates(copies, alone, mismatch):
    """The joint table of `copies` tasks at even odds that are duplicates, and of `alone` independent tasks at .6."""
    through = np.array([[1 - mismatch, mismatch], [mismatch, 1 - mismatch]])
    table = sum(0.5 * of_independent(np.tile(through[z], (copies, 1))) for z in (0, 1))
    return np.multiply.outer(table, of_independent(np.tile([0.6, 0.4], (alone, 1))))


def test_exact_approx_and_the_most_uncertain_agree_on_independent_tasks_in_200_of_200_cases():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n, k = int(rng.integers(2, 7)), int(rng.integers(1, 4))
        belief, coin = two_way(*rng.random(n)), one_coin(rng.uniform(0.6, 0.99))
        joint = of_independent(belief)
        best = sorted(most_uncertain(belief, k).tolist())
        assert exact(joint, k, coin).tolist() == best
        assert sorted(approx(joint, k, coin).tolist()) == best
        assert sorted(independent(belief, k, coin).tolist()) == best


def test_greedy_keeps_at_least_632_thousandths_of_the_best_information():
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(60):
        joint = rng.dirichlet(np.full(32, rng.choice([0.02, 0.1, 1.0]))).reshape((2,) * 5)
        k, coin = int(rng.integers(2, 4)), one_coin(0.9)
        best = information(joint, exact(joint, k, coin), coin)
        ratios.append(information(joint, approx(joint, k, coin), coin) / best)
    assert min(ratios) >= 0.9
    assert np.mean(ratios) < 1


@pytest.mark.parametrize(("mismatch", "naive", "joint_gain"), [(0.0, 0.957, 2.094), (0.05, 1.373, 2.094)])
def test_four_copies_of_a_task_are_worth_one_question(mismatch, naive, joint_gain):
    joint, coin = duplicates(4, 4, mismatch), one_coin(0.95)
    assert information(joint, [0, 1, 2], coin) == pytest.approx(naive, abs=1e-3)
    assert information(joint, approx(joint, 3, coin), coin) == pytest.approx(joint_gain, abs=1e-3)
    assert information(joint, exact(joint, 3, coin), coin) == pytest.approx(joint_gain, abs=1e-3)


def test_blocks_find_the_same_as_the_joint_table():
    belief = np.vstack([np.full((4, 2), 0.5), np.tile([0.6, 0.4], (4, 1))])
    block = Block.of_duplicates(np.arange(4, dtype=np.int32), belief[:4], 0.0)
    chosen = most_informative(belief, [block], 3, one_coin(0.95))
    assert (chosen < 4).sum() == 1


def test_the_gain_is_the_entropy_of_the_answers_less_the_noise_of_the_relabeler():
    joint = np.random.default_rng(0).dirichlet(np.ones(32)).reshape((2,) * 5)
    coin, noise = one_coin(0.85), entropy(np.array([0.85, 0.15]))
    for tasks in ([0], [1, 3], [0, 2, 4]):
        expected = answer_entropy(joint, tasks, coin) - len(tasks) * noise
        assert information(joint, tasks, coin) == pytest.approx(expected, abs=1e-12)


def test_the_entropy_of_the_answer_prefers_the_worst_model_and_the_information_the_best():
    belief = two_way(0.8)
    by_entropy = [answer_entropy(of_independent(belief), [0], one_coin(p)) for p in (0.95, 0.75, 0.55)]
    by_information = [float(information_of_each(belief, one_coin(p))[0]) for p in (0.95, 0.75, 0.55)]
    assert by_entropy == pytest.approx([0.778, 0.934, 0.997], abs=1e-3)
    assert by_information == pytest.approx([0.492, 0.123, 0.005], abs=1e-3)


def test_with_uneven_errors_the_task_with_the_most_uncertain_answer_tells_least():
    belief, uneven = two_way(0.70, 0.55, 0.45, 0.35, 0.25, 0.15), np.array([[0.99, 0.01], [0.40, 0.60]])
    told = information_of_each(belief, uneven)
    assert told == pytest.approx([0.347, 0.368, 0.349, 0.308, 0.245, 0.162], abs=1e-3)
    assert independent(belief, 1, uneven, by="answer_entropy").tolist() == [int(told.argmin())]
    assert independent(belief, 1, uneven).tolist() == [int(told.argmax())]


def test_nothing_is_asked_about_what_is_certain_or_by_who_only_guesses():
    certain = of_independent(two_way(1.0, 1.0))
    assert approx(certain, 2, one_coin(0.9)).tolist() == []
    assert exact(of_independent(two_way(0.5, 0.5)), 1, one_coin(0.5)).tolist() == []
    assert len(approx(certain, 2, one_coin(0.9), by="answer_entropy")) == 2


def test_five_exclusive_labels_are_one_question_and_not_five():
    five_way = information_of_each(np.full((1, 5), 0.2), one_coin(0.9, 5))[0]
    assert five_way == pytest.approx(1.653, abs=1e-3)
    assert 5 * information_of_each(two_way(0.2), one_coin(0.9))[0] > five_way


def test_rounds_ask_no_task_twice_and_keep_to_the_budget():
    belief, truth = np.random.default_rng(3).dirichlet(np.ones(2), 30), np.zeros(30, dtype=np.int32)
    coin, prices = one_coin(0.9), np.full(30, 7, dtype=np.int64)

    def learn(state, tasks, answers):
        after = state.copy()
        after[tasks] = update(state[tasks], answers, coin)
        return after

    turns = list(
        rounds(belief, lambda b, k, a: most_uncertain(b, k, a), lambda t: truth[t], learn, prices=prices, budget=75)
    )
    asked = np.concatenate([turn.tasks for turn in turns])
    assert len(asked) == len(set(asked.tolist())) == 10
    assert turns[-1].spent == 70


def test_ties_are_drawn_by_the_seed_and_more_tasks_only_add():
    score = np.zeros(20)
    assert largest(score, 5, seed=1).tolist() == largest(score, 12, seed=1).tolist()[:5]
    assert largest(score, 5, seed=1).tolist() != largest(score, 5, seed=2).tolist()
    assert len(at_random(20, 50, np.random.default_rng(0))) == 20
