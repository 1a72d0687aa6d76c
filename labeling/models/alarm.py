"""Something that should not go on unseen: a gap between groups, a model that changed, a person who fails."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.http import urlencode

from labeling.models.annotator import Annotator
from labeling.models.batch import Batch
from labeling.models.project import Project
from labeling.models.question import Question


class AlarmQuerySet(models.QuerySet["Alarm"]):
    def standing(self) -> AlarmQuerySet:
        """Alarms that nobody has answered yet."""
        return self.filter(cleared_at=None)

    def gaps(self) -> AlarmQuerySet:
        """Those about groups."""
        return self.filter(kind=Alarm.Kind.GAP)


class Alarm(models.Model):
    """One alarm, raised once about one thing; it stands until a manager clears it, even if its evidence falls.

    One about a gap says between which groups: the `groups` by an `attribute`, against all others, in the answers to a
    `question`, or in one label, step or type of them (`part`). While it stands and has `paused`, these are not settled.
    """

    class Kind(models.TextChoices):
        GAP = "gap", "a gap between groups"
        MODEL = "model", "a model has changed"
        PERSON = "person", "a person fails"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alarms")
    batch = models.ForeignKey(Batch, null=True, blank=True, on_delete=models.CASCADE, related_name="alarms")
    annotator = models.ForeignKey(Annotator, null=True, blank=True, on_delete=models.CASCADE, related_name="alarms")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    about = models.CharField(max_length=200, help_text="The group, or the name of the model or person.")
    why = models.TextField(help_text="One sentence: what was seen, and how strong the evidence is.")
    evidence = models.FloatField(default=0, help_text="Likelihood ratio against nothing being the matter.")
    paused = models.BooleanField(default=False, help_text="The project's policy paused what it concerns.")
    question = models.ForeignKey(Question, null=True, blank=True, on_delete=models.CASCADE, related_name="alarms")
    attribute = models.CharField(max_length=200, blank=True)
    groups = models.JSONField(default=list, blank=True, help_text="Names of the groups; several where they are small.")
    part = models.CharField(max_length=120, blank=True, help_text="The label, step or type; blank: whole answers.")
    measure = models.CharField(max_length=5, blank=True, help_text="What was watched, as `Watch.Measure` says.")
    threshold = models.FloatField(default=0, help_text="The evidence from which on the alarm is raised.")
    gap = models.FloatField(null=True, blank=True, help_text="How much more often than others; as last seen.")
    raised_at = models.DateTimeField(auto_now_add=True)
    cleared_at = models.DateTimeField(null=True, blank=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "about", "batch"],
                condition=Q(cleared_at=None),
                name="alarm_stands_once_for_a_batch",
            ),
            models.UniqueConstraint(
                fields=["project", "kind", "about"],
                condition=Q(cleared_at=None, batch=None),
                name="alarm_stands_once_for_a_project",
            ),
            models.CheckConstraint(
                condition=Q(kind="gap", annotator__isnull=True)
                | Q(kind__in=["model", "person"], annotator__isnull=False),
                name="alarm_about_a_voter_names_it",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.about}"

    def get_absolute_url(self) -> str:
        """Where what it is about is reported: of a gap the question, the groups and the part of the answers."""
        if self.batch is None:
            return self.project.get_absolute_url()
        told = {"by": self.attribute, "label": self.part} if self.groups else {}
        if self.question and self.question.position:
            told["question"] = str(self.question.number)
        query = urlencode({name: value for name, value in told.items() if value})
        return f"{self.batch.get_absolute_url()}{query and '?'}{query}#fair"

    def clear(self) -> None:
        """A manager has seen it; the same thing may raise a new alarm later."""
        Alarm.objects.standing().filter(pk=self.pk).update(cleared_at=Now())
