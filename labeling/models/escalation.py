"""A task sent on, to a paid model, a person or an expert, with the reason and the expected gain."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from labeling.models.annotator import Annotator
from labeling.models.decision import Decision
from labeling.models.round import Round
from labeling.models.task import Task
from labeling.models.vote import Vote


class EscalationQuerySet(models.QuerySet["Escalation"]):
    def open(self) -> EscalationQuerySet:
        return self.filter(state=Escalation.State.OPEN)

    def to_paid(self) -> EscalationQuerySet:
        return self.filter(to=Annotator.Kind.PAID)

    def to_people(self) -> EscalationQuerySet:
        return self.filter(to=Annotator.Kind.PERSON)

    def to_experts(self) -> EscalationQuerySet:
        return self.filter(to=Annotator.Kind.EXPERT)

    def in_batch(self, batch_id: int) -> EscalationQuerySet:
        return self.filter(task__batch_id=batch_id)

    def in_project(self, project_id: int) -> EscalationQuerySet:
        return self.filter(task__project_id=project_id)

    def listed(self) -> EscalationQuerySet:
        """Without those of batches that were put away."""
        return self.filter(task__batch__archived_at=None)

    def on_no_desk(self) -> EscalationQuerySet:
        """Those that no person holds now. Desks are rows of the people's side; here only their relation is known."""
        held = self.model._meta.get_field("assignments").related_model._default_manager.filter(
            escalation=OuterRef("pk"), state="live"
        )
        return self.filter(~Exists(held))

    def not_paused(self) -> EscalationQuerySet:
        """Without those of batches that were paused or put away; one that an error stopped goes on with people."""
        at_work = Q(task__batch__paused_at=None) | ~Q(task__batch__error="")
        return self.listed().filter(at_work)

    def free_slot(self, task: Task, to: str) -> int:
        """The first slot in which nobody of this kind is asked about a locked task."""
        taken = set(self.open().filter(task=task, to=to).values_list("slot", flat=True))
        return next(slot for slot in count() if slot not in taken)

    def free(self) -> EscalationQuerySet:
        """Open ones that no worker holds, by the database's clock."""
        return self.open().filter(Q(leased_until=None) | Q(leased_until__lt=Now()))


class Escalation(models.Model):
    """One wanted opinion on one task."""

    class State(models.TextChoices):
        OPEN = "open", "waiting"
        ANSWERED = "answered", "answered"
        WITHDRAWN = "withdrawn", "no longer needed"

    class Reason(models.TextChoices):
        UNCERTAIN = "uncertain", "the crowd is torn"
        PROBE = "probe", "to learn how good the model is"
        NO_VOTES = "no_votes", "no model gave a label"
        PEOPLE_DISAGREE = "people_disagree", "two people disagree"
        AGAINST_CROWD = "against_crowd", "a person disagrees with a confident crowd"
        AGAINST_RECORD = "against_record", "a person's own record speaks against the answer"
        FLAGGED = "flagged", "somebody flagged it"
        AUDIT = "audit", "drawn at random for a check"
        SENT_BACK = "sent_back", "an expert sent it back"

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="escalations")
    round = models.ForeignKey(Round, null=True, on_delete=models.SET_NULL, related_name="escalations")
    to = models.CharField(max_length=8, choices=Annotator.Kind.choices)
    annotator = models.ForeignKey(
        Annotator,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="escalations",
        help_text="The paid model.",
    )
    slot = models.PositiveSmallIntegerField(default=0, help_text="Which of several wanted opinions of one kind.")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    checks = models.ForeignKey(
        Decision,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="checks",
        help_text="The final label that a check compares with its answer.",
    )
    why = models.TextField(help_text="The reason in one sentence.")
    expected_gain = models.FloatField(default=0, help_text="Expected rise in the chance that the label is right.")
    price_microdollars = models.PositiveBigIntegerField(default=0, help_text="Expected price of the answer.")
    priority = models.FloatField(default=0, help_text="Higher comes first.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    vote = models.ForeignKey(Vote, null=True, blank=True, on_delete=models.PROTECT, related_name="escalations")
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, help_text="A worker is asking until then.")
    fence = models.PositiveIntegerField(default=0)

    objects = EscalationQuerySet.as_manager()

    class Meta:
        ordering = ["-priority", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "to", "annotator", "slot"],
                condition=Q(state="open"),
                name="escalation_one_open_per_slot_of_a_model",
            ),
            models.UniqueConstraint(
                fields=["task", "to", "slot"],
                condition=Q(state="open", annotator__isnull=True),
                name="escalation_one_open_per_slot",
            ),
            models.CheckConstraint(
                condition=Q(to="paid", annotator__isnull=False)
                | Q(to__in=["person", "expert"], annotator__isnull=True),
                name="escalation_paid_names_its_model",
            ),
            models.CheckConstraint(
                condition=~Q(state="answered") | Q(vote__isnull=False), name="escalation_answered_has_a_vote"
            ),
        ]
        indexes = [
            models.Index(fields=["to", "state", "-priority"], name="escalation_queue"),
            models.Index(fields=["closed_at"], name="escalation_closed"),
        ]

    def __str__(self) -> str:
        return f"{self.task} to {self.to}: {self.why}"

    def lease(self, seconds: float) -> bool:
        """Try to become the one worker who asks; True for the winner, who then holds `fence`."""
        mine = Escalation.objects.free().filter(pk=self.pk, fence=self.fence)
        won = mine.update(leased_until=Now() + timedelta(seconds=seconds), fence=F("fence") + 1)
        self.fence += won
        return bool(won)

    def renew(self, seconds: float) -> bool:
        """Keep the lease; False where the question is closed or has passed on to another worker."""
        mine = Escalation.objects.open().filter(pk=self.pk, fence=self.fence)
        return bool(mine.update(leased_until=Now() + timedelta(seconds=seconds)))

    def lock(self) -> None:
        """Hold this question until the transaction ends: after its task, before anybody's desk and before money."""
        self.refresh_from_db(fields=["state"], from_queryset=Escalation.objects.select_for_update(no_key=True))

    def close(self, state: str, vote: Vote | None = None) -> bool:
        """Close an open escalation; True for the one caller who closed it."""
        closed = Escalation.objects.open().filter(pk=self.pk).update(state=state, vote=vote, closed_at=Now())
        return bool(closed)
