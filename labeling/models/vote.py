"""Votes: append-only. A correction is a new row that points to the one it replaces."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.db.models import Q

from labeling.models.annotator import Annotator
from labeling.models.question import Label
from labeling.models.task import Task


class VoteQuerySet(models.QuerySet["Vote"]):
    def current(self) -> VoteQuerySet:
        """Votes that no later vote corrects and that were not taken back."""
        return self.filter(correction__isnull=True, withdrawn=False)

    def answering(self) -> VoteQuerySet:
        """Votes that are no abstention."""
        return self.filter(Q(label__isnull=False) | Q(marks__isnull=False))

    def abstaining(self) -> VoteQuerySet:
        """Votes that say nothing; a comparison of `marks` with None would ask for a null inside the JSON."""
        return self.filter(label__isnull=True, marks__isnull=True)

    def of_people(self) -> VoteQuerySet:
        return self.filter(annotator__kind__in=[Annotator.Kind.PERSON, Annotator.Kind.EXPERT])

    def of_machines(self) -> VoteQuerySet:
        return self.filter(annotator__kind__in=[Annotator.Kind.MODEL, Annotator.Kind.PAID])

    def update(self, **_: Any) -> NoReturn:
        raise TypeError("A vote never changes; write a correction that points to it.")

    def delete(self) -> NoReturn:
        raise TypeError("A vote never vanishes; write a withdrawal that points to it.")


class Vote(models.Model):
    """One annotator's answer to one task: a label, or marks where the kind has more than one label.

    Neither means abstention (the raw answer says why), never a guess.
    """

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="votes")
    annotator = models.ForeignKey(Annotator, on_delete=models.PROTECT, related_name="votes")
    label = models.ForeignKey(Label, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    marks = models.JSONField(
        null=True, blank=True, help_text="The answer of a kind without one label, in its plain form."
    )
    probabilities = models.JSONField(null=True, blank=True, help_text="Per label in order, if the model gave them.")
    raw = models.TextField(blank=True, help_text="The answer as it came, or a person's note.")
    prompt_version = models.CharField(max_length=64, blank=True)
    model_version = models.CharField(max_length=120, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=1)
    seconds = models.FloatField(default=0)
    cost_microdollars = models.PositiveBigIntegerField(default=0)
    hidden = models.JSONField(null=True, blank=True, help_text="How many values of each kind were hidden from it.")
    key = models.UUIDField(null=True, blank=True, unique=True, help_text="Idempotency key of the request that voted.")
    corrects = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="correction")
    withdrawn = models.BooleanField(default=False, help_text="This row takes back the one it corrects.")
    extra = models.BooleanField(
        default=False, help_text="Came after its lease had passed on; kept as one more opinion."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VoteQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "annotator", "prompt_version"],
                condition=Q(corrects__isnull=True),
                name="vote_one_chain_per_task_annotator_and_prompt",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn=False) | Q(corrects__isnull=False, label__isnull=True, marks__isnull=True),
                name="vote_withdrawal_points_to_a_vote_and_has_no_label",
            ),
            models.CheckConstraint(
                condition=Q(label__isnull=True) | Q(marks__isnull=True), name="vote_says_a_label_or_marks"
            ),
            models.CheckConstraint(condition=Q(seconds__gte=0), name="vote_seconds_not_negative"),
        ]
        indexes = [
            models.Index(fields=["annotator", "task"], name="vote_annotator_task"),
            models.Index(fields=["task"], condition=Q(hidden__isnull=False), name="vote_hidden"),
        ]

    def __str__(self) -> str:
        return f"{self.annotator} on {self.task}: {self.label or 'no label'}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A vote never changes; write a correction that points to it.")
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("A vote never vanishes; write a withdrawal that points to it.")
