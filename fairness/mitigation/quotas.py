"""Where more checks, and more answers of people, do most: equally sure of every group, and equally right in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairness.intervals import Floats, normal_z, wilson_limits
from fairness.rates import Bools, Ints


@dataclass(frozen=True, slots=True)
class Quota:
    """More checks by group, (G,), and the half width of each group's interval before and, as expected, after."""

    more: Ints
    before: Floats
    after: Floats


def audit_quota(rate: Floats, checks: Ints, left: Ints, budget: int, level: float = 0.95) -> Quota:
    """Spread `budget` more checks so that the widest interval becomes as narrow as it can (methods 4.6, first).

    `rate`, `checks`, `left`: (G,) share right so far (NaN unknown counts as one half), checks so far, and tasks that
    could still be checked. Each check goes to the group with the widest interval, so that n_g grows with p_g (1 - p_g).
    """
    z, p = normal_z(level), np.where(np.isnan(rate), 0.5, rate)
    n, more = checks.astype(np.int64).copy(), np.zeros(len(checks), dtype=np.int64)
    before = _half(p, n, z)
    for _ in range(budget):
        open_to = more < left
        if not open_to.any():
            break
        at = int(np.where(open_to, _half(p, n, z), -1.0).argmax())
        n[at] += 1
        more[at] += 1
    return Quota(more, before, _half(p, n, z))


def _half(rate: Floats, n: Ints, z: float) -> Floats:
    low, high = wilson_limits(rate, n, z)
    return (high - low) / 2


@dataclass(frozen=True, slots=True)
class Routing:
    """Which tasks, (N,), people should answer as well; expected share wrong of each group, (G,), before and after."""

    chosen: Bools
    before: Floats
    after: Floats


def routing_quota(sure: Floats, group: NDArray[Any], n_groups: int, budget: int, people: float) -> Routing:
    """Send `budget` tasks to people so that the highest expected share wrong becomes as low as it can.

    `sure`: (N,) chance that the label is right, 1 for a task that is not to be sent. `people`: chance that a person is
    right. Within a group the least sure go first; a task that people would not make surer stays.
    """
    size = np.maximum(np.bincount(group, minlength=n_groups), 1)
    before = np.bincount(group, 1 - sure, minlength=n_groups) / size
    wrong, chosen = before.copy(), np.zeros(len(sure), dtype=bool)
    queues = [_queue(sure, group, g, people) for g in range(n_groups)]
    for _ in range(budget):
        open_to = np.array([bool(queue) for queue in queues])
        if not open_to.any():
            break
        at = int(np.where(open_to, wrong, -1.0).argmax())
        if wrong[at] < wrong.max() - 1e-12:
            break  # the worst group cannot be helped further, and helping another one would not narrow the gap
        task = queues[at].pop()
        chosen[task] = True
        wrong[at] -= (people - sure[task]) / size[at]
    return Routing(chosen, before, wrong)


def _queue(sure: Floats, group: NDArray[Any], g: int, people: float) -> list[int]:
    """Tasks of a group that people would make surer, the least sure last."""
    inside = np.flatnonzero((group == g) & (sure < people))
    found: list[int] = inside[np.argsort(-sure[inside], kind="stable")].tolist()
    return found
