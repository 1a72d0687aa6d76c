"""Words for the pages of people at work: durations, intervals, label names made strong."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from labeling.kinds import registry
from labeling.models import Label
from reviewers.quality import Share, Span

register = template.Library()
HUES = 8


@register.filter
def left(duration: Span) -> SafeString:
    """Time left with its range in one unit, the range rounded outwards: 11 min left (9–14)."""
    if duration.high < 60:
        return SafeString("a minute left")
    in_hours = duration.middle >= 5400
    unit, size = ("h", 3600) if in_hours else ("min", 60)
    digits = 1 if in_hours and duration.middle < 10 * size else 0
    step = size / 10**digits
    low, high = math.floor(duration.low / step) * step, math.ceil(duration.high / step) * step
    told = [f"{value / size:.{digits}f}".removesuffix(".0") for value in (max(duration.middle, size), low, high)]
    return format_html("<bdi>{} {} left ({}–{})</bdi>", told[0], unit, told[1], told[2])


@register.filter
def seconds(value: float | None) -> str:
    """How long one answer took."""
    if value is None:
        return "–"
    return f"{value:.1f} s" if value < 10 else f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


@register.filter
def interval(share: Share, on: str) -> SafeString:
    """A record with its interval: 94% on gold (90–97)."""
    if share.interval is None or share.rate is None:
        return SafeString("not estimable")
    low, high = share.interval
    return format_html("{}% on {} <bdi>({}–{})</bdi>", *_percent(share.rate), on, *_percent(low, high))


@register.filter
def bounds(share: Share) -> str:
    """The interval of a record in percent: 90–97."""
    return "–".join(_percent(*share.interval)) if share.interval else ""


def _percent(*shares: float) -> tuple[str, ...]:
    return tuple(f"{100 * share:.0f}" for share in shares)


@register.filter
def naming(sentence: str, labels: Iterable[Label]) -> SafeString:
    """A sentence with the label names in it made strong; everything in it is escaped."""
    names = sorted((escape(label.name) for label in labels), key=len, reverse=True)
    plain = escape(sentence)
    if not names:
        return plain
    pattern = "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names)
    return mark_safe(re.sub(pattern, lambda found: f"<b>{found[0]}</b>", plain))  # noqa: S308 (escaped above)


@register.filter
def exactly(text: str) -> SafeString:
    """A text in which every sign keeps its place: a browser would make one line break of a pair of signs."""
    return mark_safe(escape(text).replace("\r", "&#13;"))  # noqa: S308 (escaped)


@register.filter
def hue(place: int) -> int:
    """Which of the eight hues for types of marks the label at a place has."""
    return place % HUES


@register.simple_tag
def kind_scripts() -> list[str]:
    """The script of each kind of answer, so that a card of any kind works on the page."""
    return [f"js/cards/{name}.js" for name in registry.NAMES]
