"""The whole history of one task: what was believed, voted, asked, decided and paid."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

from labeling import said
from labeling.models import Annotator, Belief, Decision, Escalation, Label, LedgerEntry, Reservation, Task, Vote
from labeling.reports.tasks import events as task_events
from labeling.reports.tasks.answers import Chance, Piece, Reader, Shown
from labeling.reports.tasks.events import Event


@dataclass(frozen=True, slots=True)
class Story:
    """Rows of one task, each list in the order in which things happened. `chances`: the belief, most likely first.

    Votes and decisions come with what they say, None of an abstention. `most_bits`: of knowing nothing, None where an
    answer is more than one label. `pieces`: the text as the answer that stands, else the believed one, marks it.
    `case`: whether it waits for an expert.
    """

    task: Task
    belief: Belief | None
    believed: Shown | None
    gold: Shown | None
    chances: tuple[Chance, ...]
    most_bits: float | None
    votes: tuple[tuple[Vote, Shown | None], ...]
    decisions: tuple[tuple[Decision, Shown | None], ...]
    pieces: tuple[Piece, ...]
    labels: tuple[Label, ...]
    others: tuple[Task, ...]
    events: tuple[Event, ...]
    reservations: tuple[Reservation, ...]
    entries: tuple[LedgerEntry, ...]
    case: bool = False

    @property
    def against_belief(self) -> tuple[Decision, Shown | None] | None:
        """The decision that stands, where it is for another answer than the votes make likeliest."""
        stands = next((pair for pair in self.decisions if pair[0].superseded_at is None), None)
        if stands is None or self.belief is None or said.same(stands[0], self.belief):
            return None
        return stands


def story(task: Task) -> Story:
    labels = task.question.label_list()
    reader, text = Reader(task.question, labels), task.text
    belief = Belief.objects.filter(task=task).select_related("label", "round").first()
    entries = LedgerEntry.objects.filter(reservation__task=task, purse__batch=task.batch_id)
    votes = tuple(task.votes.select_related("annotator", "label", "corrects").order_by("pk"))
    escalations = tuple(task.escalations.select_related("annotator", "round").order_by("pk"))
    decisions = tuple(task.decisions.select_related("label", "annotator").order_by("pk"))
    stands = next((one for one in decisions if one.superseded_at is None), None)
    return Story(
        task,
        belief,
        reader.row(belief, text),
        reader.gold(task),
        reader.chances(belief, text),
        log2(max(len(labels), 2)) if task.question.votes_are_enough else None,
        tuple((vote, reader.row(vote, text)) for vote in votes),
        tuple((made, reader.row(made, text)) for made in decisions),
        reader.pieces(stands or belief, text),
        tuple(labels) if task.question.one_label else (),
        tuple(task.instance.tasks.exclude(pk=task.pk).select_related("question", "project").order_by("position")),
        task_events.events(votes, escalations, decisions, lambda row: str(reader.row(row, text) or "")),
        tuple(task.reservations.select_related("annotator", "call").order_by("pk")),
        tuple(entries.order_by("pk")),
        any(one.to == Annotator.Kind.EXPERT and one.state == Escalation.State.OPEN for one in escalations),
    )
