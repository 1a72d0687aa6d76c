"""Sets of labels compared whole: the MASI distance, and Krippendorff's alpha with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.truth.agreement import ONE_LABEL, TOO_FEW, Coefficient
from labeling.truth.votes import Floats

Places = NDArray[np.integer[Any]]

DRAWS = 200
MOST_SETS = 3000
"""Different sets between which all distances are kept, 72 MB; with more, tasks drawn by chance are compared."""


def masi(one: Floats, other: Floats) -> Floats:
    """Distance of sets, (n, m), from rows of 0 and 1, (n, K) and (m, K): 1 - J M, 0 between two empty sets.

    J = shared / united labels, M = 1 for equal sets, 2/3 where one holds the other, 1/3 where they overlap, else 0.
    Source: Passonneau 2006, Measuring Agreement on Set-valued Items (MASI), LREC.
    """
    shared = one @ other.T
    sizes, others = one.sum(axis=1)[:, None], other.sum(axis=1)[None, :]
    united = sizes + others - shared
    inside = shared == np.minimum(sizes, others)
    monotone = np.where((shared == sizes) & (shared == others), 1.0, np.where(inside, 2 / 3, 1 / 3))
    found: Floats = 1 - np.where(united > 0, shared / np.maximum(united, 1.0), 1.0) * np.where(
        shared > 0, monotone, np.where(united > 0, 0.0, 1.0)
    )
    return found


def alpha(task: Places, chosen: Floats, seed: int = 0) -> Coefficient:
    """Krippendorff's alpha of sets of labels with MASI's distance; answer e chose `chosen[e]`, (E, K) of 0 and 1.

    1 - observed / expected distance of two answers, of the same task and of any tasks; 95% interval from 200
    resamples of tasks. Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability.
    """
    generator = np.random.default_rng(seed)
    keep = np.flatnonzero(np.bincount(task)[task] >= 2) if len(task) else np.zeros(0, dtype=np.intp)
    if not len(keep):
        return Coefficient(None, undefined=TOO_FEW)
    task, chosen = np.unique(task[keep], return_inverse=True)[1], chosen[keep]
    sets, which = np.unique(chosen, axis=0, return_inverse=True)
    note = None
    if len(sets) > MOST_SETS:
        lot = np.isin(task, generator.permutation(task.max() + 1)[: _tasks_for(task)])
        note = f"from {len(np.unique(task[lot])):,} tasks drawn by chance"
        task, which = np.unique(task[lot], return_inverse=True)[1], which[lot]
        used, which = np.unique(which, return_inverse=True)
        sets = sets[used]
    if len(sets) < 2:
        return Coefficient(None, undefined=ONE_LABEL)
    return _with_interval(task, which.ravel(), masi(sets.astype(np.float64), sets.astype(np.float64)), generator, note)


def _tasks_for(task: Places) -> int:
    """Tasks that have about as many answers as sets may differ."""
    return max(int(MOST_SETS * (task.max() + 1) / len(task)), 2)


def _with_interval(
    task: Places, which: Places, distance: Floats, generator: np.random.Generator, note: str | None
) -> Coefficient:
    n_tasks, n_sets = int(task.max()) + 1, len(distance)
    answers = np.bincount(task, minlength=n_tasks).astype(np.float64)
    apart = _apart(task, which, distance, answers)
    order = np.argsort(task, kind="stable")
    times = np.concatenate(
        [np.ones((1, n_tasks)), generator.multinomial(n_tasks, np.full(n_tasks, 1 / n_tasks), DRAWS)]
    )
    often = np.stack([np.bincount(which[order], row[task[order]], n_sets) for row in times])
    total = often.sum(axis=1)
    expected = np.einsum("dv,dv->d", often @ distance, often) / np.maximum(total - 1, 1)
    values = 1 - (times @ apart) / np.where(expected > 0, expected, np.nan)
    low, high = np.nanquantile(values[1:], [0.025, 0.975]).tolist()
    return Coefficient(float(values[0]), low, high, note=note, resamples=DRAWS, lost=int(np.isnan(values[1:]).sum()))


def _apart(task: Places, which: Places, distance: Floats, answers: Floats) -> Floats:
    """Distances between a task's answers, summed over ordered pairs, by answers - 1, (n_tasks,)."""
    order = np.argsort(task, kind="stable")
    first, found = 0, np.zeros(len(answers))
    for place, size in enumerate(answers.astype(int).tolist()):
        inside = which[order[first : first + size]]
        found[place] = distance[np.ix_(inside, inside)].sum() / (size - 1)
        first += size
    return found
