"""Bought answers are tried on known tasks before the first dollar, and watched while they come in."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.routing import promises
from labeling.routing.promises import CONTRADICTION, Trial, Watch, contradiction, foreseen, tried
from labeling.routing.recording import Recording, Replay
from labeling.routing.replay import replay
from labeling.routing.value import Crowd, Relabeler
from labeling.truth.belief import clipped
from labeling.truth.votes import Ints, Votes

N, KNOWN = 1_200, 120
PAID = [Relabeler("paid", 100)]


def torn_and_sure(seed: int, easy: float, hard: float) -> tuple[Crowd, Ints, Ints]:
    """A calibrated crowd of two labels, .6 sure of one task in two and .95 of the others; the truth, (n,); and the
    answers of somebody right with chance `hard` on the first and `easy` on the second kind."""
    rng = np.random.default_rng(seed)
    torn = np.arange(N) % 2 == 0
    sure = np.where(torn, rng.uniform(0.52, 0.68, N), 0.95)
    guess = rng.integers(0, 2, N)
    truth = np.where(rng.random(N) < sure, guess, 1 - guess).astype(np.int32)
    belief = np.where(np.arange(2) == guess[:, None], sure[:, None], 1 - sure[:, None])
    answer = np.where(rng.random(N) < np.where(torn, hard, easy), truth, 1 - truth).astype(np.int32)
    known = np.where(np.arange(N) < KNOWN, truth, -1).astype(np.int32)
    tasks = np.arange(KNOWN, dtype=np.int32)
    return Crowd(clipped(belief), known, tasks, clipped(belief[:KNOWN])), truth, answer


def given(answer: Ints, tasks: Ints) -> Votes:
    return Votes(tasks.astype(np.int32), np.zeros(len(tasks), dtype=np.int32), answer[tasks], N, 1, 2)


@pytest.mark.slow
def test_a_model_that_is_good_on_the_hard_tasks_passes_and_one_that_is_good_on_easy_ones_alone_fails():
    passed = failed = 0
    for seed in range(10):
        for easy, hard in ((0.9, 0.9), (0.85, 0.35)):
            crowd, _, answer = torn_and_sure(seed, easy, hard)
            (trial,) = tried(crowd, PAID, given(answer, np.arange(KNOWN)), seed=seed)
            assert trial.known == KNOWN and trial.mended + trial.spoilt <= trial.unsure <= KNOWN
            if hard == 0.9:
                passed += not trial.failed and trial.mended > trial.spoilt
            else:
                failed += trial.failed or not trial.unsure
    assert passed == 10
    assert failed >= 7


def test_with_few_known_answers_nothing_is_tried_and_nobody_is_stopped():
    crowd, _, answer = torn_and_sure(0, 0.85, 0.35)
    (trial,) = tried(crowd, PAID, given(answer, np.arange(19)))
    assert trial == Trial(19) and not trial.failed
    assert not Watch.over(crowd, PAID, given(answer, np.arange(19))).stopped


def test_the_gain_of_a_trial_has_an_interval_that_holds_it():
    gain, low, high = Trial(100, 40, 80, 70, 20, 22, mended=8, spoilt=4).gain()
    assert gain == pytest.approx(0.1) and low < 0 < gain < high
    assert Trial(100).gain() == (0.0, -1.0, 1.0)


def test_answers_that_follow_what_was_foreseen_are_no_contradiction_however_many_there_are():
    largest = []
    for seed in range(20):
        crowd, _, answer = torn_and_sure(seed, 0.85, 0.85)
        laws = foreseen(crowd, PAID, given(answer, np.arange(KNOWN)), seed=seed)
        evidence = [contradiction(crowd, 0, laws[0], given(answer, np.arange(end))) for end in range(KNOWN, N, 60)]
        largest.append(max(evidence))
    assert sum(each > promises.CERTAIN for each in largest) <= 1


def test_answers_that_follow_nothing_are_found_out_soon():
    for seed in range(5):
        crowd, _, answer = torn_and_sure(seed, 0.75, 0.5)
        rng = np.random.default_rng(seed)
        answer[KNOWN:] = rng.integers(0, 2, N - KNOWN)
        watch = Watch.over(crowd, PAID, given(answer, np.arange(KNOWN)), seed=seed)
        watch = watch.after(given(answer, np.arange(KNOWN + 400)))
        assert CONTRADICTION in watch.stopped.values() or watch.trials[0].failed
        assert not watch.left(PAID)[0].eligible
        assert watch.only([]).left(PAID) == PAID


def test_a_model_better_than_the_crowd_is_not_stopped_for_contradicting_it():
    crowd, truth, answer = torn_and_sure(1, 0.95, 0.95)
    turned = Crowd(crowd.belief[:, ::-1].copy(), crowd.known, crowd.known_tasks, crowd.out_of_fold)
    watch = Watch.over(turned, PAID, given(answer, np.arange(N)), seed=1)
    assert contradiction(turned, 0, watch.laws[0], given(answer, np.arange(N))) > promises.CERTAIN
    assert not watch.stopped and (answer == truth).mean() > 0.9


def test_a_run_stops_buying_from_a_model_that_is_worse_where_it_is_asked():
    """The crowd is five voters, right 9 times in 10 on easy tasks and 6 in 10 on hard ones, where the paid one errs."""
    rng = np.random.default_rng(3)
    hard, truth = rng.random(N) < 0.4, rng.integers(0, 2, N)
    said = [np.where(rng.random(N) < np.where(hard, 0.62, 0.92), truth, 1 - truth) for _ in range(5)]
    votes = Votes(*(np.tile(np.arange(N), 5), np.repeat(np.arange(5), N), np.concatenate(said)), N, 5, 2)
    votes = Votes(*(each.astype(np.int32) for each in (votes.task, votes.annotator, votes.label)), N, 5, 2)
    ends = {}
    for name, there in (("good", 0.9), ("bad", 0.3)):
        paid = np.where(rng.random(N) < np.where(hard, there, 0.95), truth, 1 - truth).astype(np.int32)
        record = Recording(votes, paid[:, None], np.array([1]), truth.astype(np.int32))
        known = np.where(np.arange(N) < KNOWN, truth, -1).astype(np.int32)
        ends[name] = replay(Replay(record, known, "auto", 0), "value", [0, N])[-1]
    assert ends["good"].calls > 100 and not ends["good"].stopped
    assert ends["bad"].calls < ends["good"].calls / 2
