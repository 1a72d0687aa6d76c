"""The looks of a watch over time, ready to be drawn: the evidence against the alarm, and the gap with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from fairness.intervals import Estimate
from fairness.watches.looks import WITHOUT
from labeling.models import Alarm, Batch, Watch, WatchLook
from labeling.models.watch import GroupLook
from labeling.reports.drawing.scales import LogScale

MOST_POINTS = 200
WEAKEST = 0.5
ROOM = 1.25
"""How much taller than what is drawn the drawing of the evidence is."""
LINE = 0.12
"""Share of the height that a line of words takes."""
LISTED = 12


@dataclass(frozen=True, slots=True)
class Point:
    """One look: on how many tasks it rests, and what it saw of one group."""

    counted: int
    seen: GroupLook

    @property
    def gap(self) -> Estimate:
        """The gap with an interval that is valid at every look."""
        return Estimate(self.seen.difference, self.seen.low, self.seen.high)


@dataclass(frozen=True, slots=True)
class Story:
    """Every look at one group, oldest first; at least one. `margin`: the gap that matters."""

    points: tuple[Point, ...]
    margin: float

    @property
    def last(self) -> GroupLook:
        return self.points[-1].seen

    @property
    def gap(self) -> Estimate:
        """The gap now."""
        return self.points[-1].gap

    @property
    def now_counted(self) -> int:
        return self.points[-1].counted

    @property
    def scale(self) -> LogScale:
        top = max(self.last.threshold, *(one.seen.evidence for one in self.points))
        return LogScale(WEAKEST, min(top * ROOM, 1e300))

    def _x(self, place: int) -> float:
        return 100 * place / max(len(self.points) - 1, 1)

    @property
    def evidence(self) -> str:
        """The evidence of each look as points of a square of 100."""
        rows = [(self._x(at), 100 - 100 * self.scale.at(one.seen.evidence)) for at, one in enumerate(self.points)]
        return _points(rows if len(rows) > 1 else [(0.0, rows[0][1]), (100.0, rows[0][1])])

    @property
    def threshold(self) -> float:
        """How far from the top the alarm is, as a share."""
        return 1 - self.scale.at(self.last.threshold)

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """Numbers of the axis of evidence with their distances from the top; none so near that they touch."""
        shown = [self.last.threshold]
        for number in (1.0, 10.0, 1e3, 1e6, 1e12, 1e50, 1e100, 1e200):
            within = number <= self.scale.high
            if within and all(abs(self.scale.at(number) - self.scale.at(other)) > LINE for other in shown):
                shown.append(number)
        return [(number, 1 - self.scale.at(number)) for number in sorted(shown)]

    @property
    def alarm_at(self) -> float | None:
        """Where the first look stands whose evidence reached the alarm, as a share of the width; None where none."""
        places = [at for at, one in enumerate(self.points) if one.seen.evidence >= one.seen.threshold]
        return self._x(places[0]) / 100 if places else None

    @property
    def end(self) -> float:
        """How far from the top the last evidence is, as a share."""
        return 1 - self.scale.at(self.last.evidence)

    @property
    def widest(self) -> float:
        """Half the height of the drawing of the gap: in tenths, what holds the gap at every look and half its band."""
        seen = [abs(one.seen.difference) for one in self.points] + [2 * self.margin]
        seen += [abs(end) for end in (self.last.low, self.last.high)]
        return min(ceil(10 * max(seen)) / 10, 1.0)

    def _y(self, value: float) -> float:
        return 50 - 50 * min(max(value / self.widest, -1.0), 1.0)

    @property
    def band(self) -> str:
        """The interval of each look as a polygon in a square of 100."""
        above = [(self._x(at), self._y(one.seen.high)) for at, one in enumerate(self.points)]
        below = [(self._x(at), self._y(one.seen.low)) for at, one in enumerate(self.points)]
        if len(above) == 1:
            above, below = [above[0], (100.0, above[0][1])], [below[0], (100.0, below[0][1])]
        return _points(above + below[::-1])

    @property
    def line(self) -> str:
        """The gap at each look as points of a square of 100."""
        rows = [(self._x(at), self._y(one.seen.difference)) for at, one in enumerate(self.points)]
        return _points(rows if len(rows) > 1 else [rows[0], (100.0, rows[0][1])])

    @property
    def gap_ticks(self) -> list[tuple[str, float]]:
        """Points of difference on the axis of the gap, with their distances from the top as shares."""
        half = self.widest
        return [(f"{100 * at:+.0f}".replace("-", "−").replace("+0", "0"), self._y(at) / 100) for at in (half, 0, -half)]

    @property
    def margins(self) -> tuple[float, float]:
        """Where the margin begins and how high it is, as shares of the height."""
        top = self._y(self.margin) / 100
        return top, self._y(-self.margin) / 100 - top

    @property
    def gap_end(self) -> float:
        return self._y(self.last.difference) / 100


def _points(rows: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in rows)


def of_alarm(alarm: Alarm) -> Story | None:
    """Every look at the groups an alarm is about, up to now; None where none was kept."""
    group = shown_as(alarm.groups)
    if alarm.batch is None or alarm.question is None:
        return None
    looks = alarm.batch.looks.filter(question=alarm.question, attribute=alarm.attribute)
    looks = looks.filter(measure=alarm.measure, part=alarm.part)
    return _story(list(looks), group, Watch.objects.in_effect(alarm.batch).margin)


def shown_as(groups: Sequence[str]) -> str:
    """What looks call these groups: by name, or, where small ones were taken together, by their number."""
    return (groups[0] or WITHOUT) if len(groups) == 1 else f"{len(groups)} smaller groups"


def _story(looks: Sequence[WatchLook], group: str, margin: float) -> Story | None:
    found = [Point(look.counted, one) for look in looks for one in look.groups if one.group == group]
    if not found:
        return None
    step = -(-len(found) // MOST_POINTS)
    return Story((*found[:-1:step], found[-1]), margin)


@dataclass(frozen=True, slots=True)
class Line:
    """The last look at one group, and what it is about."""

    about: str
    seen: GroupLook

    @property
    def gap(self) -> Estimate:
        return Estimate(self.seen.difference, self.seen.low, self.seen.high)

    @property
    def words(self) -> str:
        return {"pause": "a real gap", "watching": "watched"}.get(self.seen.verdict, self.seen.verdict)


def now(batch: Batch, watch: Watch) -> list[Line]:
    """The last look at each group under the watch that is in effect; the strongest evidence first."""
    newest: dict[tuple[int, str, str], WatchLook] = {}
    for look in batch.looks.filter(measure=watch.measure).select_related("question").order_by("pk"):
        newest[look.question_id, look.attribute, look.part] = look
    several = len({question for question, _, _ in newest}) > 1
    lines = [
        Line(_about(look, one, several=several, attributes=len(batch.attributes)), one)
        for look in newest.values()
        for one in look.groups
    ]
    return sorted(lines, key=lambda line: -line.seen.evidence)


def _about(look: WatchLook, one: GroupLook, *, several: bool, attributes: int) -> str:
    told = [f"Question {look.question.number}"] if several else []
    told.append(f"{look.attribute}: {one.group}" if attributes > 1 else one.group)
    return ", ".join([*told, look.part] if look.part else told)
