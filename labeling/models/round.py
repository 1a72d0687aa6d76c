"""One turn of the loop: select, collect, update."""

from __future__ import annotations

from typing import Any

from django.db import models

from labeling.models.batch import Batch
from labeling.models.question import Question


class Round(models.Model):
    """One turn of the loop over a question's tasks in a batch.

    `outcome` says in one sentence what it did or why it stopped.
    """

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="rounds")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="rounds", db_index=False)
    number = models.PositiveIntegerField()
    method = models.CharField(max_length=40, help_text="The aggregator that ran, e.g. auto.")
    chosen = models.CharField(max_length=80, blank=True, help_text="What auto settled on.")
    router = models.CharField(max_length=20)
    parameters = models.JSONField(default=dict)
    calibrated = models.BooleanField(default=False)
    disagreement = models.FloatField(
        null=True, help_text="Share of tasks on which the two unsupervised methods differ."
    )
    crowd_settled = models.PositiveIntegerField(default=0)
    to_paid = models.PositiveIntegerField(default=0)
    to_people = models.PositiveIntegerField(default=0)
    outcome = models.TextField(blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["batch", "number", "question"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "question", "number"], name="round_number_once_per_question")
        ]

    def __str__(self) -> str:
        return f"round {self.number} of {self.batch}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A round that names no question is about the project's first one."""
        if not self.question_id:
            self.question = self.batch.project.first_question
        super().save(*args, **kwargs)
