"""A partial recording: of a past run only the answers that it bought can be bought again."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.routing.recording import Recording, Replay
from labeling.routing.replay import ROUTERS, replay
from labeling.truth.votes import Votes

N, LABELS, PRICE = 240, 3, 100


def past_run(*, partial: bool) -> Replay:
    """Three models that are right in 60 of 100, and a paid one right in 95 that answered every other task."""
    rng = np.random.default_rng(5)
    truth = rng.integers(0, LABELS, N).astype(np.int32)
    said = [np.where(rng.random(N) < 0.6, truth, rng.integers(0, LABELS, N)) for _ in range(3)]
    task = np.tile(np.arange(N, dtype=np.int32), 3)
    voter = np.repeat(np.arange(3, dtype=np.int32), N)
    votes = Votes(task, voter, np.concatenate(said).astype(np.int32), N, 3, LABELS)
    paid = np.where(rng.random(N) < 0.95, truth, (truth + 1) % LABELS).astype(np.int32)
    known = np.where(np.arange(N) < 80, truth, -1).astype(np.int32)
    paid[80 + np.arange(0, N - 80, 2)] = LABELS
    recording = Recording(votes, paid[:, None], np.array([PRICE]), truth, partial=partial)
    return Replay(recording, known, "dawid_skene", 0)


@pytest.mark.parametrize("router", ROUTERS)
def test_only_recorded_answers_are_bought_and_paid(router: str) -> None:
    run = past_run(partial=True)
    nothing, everything = replay(run, router, [0, PRICE * N])
    assert nothing.cost == 0 and 0 < everything.calls <= 80
    assert everything.cost == everything.calls * PRICE
    where = run.known < 0
    truth = run.recording.truth[where]
    assert (everything.label[where] == truth).mean() >= (nothing.label[where] == truth).mean()


def test_a_whole_recording_pays_for_answers_that_never_came() -> None:
    (everything,) = replay(past_run(partial=False), "random", [PRICE * N])
    assert everything.calls == N - 80
