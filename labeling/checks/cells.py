"""Settled answers counted: tasks that are alike in group, answer, truth and weight become one cell with a count.

A million tasks of eight groups and six labels are a few hundred cells, so that whatever is told of groups is told from
these counts at once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labeling.checks.results import Checked

ROOM = 4
"""Codes for each task up to which counting in a table beats sorting."""


def counted(found: Checked) -> Checked:
    """The same with a cell in place of alike tasks, and how many they are; what belongs to single tasks is left out.

    Rates, weighted or not, are those of the tasks themselves.
    """
    if not len(found.task):
        return found
    checks, answers = found.checks, len(found.answers)
    weights, place = np.unique(found.weight[checks], return_inverse=True)
    kind = np.zeros(len(found.task), dtype=np.int64)
    kind[checks] = place
    sizes = (len(found.groups), max(answers, 1), answers + 1, max(len(weights), 1))
    code = np.ravel_multi_index((found.group, found.label, found.truth + 1, kind), sizes)
    cells, count = _counts(code, int(np.prod(sizes, dtype=np.float64)))
    group, label, truth, kind = np.unravel_index(cells, sizes)
    nothing = np.zeros(len(cells), dtype=np.int64)
    return replace(
        found,
        task=nothing,
        label=label.astype(np.int32),
        by=nothing.astype(np.int32),
        truth=(truth - 1).astype(np.int32),
        group=group.astype(np.int32),
        weight=np.where(truth > 0, weights[kind] if len(weights) else 1.0, 1.0),
        when=nothing.astype(np.float64),
        drawn=nothing.astype(np.bool_),
        count=count.astype(np.float64),
    )


def _counts(code: np.ndarray, codes: int) -> tuple[np.ndarray, np.ndarray]:
    """The codes that occur, and how often."""
    if codes <= max(ROOM * len(code), 1 << 16):
        table = np.bincount(code, minlength=codes)
        there = np.flatnonzero(table)
        return there, table[there]
    there, count = np.unique(code, return_counts=True)
    return there, count
