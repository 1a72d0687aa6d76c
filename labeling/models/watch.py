"""What is watched while labels come in, every look that was taken, and what a manager answered to an alarm.

History in rows, never edited: `Watch` says what was watched since when, `WatchLook` what each look saw, `Alarm` which
line stopped when and for how long, `AlarmAnswer` who did what about it and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from labeling.models.alarm import Alarm
from labeling.models.batch import Batch
from labeling.models.project import Project
from labeling.models.question import Question


class WatchQuerySet(models.QuerySet["Watch"]):
    def in_effect(self, batch: Batch) -> Watch:
        """The newest one of the batch, else of its project, else the defaults, which are no row."""
        own = self.filter(batch=batch).order_by("-pk").first()
        return own or self.of_project(batch.project)

    def of_project(self, project: Project) -> Watch:
        """The newest one of a project for batches without their own, else the defaults, which are no row."""
        found = self.filter(project=project, batch=None).order_by("-pk").first()
        return found or Watch(project=project)


class Watch(models.Model):
    """What is watched in a batch, or in every batch of a project that has no watch of its own.

    A change is a new row, so that each look can be held against what was asked for then.
    """

    class Measure(models.TextChoices):
        RIGHT = "right", "share right"
        FOUND = "found", "true labels found"
        FALSE = "false", "false labels"
        GIVEN = "given", "how often given"

    class WhenAlarmed(models.TextChoices):
        PROJECT = "", "do as the project does"
        TELL = "tell", "say so"
        PAUSE = "pause", "stop the line"
        OFF = "off", "do not watch"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="watches")
    batch = models.ForeignKey(Batch, null=True, blank=True, on_delete=models.CASCADE, related_name="watches")
    measure = models.CharField(max_length=5, choices=Measure.choices, default=Measure.RIGHT)
    attribute = models.CharField(max_length=200, blank=True, help_text="Groups by this attribute; blank: by each.")
    groups = models.JSONField(default=list, blank=True, help_text="Only these groups; empty: all of them.")
    margin = models.FloatField(default=0.05, help_text="The gap that matters; one surely within it is fair enough.")
    chance = models.FloatField(default=0.05, help_text="Of a false alarm, over all looks and comparisons.")
    minimum = models.PositiveIntegerField(default=30, help_text="Tasks a group needs before the first look.")
    when_alarmed = models.CharField(max_length=5, choices=WhenAlarmed.choices, default="", blank=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField(auto_now_add=True)

    objects = WatchQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(margin__gt=0, margin__lt=1), name="watch_margin_in_0_1"),
            models.CheckConstraint(condition=Q(chance__gt=0, chance__lt=1), name="watch_chance_in_0_1"),
            models.CheckConstraint(condition=Q(minimum__gte=1), name="watch_minimum_at_least_1"),
        ]

    def __str__(self) -> str:
        return f"{self.get_measure_display()} of {self.batch or self.project}"

    @property
    def pauses(self) -> bool:
        """Whether an alarm stops the line, by its own word or by the project's."""
        own = self.when_alarmed or self.project.when_alarmed
        return own == self.WhenAlarmed.PAUSE


@dataclass(frozen=True, slots=True)
class GroupLook:
    """What one look saw of one group: `n` tasks, the evidence for a gap, the gap with its anytime-valid interval."""

    group: str
    n: int
    evidence: float
    threshold: float
    difference: float
    low: float
    high: float
    verdict: str

    def row(self) -> list[Any]:
        """As it stands in a look's row, to six digits."""
        numbers = (self.evidence, self.threshold, self.difference, self.low, self.high)
        return [self.group, self.n, *(float(f"{number:.6g}") for number in numbers), self.verdict]


class WatchLook(models.Model):
    """One look at the groups of a batch by one attribute: of whole answers (`part` is ""), or of one label or type.

    Taken after each lot that is settled and with every few checks, kept where there was more to see than before.
    """

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="looks")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="+")
    attribute = models.CharField(max_length=200)
    measure = models.CharField(max_length=5, choices=Watch.Measure.choices)
    part = models.CharField(max_length=120, blank=True)
    counted = models.PositiveIntegerField(help_text="Tasks that the look rests on, of all groups together.")
    found = models.JSONField(help_text="One `GroupLook.row` for each group that has enough tasks.")
    looked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["batch", "question", "attribute", "measure", "part"], name="look_story")]

    def __str__(self) -> str:
        return f"{self.batch}, {self.counted} tasks: {self.get_measure_display()} by {self.attribute}"

    @property
    def groups(self) -> list[GroupLook]:
        """What it saw of each group."""
        return [GroupLook(*row) for row in self.found]


class AlarmAnswer(models.Model):
    """What a manager did about an alarm; append-only. All but a check for more evidence let the line go on."""

    class What(models.TextChoices):
        CHECK = "check", "checks more"
        MODEL = "model", "takes a model out"
        CROWD = "crowd", "changed the crowd"
        BY_GROUP = "by_group", "weighs votes by group"
        OVERRIDE = "override", "overrides it"
        SEEN = "seen", "has seen it"

    MENDS = [What.MODEL, What.CROWD, What.BY_GROUP]
    """What changes the labels, so that the watch begins anew with what comes after."""

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, related_name="answers")
    what = models.CharField(max_length=8, choices=What.choices)
    why = models.TextField(blank=True, help_text="In the manager's own words; an override needs some.")
    told = models.TextField(blank=True, help_text="What was done, in one sentence.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~Q(what="override") | ~Q(why=""), name="alarm_override_has_a_reason")
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()}: {self.alarm}"
