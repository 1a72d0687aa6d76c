from itertools import pairwise

import numpy as np
import pytest

from labeling.truth.methods import method
from labeling.truth.spans import agreeing, characters, inference, weights
from labeling.truth.spans.borders import border_share
from labeling.truth.spans.candidates import find, overlapping
from labeling.truth.spans.dependence import dependence
from labeling.truth.spans.inference import NAMES, Known, infer
from labeling.truth.spans.learned import ridge_logistic
from labeling.truth.spans.marks import Answer, Indexes, Marks, marks_of
from labeling.truth.spans.scoring import NOTHING, partial_by_type, strict, strict_by_type, token_kappa
from labeling.truth.spans.selection import select, without_overlap

X, Y = 0, 1
BEHIND = np.array([0, 1])
"""Added to two places in order, it makes them a start and an end."""


def marks(texts: list[list[Answer]], n_types: int = 2) -> Marks:
    """Text i holds the answers of annotators 0, 1, ...; None is no answer."""
    entries = [(task, by, answer) for task, answers in enumerate(texts) for by, answer in enumerate(answers)]
    entries = [entry for entry in entries if entry[2] is not None]
    task, by = (np.array([entry[at] for entry in entries], dtype=np.int32) for at in (0, 1))
    return marks_of([entry[2] for entry in entries], task, by, len(texts), max(map(len, texts)), n_types)


def crowd(n_texts: int = 60, n_people: int = 6, seed: int = 0) -> tuple[Marks, list[Answer]]:
    """Truth with two stretches a text; annotator 0 is exact, the last one careless with borders, types and places."""
    generator = np.random.default_rng(seed)
    right, texts = [], []
    for _ in range(n_texts):
        truth = tuple(sorted((10 * at + 2, 10 * at + 6, int(generator.integers(2))) for at in range(2)))
        answers = []
        for person in range(n_people):
            care = 1 - 0.14 * person
            spans = []
            for start, end, label in truth:
                if generator.random() < 0.3 + 0.7 * care:
                    shift = 0 if generator.random() < care else int(generator.integers(1, 3))
                    spans.append((start + shift, end, label if generator.random() < care else 1 - label))
            if generator.random() > care:
                spans.append((30, 33 + person, X))
            answers.append(tuple(spans))
        right.append(truth)
        texts.append(answers)
    return marks(texts), right


def test_a_candidate_is_each_distinct_stretch_and_votes_overlap_in_part():
    found = find(marks([[((0, 4, X),), ((2, 4, Y),), (), None]]))
    assert list(zip(found.start.tolist(), found.end.tolist(), strict=True)) == [(0, 4), (2, 4)]
    votes = found.votes
    told = {
        (int(task), int(by), int(label)): float(weight)
        for task, by, label, weight in zip(votes.task, votes.annotator, votes.label, votes.weight, strict=True)
    }
    none = 2
    assert told == {
        **{(0, 0, X): 1.0, (0, 1, Y): 0.5, (0, 1, none): 0.5, (0, 2, none): 1.0},
        **{(1, 0, X): 0.5, (1, 0, none): 0.5, (1, 1, Y): 1.0, (1, 2, none): 1.0},
    }


def test_whoever_did_not_answer_says_nothing_and_an_empty_answer_says_none():
    found = find(marks([[((0, 4, X),), (), None], [((0, 4, X),), None, None]]))
    by = {(int(task), int(one)) for task, one in zip(found.votes.task, found.votes.annotator, strict=True)}
    assert by == {(0, 0), (0, 1), (1, 0)}


def test_one_mark_over_a_whole_long_text_costs_no_pairs_of_others():
    places = np.array([[10 * at, 10 * at + 5] for at in range(2000)])
    whole = np.array([[0, 20_000]])
    one, other = overlapping(places, np.concatenate([whole, places]))
    assert len(one) == 4000
    assert (other == 0).sum() == 2000


def test_stretches_of_two_texts_never_meet():
    found = find(marks([[((0, 9, X),)], [((0, 9, X),)]]))
    assert len(found) == 2
    assert len(found.votes.task) == 2


@pytest.mark.parametrize("seed", range(5))
def test_overlapping_pairs_are_those_that_share_a_code_point(seed: int):
    generator = np.random.default_rng(seed)
    one, other = (np.sort(generator.choice(40, size=(30, 2)), axis=1) + BEHIND for _ in range(2))
    pairs = set(zip(*(side.tolist() for side in overlapping(one, other)), strict=True))
    assert pairs == {(i, j) for i, a in enumerate(one) for j, b in enumerate(other) if a[0] < b[1] and b[0] < a[1]}


@pytest.mark.parametrize("seed", range(5))
def test_the_chosen_stretches_have_the_greatest_total_of_all_without_overlap(seed: int):
    generator = np.random.default_rng(seed)
    place = np.sort(generator.choice(20, size=(9, 2)), axis=1) + BEHIND
    worth = generator.normal(size=9)
    chosen = without_overlap(place[:, 0], place[:, 1], worth)
    best = 0.0
    for subset in range(1 << 9):
        held = [at for at in range(9) if subset >> at & 1]
        apart = all(place[i, 1] <= place[j, 0] or place[j, 1] <= place[i, 0] for i in held for j in held if i < j)
        best = max(best, worth[held].sum()) if apart else best
    assert worth[chosen].sum() == pytest.approx(best)


def test_a_stretch_is_chosen_where_it_raises_expected_f1():
    found = find(marks([[((0, 2, X), (4, 6, X), (8, 10, X))]]))
    belief = np.array([[0.9, 0.0], [0.5, 0.0], [0.1, 0.0]])
    chosen = select(found, belief)
    # one: 1.8 / 2.5, two: 2.8 / 3.5, three: 3 / 4.5
    assert chosen.chosen.tolist() == [0, 1]
    assert chosen.threshold == pytest.approx(0.4)


@pytest.mark.parametrize("name", [NAMES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:])])
def test_what_all_or_the_only_one_says_is_believed(name: str):
    answer = ((0, 4, X), (6, 9, Y))
    for answers in ([answer] * 3, [answer]):
        assert infer(marks([answers] * 4), name).answers == [answer] * 4


def test_texts_in_which_nobody_marked_anything_stay_empty():
    found = infer(marks([[(), ()], [(), None]]), "auto")
    assert found.answers == [(), ()]
    assert found.confidence.tolist() == [1.0, 1.0]
    assert infer(marks([[(), ()]]), "dawid_skene").answers == [()]


@pytest.mark.parametrize("name", ["auto", "dawid_skene"])
def test_a_simulated_truth_is_found_better_than_by_exact_majority(name: str):
    given, right = crowd()
    plain = strict(characters.exact_majority(given), right).f1
    assert strict(infer(given, name).answers, right).f1 > max(plain, 0.85)


def test_answers_follow_when_texts_annotators_and_types_are_renumbered():
    given, _ = crowd(20)
    plain = infer(given, "auto").answers
    turned = Marks(
        *(19 - given.task, 5 - given.annotator, given.start, given.end, 1 - given.label),
        *(19 - given.seen_task, 5 - given.seen_by, 20, 6, 2),
    )
    moved = [tuple((start, end, 1 - label) for start, end, label in answer) for answer in infer(turned, "auto").answers]
    assert moved[::-1] == plain


def test_chosen_stretches_never_overlap():
    given, _ = crowd(40, seed=3)
    for answer in infer(given, "auto").answers:
        assert all(one[1] <= other[0] for one, other in pairwise(answer))


def test_agreement_ranks_annotators_by_their_care_and_confirms_nobody_by_themselves():
    given, _ = crowd(80)
    found = agreeing.agreement(given, find(given)).mean(axis=0)
    assert found[0] > found[3] > found[5]
    alone = marks([[((0, 2, X),), ((5, 7, X),), ((5, 7, X),)]] * 30)
    agreement = agreeing.agreement(alone, find(alone))[X]
    assert agreement[0] < 0.1 < 0.5 < agreement[1]


def test_known_texts_keep_their_answer_and_teach_whom_to_follow():
    # two who err alike outvote the one who is right
    right, wrong = ((0, 3, X),), ((5, 8, X),)
    given = marks([[right, wrong, wrong]] * 60)
    assert infer(given, "auto").answers[59] == wrong
    taught = infer(given, "auto", Known(np.arange(30, dtype=np.int32), [right] * 30))
    assert taught.answers == [right] * 60
    assert taught.chosen == "learned"
    assert taught.confidence[0] == 1.0


def test_words_that_known_texts_show_to_be_right_are_believed():
    # everybody marks both stretches; only their words tell them apart
    answer = ((0, 3, X), (5, 8, X))
    given = marks([[answer] * 3] * 60)
    words = np.tile([0, 1], 60)
    found = infer(given, "auto", Known(np.arange(30, dtype=np.int32), [((0, 3, X),)] * 30), words)
    assert found.answers[59] == ((0, 3, X),)


def test_errors_made_alone_are_told_from_errors_made_together():
    given, _ = crowd()
    candidates = find(given)
    assert abs(dependence(candidates, method("dawid_skene")(candidates.votes))) < 0.05
    # two schools of four: each marks its own places, and all of a school do
    generator = np.random.default_rng(0)
    texts = []
    for _ in range(60):
        school = [tuple((at, at + 3, X) for at in (0, 5, 10) if generator.random() < 0.5) for _ in range(2)]
        texts.append([school[person % 2] for person in range(8)])
    together = find(marks(texts))
    assert dependence(together, method("dawid_skene")(together.votes)) > 0.15


def test_twins_count_as_one_voice():
    given, _ = crowd(150)
    candidates = find(given)
    alone = weights.independence(given, candidates, agreeing.agreement(given, candidates))
    last = given.annotator == 5

    def twice(side: Indexes) -> Indexes:
        return np.concatenate([side, side[last]])

    by = np.concatenate([given.annotator, np.full(int(last.sum()), 6)])
    seen = np.concatenate([given.seen_task, np.arange(150)]), np.concatenate([given.seen_by, np.full(150, 6)])
    both = Marks(twice(given.task), by, twice(given.start), twice(given.end), twice(given.label), *seen, 150, 7, 2)
    with_twin = weights.independence(both, find(both), agreeing.agreement(both, find(both)))
    assert with_twin[5] < alone[5] - 0.1
    assert with_twin[6] == pytest.approx(with_twin[5])


def test_the_best_lead_where_enough_voices_remain():
    few = marks([[((0, 2, X),)] * 3] * 5)
    assert weights.sharpness(few, np.array([[0.9, 0.5, 0.5]] * 2)) == 1
    many = marks([[((0, 2, X),)] * 24] * 5)
    assert weights.sharpness(many, np.array([np.linspace(0.4, 0.6, 24)] * 2)) == weights.SHARPEST


def test_the_same_words_elsewhere_are_heard():
    shares = np.array([[0.2], [0.8], [0.8], [0.2]])
    found = weights.with_likeness(shares, np.array([0, 0, 0, 1]))
    assert found[3, 0] == pytest.approx(0.2)
    assert 0.2 < found[0, 0] < 0.8


def test_ties_are_told():
    found = infer(marks([[((0, 4, X),), ((0, 4, Y),)], [((0, 4, X),), ((0, 4, X),)]]), "majority_vote")
    assert found.ties.tolist() == [True, False]


def test_borders_are_shared_among_all_who_see_something_there():
    given = marks([[((0, 4, X),), ((0, 4, X),), ((1, 4, X),), ()]])
    np.testing.assert_allclose(border_share(find(given), np.ones(4)), [2 / 3, 1 / 3])


def test_ridge_logistic_is_where_the_slope_is_zero():
    generator = np.random.default_rng(0)
    features, truth = generator.normal(size=(50, 3)), (generator.random(50) < 0.4).astype(float)
    penalty = np.array([0.1, 1.0, 10.0])
    weight = ridge_logistic(features, truth, penalty)
    chance = 1 / (1 + np.exp(-features @ weight))
    np.testing.assert_allclose(features.T @ (truth - chance), penalty * weight, atol=1e-6)


def test_plain_answers_by_code_points():
    given = marks([[((0, 4, X),), ((1, 5, X),), ((1, 5, X),), ((2, 3, Y),)]])
    assert characters.exact_majority(given) == [()]
    assert characters.by_half(given) == [((1, 5, X),)]
    assert characters.by_majority(given) == [((1, 4, X),)]
    assert characters.exact_majority(marks([[((1, 5, X),), ((1, 5, X),), ()]])) == [((1, 5, X),)]
    assert characters.by_dawid_skene(marks([[((1, 5, X),), ((1, 5, X),), ()]] * 5)) == [((1, 5, X),)] * 5


@pytest.mark.slow
def test_plain_answers_cost_marks_and_not_code_points():
    long = 10**9
    answer = ((5, long, X),)
    given = marks([[answer, answer, ((7, 9, Y),)]])
    # of the two code points in the middle two say X, one says Y
    for rule in (characters.by_half, characters.by_majority, characters.by_dawid_skene):
        assert rule(given) == [answer]


def test_scores_are_those_by_hand():
    given: list[Answer] = [((0, 4, X), (6, 9, Y)), ()]
    right: list[Answer] = [((0, 4, X), (6, 8, Y), (10, 12, X)), ((0, 1, X),)]
    assert (strict(given, right).precision, strict(given, right).recall) == (1 / 2, 1 / 4)
    assert strict(given, right).f1 == pytest.approx(1 / 3)
    assert strict_by_type(given, right, 2)[X].recall == 1 / 3
    assert sum(strict_by_type(given, right, 2), NOTHING) == strict(given, right)
    near = partial_by_type(given, right, 2)
    assert (near[X].precision, near[X].recall, near[Y].f1) == (1.0, 1 / 3, 1.0)
    assert sum(near, NOTHING).recall == 1 / 2
    other_type: list[Answer] = [((0, 4, Y),), ()]
    assert sum(partial_by_type(other_type, right, 2), NOTHING).f1 == 0.0
    assert strict([()], [()]).f1 is None
    assert strict([((0, 1, X),)], [()]).f1 == 0.0


def test_token_kappa_counts_code_points_without_a_pass_over_them():
    long = 10**9
    # given 0-4, right 2-6 of 10: both 2, given only 2, right only 2, neither 4
    assert token_kappa([((0, 4, X),)], [((2, 6, X),)], np.array([10]), 2) == pytest.approx((0.6 - 0.52) / 0.48)
    assert token_kappa([((0, 4, X),)], [((0, 4, X),)], np.array([long]), 2) == pytest.approx(1.0)
    assert token_kappa([()], [()], np.array([10]), 2) is None


def test_an_unknown_method_is_refused_by_name():
    with pytest.raises(ValueError, match="There is no method 'magic'"):
        infer(marks([[((0, 4, X),)]]), "magic")
    assert inference.NAMES[0] == "auto"
