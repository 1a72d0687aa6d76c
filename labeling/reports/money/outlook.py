"""What more money buys for a batch: measured so far, expected from here on, cheaper plans, and how forecasts fared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from labeling.models import Batch, Project, Question, Round
from labeling.money import ledger
from labeling.reports import kept
from labeling.reports.batch import levels
from labeling.reports.drawing.curves import Curve, Spot
from labeling.reports.estimates import Measured
from labeling.reports.money import bills
from labeling.routing import forecast
from labeling.truth.votes import Floats

MICRO = 1_000_000
CONFIDENCE = 0.95
"""Of every interval on the pages."""
TEN_DOLLARS = 10 * MICRO
NEARLY = 0.005
"""A plan is as good as another when it reaches all but half a point of it."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A stored forecast as arrays over rising spends in micro-dollars, counted from `start`, what was spent then."""

    start: int
    spend: Floats
    accuracy: Floats
    low: Floats
    high: Floats
    marginal: tuple[float | None, ...]
    tasks: int
    everything: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, told: dict[str, Any]) -> Ahead:
        spend, first = np.unique(np.array(told["spend"], dtype=np.float64), return_index=True)
        middle, low, high = (np.array(told[name], dtype=np.float64)[first] for name in ("accuracy", "low", "high"))
        marginal = tuple(told["marginal_dollars"][int(place)] for place in first)
        everything = tuple(told["everything"])
        return cls(int(told["spent_before"]), spend, middle, low, high, marginal, told["tasks"], everything)

    @property
    def end(self) -> float:
        """Micro-dollars of the batch after which no answer is worth its price."""
        return self.start + float(self.spend[-1])

    def at(self, spent: float) -> Spot:
        """What is expected once so many micro-dollars of the batch are spent."""
        rows = (self.accuracy, self.low, self.high)
        middle, low, high = (float(np.interp(spent - self.start, self.spend, row)) for row in rows)
        return Spot(spent / MICRO, middle, low, high)

    def from_level(self, now: Spot, spent: float) -> Ahead:
        """The same part of the errors taken away, counted from a measured level, which no forecast knows better.

        Where fewer labels are wrong than was foreseen, less is left to gain, and each further right label is dearer.
        """
        assert now.value is not None
        wrong, foreseen = 1 - now.value, 1 - (self.at(spent).value or 0.0)
        scale = wrong / foreseen if foreseen else 1.0
        gain = scale * (self.accuracy - (1 - foreseen))
        low, high = (np.array(now.value if end is None else end) for end in (now.low, now.high))
        lower, upper = forecast.band(np.array(now.value), low, high, gain, CONFIDENCE)
        marginal = tuple(each / scale if each is not None and scale else None for each in self.marginal)
        return replace(self, accuracy=np.clip(now.value + gain, 0.0, 1.0), low=lower, high=upper, marginal=marginal)

    def price_of_the_next(self, spent: float) -> float | None:
        """Dollars for one more right label once so much is spent; None where nothing is left to buy."""
        place = int(np.searchsorted(self.spend, spent - self.start, side="right")) - 1
        return self.marginal[min(max(place, 0), len(self.marginal) - 1)]

    def least_for(self, accuracy: float) -> float:
        """Micro-dollars of the batch from which on so much is expected to be right."""
        enough = np.flatnonzero(self.accuracy >= accuracy - 1e-12)
        place = int(enough[0]) if len(enough) else len(self.spend) - 1
        if not place:
            return float(self.start + self.spend[0])
        ends = self.accuracy[place - 1 : place + 1], self.spend[place - 1 : place + 1]
        return float(self.start + np.interp(accuracy, *ends))


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to spend money on the tasks that are not known: dollars more from here on, and what it should reach."""

    kind: str
    name: str
    about: str
    dollars: float
    right: Measured


@dataclass(frozen=True, slots=True)
class Outlook:
    """The drawing and what can be said in words. `next_labels`: how many more right labels the next $10, or what is
    free if that is less (`next_dollars`; without what the last answer needs held and does not cost), should buy.
    `short_of`: dollars that must be held while one answer is asked for, where less than that is free, else None.
    `foreseen`: what the first forecast said about the money that is spent now; `now`: what the checks say."""

    curve: Curve
    tasks: int
    next_dollars: float
    next_labels: float
    each: float | None
    plans: tuple[Plan, ...]
    foreseen: Measured
    now: Measured
    spent: float
    short_of: float | None = None

    @property
    def met(self) -> bool:
        """Whether what was measured lies in the band of what was foreseen."""
        there = self.foreseen.low is not None and self.foreseen.high is not None and self.now.value is not None
        return there and (self.foreseen.low or 0.0) <= (self.now.value or 0.0) <= (self.foreseen.high or 0.0)


def foretold(project: Project) -> Question | None:
    """The question that forecasts are made for: the first one whose answer is one label; None without such a one."""
    return next((one for one in project.questions.all() if one.votes_are_enough), None)


def outlook(batch: Batch) -> Outlook | None:
    """The outlook of a batch, kept while nothing changes; None before the first forecast."""
    return outlook_and_wait(batch)[0]


def outlook_and_wait(batch: Batch) -> tuple[Outlook | None, int]:
    """The outlook, and in how many seconds one of what has happened since is to be had; 0 where it is current."""
    asked = foretold(batch.project)
    mine = batch.rounds.filter(question=asked).select_related("question").order_by("number")
    turns = [turn for turn in mine if turn.parameters.get("forecast")]
    if not turns:
        return None, 0
    meter = bills.meter(batch)
    version = (kept.version(), turns[-1].pk, meter)
    name = f"outlook.{batch.pk}.{batch.created_at.timestamp()}"
    return kept.keep_and_tell(name, version, lambda: _outlook(batch, turns))


def newest_and_wait(batches: Iterable[Batch]) -> tuple[tuple[Batch, Outlook] | None, int]:
    """The first of these batches that has a forecast, with its outlook, and the wait for a newer one."""
    for batch in batches:
        found, again = outlook_and_wait(batch)
        if found:
            return (batch, found), again
    return None, 0


def _outlook(batch: Batch, turns: list[Round]) -> Outlook:
    first, last = (Ahead.of(turn.parameters["forecast"]) for turn in (turns[0], turns[-1]))
    meter = bills.meter(batch)
    spent, end = meter.spent, meter.spent + meter.free
    past = levels.levels(batch, turns, spent)
    last = last.from_level(past[-1], spent) if past else last
    now = past[-1] if past else last.at(spent)
    ahead = _expected(last, spent, end)
    marks = (_now(now, last.tasks), *(_at_the_cap(one, last.tasks) for one in ahead[-1:] if end > spent))
    least = min(turns[-1].parameters.get("holds", {}).values(), default=0)
    only_held = turns[-1].parameters.get("only_held_microdollars", 0)
    buys = min(TEN_DOLLARS, max(meter.free - only_held, 0)) if meter.free >= least else 0
    gained = (last.at(spent + buys).value or 0.0) - (last.at(spent).value or 0.0)
    return Outlook(
        Curve(past, ahead, marks, last.tasks),
        last.tasks,
        buys / MICRO,
        last.tasks * gained,
        last.price_of_the_next(spent),
        tuple(_plans(last, spent, end)),
        _as_measured(first.at(spent)),
        _as_measured(past[-1]) if past else Measured(None, estimable=False, reason="too few checks"),
        spent / MICRO,
        least / MICRO if 0 < meter.free < least else None,
    )


def _now(spot: Spot, tasks: int) -> Spot:
    """Labels are counted: their share would be another number than that of the settled ones, which pages call right."""
    return replace(spot, words=f"now {(spot.value or 0.0) * tasks:,.0f} of {tasks:,}")


def _at_the_cap(spot: Spot, tasks: int) -> Spot:
    middle, low, high = (f"{(end or 0.0) * tasks:,.0f}" for end in (spot.value, spot.low, spot.high))
    between = "" if spot.low is None else f" ({low}–{high})"
    return replace(spot, words=f"{middle}{between} at the cap")


def _as_measured(spot: Spot) -> Measured:
    return Measured(spot.value, spot.low, spot.high, spot.estimable)


def _expected(ahead: Ahead, spent: int, end: int) -> tuple[Spot, ...]:
    """The forecast from what is spent now up to the cap; to its own end where no money is left."""
    stop = end if end > spent else ahead.end
    inner = [start for start in ahead.start + ahead.spend if spent < start < stop]
    places = [float(place) for place in [spent, *inner, *([stop] if stop > spent else [])]]
    return tuple(replace(ahead.at(place), words=_next_label(ahead, place)) for place in places)


def _next_label(ahead: Ahead, spent: float) -> str:
    each = ahead.price_of_the_next(spent)
    return (
        f"expected; one more for about {ledger.about(MICRO * each)}"
        if each is not None
        else "expected; nothing more is worth its price"
    )


def _plans(ahead: Ahead, spent: int, end: int) -> Iterator[Plan]:
    """The plan up to the cap, the cheapest that is nearly as good, and each party on everything."""
    stop = min(float(end), ahead.end)
    if stop > spent:
        about = "answers that are worth their price"
        yield Plan("crowd", "Up to the cap", about, (stop - spent) / MICRO, _as_measured(ahead.at(stop)))
        least = max(ahead.least_for((ahead.at(stop).value or 0.0) - NEARLY), float(spent))
        if least < stop:
            name = "Nearly as good" if least > spent else "Nothing more"
            words = "all but half a point of it"
            yield Plan("crowd", name, words, (least - spent) / MICRO, _as_measured(ahead.at(least)))
    for one in ahead.everything:
        kind = {"people": "person", "experts": "expert"}.get(one["name"], "paid")
        name = f"{one['name'][0].upper() if kind != 'paid' else one['name'][0]}{one['name'][1:]} on everything"
        right = Measured(one["alone"], one["low"], one["high"])
        yield Plan(kind, name, "its answer alone counts", one["cost"] / MICRO, right)
