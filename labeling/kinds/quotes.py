"""Stretches of text as quotes: found again in the text, and quoted so that they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from labeling.kinds.base import UnusableAnswer

Named = tuple[int, int, str]
"""Start, end (exclusive) and type."""


def listed(reply: Any) -> list[dict[str, Any]]:
    """The quotes that a reply lists. Raises UnusableAnswer where it lists none in the right form."""
    items = reply.get("spans") if isinstance(reply, dict) else None
    if not isinstance(items, list):
        raise UnusableAnswer("it is no object with a list of spans")
    if not all(
        isinstance(item, dict) and isinstance(item.get("quote"), str) and item["quote"].strip() for item in items
    ):
        raise UnusableAnswer("one of its spans has no quote")
    return items


def found(items: Sequence[dict[str, Any]], text: str) -> list[list[Any]]:
    """[start, end, type] of each quote that the text holds: the occurrence it names, else the first not yet taken.

    Where no occurrence is left, the quote is not found.
    """
    taken: set[tuple[int, int]] = set()
    stretches = []
    for item in items:
        places = [place for place in occurrences(item["quote"], text) if place not in taken]
        named = _named(item, text)
        if not places:
            continue
        place = named if named in places else places[0]
        taken.add(place)
        stretches.append([*place, item.get("label")])
    return stretches


def quoted(stretches: Sequence[Named], text: str) -> list[dict[str, Any]]:
    """Each stretch as a quote with its type, and with its occurrence where `found` would take another one."""
    items: list[dict[str, Any]] = []
    for start, end, label in stretches:
        item: dict[str, Any] = {"quote": text[start:end], "label": label}
        if found([*items, item], text)[-1:] != [[start, end, label]]:
            places = occurrences(item["quote"], text)
            item["occurrence"] = places.index((start, end)) + 1 if (start, end) in places else 1
        items.append(item)
    return items


@lru_cache(maxsize=1_024)
def occurrences(quote: str, text: str) -> tuple[tuple[int, int], ...]:
    """Where a quote stands, (start, end) each, in order.

    As it is written; where it is not to be found so, with case and spacing forgiven. Where it stands as words of its
    own somewhere, only there: "he" is not in "the".
    """
    bare = quote.strip()
    loose = r"\s+".join(map(re.escape, bare.split()))
    for pattern, flags in ((re.escape(bare), re.NOFLAG), (loose, re.IGNORECASE)):
        places = [match.span() for match in re.finditer(pattern, text, flags)]
        if places:
            return tuple([place for place in places if _whole(text, *place)] or places)
    return ()


def _named(item: dict[str, Any], text: str) -> tuple[int, int] | None:
    number, places = item.get("occurrence"), occurrences(item["quote"], text)
    counts = isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= len(places)
    return places[number - 1] if counts and number is not None else None


def _whole(text: str, start: int, end: int) -> bool:
    """Whether neither edge lies inside a word; scripts without spaces have no such edges."""
    return not (_joined(text, start) or _joined(text, end))


def _joined(text: str, edge: int) -> bool:
    if not 0 < edge < len(text):
        return False
    before, behind = text[edge - 1], text[edge]
    return before.isalnum() and behind.isalnum() and not (_spaceless(before) or _spaceless(behind))


def _spaceless(char: str) -> bool:
    """Chinese, Japanese, Korean, Thai, Lao and the like: words border without a sign."""
    return "\u3040" <= char <= "\u9fff" or "\u0e00" <= char <= "\u0eff" or "\uac00" <= char <= "\ud7a3"
