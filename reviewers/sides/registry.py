"""The side-by-side view of each kind by the kind's name, loaded on first use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from labeling.kinds import registry
from labeling.models import Belief, Vote
from reviewers.cards.asked import Asked


@dataclass(frozen=True, slots=True)
class Column:
    """One voter's answer as the kind knows it, beside the vote."""

    vote: Vote
    answer: Any


class Sides(Protocol):
    """What a kind's file in this room has."""

    def lay_out(self, asked: Asked, columns: Sequence[Column], belief: Belief | None) -> dict[str, Any]:
        """What the template of the kind shows of all answers together; `labels`: keys of the labels in dispute.

        `none`, `said`: the button for an empty answer and what it is called, where there can be one.
        """


def sides(kind: str) -> Sides:
    """The view of the kind called so."""
    if kind not in registry.NAMES:
        raise ValueError(f"There is no kind {kind!r}.")
    found: Sides = import_module(f"reviewers.sides.{kind}")
    return found
