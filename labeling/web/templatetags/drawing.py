"""Drawings in the rows of tables: an axis, a mark with its interval, numbers with theirs, heat."""

from __future__ import annotations

from math import log10
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from labeling.money import ledger
from labeling.reports.batch.standing import Standing
from labeling.reports.drawing.heat import decimals
from labeling.reports.drawing.scales import PERCENT, PLAIN, POINTS, Interval, Scale
from labeling.reports.drawing.thinning import thinned

register = template.Library()
MINUS = "−"


def number(value: float, unit: str) -> str:
    """A number without its unit's sign, as intervals show it."""
    if unit == "usd":
        digits = 2 if value >= 0.1 or not value else 4 if value >= 0.001 else 6
        return f"{value:,.{digits}f}"
    return (f"{value:.2f}" if unit == PLAIN else f"{100 * value:.1f}").replace("-", MINUS)


def value_with_unit(value: float, unit: str) -> str:
    """A number with the sign of its unit."""
    if unit == "usd":
        return f"${number(value, unit)}"
    return number(value, unit) + {PERCENT: "%", POINTS: " pts", PLAIN: ""}[unit]


def between(found: Interval, unit: str) -> str:
    """The interval as words: 91.5–96.1."""
    if found.low is None or found.high is None:
        return ""
    low, high = number(found.low, unit), number(found.high, unit)
    return f"{low} to {high}" if MINUS in low + high else f"{low}–{high}"


@register.simple_tag
def est(found: Interval, unit: str = PERCENT) -> SafeString:
    """A number with its interval, isolated left to right; or why it cannot be estimated."""
    if not found.estimable or found.value is None:
        reason = no_undefined(getattr(found, "reason", ""))
        return format_html('<b>Not estimable</b> <span class="quiet">{}</span>', reason)
    return format_html(
        '<span class="est"><b>{}</b> <small>{}</small></span>', value_with_unit(found.value, unit), between(found, unit)
    )


@register.simple_tag
def right_of(found: Interval, tasks: int) -> SafeString:
    """A share of so many labels as the number of right ones, with its interval."""
    if not found.estimable or found.value is None:
        return est(found)
    ends = [f"{end * tasks:,.0f}" for end in (found.low, found.high) if end is not None]
    shown = f"{found.value * tasks:,.0f}"
    return format_html('<span class="est"><b>{}</b> <small>{}</small></span>', shown, "–".join(ends))


@register.simple_tag
def est_of(found: Interval, unit: str) -> SafeString:
    """An estimable number of any unit with its interval below it; a `time` in seconds as people tell it."""
    if unit != "time":
        return est(found, unit)
    words = [duration(seconds or 0.0) for seconds in (found.value, found.low, found.high)]
    return format_html('<span class="est"><b>{}</b> <small>{}–{}</small></span>', *words)


def duration(seconds: float) -> str:
    """Seconds as people tell them: 8 s, 12 min, 3.5 h, 2.1 days."""
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}".replace(".0 ", " ")
    return f"{seconds:.0f} s"


@register.simple_tag
def big(found: Interval, unit: str = PERCENT) -> SafeString:
    """The same for one of the four answers."""
    if not found.estimable or found.value is None:
        return SafeString("Not estimable")
    shown = number(found.value, unit) if unit == POINTS else value_with_unit(found.value, unit)
    return format_html("{} <small>{}{}</small>", shown, between(found, unit), " points" if unit == POINTS else "")


@register.inclusion_tag("includes/_axis.html")
def axis(scale: Scale) -> dict[str, Any]:
    """The numbers above a column of marks."""
    return {"ticks": thinned(scale.ticks, keep_last=True)}


@register.inclusion_tag("includes/_mark.html")
def mark(scale: Scale, found: Interval, kind: str = "", reference: float | None = None, margin: float = 0) -> Any:
    """One row's mark with its interval; hatched where it cannot be estimated.

    `reference`: dotted line, with a shaded `margin` to both sides of it.
    """
    shown = found.estimable and found.value is not None
    drawn = _drawn(scale, found) if shown else {}
    return {"scale": scale, "kind": kind, "shown": shown, **drawn, **_reference(scale, reference, margin)}


@register.inclusion_tag("includes/_marks.html")
def marks(scale: Scale, pairs: list[tuple[str, Interval]]) -> dict[str, Any]:
    """Several marks under one another in one cell."""
    shown = [(kind, one) for kind, one in pairs if one.estimable and one.value is not None]
    gap = 60 / (len(pairs) + 1)
    rows = [
        {"kind": kind, "y": round(gap * (place + 1)), **_drawn(scale, one)} for place, (kind, one) in enumerate(shown)
    ]
    return {"scale": scale, "rows": rows}


def _drawn(scale: Scale, found: Interval) -> dict[str, float]:
    value = found.value or 0.0
    low, high = (value if end is None else end for end in (found.low, found.high))
    return {"x": scale.at(value), "left": scale.at(low), "right": scale.at(high)}


def _reference(scale: Scale, reference: float | None, margin: float) -> dict[str, float | None]:
    if reference is None:
        return {"reference": None}
    start, end = scale.at(reference - margin), scale.at(reference + margin)
    return {"reference": scale.at(reference), "band": start if margin else None, "width": end - start}


@register.inclusion_tag("includes/_shape.html")
def shape(kind: str) -> dict[str, str]:
    """The mark itself around the origin: circle, diamond, square or star."""
    return {"kind": kind}


@register.filter
def flip(share: float) -> float:
    """From a height above the ground to a distance from the top."""
    return 1 - share


@register.filter
def evidence(ratio: float) -> str:
    """A likelihood ratio in as many digits as it needs: 0.4, 12, 3,400, 10^17."""
    if ratio >= 1e6:
        return f"10^{int(log10(ratio))}"
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"


@register.filter
def points(difference: float) -> str:
    """A difference of shares in points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", MINUS)


@register.filter
def money(dollars: float | None) -> str:
    """Dollars as people read them, with more digits for small amounts."""
    return "–" if dollars is None else f"${number(dollars, 'usd')}"


@register.filter
def pace(per_minute: float) -> str:
    """A pace as a count: one digit below ten, whole from there on, two digits that count from a thousand on."""
    if per_minute >= 1000:
        return f"{float(f'{per_minute:.2g}'):,.0f}"
    return f"{per_minute:,.0f}" if per_minute >= 10 else f"{per_minute:.1f}"


@register.filter
def no_undefined(reason: str) -> str:
    """A reason without the word that statisticians need."""
    return reason.removeprefix("undefined: ")


@register.inclusion_tag("includes/_bar.html")
def progress_bar(now: Standing, size: str = "") -> dict[str, Any]:
    """Settled, under way and not started tasks of a batch."""
    label = f"{now.settled:,} settled, {now.under_way:,} under way, of {now.total:,}"
    return {
        "solid": now.solid,
        "hatched": now.hatched,
        "through": now.solid + now.hatched,
        "label": label,
        "size": size,
    }


@register.filter
def times(value: float, factor: float) -> float:
    return value * factor


@register.filter
def minus(value: float) -> float:
    return -value


@register.filter
def minus_of(value: int, other: int) -> str:
    """The difference of two counts, with its sign."""
    return f"{value - other:+,d}".replace("-", MINUS) if value != other else "none"


@register.filter
def usd_round(microdollars: float) -> str:
    """An expected price: dollars and cents, more digits below a cent."""
    return ledger.about(microdollars)


@register.filter
def usd_small(microdollars: float) -> str:
    """A mean price: cents, with more digits below a dime."""
    return f"${number(microdollars / 1_000_000, 'usd')}"


@register.filter
def cut_underscores(name: str) -> str:
    return name.replace("_", " ")


@register.filter
def usd_signed(microdollars: int) -> str:
    """A movement of money: with its sign, exact, in cents at least."""
    if not microdollars:
        return ""
    sign = "+" if microdollars > 0 else MINUS
    whole, part = f"{abs(microdollars) / 1_000_000:,.6f}".split(".")
    return f"{sign}${whole}.{part.rstrip('0'):0<2}"


@register.filter
def two(value: float) -> str:
    """A coefficient in two digits without the leading zero."""
    return decimals(value)


@register.filter
def plain_dollars(microdollars: int) -> str:
    """Dollars for a number field: a point, no sign, no commas."""
    return f"{microdollars / 1_000_000:.6f}".rstrip("0").rstrip(".")
