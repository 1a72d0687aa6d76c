"""How sure an answer is, learnt from known ones: of answers said to be right at 80%, eight of ten are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from labeling.kinds.base import AnswerTable, Kind, Known, Opinion
from labeling.truth.votes import Bools, Floats

FEWEST = 20
"""With fewer known answers the stated chances stand as they are."""
FOLDS, MOST = 5, 200_000
"""Known answers are hidden in so many parts, in two where there are more answers than that."""
STEEPNESS, PULL = 1.0, 4.0
"""Without evidence a chance means itself; the prior is worth so many times a squared unit of either parameter."""
EDGE = 1e-4


@dataclass(frozen=True, slots=True)
class Way:
    """How chances come about: the `method` of a kind that is run, and how `sure` each answer is that it finds."""

    kind: Kind
    method: str
    sure: Callable[[Opinion], Floats]
    seed: int = 0


def calibrated(way: Way, table: AnswerTable, known: Known | None, stated: Floats) -> Floats:
    """The chance that each whole answer is right, (n_tasks,), from the `stated` one, (n_tasks,).

    Known answers are hidden in turn, and what is then stated of them is held against whether it was right; a line on
    log odds, pulled to none, takes the one to the other. Known answers themselves stay as stated.
    Source: Platt 1999, Probabilistic Outputs for Support Vector Machines, with a prior.
    """
    if known is None or len(known.task) < FEWEST or not len(table.task):
        return stated
    told, right = _hidden(way, table, known)
    shift, steep = _line(told, right)
    found = expit(shift + steep * logit(np.clip(stated, EDGE, 1 - EDGE)))
    found[known.task] = stated[known.task]
    kept: Floats = found
    return kept


def _hidden(way: Way, table: AnswerTable, known: Known) -> tuple[Floats, Bools]:
    """What is stated of each known task that the methods do not know, and whether it is right, (M,) each."""
    n, parts = len(known.task), FOLDS if len(table.task) <= MOST else 2
    fold = np.random.default_rng(way.seed).permutation(n) % parts
    told, right = np.zeros(n), np.zeros(n, dtype=np.bool_)
    for part in range(parts):
        out = np.flatnonzero(fold == part)
        found = way.kind.infer(table, way.method, known.some(np.flatnonzero(fold != part)), way.seed)
        tasks = known.task[out]
        told[out] = way.sure(found)[tasks]
        right[out] = [
            _marks(way.kind, found.answers[task], table) == _marks(way.kind, known.answers[at], table)
            for task, at in zip(tasks.tolist(), out.tolist(), strict=True)
        ]
    return told, right


def _marks(kind: Kind, answer: Any, table: AnswerTable) -> Any:
    return kind.to_marks(answer, table.space)


def _line(told: Floats, right: Bools) -> tuple[float, float]:
    """Shift and steepness of the line on log odds, by maximum a posteriori."""
    odds, hit = logit(np.clip(told, EDGE, 1 - EDGE)), right.astype(np.float64)

    def loss(line: NDArray[np.float64]) -> float:
        z = line[0] + line[1] * odds
        prior = 0.5 * (line[0] ** 2 + PULL * (line[1] - STEEPNESS) ** 2)
        return float((np.logaddexp(0, z) - hit * z).sum() + prior)

    found = minimize(loss, np.array([0.0, STEEPNESS]), method="BFGS").x
    return float(found[0]), max(float(found[1]), 0.0)
