"""One label: the rows of the case say it all, a label each with who is for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labeling.models import Belief
from reviewers.cards.asked import Asked
from reviewers.sides.registry import Column


def lay_out(asked: Asked, columns: Sequence[Column], belief: Belief | None) -> dict[str, Any]:
    """Nothing besides the rows."""
    return {}
