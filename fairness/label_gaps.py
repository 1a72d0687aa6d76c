"""The gap of each label, step or type between groups, as the page of a batch lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairness.gaps import Gap, verdict
from fairness.groups import MARGIN, WIDEST, Choice, Fair
from fairness.sequential import Look
from labeling.reports.drawing.scales import POINTS, Scale, spanning

GAPS = {**WIDEST, "right": "accuracy_difference"}
SCREENING = "given"
PAUSE = "pause"
SURE = 0.05
"""A gap counts as one while looking at all labels would show so wide a one by chance in fewer than 5 of 100 cases."""


@dataclass(frozen=True, slots=True)
class LabelGap:
    """One label: the gap of a measure between its best and its worst group, a verdict, and the strongest evidence."""

    label: str
    gap: Gap
    verdict: str
    look: Look | None

    @property
    def alarm(self) -> bool:
        return self.look is not None and self.look.verdict == PAUSE

    @property
    def failed(self) -> bool:
        return self.verdict.startswith("fail")


@dataclass(frozen=True, slots=True)
class LabelGaps:
    """All labels, those with most evidence first, on one scale of points."""

    lines: tuple[LabelGap, ...]
    scale: Scale
    margin: float

    @property
    def alarm_at(self) -> float | None:
        """The evidence from which on a gap is real, however often one looks; None where no label has any."""
        return next((one.look.threshold for one in self.lines if one.look), None)


def by_label(fair: Fair, choice: Choice) -> LabelGaps:
    """The gaps of the measure that was chosen."""
    lines = tuple(
        sorted(
            (
                _line(fair, choice.measure, one.label, getattr(one.gaps, GAPS[choice.measure]))
                for one in fair.table.labels
            ),
            key=lambda one: (not one.gap.estimable, -(one.look.evidence if one.look else 0.0), -(one.gap.value or 0.0)),
        )
    )
    margin = 0.0 if choice.measure == SCREENING else MARGIN
    return LabelGaps(lines, _scale([one.gap for one in lines]), margin)


def _scale(gaps: Sequence[Gap]) -> Scale:
    shown = [one for one in gaps if one.estimable]
    top = max((one.high or 0.0 for one in shown), default=0.2)
    return spanning([*shown, Gap(0.0, 0.0, 0.0)], unit=POINTS, top=max(-(-top * 10 // 1) / 10, 0.2))


def _line(fair: Fair, measure: str, label: str, gap: Gap) -> LabelGap:
    return LabelGap(label, gap, _verdict(measure, gap), fair.looks.get((measure, label)))


def _verdict(measure: str, gap: Gap) -> str:
    """As of one gap, but that among many labels one may look wide by chance."""
    if not gap.estimable:
        return ""
    if measure == SCREENING:
        return "screening only"
    found = verdict(gap, MARGIN)
    by_chance = gap.p_adjusted is not None and gap.p_adjusted > SURE
    return f"{'undecided' if found == 'fail' and by_chance else found} at 5 points"


def clear(fair: Fair) -> list[tuple[str, Look]]:
    """The labels that some group is given rightly more or less often, however often one looks; surest first."""
    found = [(label, look) for (measure, label), look in fair.looks.items() if measure == "right"]
    return sorted(((label, look) for label, look in found if look.verdict == PAUSE), key=lambda one: -one[1].evidence)
