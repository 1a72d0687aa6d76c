"""What the votes make us believe about one task, now."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from labeling.models.project import Label
from labeling.models.round import Round
from labeling.models.task import Task


class Belief(models.Model):
    """The posterior over the labels of one task. Derived from votes, so it may be overwritten."""

    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="belief")
    round = models.ForeignKey(Round, null=True, on_delete=models.SET_NULL, related_name="beliefs")
    probabilities = models.JSONField(help_text="Per label in order, sums to 1.")
    base = models.JSONField(help_text="The belief of the last full inference; later single votes are added to it.")
    crowd = models.JSONField(
        null=True, blank=True, help_text="What the free crowd alone believed, where `base` counts further answers."
    )
    base_vote = models.PositiveBigIntegerField(default=0, help_text="The newest vote that `base` counts.")
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="+", help_text="The most believed label.")
    confidence = models.FloatField(help_text="Probability of that label.")
    entropy = models.FloatField(help_text="In bits.")
    tie = models.BooleanField(default=False)
    method = models.CharField(max_length=40)
    calibrated = models.BooleanField(default=False)
    n_votes = models.PositiveIntegerField(default=0, help_text="Votes with a label behind it.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(confidence__gte=0, confidence__lte=1), name="belief_confidence_in_0_1"),
            models.CheckConstraint(condition=Q(entropy__gte=0), name="belief_entropy_not_negative"),
        ]
        indexes = [models.Index(fields=["entropy"], name="belief_entropy")]

    def __str__(self) -> str:
        return f"{self.label} {self.confidence:.2f}"
