"""Whether a difference between groups of people is larger for some tasks than for others.

Row = group of the people who answer, column = group of the tasks. The contrast is how much more often the second group
of people says yes to the second group of tasks, beyond what each group does elsewhere: a difference in differences, and
the same on the scale of log odds. Answers of one person, and answers to one task, resemble each other; the interval
that counts for that clusters both ways. Source: Cameron, Gelbach and Miller, Journal of Business & Economic Statistics
29 (2011), doi 10.1198/jbes.2010.07136.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import scipy
from numpy.typing import NDArray

from fairness.intervals import (
    Floats,
    Interaction,
    difference_in_differences,
    holm,
    log_odds_interaction,
)
from fairness.rates import Bools, Ints

SIGN = np.array([[1.0, -1.0], [-1.0, 1.0]])


@dataclass(frozen=True, slots=True)
class Answers:
    """Yes-or-no answers, arrays of shape (V,). `side`, `part`: groups of the person and the task, indexes of the names.

    `person`, `task`: who answered what, any whole numbers.
    """

    yes: Bools
    person: Ints
    task: Ints
    side: NDArray[np.intp]
    part: NDArray[np.intp]
    sides: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contrast:
    """One group of people against the others, on one group of tasks against the others.

    `positives`, `n`: (2, 2), row 1 the people in `side`, column 1 the tasks in `part`. `apart`: the difference in
    differences as if every answer stood alone, `odds` the same on log odds; `clustered`: with intervals that count for
    people and tasks who answer more than once. `people`: how many in the rest and in `side`. `p_adjusted`: that of
    `clustered` after Holm over all contrasts.
    """

    side: str
    part: str
    rest: str
    elsewhere: str
    positives: tuple[tuple[int, int], tuple[int, int]]
    n: tuple[tuple[int, int], tuple[int, int]]
    people: tuple[int, int]
    apart: Interaction
    odds: Interaction
    clustered: Interaction
    p_adjusted: float | None = None


def contrasts(answers: Answers, fewest: int = 10, level: float = 0.95) -> tuple[Contrast, ...]:
    """Every group of people against the rest on every group of tasks against the rest; of two groups one contrast.

    Groups of fewer than `fewest` people are in no contrast, and in no rest either. Empty cells make no contrast.
    """
    kept = _large(answers, fewest)
    found = [_contrast(kept, side, part, level) for side in _each(kept.sides) for part in _each(kept.parts)]
    return _adjusted([one for one in found if one is not None and min(one.people) >= fewest])


def too_small(answers: Answers, fewest: int) -> tuple[tuple[str, int], ...]:
    """The groups of people that are left out, and how many people each has."""
    return tuple((name, n) for name, n in _people(answers) if n < fewest)


def _people(answers: Answers) -> Iterator[tuple[str, int]]:
    for place, name in enumerate(answers.sides):
        yield name, len(np.unique(answers.person[answers.side == place]))


def _large(answers: Answers, fewest: int) -> Answers:
    names = [name for name, n in _people(answers) if n >= fewest]
    place = np.array([names.index(name) if name in names else -1 for name in answers.sides], dtype=np.intp)
    keep = place[answers.side] >= 0
    side = place[answers.side[keep]]
    return Answers(
        answers.yes[keep], answers.person[keep], answers.task[keep], side, answers.part[keep], tuple(names),
        answers.parts,
    )  # fmt: skip


def _each(names: Sequence[str]) -> list[int]:
    """The groups that are held against the rest; of two the second, since the first is the rest."""
    return [1] if len(names) == 2 else list(range(len(names))) if len(names) > 2 else []


def _contrast(answers: Answers, side: int, part: int, level: float) -> Contrast | None:
    row, column = (answers.side == side).astype(int), (answers.part == part).astype(int)
    cell = 2 * row + column
    n = np.bincount(cell, minlength=4).reshape(2, 2)
    if n.min() < 1:
        return None
    positives = np.bincount(cell, answers.yes, minlength=4).reshape(2, 2)
    people = tuple(len(np.unique(answers.person[row == one])) for one in (0, 1))
    return Contrast(
        answers.sides[side],
        answers.parts[part],
        _others(answers.sides, side),
        _others(answers.parts, part),
        _pairs(positives),
        _pairs(n),
        (people[0], people[1]),
        difference_in_differences(positives, n, level),
        log_odds_interaction(positives, n, level),
        _clustered(answers, row, column, positives / n, level),
    )


def _others(names: Sequence[str], place: int) -> str:
    """What those are called together that one is held against."""
    return names[1 - place] if len(names) == 2 else "all others"


def _pairs(table: NDArray[np.generic]) -> tuple[tuple[int, int], tuple[int, int]]:
    (a, b), (c, d) = table.astype(int).tolist()
    return (a, b), (c, d)


def _clustered(answers: Answers, row: Ints, column: Ints, rate: Floats, level: float) -> Interaction:
    """The contrast with a variance that sums within people and within tasks; Student's t by the fewer clusters.

    Where the difference of both sums is negative, as it can be with few clusters, the larger one-way variance counts.
    """
    value = float((SIGN * rate).sum())
    n = np.bincount(2 * row + column, minlength=4).reshape(2, 2)
    lever = SIGN[row, column] * (answers.yes - rate[row, column]) / n[row, column]
    people, tasks = (np.unique(one, return_inverse=True)[1] for one in (answers.person, answers.task))
    by_person, by_task = (float((np.bincount(one, lever) ** 2).sum()) for one in (people, tasks))
    both = np.unique(np.stack([people, tasks]), axis=1, return_inverse=True)[1].ravel()
    variance = by_person + by_task - float((np.bincount(both, lever) ** 2).sum())
    se = sqrt(max(variance, by_person, by_task))
    free = max(min(people.max(), tasks.max()), 1)
    half = float(scipy.stats.t.ppf((1 + level) / 2, free)) * se
    p_value = float(2 * scipy.stats.t.sf(abs(value) / se, free)) if se > 0 else None
    return Interaction(value, value - half, value + half, se, p_value)


def _adjusted(found: list[Contrast]) -> tuple[Contrast, ...]:
    places = [at for at, one in enumerate(found) if one.clustered.p_value is not None]
    p = dict(zip(places, holm([found[at].clustered.p_value or 0.0 for at in places]).tolist(), strict=True))
    return tuple(replace(one, p_adjusted=p.get(at)) for at, one in enumerate(found))
