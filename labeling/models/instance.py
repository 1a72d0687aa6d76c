"""One thing to look at, whatever is asked about it."""

from __future__ import annotations

from django.db import models

from labeling.models.batch import Batch
from labeling.models.project import Project


class Instance(models.Model):
    """Titled parts, texts or images, with what stands beside them; questions about it are tasks."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="instances", db_index=False)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="instances", db_index=False)
    position = models.PositiveIntegerField(help_text="Place in the batch, from 0.")
    external_id = models.CharField(max_length=200)
    digest = models.CharField(max_length=32, help_text="Hash of the text, to find duplicates.")
    parts = models.JSONField(help_text="List of [title, text].")
    images = models.JSONField(
        null=True, blank=True, help_text="List of objects with title, file, width, height and alt; null for texts."
    )
    about = models.JSONField(
        default=dict, blank=True, help_text="Fields of the row kept beside the text; see `Task.beside`."
    )
    groups = models.JSONField(
        default=dict, blank=True, help_text="Group attributes with their values, e.g. district: north."
    )
    local_only = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["batch", "position"]
        constraints = [
            models.UniqueConstraint(fields=["project", "external_id"], name="instance_id_once_per_project"),
            models.UniqueConstraint(fields=["project", "digest"], name="instance_text_once_per_project"),
        ]
        indexes = [models.Index(fields=["batch"], name="instance_batch")]  # places are unique among tasks

    def __str__(self) -> str:
        return self.external_id
