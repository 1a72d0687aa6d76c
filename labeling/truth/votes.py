"""The one form in which votes enter truth inference, and the one in which beliefs leave it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Votes:
    """Sparse votes: entry v says annotator `annotator[v]` answered `label[v]` to task `task[v]`.

    `task`, `annotator`, `label`: integer arrays of shape (V,). A missing vote is simply absent.
    `label` lies in [0, n_labels]; the value `n_labels` is the abstention symbol: it may tell
    something about the task, but it is never a truth.
    `weight`: shape (V,) or None for all ones. A model that gave probabilities has several entries
    for one task, whose weights sum to 1 (a fractional vote).
    `groups`: where it is above 1, annotators j * groups to (j + 1) * groups - 1 are one annotator on as many groups of
    tasks (`by_group.split`); what it does in the other groups counts for one as `elsewhere` answers a label.
    """

    task: Ints
    annotator: Ints
    label: Ints
    n_tasks: int
    n_annotators: int
    n_labels: int
    weight: NDArray[np.float32] | None = None
    groups: int = 1
    elsewhere: float = 0.0

    @property
    def n_symbols(self) -> int:
        """Number of columns of a confusion matrix: the labels, and one for abstention."""
        return self.n_labels + 1


@dataclass(frozen=True, slots=True)
class Inference:
    """What a method believes, and how it came to it.

    `belief`: (n_tasks, n_labels), rows sum to 1. `confusion`: (n_annotators, n_labels, n_symbols),
    row = truth, column = answer, or None where the method has no such matrix.
    `skill`: (n_annotators,) the method's own weight or accuracy of each annotator, or None.
    `converged`: the stopping rule was met within `iterations`.
    """

    belief: Floats
    iterations: int = 0
    converged: bool = True
    confusion: Floats | None = None
    skill: Floats | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def labels(self) -> Ints:
        """The most believed label of each task, shape (n_tasks,); the first one where several tie."""
        best: Ints = self.belief.argmax(axis=1).astype(np.int32)
        return best

    def ties(self, tolerance: float = 1e-9) -> Bools:
        """Where more than one label shares the largest belief, shape (n_tasks,)."""
        best = self.belief.max(axis=1, keepdims=True)
        shared: Bools = (self.belief >= best - tolerance).sum(axis=1) > 1
        return shared


class Method(Protocol):
    """A truth inference method; `known` is (n_tasks,) with -1 where the label is not known."""

    def __call__(self, votes: Votes, *, known: Ints | None = None, seed: int = 0) -> Inference: ...
