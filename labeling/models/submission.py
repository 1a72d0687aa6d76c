"""A form that was sent: what it made is made once, however often the same form arrives."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Submission(models.Model):
    """One form as one person filled it in, and where they were led; kept for a day."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=64, help_text="A digest of the form's own number and of all that was written.")
    place = models.CharField(max_length=500, blank=True, help_text="The page that shows what was made.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="submission_once")]

    def __str__(self) -> str:
        return f"form of {self.user} that led to {self.place or 'nothing yet'}"
