"""How good a method's labels are, on tasks whose label is known and was not shown to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.truth.calibration import expected_calibration_error
from labeling.truth.votes import Bools, Floats, Inference, Ints

ANOTHER_LABEL = -2
"""A known label that is none of the method's: whatever the method says is wrong."""


@dataclass(frozen=True, slots=True)
class Score:
    """Share of right labels and expected calibration error over `scored` tasks; None where there is none."""

    accuracy: float | None
    ece: float | None
    scored: int


def score(result: Inference, gold: Ints, shown: Bools) -> Score:
    """Score the labels on the tasks with a gold label that were not `shown` to the method.

    `gold`: (n_tasks,), -1 where there is none, `ANOTHER_LABEL` where it is outside the method's labels.
    `shown`: (n_tasks,). A tie counts by the label that is given, the first of the tied.
    """
    tasks = np.flatnonzero((gold != -1) & ~shown)
    if not len(tasks):
        return Score(None, None, 0)
    truth = gold[tasks]
    accuracy = float((result.labels()[tasks] == truth).mean())
    return Score(accuracy, expected_calibration_error(_with_other(result.belief[tasks]), truth), len(tasks))


def _with_other(belief: Floats) -> Floats:
    """Beliefs with two empty columns at the end, so that index -2 stands for a label nobody can choose."""
    return np.pad(belief, ((0, 0), (0, 2)))
