"""What lies before a person who labels: a card, the next ones under it, what they did last, how far they are.

Nothing here may tell what others or the crowd answered: no votes, beliefs, known labels or groups.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Min
from django.db.models.functions import Now

from labeling.models import Annotator, Decision, Escalation, Question, Task
from labeling.money import ledger
from labeling.people import pauses
from reviewers.cards.asked import Asked, asked_of, raw_of
from reviewers.cards.registry import form
from reviewers.models import Assignment
from reviewers.notices import Notice
from reviewers.quality import Progress, progress
from reviewers.queue import claiming, following, holding, looks, undoing
from reviewers.sheets import prefix_of

FILTER_FROM = 10


@dataclass(frozen=True, slots=True)
class Begun:
    """What somebody had chosen, by task, and typed on a card when it was refused."""

    raws: Mapping[int, Any]
    note: str


@dataclass(frozen=True)
class Card:
    """One task and what is asked of it. `before` is what was answered where the card is open to change it.

    Where several questions about the instance are asked at once, `parts` has a card for each in order, whose fields
    have names that begin with its `prefix`; otherwise it is empty.

    `begin`: the answer that the card shows to begin with, in its raw form; None for none. `note`: as it was typed.
    """

    assignment: Assignment
    before: str = ""
    begin: Any = None
    note: str = ""
    parts: Sequence[Card] = ()
    prefix: str = ""
    key: uuid.UUID = field(default_factory=uuid.uuid4)

    @cached_property
    def asked(self) -> Asked:
        return asked_of(self.task)

    @cached_property
    def more(self) -> dict[str, Any]:
        """What the template of the kind needs besides."""
        return form(self.asked.kind).shown(self.begin, self.asked)

    @property
    def template(self) -> str:
        return f"reviewers/cards/{'parts/' if self.prefix else ''}{self.asked.kind}.html"

    @property
    def task(self) -> Task:
        return self.assignment.escalation.task

    @property
    def parts_shown(self) -> int:
        """How many questions the card shows to begin with."""
        return sum(part.assignment.pk is not None for part in self.parts)

    @property
    def question(self) -> Question:
        """The question, with its condition."""
        return next(one for one in self.task.project.questions.all() if one.pk == self.task.question_id)

    @property
    def asked_if(self) -> str:
        """The labels that the question before must be answered with, all of them: [key, name] each, in JSON."""
        before = next(one for one in self.task.project.questions.all() if one.pk == self.question.asked_after_id)
        told: Any = self.question.asked_if
        labels = [before.label_list()[at] for at in (told if isinstance(told, list) else [told])]
        return json.dumps([[str(label.pk), label.name] for label in labels])

    @property
    def source(self) -> list[tuple[str, str]]:
        """What stands beside the text, as (name, value)."""
        return self.task.beside

    @property
    def filtered(self) -> bool:
        """So many labels that a field to find one is worth its place."""
        return len(self.asked.labels) > FILTER_FROM

    @property
    def asked_again(self) -> str:
        """An expert's words to whoever is asked once more."""
        question = self.assignment.escalation
        return question.why if question.reason == Escalation.Reason.SENT_BACK else ""


@dataclass(frozen=True)
class Desk:
    """Everything the page shows. `blocked` says in one sentence why nothing is handed out although tasks wait.

    `known`: cards that the page has already and that need not be sent again. `at`: when it was laid out, in
    seconds since 1970, so that a page can tell which of two answers that crossed is the newer one.
    """

    annotator: Annotator
    card: Card | None
    ahead: list[Card]
    earlier: list[Assignment]
    notice: Notice | None = None
    blocked: str = ""
    known: Collection[int] = ()
    at: float = field(default_factory=time.time)

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
        return [card.assignment.pk for card in (self.card, *self.ahead) if card]

    @property
    def new(self) -> bool:
        """Whether the card has to be sent."""
        return self.card is not None and self.card.assignment.pk not in self.known

    @property
    def new_ahead(self) -> list[Card]:
        return [card for card in self.ahead if card.assignment.pk not in self.known]

    @property
    def kept(self) -> float:
        """For how many seconds, at least, all cards in hand stay with this person."""
        return min((card.assignment.seconds_left for card in self.ahead), default=Assignment.LOOKING_SECONDS)

    @cached_property
    def paused_since(self) -> datetime | None:
        """Since when a pause keeps questions from this person; None where none waits behind a pause."""
        return paused_since(self.annotator)

    @cached_property
    def why_paused(self) -> str:
        """Why this person's own queue rests; empty where it does not."""
        return why_paused(self.annotator)

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


OWN_PAUSE = (
    "Your queue is paused: {who}. What you answered stays, and cards come again by "
    "themselves once it goes on; ask a manager of the project."
)


def why_paused(annotator: Annotator) -> str:
    """What somebody is told whose own queue is paused; empty where it is not."""
    if annotator.paused_at is None:
        return ""
    alarmed = annotator.alarms.standing().filter(paused=True).exists()
    who = "after an alarm about answers, a manager" if alarmed else "a manager"
    return OWN_PAUSE.format(who=annotator.error or pauses.BY_HAND.format(who))


def paused_since(annotator: Annotator) -> datetime | None:
    """Since when a pause of their own, or of a batch, keeps questions from somebody; None where there is none."""
    if annotator.paused_at is not None:
        return annotator.paused_at
    theirs = Escalation.objects.open().listed().in_project(annotator.project_id).filter(to=annotator.kind)
    held_up = theirs.filter(task__batch__paused_at__isnull=False, task__batch__error="")
    since: datetime | None = held_up.aggregate(since=Min("task__batch__paused_at"))["since"]
    return since


def lay_out(
    annotator: Annotator,
    *,
    ahead: int = 0,
    at_work: bool = False,
    known: Collection[int] = (),
    notice: Notice | None = None,
    begun: Begun | None = None,
) -> Desk:
    """Hand out what this person should see now; with `ahead`, up to so many tasks after it as well.

    `begun`: what the card of one of them shows to begin with.
    """
    cards: list[Card] = []
    blocked = ""
    try:
        holds = claiming.hand_out(annotator, ahead, at_work=at_work)
        more = following.waiting(holds, annotator.project)
        cards = [_card(held, begun, more.get(held.escalation.task.instance_id, ())) for held in holds]
    except ledger.Refused as reason:
        blocked = str(reason)
    first = cards[0] if cards else None
    return Desk(annotator, first, cards[1:], undoing.last_answers(annotator), notice, blocked, known)


def _card(held: Assignment, begun: Begun | None, more: Sequence[Task]) -> Card:
    if begun is None or held.escalation.task_id not in begun.raws:
        return _with_parts(Card(held), {}, more)
    return _with_parts(Card(held, begin=begun.raws[held.escalation.task_id], note=begun.note), begun.raws, more)


def _with_parts(card: Card, raws: Mapping[int, Any], more: Sequence[Task]) -> Card:
    """The card with a part for each question on it, where it has several.

    `raws`: what they show to begin with, by task; `more`: tasks that wait for an answer on this card.
    """
    if not card.assignment.together and not more:
        return card
    holds = [*card.assignment.whole, *(following.hold_of(task, card.assignment.annotator) for task in more)]
    parts = [Card(one, begin=raws.get(one.escalation.task_id), prefix=prefix_of(one)) for one in holds]
    return replace(card, parts=sorted(parts, key=lambda part: part.question.position))


def look_back(assignment: Assignment) -> Desk:
    """The desk with an earlier answer open on it, to be changed."""
    annotator = assignment.annotator
    [first] = looks.together(looks.of(assignment))
    raws = {one.escalation.task_id: raw_of(one.vote, asked_of(one.escalation.task)) for one in first.whole}
    more = following.waiting([first], annotator.project).get(first.escalation.task.instance_id, [])
    card = _with_parts(Card(first, first.said, raws[first.escalation.task_id]), raws, more)
    return Desk(annotator, card, [], undoing.last_answers(annotator))


def still_held(annotator: Annotator) -> list[int]:
    """The keys of the assignments on this person's desk that still count."""
    return [assignment.pk for assignment in holding.in_hand(annotator)]
