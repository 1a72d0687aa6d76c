"""What people say about a project's data that no log can know: where it comes from, under which licence."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from labeling.models.project import Project


class Statement(models.Model):
    """The answer to one question about the data; `key` names the question, the newest answer overwrites."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="statements")
    key = models.CharField(max_length=40)
    chosen = models.JSONField(default=list, help_text="What was ticked, where there is something to tick.")
    words = models.TextField(blank=True, help_text="What was written.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["project", "key"]
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="statement_once_per_key")]

    def __str__(self) -> str:
        return f"{self.key}: {self.words or ', '.join(self.chosen)}"
