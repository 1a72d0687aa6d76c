"""All kinds in which members of the crowd can answer."""

from __future__ import annotations

from collections.abc import Callable

from labeling.crowd.kinds import choice, choices, scale, spans
from labeling.crowd.kinds.base import Ways

_WAYS = {one.name: one for one in (choice.WAYS, choices.WAYS, scale.WAYS, spans.WAYS)}
NAMES = frozenset(_WAYS)


def ways(kind: str) -> Ways:
    """How members answer in a kind, by its name."""
    return _WAYS[kind]


def where(can: Callable[[Ways], object]) -> frozenset[str]:
    """The names of the kinds in which members of a sort can answer."""
    return frozenset(name for name, one in _WAYS.items() if can(one))
