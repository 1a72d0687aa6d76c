"""One label: a press sends it."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from reviewers.cards.asked import Asked, Refused


def read(told: QueryDict, asked: Asked) -> Any:
    """The name of the label that was pressed."""
    if told.get("label", "") not in {str(key) for key in asked.by_key}:
        raise Refused("Choose one of the labels.")
    return asked.label(told["label"]).name


def shown(raw: Any, asked: Asked) -> dict[str, Any]:
    """The label that was chosen before."""
    return {"chosen": asked.by_name.get(str(raw))}


def kept(told: QueryDict, asked: Asked) -> Any:
    """The label that was chosen, where it is one of this question's."""
    return asked.named(told.get("label"))
