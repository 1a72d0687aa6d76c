"""The card of each kind by the kind's name, loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from django.http import QueryDict

from labeling.kinds import registry
from reviewers.cards.asked import Asked


class Form(Protocol):
    """What a kind's file in this room has."""

    def read(self, told: QueryDict, asked: Asked) -> Any:
        """What was sent as a raw answer, as `Kind.read` takes it. Raises Refused, in one sentence."""

    def shown(self, raw: Any, asked: Asked) -> dict[str, Any]:
        """What the template needs besides `asked`; `raw`: an answer to begin with, None for none."""

    def kept(self, told: QueryDict, asked: Asked) -> Any:
        """What of a refused form can be shown again, as a raw answer."""


def form(kind: str) -> Form:
    """The card of the kind called so."""
    if kind not in registry.NAMES:
        raise ValueError(f"There is no kind {kind!r}.")
    found: Form = import_module(f"reviewers.cards.{kind}")
    return found
