"""What a budget would have bought, averaged over validation slices: the numbers behind `manage.py simulate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labeling.routing.recording import PAPERS_K, Recording, Replay, Weighing
from labeling.routing.replay import EITHER, PAPERS_OWN, replay
from labeling.truth.votes import Bools, Floats, Ints, Votes

SHOWN = ("budget", "calls", "cost_usd", "accuracy", "accuracy_sd")


@dataclass(frozen=True, slots=True)
class Way:
    """One way of spending: a router, the aggregator it starts from, how it weighs, and the tasks of one round."""

    router: str = "value"
    aggregator: str = "auto"
    weighing: Weighing = "learned"
    k: int = PAPERS_K

    @classmethod
    def named(
        cls, router: str, aggregator: str | None = None, weighing: str | None = None, k: int | None = None
    ) -> Way:
        """With what the router takes unless told otherwise: the paper's own weigh, and start, as the paper does."""
        paper = router in PAPERS_OWN or (router in EITHER and weighing == "paper")
        start = aggregator or ("majority_vote" if paper else "auto")
        return cls(router, start, "paper" if paper else "learned", k or PAPERS_K)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is replayed. `budgets`: fractions of `everything`, the micro-dollars of asking the dearest about all.

    `unit`: dollars of one unit of the recording's prices. `validation`: tasks whose label the methods may learn from.
    """

    recording: Recording
    budgets: list[float]
    everything: int
    unit: float
    validation: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One repeat. `accuracy`, `calls`, `cost`: (B,). `crowd`, `paid`, `single`: accuracies on the same tasks.

    `stopped`: by place of a paid annotator why the largest budget did not buy from it to the end.
    """

    accuracy: Floats
    calls: Floats
    cost: Floats
    crowd: float
    paid: float
    single: float
    stopped: dict[int, str]


def run_once(setting: Setting, way: Way, seed: int) -> Outcome:
    """One repeat: draw the validation slice, replay, and score on all other tasks."""
    record, known = setting.recording, known_labels(setting, seed)
    run = Replay(record, known, way.aggregator, seed, way.weighing, way.k)
    rising, place = np.unique([0.0, *setting.budgets], return_inverse=True)
    points = replay(run, way.router, [int(fraction * setting.everything + 1e-6) for fraction in rising])
    scored = known < 0
    right = np.array([(point.label == record.truth)[scored].mean() for point in points])
    chosen, calls = place[1:], np.array([point.calls for point in points], dtype=np.float64)
    return Outcome(
        right[chosen],
        calls[chosen],
        np.array([point.cost for point in points], dtype=np.float64)[chosen],
        float(right[place[0]]),
        best_paid(record, scored),
        best_single(record.votes, record.truth, scored),
        points[-1].stopped,
    )


def known_labels(setting: Setting, seed: int) -> Ints:
    """The validation slice that this seed draws: labels by task, -1 outside it, (n,)."""
    truth = setting.recording.truth
    known = np.full(len(truth), -1, dtype=np.int32)
    drawn = np.random.default_rng(seed).choice(len(truth), setting.validation, replace=False)
    known[drawn] = truth[drawn]
    return known


def best_paid(record: Recording, scored: Bools) -> float:
    """The largest accuracy of a paid annotator on the scored tasks it may be asked about; no answer is a wrong one."""
    shares = []
    for place in range(record.answers.shape[1]):
        there = scored & record.recorded(place)
        shares.append(float((record.answers[there, place] == record.truth[there]).mean()) if there.any() else 0.0)
    return max(shares)


def best_single(votes: Votes, truth: Ints, scored: Bools) -> float:
    """The largest accuracy of one member of the crowd, known only in hindsight; a task without its vote is wrong."""
    right = scored[votes.task] & (votes.label == truth[votes.task])
    return float(np.bincount(votes.annotator[right], minlength=votes.n_annotators).max() / scored.sum())


def summarise(setting: Setting, way: Way, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Means over the repeats; `accuracy_sd` is the standard deviation between them."""
    accuracy = np.stack([outcome.accuracy for outcome in outcomes])
    calls = np.mean([outcome.calls for outcome in outcomes], axis=0)
    cost = np.mean([outcome.cost for outcome in outcomes], axis=0) * setting.unit
    columns = (setting.budgets, calls, cost, accuracy.mean(axis=0), accuracy.std(axis=0))
    return {
        "router": way.router,
        "repeats": len(outcomes),
        "aggregator": way.aggregator,
        "weighing": way.weighing,
        "k": way.k,
        "tasks": len(setting.recording.truth),
        "labels": setting.recording.votes.n_labels,
        "validation": setting.validation,
        "crowd_accuracy": float(np.mean([outcome.crowd for outcome in outcomes])),
        "paid_accuracy": float(np.mean([outcome.paid for outcome in outcomes])),
        "best_single_accuracy": float(np.mean([outcome.single for outcome in outcomes])),
        "curve": [
            dict(zip(SHOWN, (round(float(value), 6) for value in row), strict=True))
            for row in zip(*columns, strict=True)
        ],
        "area": float(accuracy.mean()),
        "stopped": [
            {"repeat": repeat, "paid": place, "why": why}
            for repeat, outcome in enumerate(outcomes)
            for place, why in outcome.stopped.items()
        ],
    }
