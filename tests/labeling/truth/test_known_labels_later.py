"""Known labels that come later, and known labels chosen for being hard: recalibration and importance weights."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.truth import auto, recalibration, stand_ins
from labeling.truth.votes import Ints, Votes


def crowd(seed: int = 0, n: int = 600) -> tuple[Votes, Ints]:
    """Six voters of different skill on tasks of two labels."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n).astype(np.int32)
    right = np.array([0.9, 0.8, 0.75, 0.7, 0.65, 0.6])
    said = np.where(rng.random((n, 6)) < right, truth[:, None], 1 - truth[:, None]).astype(np.int32)
    task, voter = np.repeat(np.arange(n, dtype=np.int32), 6), np.tile(np.arange(6, dtype=np.int32), n)
    return Votes(task, voter, said.reshape(-1), n, 6, 2), truth


def slice_of(truth: Ints, tasks: np.ndarray) -> Ints:
    known = np.full(len(truth), -1, dtype=np.int32)
    known[tasks] = truth[tasks]
    return known


@pytest.mark.slow
def test_a_belief_brought_up_to_date_is_nearly_as_good_as_one_weighed_anew() -> None:
    votes, truth = crowd()
    few, more = slice_of(truth, np.arange(100)), slice_of(truth, np.arange(140))
    before = auto.infer(votes, known=few)
    assert recalibration.applies(before, more)
    quick, anew = recalibration.recalibrated(before, more, np.ones(600)), auto.infer(votes, known=more)
    rest = np.arange(140, 600)
    score = [np.log(found.belief[rest, truth[rest]]).mean() for found in (quick, anew)]
    assert score[0] > score[1] - 0.01
    assert np.array_equal(quick.labels()[:140], truth[:140]), "known tasks keep their label"
    assert np.array_equal(quick.details["known_tasks"], np.arange(140))


def test_no_tasks_own_label_enters_its_out_of_fold_belief() -> None:
    votes, truth = crowd()
    before = auto.infer(votes, known=slice_of(truth, np.arange(100)))
    known = slice_of(truth, np.arange(120))
    flipped = known.copy()
    flipped[110] = 1 - flipped[110]
    one, other = (recalibration.recalibrated(before, each, np.ones(600)) for each in (known, flipped))
    assert one.details["out_of_fold"][110] == pytest.approx(other.details["out_of_fold"][110])


@pytest.mark.parametrize("later", ["many", "fewer"])
def test_votes_are_weighed_anew_where_much_has_changed(later: str) -> None:
    votes, truth = crowd()
    before = auto.infer(votes, known=slice_of(truth, np.arange(100)))
    now = np.arange(300) if later == "many" else np.arange(50)
    assert not recalibration.applies(before, slice_of(truth, now))


def test_labels_known_by_lot_count_alike() -> None:
    votes, truth = crowd()
    known = slice_of(truth, np.arange(100))
    weight = stand_ins.weights(votes, known, np.ones(600), known >= 0)
    assert weight == pytest.approx(np.ones(600))


def test_hard_tasks_do_not_make_the_crowd_look_worse_than_it_is() -> None:
    """People were asked where the votes are split; a few sure tasks were drawn by lot: the weights make up for it."""
    votes, truth = crowd(n=3000)
    counts = np.zeros((3000, 2))
    np.add.at(counts, (votes.task, votes.label), 1)
    split = np.flatnonzero(counts.max(axis=1) <= 4)
    drawn = np.random.default_rng(1).choice(np.setdiff1d(np.arange(3000), split), 60, replace=False)
    known = slice_of(truth, np.concatenate([split[:240], drawn]))
    at_random = np.zeros(3000, dtype=np.bool_)
    at_random[drawn] = True
    weight = stand_ins.weights(votes, known, np.ones(3000), at_random)
    right = counts.argmax(axis=1) == truth
    there, rest = np.flatnonzero(known >= 0), np.flatnonzero(known < 0)
    plain, fair, real = right[there].mean(), np.average(right[there], weights=weight[there]), right[rest].mean()
    assert plain < real - 0.05, "the sample is biased"
    assert abs(fair - real) < abs(plain - real) / 2


def test_labels_less_sure_count_less() -> None:
    votes, truth = crowd()
    known = slice_of(truth, np.arange(100))
    certainty = np.ones(600)
    certainty[:50] = 0.8
    weight = stand_ins.weights(votes, known, certainty, known >= 0)
    assert weight[:50].mean() == pytest.approx(0.6 * weight[50:100].mean())
