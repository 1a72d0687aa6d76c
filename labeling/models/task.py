"""One thing to label."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse

from labeling.models.batch import Batch
from labeling.models.project import Label, Project


class TaskQuerySet(models.QuerySet["Task"]):
    def locked(self) -> TaskQuerySet:
        """Held until the transaction ends; other rows may still point to them meanwhile."""
        return self.select_for_update(no_key=True)

    def kept(self) -> TaskQuerySet:
        """Tasks whose text was not deleted with their batch."""
        return self.filter(batch__deleted_at=None)

    def undecided(self) -> TaskQuerySet:
        """Tasks without a final label."""
        return self.filter(stage=Task.Stage.OPEN)

    def unasked(self) -> TaskQuerySet:
        """Open tasks about which nobody is asked."""
        return self.undecided().exclude(escalations__state="open")

    def decided(self) -> TaskQuerySet:
        return self.filter(stage=Task.Stage.DECIDED)

    def learnable(self) -> TaskQuerySet:
        """Tasks whose known label the methods may learn from."""
        return self.filter(slice=Task.Slice.VALIDATION)

    def scorable(self) -> TaskQuerySet:
        """Tasks with a known label that no method has seen: the honest checks."""
        return self.filter(gold__isnull=False).exclude(slice=Task.Slice.VALIDATION)

    def may_leave(self) -> TaskQuerySet:
        """Tasks whose text may be shown to a model of outside."""
        return self.exclude(Q(local_only=True) | Q(batch__local_only=True) | Q(project__local_only=True))

    def without_votes_of(self, annotator_id: int) -> TaskQuerySet:
        return self.exclude(votes__annotator_id=annotator_id)


class Task(models.Model):
    """One thing to label: titled parts of text, an optional group attribute, an optional gold label."""

    class Stage(models.TextChoices):
        OPEN = "open", "open"
        DECIDED = "decided", "settled"

    class Slice(models.TextChoices):
        NONE = "", "ordinary"
        VALIDATION = "validation", "the methods may learn from its gold label"
        AUDIT = "audit", "drawn at random for an expert's check"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tasks")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="tasks")
    position = models.PositiveIntegerField(help_text="Place in the batch, from 0.")
    external_id = models.CharField(max_length=200)
    digest = models.CharField(max_length=32, help_text="Hash of the text, to find duplicates.")
    parts = models.JSONField(help_text="List of [title, text].")
    about = models.JSONField(
        default=dict, blank=True, help_text="Fields of the row kept beside the text; see `beside`."
    )
    group = models.CharField(max_length=120, blank=True)
    gold = models.ForeignKey(Label, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    slice = models.CharField(max_length=12, choices=Slice.choices, default=Slice.NONE, blank=True)
    check_probability = models.FloatField(
        null=True, blank=True, help_text="With which probability this task was drawn for a check."
    )
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.OPEN)
    local_only = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ["batch", "position"]
        constraints = [
            models.UniqueConstraint(fields=["project", "external_id"], name="task_id_once_per_project"),
            models.UniqueConstraint(fields=["project", "digest"], name="task_text_once_per_project"),
            models.UniqueConstraint(fields=["batch", "position"], name="task_position_once_per_batch"),
            models.CheckConstraint(
                condition=~Q(slice="validation") | Q(gold__isnull=False), name="task_validation_has_gold"
            ),
            models.CheckConstraint(
                condition=Q(check_probability=None) | Q(check_probability__gt=0, check_probability__lte=1),
                name="task_check_probability_in_0_1",
            ),
        ]
        indexes = [
            models.Index(fields=["batch", "stage"], name="task_batch_stage"),
            models.Index(fields=["batch", "slice"], name="task_batch_slice"),
        ]

    def __str__(self) -> str:
        return self.external_id

    def get_absolute_url(self) -> str:
        return reverse("task", args=[self.project.slug, self.pk])

    def lock(self) -> None:
        """Hold this task until the transaction ends: answers to it are taken in one after the other.

        Locked before anything else is written, so that two people who answer at once never wait for each other.
        """
        self.refresh_from_db(fields=["stage"], from_queryset=Task.objects.locked())

    @property
    def beside(self) -> list[tuple[str, str]]:
        """What stands beside the text for whoever answers, as (name, value): the fields that a manager chose.

        Batches of before there was a choice show nothing: what they kept may tell the label.
        """
        shown = self.batch.mapping.get("shown", ())
        return [(name, str(self.about[name])) for name in shown if self.about.get(name) not in ("", None)]

    @property
    def text(self) -> str:
        """All parts in one string, for lists and searches."""
        return "\n".join(text for _, text in self.parts)
