"""What lies before a person who labels: a card, the next one under it, what they did last, how far they are.

Nothing here may tell what others or the crowd answered: no votes, beliefs, known labels or groups.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from django.db.models.functions import Now

from labeling.models import Annotator, Decision, Escalation, Label, Task
from labeling.money import ledger
from reviewers.models import Assignment
from reviewers.notices import Notice
from reviewers.quality import Progress, progress
from reviewers.queue import claiming, undoing

FILTER_FROM = 20


@dataclass(frozen=True, slots=True)
class Card:
    """One task and the labels to choose from. `before` is what was answered where the card is open to change it."""

    assignment: Assignment
    labels: list[Label]
    before: str = ""
    key: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def task(self) -> Task:
        return self.assignment.escalation.task

    @property
    def source(self) -> list[tuple[str, str]]:
        """What stands beside the text, as (name, value)."""
        return self.task.beside

    @property
    def filtered(self) -> bool:
        """So many labels that a field to find one is worth its place."""
        return len(self.labels) > FILTER_FROM

    @property
    def asked_again(self) -> str:
        """An expert's words to whoever is asked once more."""
        question = self.assignment.escalation
        return question.why if question.reason == Escalation.Reason.SENT_BACK else ""


@dataclass(frozen=True)
class Desk:
    """Everything the page shows. `blocked` says in one sentence why nothing is handed out although tasks wait."""

    annotator: Annotator
    card: Card | None
    ahead: Card | None
    earlier: list[Assignment]
    notice: Notice | None = None
    blocked: str = ""

    @cached_property
    def progress(self) -> Progress:
        return progress(self.annotator)

    @property
    def last(self) -> Assignment | None:
        """What undo would take back."""
        return self.earlier[0] if self.earlier else None

    @property
    def older(self) -> Assignment | None:
        """The earlier answer that one step back opens."""
        return self._beside(1)

    @property
    def newer(self) -> Assignment | None:
        """The earlier answer that one step forward opens; None where forward is the queue."""
        return self._beside(-1)

    def _beside(self, step: int) -> Assignment | None:
        shown = self.card.assignment if self.card and self.card.before else None
        place = step + (self.earlier.index(shown) if shown in self.earlier else -1)
        return self.earlier[place] if 0 <= place < len(self.earlier) else None

    @property
    def held(self) -> list[int]:
        return [card.assignment.pk for card in (self.card, self.ahead) if card]

    @property
    def settled_lately(self) -> int:
        """How many tasks the crowd settled by itself in the last hour."""
        project = Decision.objects.current().filter(task__project=self.annotator.project_id)
        return project.filter(decided_by=Decision.By.CROWD, created_at__gte=Now() - timedelta(hours=1)).count()

    @property
    def with_colleagues(self) -> int:
        """How many questions lie on other desks."""
        held = Assignment.objects.unexpired().in_project(self.annotator.project_id).exclude(annotator=self.annotator)
        return held.filter(annotator__kind=self.annotator.kind).count()


def lay_out(annotator: Annotator, *, ahead: bool = False, notice: Notice | None = None) -> Desk:
    """Hand out what this person should see now; with `ahead`, the task after it as well."""
    labels = annotator.project.label_list()
    cards: list[Card] = []
    blocked = ""
    try:
        cards = [Card(held, labels) for held in claiming.hand_out(annotator, ahead)]
    except ledger.Refused as reason:
        blocked = str(reason)
    card, following, *_ = [*cards, None, None]
    return Desk(annotator, card, following, undoing.last_answers(annotator), notice, blocked)


def look_back(assignment: Assignment) -> Desk:
    """The desk with an earlier answer open on it, to be changed."""
    annotator = assignment.annotator
    card = Card(assignment, annotator.project.label_list(), before=assignment.said)
    return Desk(annotator, card, None, undoing.last_answers(annotator))


def still_held(annotator: Annotator) -> list[int]:
    """The keys of the assignments on this person's desk that still count."""
    return [assignment.pk for assignment in claiming.desk_of(annotator)]
