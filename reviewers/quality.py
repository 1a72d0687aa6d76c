"""How far, how fast and how right people are: counts, a pace, and agreement with known labels with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.core.cache import cache
from django.db.models import Count, F, Q
from django.utils import timezone

from labeling.models import Annotator, Question, Task, Vote
from labeling.models.vote import VoteQuerySet
from labeling.truth.confusion import wilson
from reviewers.models import Assignment, AssignmentQuerySet
from reviewers.queue import claiming

Kind = Annotator.Kind
LEAST_ANSWERS = 5
RECENT, LOOKED_AT = 30, 240
"""Cards whose pace counts, and answers among which they are sought."""
MANY, MANY_SECONDS = 2000, 10
PAUSE = 5.0
"""An answer that took more than so many medians was a pause."""
EIGHTY_PERCENT = 1.2816


@dataclass(frozen=True, slots=True)
class Share:
    """`right` of `n`, with Wilson's 95% interval; `rate`, `low` and `high` are None below 5."""

    right: int
    n: int

    @property
    def estimable(self) -> bool:
        return self.n >= LEAST_ANSWERS

    @property
    def rate(self) -> float | None:
        return self.right / self.n if self.estimable else None

    @property
    def interval(self) -> tuple[float, float] | None:
        if not self.estimable:
            return None
        low, high = wilson(np.array([self.right / self.n]), np.array([float(self.n)]))
        return float(low[0]), float(high[0])


@dataclass(frozen=True, slots=True)
class Span:
    """A duration in seconds with its range."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Where one person stands today: cards `answered`, `waiting` for them, and the time left at their own pace.

    A card asks a person all open questions about an instance; an expert's case is one of them.
    """

    answered: int
    waiting: int
    left: Span | None

    @property
    def total(self) -> int:
        return self.answered + self.waiting

    @property
    def share(self) -> float:
        return self.answered / self.total if self.total else 0.0


def progress(annotator: Annotator) -> Progress:
    """Today's cards of this person, those that wait for them, and how long they take at their own pace."""
    given = _given(annotator).filter(closed_at__gte=_midnight())
    answered = given.aggregate(n=Count(f"escalation__{_card(annotator)}", distinct=True))["n"]
    waiting = _waiting(annotator)
    return Progress(answered, waiting, time_left(recent_seconds(annotator), waiting))


def answered_today(annotator: Annotator) -> int:
    """Today's answers of this person, to every question."""
    return _given(annotator).filter(closed_at__gte=_midnight()).count()


def _card(annotator: Annotator) -> str:
    """What a card is about: people are asked all about an instance at once, experts settle a task at a time."""
    return "task" if annotator.kind == Kind.EXPERT else "task__instance"


def _waiting(annotator: Annotator) -> int:
    """How many cards wait for this person; a number in the thousands may be some seconds old."""
    name = f"waiting.{annotator.pk}"
    counted: int | None = cache.get(name)
    if counted is None:
        questions = claiming.waiting_for(annotator).order_by()
        counted = int(questions.aggregate(n=Count(_card(annotator), distinct=True))["n"])
        if counted > MANY:
            cache.set(name, counted, MANY_SECONDS)
    return counted


def answers_of(annotator: Annotator) -> VoteQuerySet:
    return Vote.objects.current().filter(annotator=annotator)


def _given(annotator: Annotator) -> AssignmentQuerySet:
    """What this person answered in time and left standing; the index of their holds keeps this quick for ever."""
    return Assignment.objects.filter(annotator=annotator, state="answered", vote__correction__isnull=True)


def recent_seconds(annotator: Annotator) -> list[float]:
    """How long this person's last cards took, newest first; the questions of a card share its seconds."""
    timed = _given(annotator).filter(vote__seconds__gt=0).order_by("-closed_at", "-pk")
    rows = list(timed.values_list(f"escalation__{_card(annotator)}", "vote__seconds")[:LOOKED_AT])
    took: dict[int, float] = {}
    for card, seconds in rows:
        took[card] = took.get(card, 0.0) + seconds
    if len(rows) == LOOKED_AT and len(took) > 1:
        took.popitem()  # perhaps a part of a card only
    return list(took.values())[:RECENT]


def time_left(seconds: Sequence[float], waiting: int) -> Span | None:
    """Time for `waiting` more answers at the pace of `seconds`, with the range that holds four times in five.

    The middle is waiting times the mean without pauses; the range allows for both the scatter of single answers and
    the mean being known from few. None below 5 answers, or where nothing waits.
    """
    if len(seconds) < LEAST_ANSWERS or not waiting:
        return None
    took = np.asarray(seconds, dtype=float)
    took = took[took <= PAUSE * np.median(took)]
    mean = float(took.mean())
    scatter = float(took.std(ddof=1)) if len(took) > 1 else mean
    half = EIGHTY_PERCENT * scatter * math.sqrt(waiting + waiting**2 / len(took))
    middle = waiting * mean
    return Span(middle, max(middle - half, waiting * float(took.min())), middle + half)


KNOWN = Q(task__gold__isnull=False) | Q(task__gold_marks__isnull=False)
"""Votes on tasks whose answer is known."""
AS_KNOWN = Q(task__gold=F("label")) | Q(task__gold_marks=F("marks"))
"""Those that say exactly that."""


def accuracy_on_gold(annotators: Iterable[Annotator], question: Question | None = None) -> dict[int, Share]:
    """Right answers on known ones by annotator; models are judged on tasks they could not learn from.

    Where an answer is more than one label, only the whole of it is right. `question`: of this one alone.
    """
    told = Vote.objects.current().answering().filter(annotator__in=list(annotators))
    if question is not None:
        told = told.filter(task__question=question)
    unseen = ~Q(task__slice=Task.Slice.VALIDATION) | Q(annotator__kind__in=[Kind.PERSON, Kind.EXPERT])
    return _shares(told.filter(unseen))


def _shares(votes: VoteQuerySet) -> dict[int, Share]:
    known = votes.filter(KNOWN).order_by().values("annotator")
    counted = known.annotate(n=Count("pk"), right=Count("pk", filter=AS_KNOWN))
    return {row["annotator"]: Share(row["right"], row["n"]) for row in counted}


def _midnight() -> datetime:
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
