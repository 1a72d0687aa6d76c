"""What is asked about one instance, and how far it has come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.db import models
from django.db.models import Q
from django.db.models.lookups import Exact
from django.urls import reverse

from labeling.models.batch import Batch
from labeling.models.grouping import group_name
from labeling.models.instance import Instance
from labeling.models.project import Project
from labeling.models.question import Label, Question


class TaskQuerySet(models.QuerySet["Task"]):
    def locked(self) -> TaskQuerySet:
        """Held until the transaction ends, without their instances; other rows may still point to them meanwhile."""
        return self.select_related(None).select_for_update(no_key=True)

    def in_group(self, by: Sequence[str], name: str) -> TaskQuerySet:
        """Tasks whose group by these attributes is called so; "" for those that lack one of them."""
        return self.filter(Exact(group_name(by, "instance__groups"), name))

    def about(self, question: Question) -> TaskQuerySet:
        """Tasks that ask this question."""
        return self.filter(question=question)

    def kept(self) -> TaskQuerySet:
        """Tasks whose text was not deleted with their batch."""
        return self.filter(batch__deleted_at=None)

    def undecided(self) -> TaskQuerySet:
        """Tasks without a final label."""
        return self.filter(stage=Task.Stage.OPEN)

    def held_back(self) -> TaskQuerySet:
        """Those that wait for the answer to another question, or are not asked because of it."""
        return self.filter(stage__in=[Task.Stage.WAITING, Task.Stage.NOT_ASKED])

    def asked(self) -> TaskQuerySet:
        """All others."""
        return self.exclude(stage__in=[Task.Stage.WAITING, Task.Stage.NOT_ASKED])

    def unasked(self) -> TaskQuerySet:
        """Open tasks about which nobody is asked."""
        return self.undecided().exclude(escalations__state="open")

    def decided(self) -> TaskQuerySet:
        return self.filter(stage=Task.Stage.DECIDED)

    def learnable(self) -> TaskQuerySet:
        """Tasks whose known label the methods may learn from."""
        return self.filter(slice=Task.Slice.VALIDATION)

    def without_gold(self) -> TaskQuerySet:
        """Tasks whose answer the file does not know."""
        return self.filter(gold__isnull=True, gold_marks__isnull=True)

    def scorable(self) -> TaskQuerySet:
        """Tasks with a known label that no method has seen: the honest checks."""
        known = Q(gold__isnull=False) | Q(gold_marks__isnull=False)
        return self.filter(known).exclude(slice=Task.Slice.VALIDATION)

    def may_leave(self) -> TaskQuerySet:
        """Tasks whose text may be shown to a model of outside."""
        return self.exclude(Q(instance__local_only=True) | Q(batch__local_only=True) | Q(project__local_only=True))

    def bulk_create(self, objs: Iterable[Task], *args: Any, **kwargs: Any) -> list[Task]:
        """Many rows; those that name no question are about the project's first one."""
        made = list(objs)
        for task in made:
            task.ask_first_question()
        return super().bulk_create(made, *args, **kwargs)

    def without_votes_of(self, annotator_id: int) -> TaskQuerySet:
        return self.exclude(votes__annotator_id=annotator_id)


TasksAlone = models.Manager.from_queryset(TaskQuerySet)


class TaskManager(TasksAlone["Task"]):
    """Tasks that are read as objects come with their instance; counts, updates and values do without."""

    def get_queryset(self) -> TaskQuerySet:
        return TaskQuerySet(self.model, using=self._db).select_related("instance")


class Task(models.Model):
    """One question about one instance, with an optional gold label; a thin row, since an instance may have several."""

    class Stage(models.TextChoices):
        OPEN = "open", "open"
        DECIDED = "decided", "settled"
        WAITING = "waiting", "waits for another question"
        NOT_ASKED = "not_asked", "not asked"

    class Slice(models.TextChoices):
        NONE = "", "ordinary"
        VALIDATION = "validation", "the methods may learn from its gold label"
        AUDIT = "audit", "drawn at random for an expert's check"

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tasks")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    question = models.ForeignKey(Question, on_delete=models.RESTRICT, related_name="tasks", db_index=False)
    position = models.PositiveIntegerField(help_text="Place in the batch, from 0.")
    gold = models.ForeignKey(Label, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    gold_marks = models.JSONField(null=True, blank=True, help_text="The known answer of a kind without one label.")
    slice = models.CharField(max_length=12, choices=Slice.choices, default=Slice.NONE, blank=True)
    check_probability = models.FloatField(
        null=True, blank=True, help_text="With which probability this task was drawn for a check."
    )
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.OPEN)

    objects = TaskManager()

    class Meta:
        ordering = ["batch", "position"]
        constraints = [
            models.UniqueConstraint(fields=["instance", "question"], name="task_once_per_question"),
            models.UniqueConstraint(fields=["batch", "position"], name="task_position_once_per_batch"),
            models.CheckConstraint(
                condition=~Q(slice="validation") | Q(gold__isnull=False) | Q(gold_marks__isnull=False),
                name="task_validation_has_gold",
            ),
            models.CheckConstraint(
                condition=Q(gold__isnull=True) | Q(gold_marks__isnull=True), name="task_gold_is_a_label_or_marks"
            ),
            models.CheckConstraint(
                condition=Q(check_probability=None) | Q(check_probability__gt=0, check_probability__lte=1),
                name="task_check_probability_in_0_1",
            ),
        ]
        indexes = [
            models.Index(fields=["batch", "stage"], name="task_batch_stage"),
            models.Index(fields=["batch", "slice"], name="task_batch_slice"),
            models.Index(fields=["gold"], condition=Q(gold__isnull=False), name="task_gold"),
        ]

    def __str__(self) -> str:
        return self.external_id

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.ask_first_question()
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("task", args=[self.project.slug, self.pk])

    def ask_first_question(self) -> None:
        """Where no question is named, the task is about the project's first one."""
        if not self.question_id:
            self.question = self.project.first_question

    def lock(self) -> None:
        """Hold this task until the transaction ends: answers to it are taken in one after the other.

        Locked before anything else is written, so that two people who answer at once never wait for each other.
        """
        self.refresh_from_db(fields=["stage"], from_queryset=Task.objects.locked())

    @property
    def external_id(self) -> str:
        return self.instance.external_id

    @property
    def digest(self) -> str:
        return self.instance.digest

    @property
    def parts(self) -> list[list[str]]:
        """Titles and texts of the instance, [title, text] each."""
        return cast(list[list[str]], self.instance.parts)

    @property
    def images(self) -> list[dict[str, Any]]:
        """The images of the instance: title, file, width, height and alt of each; empty for texts."""
        return self.instance.images or []

    @property
    def about(self) -> dict[str, Any]:
        return cast(dict[str, Any], self.instance.about)

    @property
    def groups(self) -> dict[str, str]:
        """The value of each group attribute that the instance has."""
        return cast(dict[str, str], self.instance.groups)

    @property
    def local_only(self) -> bool:
        """Whether the instance alone, whatever batch and project say, must not leave this machine."""
        return self.instance.local_only

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
