"""The kinds of answers by name, each loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labeling.kinds.base import Kind
    from labeling.kinds.measures.base import Measures

NAMES = ("choice", "choices", "scale", "spans")
ONE_LABEL = NAMES[0]
"""The kind that commands assume, and answer in votes of one label without a table of answers."""


def kind(name: str) -> Kind:
    """The kind called `name`. Raises ValueError, naming all, where there is none."""
    if name not in NAMES:
        raise ValueError(f"There is no kind {name!r}; choose one of {', '.join(NAMES)}.")
    found: Kind = import_module(f"labeling.kinds.{name}").KIND
    return found


def has_one_label(name: str) -> bool:
    """Whether an answer of the kind is one label, for which votes are enough."""
    return name == ONE_LABEL


def measures(name: str) -> Measures:
    """What reports tell of the kind called `name`."""
    found: Measures = import_module(f"labeling.kinds.measures.{name}").MEASURES
    return found
