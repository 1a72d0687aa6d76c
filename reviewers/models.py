"""A person's hold on a question: it expires, and it carries a fencing token (its key, which only grows)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from labeling.models import Annotator, Escalation, Project, Reservation, Vote
from labeling.rounds.kind_answers import Terms

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def of(self, user: User, project: Project) -> AssignmentQuerySet:
        """What this person holds or held in this project, as annotator or as expert."""
        return self.filter(annotator__user=user, annotator__project=project)

    def with_task(self) -> AssignmentQuerySet:
        """With the rows that a card shows, in one query."""
        return self.select_related(
            "annotator__project",
            "escalation__task__batch",
            "escalation__task__instance",
            "escalation__task__question",
            "vote__label",
        )

    def in_project(self, project_id: int) -> AssignmentQuerySet:
        return self.filter(annotator__project=project_id)

    def live(self) -> AssignmentQuerySet:
        """Not answered, not given back, and not passed on to anybody else."""
        return self.filter(state=Assignment.State.LIVE)

    def unexpired(self) -> AssignmentQuerySet:
        return self.live().filter(leased_until__gte=Now())

    def expired(self) -> AssignmentQuerySet:
        return self.live().filter(leased_until__lt=Now())


class Assignment(models.Model):
    """One person holds one question until `leased_until`, by the database's clock."""

    class State(models.TextChoices):
        LIVE = "live", "on the desk"
        ANSWERED = "answered", "answered"
        SKIPPED = "skipped", "skipped"
        FLAGGED = "flagged", "flagged"
        EXPIRED = "expired", "passed on"
        VOID = "void", "no longer needed"

    escalation = models.ForeignKey(Escalation, on_delete=models.CASCADE, related_name="assignments")
    annotator = models.ForeignKey(Annotator, on_delete=models.PROTECT, related_name="assignments")
    state = models.CharField(max_length=10, choices=State.choices, default=State.LIVE)
    claimed_at = models.DateTimeField(auto_now_add=True)
    begun_at = models.DateTimeField(
        null=True, blank=True, help_text="The first sign of work; until then it only lies there to be looked at."
    )
    leased_until = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    vote = models.ForeignKey(Vote, null=True, blank=True, on_delete=models.PROTECT, related_name="assignments")
    pay = models.ForeignKey(Reservation, null=True, blank=True, on_delete=models.PROTECT, related_name="assignments")
    look = models.UUIDField(
        null=True, blank=True, help_text="What was sent from one card with several questions shares it."
    )
    together: tuple[Assignment, ...] = ()
    """The other holds that belong on the same card, once they were looked up; never those of another instance."""

    objects = AssignmentQuerySet.as_manager()

    LOOKING_SECONDS = 60
    AT_WORK_SECONDS = 180
    FRESH = 0.6
    """What is left of a lease, at least, when it need not be renewed."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["escalation"], condition=Q(state="live"), name="assignment_one_live_per_question"
            ),
            models.CheckConstraint(
                condition=~Q(state="answered") | Q(vote__isnull=False), name="assignment_answered_has_a_vote"
            ),
        ]
        indexes = [
            models.Index(fields=["annotator", "state", "-closed_at"], name="assignment_of_a_person"),
            models.Index(fields=["annotator", "-closed_at", "-id"], name="assignment_history"),
            models.Index(fields=["look"], condition=Q(look__isnull=False), name="assignment_look"),
        ]

    def __str__(self) -> str:
        return f"{self.annotator} on {self.escalation.task}"

    def close(self, state: str, vote: Vote | None = None, *, lapsed: bool = False) -> bool:
        """Leave the desk; True for the one caller who closed it. `lapsed`: only if the lease has ended by now."""
        still = Assignment.objects.expired() if lapsed else Assignment.objects.live()
        live = still.filter(pk=self.pk)
        return bool(live.update(state=state, vote=vote, closed_at=Now()))

    def known_to(self, annotator: Annotator) -> Assignment:
        """The same hold with rows that are at hand, so that none is fetched again: its holder and their project."""
        task = self.escalation.task
        self.annotator, task.project, task.batch.project = annotator, annotator.project, annotator.project
        return self

    @classmethod
    def looking(cls, project: Project, at_work: bool = False) -> timedelta:
        """How long a card that was not begun stays on a desk: a moment, longer in hand of somebody at work."""
        seconds = cls.AT_WORK_SECONDS if at_work else cls.LOOKING_SECONDS
        return timedelta(seconds=min(seconds, project.lease_seconds))

    @property
    def seconds_left(self) -> float:
        """How long the question stays this person's; below zero once the lease has ended."""
        return (self.leased_until - timezone.now()).total_seconds()

    def seconds_worked(self, told: float | None = None) -> float:
        """Time since the question was handed out; the page may only shorten it, since it may have waited there."""
        passed = max((timezone.now() - self.claimed_at).total_seconds(), 0.0)
        return passed if told is None else min(max(told, 0.0), passed)

    @property
    def whole(self) -> list[Assignment]:
        """Everything on the card that begins with this hold, in the order of the project's questions."""
        if not self.together:
            return [self]
        return sorted((self, *self.together), key=lambda one: (one.escalation.task.question.position, one.pk))

    @property
    def said(self) -> str:
        """What this person did, in a word: the label they gave, skipped, flagged; of several questions each, once."""
        return " · ".join(dict.fromkeys(one._said for one in self.whole))

    @property
    def said_briefly(self) -> str:
        return " · ".join(dict.fromkeys(one._said_briefly for one in self.whole))

    @property
    def _said(self) -> str:
        if self.vote and self.vote.label:
            return self.vote.label.name
        told = Terms.of(self.escalation.task).briefly(self.vote) if self.vote and self.vote.marks is not None else ""
        return told or self.get_state_display().capitalize()

    @property
    def _said_briefly(self) -> str:
        return self.vote.label.brief if self.vote and self.vote.label else self._said
