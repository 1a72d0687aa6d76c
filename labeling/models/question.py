"""What a project asks about each of its instances, and the labels to answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from labeling.kinds import registry
from labeling.kinds.cells import number
from labeling.models.project import Project

if TYPE_CHECKING:
    from labeling.kinds.base import Kind, Space
    from labeling.kinds.measures.base import Measures


class Question(models.Model):
    """One question of a project: its kind, its wording, its labels, its place in the order."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="questions")
    position = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=16, default=registry.NAMES[0], help_text="What an answer is; `labeling/kinds`.")
    wording = models.CharField(max_length=300, default="Which label fits best?")
    guidelines = models.TextField(blank=True, help_text="Further words for this question alone.")
    overlaps = models.BooleanField(default=False, help_text="Whether stretches of text may overlap.")
    asked_after = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="follow_ups")
    asked_if = models.JSONField(
        null=True, blank=True, help_text="Asked only where `asked_after` was answered so: a label's position, or marks."
    )

    class Meta:
        ordering = ["project", "position"]
        constraints = [
            models.UniqueConstraint(fields=["project", "position"], name="question_position_once_per_project"),
            models.CheckConstraint(condition=Q(kind__in=registry.NAMES), name="question_kind_is_known"),
            models.CheckConstraint(condition=~Q(wording=""), name="question_has_a_wording"),
            models.CheckConstraint(
                condition=Q(asked_after__isnull=True, asked_if__isnull=True)
                | Q(asked_after__isnull=False, asked_if__isnull=False),
                name="question_condition_names_question_and_answer",
            ),
        ]

    def __str__(self) -> str:
        return self.wording

    @property
    def answers(self) -> Kind:
        """What can be done with answers of this question's kind."""
        return registry.kind(self.kind)

    @property
    def measures(self) -> Measures:
        """What reports tell of answers of this question's kind."""
        return registry.measures(self.kind)

    @property
    def number(self) -> int:
        """Its place among the project's questions, from 1, as addresses name it."""
        return self.position + 1

    @property
    def votes_are_enough(self) -> bool:
        """Whether votes for one of the labels say all, so that truth inference needs no table of answers."""
        return registry.has_one_label(self.kind)

    @property
    def one_label(self) -> bool:
        """Whether an answer is kept as one label, and not as marks."""
        return self.answers.one_label

    def label_list(self) -> list[Label]:
        """The labels in order; a label's place in this list is its index in arrays."""
        return list(self.labels.all())

    def space(self) -> Space:
        """What can be answered: the labels, and where they stand on a scale. One query."""
        return space_of(self.label_list())


class Label(models.Model):
    """One label of a question; `position` is its place on the page and its index in arrays."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="labels")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    short = models.CharField(max_length=40, blank=True, help_text="A short form for narrow places.")
    hint = models.CharField(max_length=120, blank=True, help_text="Three or four words under the name.")
    description = models.TextField(blank=True, help_text="What belongs here; models and people read it.")
    value = models.FloatField(null=True, blank=True, help_text="Where a step stands on its scale; blank: its place.")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["question", "name"], name="label_name_once_per_question"),
            models.UniqueConstraint(fields=["question", "position"], name="label_position_once_per_question"),
            models.CheckConstraint(condition=~Q(name=""), name="label_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def brief(self) -> str:
        return self.short or self.name

    @property
    def key(self) -> str:
        """The digit that picks this label: 1 to 9, then 0 for the tenth, none after."""
        return str((self.position + 1) % 10) if self.position < 10 else ""


def space_of(labels: list[Label]) -> Space:
    """What can be answered with these labels, all of a question in their order.

    A label stands at its own value, else where its name is a number, if all are, else at its place.
    """
    from labeling.kinds.base import Space  # the tables are read by commands that never load numpy

    numbers = [number(label.name) for label in labels]
    named = [place if found is None or None in numbers else float(found) for place, found in enumerate(numbers)]
    values = [float(at) if label.value is None else label.value for label, at in zip(labels, named, strict=True)]
    return Space(tuple(label.name for label in labels), tuple(values))
