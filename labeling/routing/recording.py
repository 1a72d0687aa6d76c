"""A run on recorded votes: what was recorded, what of it the run may know, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labeling.routing.calibrated import crowd_of
from labeling.routing.value import Crowd, Relabeler
from labeling.truth.methods import method
from labeling.truth.votes import Bools, Floats, Ints, Votes

Money = NDArray[np.int64]
Weighing = Literal["learned", "paper"]
PAPERS_K = 2
"""Tasks of one round in LMCrowd's main experiment."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded about n tasks.

    `votes`: of the crowd. `answers`: (n, P) labels by P paid annotators, K where there is none. `prices`: (P,)
    micro-dollars of one answer, at least 1. `truth`: (n,). `features`: (n, d) rows of text, or None. `partial`: True
    where only what a past run bought was recorded, so that nothing else can be asked for; one value for all paid
    annotators, or one each, (P,).
    """

    votes: Votes
    answers: Ints
    prices: Money
    truth: Ints
    features: NDArray[np.float32] | None = None
    partial: bool | Bools = False

    def recorded(self, place: int) -> Bools:
        """Tasks about which a paid annotator may be asked, (n,)."""
        whole = not np.broadcast_to(self.partial, self.answers.shape[1])[place]
        there: Bools = (self.answers[:, place] < self.votes.n_labels) | whole
        return there


@dataclass(frozen=True, slots=True)
class Replay:
    """One run: a recording, the labels that may be learnt from, (n,) with -1 elsewhere, and how votes are weighed.

    `weighing`: "learned", answers and crowd are weighed as the known labels teach (`value`), or "paper", the
    aggregator's own belief, one accuracy and Bayes' rule (LMCrowd); routers that know one way only ignore it. `k`:
    tasks of one round of LMCrowd's selection. `watched`: whether buying by value stops where answers do not keep what
    was promised of them (`promises`).
    """

    recording: Recording
    known: Ints
    aggregator: str
    seed: int
    weighing: Weighing = "learned"
    k: int = PAPERS_K
    watched: bool = True

    def crowd(self) -> Crowd:
        """What the crowd believes, calibrated on the known labels."""
        record = self.recording
        texts = {"features": record.features} if self.aggregator == "auto" and record.features is not None else {}
        return crowd_of(method(self.aggregator), record.votes, self.known, self.seed, **texts)

    def heard(self, asked: Bools) -> Votes:
        """The paid annotators' answers that the run has: those bought, (n, P), and those on the known tasks."""
        recorded = np.column_stack([self.recording.recorded(place) for place in range(asked.shape[1])])
        task, paid = np.nonzero(asked | ((self.known >= 0)[:, None] & recorded))
        label, sizes = self.recording.answers[task, paid], (*asked.shape, self.recording.votes.n_labels)
        return Votes(task.astype(np.int32), paid.astype(np.int32), label, *sizes)

    def allowed(self) -> Bools:
        """Tasks that the first paid annotator may be asked about, (n,)."""
        return (self.known < 0) & self.recording.recorded(0)

    def relabelers(self) -> list[Relabeler]:
        """The paid annotators as the router knows them."""
        prices = enumerate(self.recording.prices)
        return [Relabeler(str(n), int(price), eligible=self.recording.recorded(n)) for n, price in prices]

    def nothing_asked(self) -> Bools:
        """(n, P), all False."""
        return np.zeros(self.recording.answers.shape, dtype=bool)

    def first(self, order: Ints, calls: int) -> Bools:
        """(n, P), True for the first paid annotator's answers to the first `calls` tasks of an order."""
        asked = self.nothing_asked()
        asked[order[:calls], 0] = True
        return asked


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands: beliefs (n, K), or labels (n,), and what was asked so far, (n, P).

    `stopped`: by place of a paid annotator why no more is bought from it: "trial" or "contradiction" (`promises`).
    """

    belief: Floats | Ints
    asked: Bools
    stopped: dict[int, str] = field(default_factory=dict)
