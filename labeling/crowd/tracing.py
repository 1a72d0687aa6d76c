"""Places in a text that was changed on its way out, found again in the text as it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """What stood from `begin` to `end` became `length` code points."""

    begin: int
    end: int
    length: int


Pass = tuple[Edit, ...]
"""Changes made at once, from the left, in places of the text before them."""


def removals(pattern: re.Pattern[str], text: str) -> Pass:
    """Every match taken out."""
    return tuple(Edit(match.start(), match.end(), 0) for match in pattern.finditer(text))


def back(start: int, end: int, passes: Sequence[Pass]) -> tuple[int, int]:
    """A stretch of the text after all passes as one of the text before; what was replaced counts as a whole."""
    for edits in reversed(passes):
        start, end = _before(start, edits, last=False), _before(end, edits, last=True)
    return start, max(end, start)


def forth(start: int, end: int, passes: Iterable[Pass]) -> tuple[int, int]:
    """A stretch of the text before all passes as one of the text after; what was replaced is covered as a whole."""
    for edits in passes:
        start, end = _after(start, edits, last=False), _after(end, edits, last=True)
    return start, max(end, start)


def _before(place: int, edits: Pass, *, last: bool) -> int:
    shift = 0
    for edit in edits:
        begins = edit.begin + shift
        ends = begins + edit.length
        if place < begins or (place == begins and last):
            break
        if place < ends or (place == ends and last and edit.length):
            return edit.end if last else edit.begin
        if place == ends and not edit.length and last:
            break
        shift += edit.length - (edit.end - edit.begin)
    return place - shift


def _after(place: int, edits: Pass, *, last: bool) -> int:
    shift = 0
    for edit in edits:
        if place < edit.begin or (place == edit.begin and (last or edit.length)):
            break
        if place < edit.end or (place == edit.end and last and edit.length):
            return edit.begin + shift + (edit.length if last else 0)
        shift += edit.length - (edit.end - edit.begin)
    return place + shift
