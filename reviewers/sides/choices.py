"""Any number of labels: a matrix, a row for each label and a column for each voter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labeling.models import Belief, Vote
from labeling.truth.blocks import UNSAID, YES
from reviewers.cards.asked import Asked, Option
from reviewers.sides.registry import Column

FOLD_FROM, LIKELY = 12, 0.05
"""Of more labels than this, those that nobody chose and that are not likely are folded away."""


@dataclass(frozen=True, slots=True)
class Row:
    """A label: how likely it is believed to be (None: nothing is believed), and each voter's word: None for none."""

    option: Option
    share: float | None
    said: list[tuple[Vote, bool | None]]

    @property
    def differs(self) -> bool:
        """Whether some chose it and others did not."""
        return len({yes for _, yes in self.said if yes is not None}) > 1

    @property
    def shown(self) -> bool:
        return any(yes for _, yes in self.said) or (self.share or 0) >= LIKELY


def lay_out(asked: Asked, columns: Sequence[Column], belief: Belief | None) -> dict[str, Any]:
    """All rows, those that differ first where there are many."""
    shares = belief.probabilities if belief else [None] * len(asked.labels)
    rows = [
        Row(option, share, [(column.vote, _yes(column.answer[place])) for column in columns])
        for place, (option, share) in enumerate(zip(asked.options, shares, strict=True))
    ]
    many = len(rows) > FOLD_FROM
    told = sorted(rows, key=lambda row: (not row.differs, not row.shown)) if many else rows
    return {
        "rows": [row for row in told if row.shown or not many],
        "rest": [row for row in told if many and not row.shown],
        "columns": [(column.vote, _taken(column.answer, asked)) for column in columns],
        "none": "None of these",
        "said": "none of them",
        "labels": {row.option.label.pk for row in rows if row.differs},
    }


def _yes(said: int) -> bool | None:
    return None if said == UNSAID else bool(said == YES)


def _taken(answer: Any, asked: Asked) -> list[int]:
    return [label.pk for label, said in zip(asked.labels, answer, strict=True) if said == YES]
