"""Numbers as a datasheet holds them: plain values, rounded alike, with their interval or with what is lacking."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from labeling.reports.drawing import scales
from labeling.reports.estimates import limits

DIGITS = 6
MICRO = 1_000_000
LACKING = "insufficient_data"
"""The key under which a number that cannot be told says why."""


class Interval(scales.Interval, Protocol):
    """An estimate of the product: with the reason where there is none."""

    @property
    def reason(self) -> str: ...


Plain = dict[str, Any]


def estimate(found: Interval) -> Plain:
    """Value and 95% interval; or `insufficient_data` with the reason, and then no number."""
    if not found.estimable or found.value is None:
        return {LACKING: found.reason or "nothing to divide by"}
    told: Plain = {"value": rounded(found.value)}
    if found.low is not None and found.high is not None:
        told |= {"low": rounded(found.low), "high": rounded(found.high)}
    return told


def share(part: int, whole: int) -> Plain:
    """A share with Wilson's 95% interval; `insufficient_data` where there is nothing to divide by."""
    if not whole:
        return {LACKING: "nothing to divide by"}
    low, high = limits(part / whole, whole)
    return {"value": rounded(part / whole), "low": rounded(low), "high": rounded(high)}


def rounded(value: float) -> float:
    return round(float(value), DIGITS)


def usd(microdollars: int | None) -> float:
    """US dollars, exact to the micro-dollar; PostgreSQL adds integers up to a decimal."""
    return int(microdollars or 0) / MICRO


def moment(when: datetime | None) -> str | None:
    """A time as ISO 8601 in UTC, to the second."""
    return None if when is None else when.isoformat(timespec="seconds")
