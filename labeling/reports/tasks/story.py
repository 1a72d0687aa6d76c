"""The whole history of one task: what was believed, voted, asked, decided and paid."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

from labeling.models import Belief, Decision, Label, LedgerEntry, Reservation, Task, Vote
from labeling.reports.tasks import events as task_events
from labeling.reports.tasks.events import Event


@dataclass(frozen=True, slots=True)
class Chance:
    """A label with its probability now, and what it was when all votes were weighed last."""

    label: Label
    probability: float
    before: float

    @property
    def moved(self) -> bool:
        """Whether later answers changed it by half a point or more."""
        return abs(self.probability - self.before) >= 0.005


@dataclass(frozen=True, slots=True)
class Story:
    """Rows of one task, each list in the order in which things happened. `chances`: the belief, most likely first."""

    task: Task
    belief: Belief | None
    chances: tuple[Chance, ...]
    most_bits: float
    votes: tuple[Vote, ...]
    decisions: tuple[Decision, ...]
    events: tuple[Event, ...]
    reservations: tuple[Reservation, ...]
    entries: tuple[LedgerEntry, ...]

    @property
    def against_belief(self) -> Decision | None:
        """The decision that stands, where it is for another label than the votes make likeliest."""
        stands = next((one for one in self.decisions if one.superseded_at is None), None)
        differs = stands is not None and self.belief is not None and stands.label_id != self.belief.label_id
        return stands if differs else None


def story(task: Task) -> Story:
    labels = task.project.label_list()
    belief = Belief.objects.filter(task=task).select_related("label", "round").first()
    entries = LedgerEntry.objects.filter(reservation__task=task, purse__batch=task.batch_id)
    votes = tuple(task.votes.select_related("annotator", "label", "corrects").order_by("pk"))
    escalations = tuple(task.escalations.select_related("annotator", "round").order_by("pk"))
    decisions = tuple(task.decisions.select_related("label", "annotator").order_by("pk"))
    return Story(
        task,
        belief,
        _chances(belief, labels),
        log2(max(len(labels), 2)),
        votes,
        decisions,
        task_events.events(votes, escalations, decisions),
        tuple(task.reservations.select_related("annotator").order_by("pk")),
        tuple(entries.order_by("pk")),
    )


def _chances(belief: Belief | None, labels: list[Label]) -> tuple[Chance, ...]:
    if belief is None:
        return ()
    rows = zip(labels, belief.probabilities, belief.base, strict=False)
    return tuple(sorted((Chance(label, float(p), float(b)) for label, p, b in rows), key=lambda one: -one.probability))
