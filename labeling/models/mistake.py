"""Mistakes that recur, as a person has judged them: accepted as a lesson, or rejected."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q

from labeling.models.annotator import Annotator
from labeling.models.guideline import GuidelineVersion
from labeling.models.question import Question


class MistakeQuerySet(models.QuerySet["Mistake"]):
    def lessons(self, question: Question) -> MistakeQuerySet:
        """Those whose cases teach."""
        return self.filter(question=question, verdict=Mistake.Verdict.ACCEPTED)

    def cases(self, question: Question) -> set[int]:
        """The tasks of all accepted ones, by key."""
        return {task for tasks in self.lessons(question).values_list("tasks", flat=True) for task in tasks}


class Mistake(models.Model):
    """One cell of a confusion matrix, as it stood when somebody judged it; without an annotator the crowd's own.

    Never changed: whoever judges again writes a new row, and the newest counts.
    """

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted", "accepted as a lesson"
        REJECTED = "rejected", "rejected"

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="mistakes")
    annotator = models.ForeignKey(Annotator, null=True, blank=True, on_delete=models.CASCADE, related_name="mistakes")
    truth = models.CharField(max_length=200, help_text="What is right, in words.")
    said = models.CharField(max_length=200, help_text="What is said instead, in words.")
    cases = models.PositiveIntegerField()
    of = models.PositiveIntegerField(help_text="Known tasks with this truth that were answered.")
    low = models.FloatField(help_text="Lower 95% limit of the rate of the mistake.")
    expected = models.FloatField(help_text="The rate, were all mistakes of this annotator spread evenly.")
    tasks = models.JSONField(default=list, help_text="Keys of the cases that teach from now on.")
    sentence = models.TextField(blank=True, help_text="What went into the guidelines.")
    guideline = models.ForeignKey(
        GuidelineVersion, null=True, blank=True, on_delete=models.RESTRICT, related_name="mistakes"
    )
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MistakeQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(cases__lte=models.F("of")), name="mistake_cases_of_at_least_as_many"),
        ]

    def __str__(self) -> str:
        return f"{self.annotator or 'the crowd'}: {self.truth} called {self.said}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A verdict never changes; write a new one.")
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("A verdict never vanishes; write a new one.")
