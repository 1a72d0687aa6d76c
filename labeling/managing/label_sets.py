"""A label set as somebody wrote it down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labeling.files import imports
from labeling.files.tables import UnusableFile

if TYPE_CHECKING:
    from labeling.kinds.base import Kind

MOST_LABELS = 1000
LONGEST_LABEL = 120


def distinct(wished: Sequence[str], kind: Kind) -> list[str]:
    """The labels for answers of a kind, each once. Raises UnusableFile for too few, or far too many.

    One may be ticked or marked alone; to choose between there must be two.
    """
    names = list(dict.fromkeys(name.strip() for name in wished if name.strip()))
    least = 2 if kind.one_label else 1
    if len(names) < least:
        many, there = ("two labels", "is one" if names else "are none") if least > 1 else ("one label", "is none")
        raise UnusableFile(f"There must be at least {many} and there {there}; write one on each line.")
    if len(names) > MOST_LABELS:
        raise UnusableFile(f"There are {len(names)} labels, more than {MOST_LABELS:,}; is this the gold field?")
    if max(map(len, names)) > LONGEST_LABEL:
        raise UnusableFile(f"A label is longer than {LONGEST_LABEL} characters; give it a short name.")
    imports.check_distinct(names)
    return kind.label_set(names)
