"""The rounds of a batch: what each one believed, whom it asked, what that did cost, and why it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum

from labeling.models import Annotator, Batch, Escalation, Question, Reservation, Round


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a round asked: how many tasks, and what became of the questions."""

    kind: str
    name: str
    sent: int
    answered: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One round. `spent`, `held`: micro-dollars of the answers it asked for. `seconds`: how long it reckoned."""

    round: Round
    asked: tuple[Asked, ...]
    spent: int
    held: int

    @property
    def seconds(self) -> float | None:
        ended = self.round.finished_at
        return (ended - self.round.started_at).total_seconds() if ended else None

    @property
    def figures(self) -> dict[str, Any]:
        """What the round reckoned with; a round that only measured a model has no plan."""
        return {key: value for key, value in self.round.parameters.items() if value is not None}


def turns(batch: Batch, question: Question) -> list[Turn]:
    """Every round of a question in a batch, newest first, in four queries whatever their number."""
    asked = _asked(batch)
    settled, waiting = Q(state=Reservation.State.SETTLED), Q(state__in=["held", "unknown"])
    bookings = Reservation.objects.filter(escalation__round__batch=batch).values_list("escalation__round").order_by()
    money = {
        row[0]: row[1:]
        for row in bookings.annotate(
            spent=Sum("cost_microdollars", filter=settled), held=Sum("reserved_microdollars", filter=waiting)
        )
    }
    found = []
    for one in batch.rounds.filter(question=question).order_by("-number"):
        spent, held = money.get(one.pk, (0, 0))
        found.append(Turn(one, tuple(asked.get(one.pk, ())), spent or 0, held or 0))
    return found


def _asked(batch: Batch) -> dict[int, list[Asked]]:
    """By round: the kinds and models that were asked."""
    names = {"person": "people", "expert": "experts"}
    states = Escalation.State
    rows = (
        Escalation.objects.filter(round__batch=batch)
        .values_list("round", "to", "annotator__name")
        .annotate(
            sent=Count("task", distinct=True),
            answered=Count("pk", filter=Q(state=states.ANSWERED)),
            withdrawn=Count("pk", filter=Q(state=states.WITHDRAWN)),
        )
        .order_by("to", "annotator__name")
    )
    found: dict[int, list[Asked]] = {}
    for turn, to, name, *counts in rows:
        found.setdefault(turn, []).append(Asked(to, name or names.get(to, Annotator.Kind(to).label), *counts))
    return found
