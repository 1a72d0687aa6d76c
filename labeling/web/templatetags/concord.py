"""Small words and drawings shared by all pages: who said it, money, shares, bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django import template
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from labeling.money import ledger
from labeling.web.once import FIELD

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User

register = template.Library()
WORDS = {
    "model": "model",
    "paid": "paid model",
    "person": "person",
    "expert": "expert",
    "crowd": "crowd",
    "file": "file",
}


MOMENTS = {
    "": "j M, H:i T",
    "seconds": "j M, H:i:s T",
    "year": "j M Y, H:i T",
    "clock": "H:i T",
    "clock-seconds": "H:i:s T",
}


@register.simple_tag
def moment(when: datetime | None, form: str = "", css: str = "") -> str | SafeString:
    """A moment by the server's clock with its time zone; times.js turns it into the viewer's own."""
    if when is None:
        return ""
    here = timezone.localtime(when)
    told = format_html(' class="{}"', css) if css else ""
    words, iso = dateformat.format(here, MOMENTS[form]), here.isoformat(timespec="seconds")
    return format_html('<time{} datetime="{}" data-local="{}">{}</time>', told, iso, form, words)


@register.simple_tag
def once() -> SafeString:
    """The number of a form that makes something: sent twice, it makes it once (`labeling.web.once`)."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, uuid4().hex)


@register.filter
def answers_for(words: str, noun: str) -> str:
    """Words that speak of labels, for a question whose answers are called otherwise."""
    return words.replace("label", noun) if noun != "label" else words


@register.filter
def initials(user: User) -> str:
    """Two letters that stand for a person."""
    words = (user.get_full_name() or user.get_username()).split()
    return "".join(word[0] for word in words[:2]).upper() if len(words) > 1 else words[0][:2].upper()


@register.filter
def usd(microdollars: int | None) -> str:
    """Micro-dollars as dollars and cents, with more digits below a dime."""
    return "–" if microdollars is None else ledger.dollars(microdollars)


@register.filter
def usd_cents(microdollars: int) -> str:
    """Micro-dollars in a headline: cents, and no more."""
    return ledger.cents(microdollars)


@register.filter
def pct(share: float | None, digits: int = 0) -> str:
    """A share as a percentage."""
    return "–" if share is None else f"{100 * share:.{digits}f}%"


@register.filter
def svg(value: float) -> str:
    """A share as an SVG length in percent, always with a point, whatever the language."""
    return f"{100 * value:.2f}%"


@register.filter
def part_of(part: float, whole: float) -> float:
    """A count as a share of a whole, 0 of nothing."""
    return part / whole if whole else 0.0


@register.simple_tag
def who(kind: str, *, silent: bool = False) -> SafeString:
    """The mark of an annotator kind, or of the crowd: shape, colour and, unless silent, its word."""
    hue = "model" if kind == "crowd" else kind
    told = SafeString('aria-hidden="true"') if silent else format_html('role="img" aria-label="{}"', WORDS[kind])
    return format_html('<svg class="who {}" {}><use href="#w-{}"/></svg>', hue, told, kind)


@register.inclusion_tag("includes/_bar.html")
def bar(solid: float, hatched: float = 0, label: str = "", size: str = "") -> dict[str, Any]:
    """Shares of a whole: solid is settled, hatched is on its way, the rest is empty."""
    return {"solid": solid, "hatched": hatched, "through": solid + hatched, "label": label, "size": size}


@register.inclusion_tag("includes/_entropy.html")
def entropy(bits: float, most: float) -> dict[str, Any]:
    """A wedge that opens from sure to torn; `most` is the entropy of knowing nothing."""
    share = min(max(bits / most, 0), 1) if most else 0
    return {"bits": bits, "most": most, "x": 100 * share, "top": 8 - 8 * share, "bottom": 9 + 5 * share}
