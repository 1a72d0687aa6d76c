"""Reference values K1 to K4 were computed with two libraries and by hand."""

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from labeling.truth import agreement, cohen
from labeling.truth.votes import Votes
from tests.labeling.truth.crowds import votes_of

EXACT = 1e-9
K1 = votes_of([["ABC".index(letter) for letter in row] for row in ("AAAABBBBCCCC", "AAABBBBCCCCB")])
FLEISS_TABLE = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ],
    dtype=float,
)
K4 = votes_of([[int(task[j]) for task in ["000", "001", "111", "101", "000", "110"]] for j in range(3)])
PARADOX = votes_of([[1] * 90 + [1] * 5 + [0] * 5, [1] * 90 + [0] * 5 + [1] * 5])


def coders(*rows: str) -> Votes:
    return votes_of([[None if mark == "." else int(mark) - 1 for mark in row.split()] for row in rows])


K3 = coders("1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 .")


def patterns(votes: Votes) -> tuple[np.ndarray, np.ndarray]:
    return agreement.patterns(agreement.label_table(votes))


@pytest.mark.parametrize(("weights", "value"), [(None, "5/8"), ("linear", "22/31"), ("quadratic", "4/5")])
def test_cohen_k1(weights: str | None, value: str):
    assert cohen.pairwise(K1, weights).kappa[0] == pytest.approx(float(Fraction(value)), abs=EXACT)


def test_krippendorff_k1():
    assert agreement.krippendorff_alpha(*patterns(K1)) == pytest.approx(122 / 191, abs=EXACT)


def test_fleiss_k2():
    assert agreement.fleiss_kappa(FLEISS_TABLE, np.ones(10)) == pytest.approx(0.209930704, abs=EXACT)


@pytest.mark.parametrize(
    ("metric", "value"), [("nominal", 113 / 152), ("ordinal", 0.815387504), ("interval", 0.849107143)]
)
def test_krippendorff_k3_with_gaps(metric: str, value: float):
    assert agreement.krippendorff_alpha(*patterns(K3), metric=metric) == pytest.approx(value, abs=EXACT)


def test_k4_three_raters():
    assert agreement.fleiss_kappa(*patterns(K4)) == pytest.approx(13 / 40, abs=EXACT)
    assert agreement.krippendorff_alpha(*patterns(K4)) == pytest.approx(29 / 80, abs=EXACT)
    pairs = cohen.pairwise(K4)
    np.testing.assert_array_equal([pairs.first, pairs.second], [[0, 0, 1], [1, 2, 2]])
    np.testing.assert_allclose(pairs.kappa, [2 / 3, 1 / 3, 0], atol=EXACT)


def test_the_prevalence_paradox_shows_all_its_sides():
    found = agreement.summarise(PARADOX)
    assert found.raw.value == pytest.approx(0.9)
    assert cohen.pairwise(PARADOX).kappa[0] == pytest.approx(-1 / 19, abs=EXACT)
    assert found.ac1.value == pytest.approx(0.805 / 0.905, abs=EXACT)
    np.testing.assert_allclose(found.prevalence, [0.05, 0.95])
    np.testing.assert_allclose(found.specific, [0, 90 / 95])


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval"])
def test_krippendorff_is_that_of_the_krippendorff_library(metric: str):
    krippendorff = pytest.importorskip("krippendorff")
    counts = np.random.default_rng(0).integers(0, 4, (60, 5)).astype(float)
    expected = krippendorff.alpha(value_counts=counts, level_of_measurement=metric)
    assert agreement.krippendorff_alpha(counts, np.ones(60), metric=metric) == pytest.approx(expected, abs=EXACT)


def test_both_raters_constant_and_equal_is_undefined_with_the_reason():
    found = agreement.summarise(votes_of([[1] * 5, [1] * 5], 2))
    assert found.raw.value == 1
    for coefficient in (found.fleiss, found.alpha, found.ac1):
        assert coefficient.value is None
        assert coefficient.undefined.startswith("one label only")
    assert np.isnan(cohen.pairwise(votes_of([[1] * 5, [1] * 5], 2)).kappa[0])


def test_one_vote_a_task_is_undefined_with_the_reason():
    found = agreement.summarise(votes_of([[0, 1, 0]], 2))
    assert found.raw.value is None
    assert found.raw.undefined == "no task has two labels to compare"
    assert found.tasks == 0


def test_no_votes_at_all_are_undefined():
    empty = np.zeros(0, dtype=np.int32)
    found = agreement.summarise(Votes(empty, empty, empty, 3, 2, 2))
    assert found.alpha.undefined == "no task has two labels to compare"
    assert len(cohen.pairwise(Votes(empty, empty, empty, 3, 2, 2)).kappa) == 0


def test_unequal_numbers_of_votes_are_noted_for_fleiss():
    assert agreement.summarise(K3).fleiss.note.startswith("tasks have 1 to 4 labels")
    assert agreement.summarise(K4).fleiss.note is None


def test_abstentions_do_not_count():
    votes = votes_of([[0, 1, 2], [0, 1, 0]], 2)
    assert agreement.summarise(votes).tasks == 2
    assert cohen.pairwise(votes).n[0] == 2


def test_a_fractional_vote_counts_as_its_heaviest_label():
    arrays = np.array([[0, 0, 0, 1, 1], [0, 0, 1, 0, 1], [0, 1, 1, 0, 0]], dtype=np.int32)
    votes = Votes(*arrays, 2, 2, 2, np.array([0.3, 0.7, 1, 1, 1], np.float32))
    np.testing.assert_array_equal(agreement.label_table(votes), [[0, 2], [2, 0]])


def test_intervals_come_from_resampled_tasks_and_hold_the_value():
    first, again = agreement.summarise(K3, seed=1), agreement.summarise(K3, seed=1)
    assert first.alpha == again.alpha
    for coefficient in (first.raw, first.fleiss, first.alpha, first.ac1):
        assert coefficient.low <= coefficient.value <= coefficient.high


def test_the_interval_is_as_wide_as_the_sampling_error():
    generator = np.random.default_rng(2)
    rate = []
    for _ in range(100):
        first = generator.integers(0, 2, 200)
        second = np.where(generator.random(200) < 0.8, first, 1 - first)
        rate.append((first == second).mean())
    found = agreement.summarise(votes_of([first.tolist(), second.tolist()], 2)).raw
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.std(rate), rel=0.25)


def test_cohen_skips_pairs_without_a_common_task():
    pairs = cohen.pairwise(votes_of([[0, 1, None, None], [0, 0, None, None], [None, None, 1, 0]], 2))
    assert list(zip(pairs.first, pairs.second, strict=True)) == [(0, 1)]


def test_an_unknown_metric_or_weight_is_refused():
    with pytest.raises(ValueError, match="nominal, ordinal or interval"):
        agreement.krippendorff_alpha(*patterns(K1), metric="ratio")
    with pytest.raises(ValueError, match="'linear' or 'quadratic'"):
        cohen.pairwise(K1, "cubic")


def krippendorff_by_definition(counts: np.ndarray, distance: np.ndarray) -> float:
    """Observed and expected disagreement over every ordered pair of votes, one by one."""
    observed = sum(np.einsum("k,l,kl->", row, row, distance) / (row.sum() - 1) for row in counts if row.sum() > 1)
    total = counts[counts.sum(axis=1) > 1].sum(axis=0)
    return 1 - observed / (np.einsum("k,l,kl->", total, total, distance) / (total.sum() - 1))


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval"])
def test_alpha_is_its_definition_on_random_counts(metric: str):
    rng = np.random.default_rng(5)
    counts = rng.poisson(0.6, (40, 5)).astype(float)
    values = np.array([3.0, -1.0, 10.0, 4.5, 0.0])
    used = counts[counts.sum(axis=1) > 1].sum(axis=0)
    order = np.argsort(values)
    rank = np.empty(5)
    rank[order] = np.cumsum(used[order]) - used[order] / 2
    place = {"nominal": np.arange(5), "ordinal": rank, "interval": values}[metric]
    distance = (place[:, None] - place) ** 2.0
    expected = krippendorff_by_definition(counts, np.minimum(distance, 1) if metric == "nominal" else distance)
    found = agreement.krippendorff_alpha(counts, np.ones(40), metric=metric, values=values)
    assert found == pytest.approx(expected, abs=1e-12)
    drawn = rng.multinomial(40, np.full(40, 1 / 40), size=3).astype(float)
    each = [agreement.krippendorff_alpha(counts, row, metric=metric, values=values) for row in drawn]
    assert agreement.krippendorff_alpha(counts, drawn, metric=metric, values=values) == pytest.approx(each)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_kappa_is_its_definition_on_random_votes(weights: str | None):
    rng = np.random.default_rng(6)
    rows = [[int(k) if rng.random() < 0.7 else None for k in rng.integers(0, 4, 60)] for _ in range(4)]
    values = np.array([0.0, 1.0, 4.0, 4.5])
    found = cohen.pairwise(votes_of(rows, 4), weights, values)
    apart = np.abs(values[:, None] - values)
    cost = {None: (apart > 0) * 1.0, "linear": apart, "quadratic": apart**2}[weights]
    assert len(found.n) == 6
    for one, other, n, kappa in zip(found.first, found.second, found.n, found.kappa, strict=True):
        both = [(a, b) for a, b in zip(rows[one], rows[other], strict=True) if a is not None and b is not None]
        observed = np.mean([cost[a, b] for a, b in both])
        expected = np.mean([cost[a, b] for a, _ in both for _, b in both])
        assert n == len(both)
        assert kappa == pytest.approx(1 - observed / expected, abs=1e-12)


def test_many_labels_take_memory_by_what_is_there():
    """600 labels on 300 tasks: tables of labels by labels for the resamples at once would take gigabytes."""
    rng = np.random.default_rng(7)
    task, annotator = np.divmod(np.arange(1500, dtype=np.int32), np.int32(5))
    votes = Votes(task, annotator, rng.integers(0, 600, 1500).astype(np.int32), 300, 5, 600)
    tracemalloc.start()
    agreement.summarise(votes, metric="ordinal")
    cohen.pairwise(votes, "linear")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120e6
