"""What annotators were told, version by version: guidelines, questions, labels with their meanings."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.db import models, transaction

from labeling.models.project import Project
from labeling.models.question import Label, Question

if TYPE_CHECKING:
    from django.contrib.auth.models import User

OF_A_QUESTION = ("pk", "position", "kind", "wording", "guidelines")
OF_A_LABEL = ("name", "hint", "description", "value")


class GuidelineQuerySet(models.QuerySet["GuidelineVersion"]):
    @transaction.atomic
    def keep(self, project: Project, by: User | None = None, why: str = "") -> GuidelineVersion:
        """The version of what annotators are told now: a new row where it differs from the last one kept."""
        Project.objects.select_for_update().get(pk=project.pk)
        told = told_now(project)
        digest, last = digest_of(told), self.filter(project=project).last()
        if last is not None and last.digest == digest:
            return last
        number = last.number + 1 if last else 1
        return self.create(project=project, number=number, told=told, digest=digest, by=by, why=why)


def told_now(project: Project) -> dict[str, Any]:
    """What annotators are told at this moment, as plain values; read anew from the tables."""
    guidelines = Project.objects.values_list("guidelines", flat=True).get(pk=project.pk)
    questions = []
    for pk, position, kind, wording, own in Question.objects.filter(project=project).values_list(*OF_A_QUESTION):
        labels = [
            dict(zip(OF_A_LABEL, row, strict=True))
            for row in Label.objects.filter(question=pk).values_list(*OF_A_LABEL)
        ]
        questions.append(
            {"number": position + 1, "kind": kind, "wording": wording, "guidelines": own, "labels": labels}
        )
    return {"guidelines": guidelines, "questions": questions}


def digest_of(told: dict[str, Any]) -> str:
    """SHA-256 of what is told, in one fixed form."""
    plain = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


class GuidelineVersion(models.Model):
    """What annotators of a project were told from a moment on; never changed."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="guideline_versions")
    number = models.PositiveIntegerField()
    told = models.JSONField(help_text="Guidelines, and of each question its wording, its own guidelines, its labels.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of `told`.")
    why = models.CharField(max_length=300, blank=True, help_text="What it came from, where that is known.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = GuidelineQuerySet.as_manager()

    class Meta:
        ordering = ["project", "number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="guideline_number_once_per_project")]

    def __str__(self) -> str:
        return f"version {self.number} of what {self.project} asks"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A version of the guidelines never changes; keep a new one.")
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("A version of the guidelines never vanishes.")
