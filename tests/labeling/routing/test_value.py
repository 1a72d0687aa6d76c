"""The value of an answer, the fusion that weighs it, and the router that buys where it pays."""

from dataclasses import replace

import numpy as np
import pytest

from labeling.routing import answer_law, fusion, value
from labeling.routing.answer_law import AnswerLaw
from labeling.routing.fusion import Fusion, Heard
from labeling.routing.joint import one_coin
from labeling.routing.lookahead import Asking, adaptive_value, value_of_answer, value_of_start
from labeling.routing.value import Crowd, Relabeler
from labeling.truth import bayes
from labeling.truth.votes import Votes


def coin(accuracy, n_labels=2):
    """A one-coin confusion matrix with a column for abstentions that never come."""
    return np.column_stack([one_coin(accuracy, n_labels), np.zeros(n_labels)])


def plain(*accuracies):
    """Relabelers whose answers count as Bayes' rule says."""
    return [Fusion(coin(p)) for p in accuracies], [AnswerLaw(coin(p)) for p in accuracies]


def heard(*chances):
    return Heard.crowd_alone(np.array([[p, 1 - p] for p in chances]))


def gains(accuracy, *chances):
    (fused,), (law,) = plain(accuracy)
    return value_of_answer(heard(*chances), fused, law)[0]


def answers(n, m, n_labels, *rows):
    task, who, label = np.array(rows, dtype=np.int32).reshape(-1, 3).T
    return Votes(task, who, label, n, m, n_labels)


def simulated(n=600, known=150, seed=0, crowd=0.75, paid=0.9):
    """A crowd with calibrated beliefs, a paid model that knows more, and labels for the first tasks."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n).astype(np.int32)
    strength = rng.gamma(2.0, np.log(crowd / (1 - crowd)) / 2, n)
    right = rng.random(n) < 1 / (1 + np.exp(-strength))
    log_odds = np.where(right, strength, -strength) * np.where(truth == 1, 1, -1)
    chance = 1 / (1 + np.exp(-log_odds))
    belief = np.column_stack([1 - chance, chance])
    slice_ = np.where(np.arange(n) < known, truth, -1).astype(np.int32)
    tasks = np.flatnonzero(slice_ >= 0).astype(np.int32)
    told = belief.copy()
    told[tasks] = np.eye(2)[truth[tasks]]
    said = np.where(rng.random(n) < paid, truth, 1 - truth).astype(np.int32)
    return Crowd(told, slice_, tasks, belief[tasks]), said, truth


def taught(crowd, said, more=(), n_labels=2):
    tasks = np.concatenate([crowd.known_tasks, np.asarray(more, dtype=np.int32)]).astype(np.int32)
    return Votes(tasks, np.zeros_like(tasks), said[tasks], len(said), 1, n_labels)


def test_who_may_answer_counts_one_by_one_and_the_always_wrong_are_used():
    crowd = Crowd(
        np.array([[0.55, 0.45], [0.7, 0.3]]), *(np.array(part, np.int32) for part in ([-1, -1], [])), np.empty((0, 2))
    )
    nobody = answers(2, 1, 2)

    def gain(*voices):
        people = Relabeler("people", 0, voices=tuple(value.Voice(share, coin(right)) for share, right in voices))
        return value.fit(crowd, [people], nobody, floor=0.0).offers().raw[:, 0]

    np.testing.assert_allclose(gain((0.5, 0.9), (0.5, 0.6)), (gains(0.9, 0.55, 0.7) + gains(0.6, 0.55, 0.7)) / 2)
    np.testing.assert_allclose(gain((1.0, 0.2)), gains(0.8, 0.55, 0.7), atol=1e-12)
    assert (gain((0.5, 0.95), (0.5, 0.2)) > gain((1.0, 0.575))).all()


class TestTheValueOfOneAnswer:
    def test_it_is_the_relabelers_lead_over_the_belief_and_exactly_nothing_where_the_belief_is_surer(self):
        found = gains(0.9, 0.5, 0.6, 0.8, 0.9, 0.95, 1.0)
        assert found[:3] == pytest.approx([0.4, 0.3, 0.1])
        assert found[3] == pytest.approx(0, abs=1e-12)
        assert found[4:].tolist() == [0.0, 0.0]

    def test_a_relabeler_that_guesses_is_worth_nothing(self):
        assert gains(0.5, 0.5, 0.7, 0.99) == pytest.approx([0, 0, 0], abs=1e-12)

    def test_the_chance_that_it_changes_the_label_is_that_of_the_other_answer_where_that_answer_wins(self):
        (fused,), (law,) = plain(0.9)
        change = value_of_answer(heard(0.6, 0.95), fused, law)[1]
        assert change == pytest.approx([0.6 * 0.1 + 0.4 * 0.9, 0])

    def test_it_is_never_negative_whatever_was_learnt(self):
        rng = np.random.default_rng(0)
        for _ in range(50):
            matrix = rng.dirichlet(np.ones(4), 3)
            fused = Fusion(matrix, rng.uniform(0, 2), rng.uniform(0, 2), rng.normal(0, 2, 3))
            law = AnswerLaw(matrix, rng.uniform(0, 2), rng.normal(), rng.normal(0, 1, 4))
            found, change = value_of_answer(Heard.crowd_alone(rng.dirichlet(np.ones(3), 40)), fused, law)
            assert found.min() >= 0
            assert (change >= 0).all() and (change <= 1 + 1e-12).all()

    def test_it_does_not_depend_on_the_names_of_the_labels(self):
        rng = np.random.default_rng(1)
        belief, matrix, bias = rng.dirichlet(np.ones(3), 30), rng.dirichlet(np.ones(4), 3), rng.normal(0, 1, 3)
        order = np.array([2, 0, 1])
        columns = np.append(order, 3)
        one = value_of_answer(
            Heard.crowd_alone(belief), Fusion(matrix, 0.8, 1.1, bias), AnswerLaw(matrix, 0.9, 0.2, np.append(bias, 0))
        )
        turned = matrix[order][:, columns]
        other = value_of_answer(
            Heard.crowd_alone(belief[:, order]),
            Fusion(turned, 0.8, 1.1, bias[order]),
            AnswerLaw(turned, 0.9, 0.2, np.append(bias[order], 0)),
        )
        assert other[0] == pytest.approx(one[0])
        assert other[1] == pytest.approx(one[1])


class TestSeveralAnswers:
    """Belief .8, two models right three times in four for 1 each, one right 19 times in 20 for 6, and .005 a unit."""

    @pytest.mark.parametrize(
        ("accuracies", "prices", "depth", "expected"),
        [
            ((0.75,), (1,), 1, 0.800),
            ((0.75, 0.75), (1, 1), 1, 0.800),
            ((0.75, 0.75), (1, 1), 2, 0.856),
            ((0.95,), (6,), 2, 0.920),
            ((0.75, 0.75, 0.95), (1, 1, 6), 3, 0.936),
        ],
    )
    def test_two_cheap_answers_turn_what_neither_turns_alone(self, accuracies, prices, depth, expected):
        asking = Asking(*plain(*accuracies), prices, 0.005)
        found = adaptive_value(heard(0.8), asking, range(len(accuracies)), depth)
        assert found[0] == pytest.approx(expected, abs=5e-4)

    def test_the_first_of_two_is_worth_what_the_pair_brings_less_the_price_of_the_second(self):
        asking = Asking(*plain(0.75, 0.75), (1, 1), 0.005)
        start = value_of_start(heard(0.8), 0, asking, [1])
        assert start[0] - 0.005 == pytest.approx(adaptive_value(heard(0.8), asking, [0, 1], 2)[0] - 0.8)

    def test_a_router_buys_the_first_of_two_and_without_looking_ahead_nothing(self):
        crowd = Crowd(np.array([[0.8, 0.2]]), np.array([-1]), np.empty(0, np.int32), np.empty((0, 2)))
        router = value.fit(crowd, [Relabeler("a", 1), Relabeler("b", 1)], answers(1, 2, 2))
        fusions, laws = plain(0.75, 0.75)
        router = replace(router, fusions=tuple(fusions), laws=tuple(laws))
        assert router.plan(10, depth=1).action.tolist() == [-1]
        assert router.plan(10).action.tolist() == [0]


class TestFusion:
    def test_without_anything_learnt_it_is_bayes_rule(self):
        belief, matrix = np.array([[0.7, 0.3], [0.2, 0.8]]), coin(0.9)
        after = Heard.crowd_alone(belief).after(Fusion(matrix), np.array([1, 1])).belief()
        assert after == pytest.approx(bayes.update(belief, np.array([1, 1]), matrix))

    def test_the_order_of_the_answers_does_not_matter(self):
        law = AnswerLaw(coin(0.8), leans=0.5)
        one = Fusion(coin(0.8), 0.7, 1.2, np.array([0.1, -0.1]), gamma=0.5, law=law)
        two = Fusion(coin(0.9), 0.9, 0.8, np.array([0.3, 0.0]))
        start = heard(0.6, 0.3)
        assert start.after(one, 0).after(two, 1).belief() == pytest.approx(start.after(two, 1).after(one, 0).belief())

    def test_a_crowd_that_is_far_too_sure_is_discounted(self):
        crowd, said, truth = simulated(2_000, 1_000)
        loud = crowd.out_of_fold**4
        loud /= loud.sum(axis=1, keepdims=True)
        fused = fusion.fit(loud, said[crowd.known_tasks], truth[crowd.known_tasks])
        assert fused.alpha < 0.5 < fused.beta

    def test_a_person_who_never_answered_a_known_task_is_taken_to_be_as_good_as_expected(self):
        none = np.empty(0, dtype=np.int32)
        fused = fusion.fit(np.empty((0, 2)), none, none, expected=0.9, certainty=10.0)
        assert np.diag(fused.confusion) == pytest.approx([0.9, 0.9])

    def test_ten_right_answers_move_a_person_less_than_a_model(self):
        truth = np.zeros(10, dtype=np.int32)
        person = fusion.confusion_of(1 - truth, truth, 2, 0.9, 10.0)
        model = fusion.confusion_of(1 - truth, truth, 2)
        assert person[1, 1] > model[1, 1]


class TestAnswerLaw:
    def test_unfitted_it_is_what_belief_and_matrix_imply(self):
        belief, matrix = np.array([[0.7, 0.3]]), coin(0.9)
        assert AnswerLaw(matrix).of(belief) == pytest.approx(bayes.answer_law(belief, matrix))

    def test_it_learns_that_the_relabeler_goes_along_with_the_crowd(self):
        rng = np.random.default_rng(0)
        belief = rng.dirichlet(np.ones(2), 2_000)
        law = answer_law.fit(belief, belief.argmax(axis=1).astype(np.int32), coin(0.7))
        assert law.of(np.array([[0.8, 0.2]]))[0, 0] > 0.95 > AnswerLaw(coin(0.7)).of(np.array([[0.8, 0.2]]))[0, 0]


class TestTheRouter:
    def test_it_prefers_a_cheap_answer_and_keeps_to_the_budget(self):
        crowd, said, _ = simulated()
        given = taught(crowd, said)
        two = Votes(
            np.tile(given.task, 2), np.repeat([0, 1], len(given.task)), np.tile(given.label, 2), given.n_tasks, 2, 2
        )
        router = value.fit(crowd, [Relabeler("dear", 1_000), Relabeler("cheap", 10)], two)
        plan = router.plan(300)
        assert 0 < plan.spend <= 300
        assert set(plan.action.tolist()) == {-1, 1}

    def test_it_never_buys_a_validated_task_a_closed_one_or_one_that_the_model_has_answered(self):
        crowd, said, _ = simulated(100, 20)
        eligible = np.arange(100) % 2 == 0
        router = value.fit(crowd, [Relabeler("p", 1, eligible=eligible)], taught(crowd, said, [30, 40]), floor=0.0)
        bought = np.flatnonzero(router.plan(10**6).action >= 0)
        assert len(bought) > 5
        assert (bought >= 20).all() and (bought % 2 == 0).all() and not np.isin([30, 40], bought).any()
        fresh = value.fit(crowd, [Relabeler("q", 1)], answers(100, 1, 2))
        assert fresh.open_to()[:, 0].tolist() == [False] * 20 + [True] * 80

    def test_it_stops_by_itself_when_no_answer_can_change_a_label(self):
        n = 50
        belief = np.tile([0.999, 0.001], (n, 1))
        crowd = Crowd(belief, np.full(n, -1, np.int32), np.empty(0, np.int32), np.empty((0, 2)))
        plan = value.fit(crowd, [Relabeler("p", 1)], answers(n, 1, 2)).plan(10**9)
        assert (plan.action == -1).all()
        assert plan.spend == 0 and plan.marginal_dollars is None

    def test_tasks_with_the_same_votes_are_bought_by_lot_wherever_they_stand_in_the_file(self):
        n = 400
        # beliefs that differ by a rounding error only
        belief = np.column_stack([0.6 + np.arange(n) * 1e-13, 0.4 - np.arange(n) * 1e-13])
        crowd = Crowd(belief, np.full(n, -1, np.int32), np.empty(0, np.int32), np.empty((0, 2)))
        router = value.fit(crowd, [Relabeler("p", 1)], answers(n, 1, 2), seed=5)
        bought = np.flatnonzero(router.plan(100).action == 0)
        assert len(bought) == 100
        assert abs(bought.mean() - 199.5) < 60

    def test_an_answer_dearer_than_a_correct_label_is_worth_is_not_bought(self):
        crowd, said, _ = simulated()
        router = value.fit(crowd, [Relabeler("p", 1_000_000)], taught(crowd, said))
        everything, picky = router.plan(10**10), router.plan(10**10, worth=4.0)
        assert 0 < picky.spend < everything.spend
        gains = router.offers().gain[:, 0]
        assert gains[picky.action == 0].min() >= 1 / 4.0

    def test_answers_make_labels_better_and_are_not_taken_at_their_word(self):
        crowd, said, truth = simulated(3_000, 300, paid=0.8)
        router = value.fit(crowd, [Relabeler("p", 1)], taught(crowd, said))
        bought = np.flatnonzero(router.plan(10**9).action == 0).astype(np.int32)
        told = router.told(Votes(bought, np.zeros_like(bought), said[bought], 3_000, 1, 2))
        score = {
            name: (label == truth)[300:].mean()
            for name, label in (
                ("crowd", crowd.belief.argmax(axis=1)),
                ("paid", said),
                ("together", told.belief().argmax(axis=1)),
            )
        }
        assert score["together"] > max(score["crowd"], score["paid"]) + 0.02
        everything = np.arange(300, 3_000, dtype=np.int32)
        all_told = router.told(Votes(everything, np.zeros_like(everything), said[300:], 3_000, 1, 2))
        overruled = (all_told.belief().argmax(axis=1) != said)[300:]
        assert (truth[300:] != said[300:])[overruled].mean() > 0.7

    def test_an_answer_taken_in_at_once_and_one_known_at_the_fit_count_nearly_the_same(self):
        crowd, said, _ = simulated(200, 60)
        router = value.fit(crowd, [Relabeler("p", 1)], taught(crowd, said))
        more = answers(200, 1, 2, (100, 0, said[100]), (101, 0, said[101]))
        again = value.fit(crowd, [Relabeler("p", 1)], taught(crowd, said, [100, 101]))
        # the fit also learns from the two how often which answer is given
        assert router.told(more).belief() == pytest.approx(again.belief(), abs=0.005)
        assert router.told(more).answered.sum() == again.answered.sum() == 62

    def test_two_people_of_one_group_may_both_be_heard_on_a_task(self):
        crowd = Crowd(np.full((1, 2), 0.5), np.array([-1]), np.empty(0, np.int32), np.empty((0, 2)))
        people = Relabeler("person", 100, 0.9, 10.0, again=True)
        once = value.fit(crowd, [people], answers(1, 1, 2, (0, 0, 1)))
        twice = value.fit(crowd, [people], answers(1, 1, 2, (0, 0, 1), (0, 0, 1)))
        assert 0.5 < once.belief()[0, 1] < twice.belief()[0, 1]
        assert once.open_to().all()

    def test_the_order_of_the_tasks_does_not_matter(self):
        crowd, *_ = simulated(120, 0)
        order = np.random.default_rng(0).permutation(120)
        turned = Crowd(crowd.belief[order], crowd.known[order], np.empty(0, np.int32), np.empty((0, 2)))
        nothing = answers(120, 1, 2)
        one, other = (value.fit(each, [Relabeler("p", 1)], nothing).offers() for each in (crowd, turned))
        assert other.gain[:, 0] == pytest.approx(one.gain[order, 0])

    def test_prices_may_differ_by_task(self):
        crowd, said, _ = simulated(60, 20)
        price = np.arange(60, dtype=np.int64) + 1
        router = value.fit(crowd, [Relabeler("p", price), Relabeler("q", 5)], taught(crowd, said))
        assert router.prices().shape == (60, 2)
        plan = router.plan(40)
        assert plan.spend <= 40
