"""The final label of a task, with its provenance; superseded, never edited."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from labeling.models.annotator import Annotator
from labeling.models.question import Label
from labeling.models.task import Task


class DecisionQuerySet(models.QuerySet["Decision"]):
    def current(self) -> DecisionQuerySet:
        return self.filter(superseded_at=None)


class Decision(models.Model):
    """The final label of a task. A later decision supersedes it; both rows stay."""

    class By(models.TextChoices):
        CROWD = "crowd", "crowd"
        PAID = "paid", "paid model"
        PERSON = "person", "person"
        EXPERT = "expert", "expert"
        FILE = "file", "file"

    LAST_WORD = [By.EXPERT, By.FILE]
    """Whose label only an expert may change."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="decisions")
    label = models.ForeignKey(Label, null=True, on_delete=models.PROTECT, related_name="+")
    marks = models.JSONField(null=True, help_text="The answer of a kind without one label, in its plain form.")
    decided_by = models.CharField(max_length=8, choices=By.choices)
    annotator = models.ForeignKey(Annotator, null=True, on_delete=models.PROTECT, related_name="decisions")
    confidence = models.FloatField()
    entropy = models.FloatField(help_text="Of the belief at that moment, in bits.")
    why = models.TextField(blank=True, help_text="One sentence; an expert's reason is shown to those overruled.")
    provenance = models.JSONField(default=dict, help_text="Votes, method, versions, prices: what it was made from.")
    created_at = models.DateTimeField(auto_now_add=True)
    superseded_at = models.DateTimeField(null=True, blank=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=Q(superseded_at__isnull=True), name="decision_one_current_per_task"
            ),
            models.CheckConstraint(
                condition=Q(label__isnull=False, marks__isnull=True) | Q(label__isnull=True, marks__isnull=False),
                name="decision_says_a_label_or_marks",
            ),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="decision_confidence_in_0_1"
            ),
        ]

        indexes = [
            models.Index(fields=["created_at"], name="decision_created"),
            models.Index(
                fields=["superseded_at"], condition=Q(superseded_at__isnull=False), name="decision_superseded"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task}: {self.label or self.marks} by {self.decided_by}"
