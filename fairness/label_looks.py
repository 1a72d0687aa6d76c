"""Evidence, label by label, that one group is treated unlike all others; pure numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fairness.metrics import Labeled, label_rates
from fairness.sequential import Look, Watch, look_at

GATHERING = "gathering"


def strongest(
    parts: Sequence[Labeled], labels: Sequence[str], measures: Mapping[str, str]
) -> dict[tuple[str, str], Look]:
    """The look with most evidence at each measure of each label; none where all groups gather checks.

    `measures`: names of rates (`metrics.COUNTED`) by measure. The labels share the chance of a false alarm, each
    measure for itself, so that an alarm at any of them is as rare as at one.
    """
    found = {}
    for part, label in zip(parts, labels, strict=True):
        rates = label_rates(part, 1)
        for measure, rate in measures.items():
            looks = look_at(rates[rate], part.group_names, Watch(delta=Watch().delta / len(labels)))
            if best := _best(looks):
                found[measure, label] = best
    return found


def _best(looks: Iterable[Look]) -> Look | None:
    told = [one for one in looks if one.verdict != GATHERING]
    return max(told, key=lambda one: one.evidence, default=None)
