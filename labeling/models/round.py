"""One turn of the loop: select, collect, update."""

from __future__ import annotations

from django.db import models

from labeling.models.batch import Batch


class Round(models.Model):
    """One turn of the loop over a batch. `outcome` says in one sentence what it did or why it stopped."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="rounds")
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
        ordering = ["batch", "number"]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="round_number_once_per_batch")]

    def __str__(self) -> str:
        return f"round {self.number} of {self.batch}"
