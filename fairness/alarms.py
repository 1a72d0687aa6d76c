"""Gaps between groups whose evidence has reached the alarm; workers look after every weighing (`WATCHES`)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fairness.groups import merged
from fairness.rates import group_rates
from fairness.sequential import Look, look_at
from labeling.checks import alarms, results
from labeling.models import Alarm, Batch
from labeling.models.grouping import By

MOST = 1e300


def look(batch: Batch) -> None:
    """Raise an alarm about each group of a batch whose labels are right more or less often than the others'."""
    several = len(batch.attributes) > 1
    for attribute in batch.attributes:
        for found in paused(batch, (attribute,)):
            named = replace(found, group=f"{attribute}: {found.group}") if several else found
            alarms.raise_about(
                batch.project, Alarm.Kind.GAP, named.group, sentence(named), min(found.evidence, MOST), batch=batch
            )


def paused(batch: Batch, by: By | None = None) -> list[Look]:
    """The looks at the groups of a batch that say pause, the strongest evidence first; `by` the first attribute."""
    found = results.load(batch, by)
    group, names = merged(found.group, found.groups)
    if len([name for name in names if name]) < 2 or not found.checks.any():
        return []
    tasks = np.flatnonzero(found.checks)
    weight = None if found.weights is None else found.weight[tasks]
    looks = look_at(group_rates(found.right[tasks], group[tasks], len(names), weight), names)
    return sorted((one for one in looks if one.verdict == "pause"), key=lambda one: -one.evidence)


def sentence(found: Look) -> str:
    """What was seen and how strong the evidence is."""
    found = replace(found, difference=found.difference or 0.0)
    assert found.difference is not None
    more = "more" if found.difference > 0 else "fewer"
    gap = f"{100 * abs(found.difference):.1f} points {more} right labels than the others"
    return f"{found.group} gets {gap}; the evidence is {found.evidence:.3g}, the alarm is at {found.threshold:.3g}."
