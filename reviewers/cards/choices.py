"""Any number of labels: digits toggle, one press sends; none at all is said on purpose."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from reviewers.cards.asked import Asked, Refused

NONE, SOME = "none", "some"
"""What the two buttons send as `answered`: that none fits, or what is chosen. Anything else means both."""
NOTHING = "Nothing is chosen; “None of these” says that none of the labels fits."
BOTH = "Labels are chosen, and “None of these” was pressed; take the labels away, or send them."


def read(told: QueryDict, asked: Asked) -> Any:
    """The names of what was chosen, each once, in the order of the labels."""
    chosen = {asked.label(key).pk for key in told.getlist("chosen")}
    answered = told.get("answered", "")
    if not answered or (answered == SOME and not chosen):
        raise Refused(NOTHING)
    if answered == NONE and chosen:
        raise Refused(BOTH)
    return [label.name for label in asked.labels if label.pk in chosen]


def shown(raw: Any, asked: Asked) -> dict[str, Any]:
    """The labels that are chosen to begin with, and whether none was chosen on purpose."""
    names = set(raw or ())
    return {"chosen": {label.pk for label in asked.labels if label.name in names}, "none_before": raw == []}


def kept(told: QueryDict, asked: Asked) -> Any:
    """What was chosen of this question's labels."""
    keys = {key for key in told.getlist("chosen") if key.isdecimal() and len(key) < 19}
    return [label.name for label in asked.labels if str(label.pk) in keys] or None
