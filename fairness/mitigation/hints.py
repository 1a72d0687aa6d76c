"""Which mistakes one group meets more often than the others: what a guideline or a worked example could say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from fairness.intervals import fisher_p, holm, newcombe

LEAST = 5
"""Mistakes of one sort that are told."""


@dataclass(frozen=True, slots=True)
class Hint:
    """Tasks of `group` that truly bear `truth` and were given `given`: so many of `n`, and how much more often than in
    the other groups, with its interval and Fisher's test after Holm."""

    group: str
    truth: str
    given: str
    count: int
    n: int
    more: float
    low: float
    high: float
    p_adjusted: float


def hints(
    label: NDArray[Any], truth: NDArray[Any], group: NDArray[Any], labels: tuple[str, ...], groups: tuple[str, ...]
) -> tuple[Hint, ...]:
    """Mistakes that stand out in a group after Holm over all that were looked at, the surest first."""
    found = [
        hint
        for g in range(len(groups))
        for t in range(len(labels))
        for k in range(len(labels))
        if k != t and (hint := _hint(label, truth, group, (g, t, k), labels, groups)) is not None
    ]
    if not found:
        return ()
    done = [
        replace(one, p_adjusted=float(p)) for one, p in zip(found, holm([one.p_adjusted for one in found]), strict=True)
    ]
    return tuple(sorted((one for one in done if one.p_adjusted <= 0.05), key=lambda one: one.p_adjusted))


def _hint(
    label: NDArray[Any],
    truth: NDArray[Any],
    group: NDArray[Any],
    cell: tuple[int, int, int],
    labels: tuple[str, ...],
    groups: tuple[str, ...],
) -> Hint | None:
    g, t, k = cell
    true, inside = truth == t, group == g
    n = int((true & inside).sum()), int((true & ~inside).sum())
    count = int((true & inside & (label == k)).sum()), int((true & ~inside & (label == k)).sum())
    if count[0] < LEAST or min(n) == 0 or count[0] / n[0] <= count[1] / n[1]:
        return None
    low, high = newcombe((float(count[0]), float(count[1])), (float(n[0]), float(n[1])))
    p = fisher_p((float(count[0]), float(count[1])), (float(n[0]), float(n[1])))
    more = count[0] / n[0] - count[1] / n[1]
    return Hint(groups[g], labels[t], labels[k], count[0], n[0], more, low, high, p)
