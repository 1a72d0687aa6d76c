"""What people send: an answer to a task, a word on a case. Anything else is refused in a sentence."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from labeling.models import Label, Project

LONGEST_NOTE = 2000


class AnswerForm(forms.Form):
    """A label, or one of `acts` in its place; with a note, an idempotency key, and the seconds the page counted."""

    acts = ("skip", "flag", "release")
    what_to_do = "Choose one of the labels."

    label = forms.IntegerField(required=False)
    act = forms.CharField(required=False, max_length=20)
    note = forms.CharField(required=False, max_length=LONGEST_NOTE)
    key = forms.UUIDField(required=False)
    seconds = forms.FloatField(required=False, min_value=0)

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.labels = {label.pk: label for label in project.label_list()}

    def clean_label(self) -> Label | None:
        key = self.cleaned_data["label"]
        if key is not None and key not in self.labels:
            raise forms.ValidationError(self.what_to_do)
        return self.labels.get(key)

    def clean(self) -> dict[str, Any]:
        told = self.cleaned_data
        if told.get("act") not in self.acts and (told.get("act") or not told.get("label")):
            raise forms.ValidationError(self.what_to_do)
        told["key"] = told.get("key") or uuid.uuid4()
        return told

    @property
    def fault(self) -> str:
        """What is wrong, in one sentence."""
        if "note" in self.errors:
            return f"The note is too long or holds signs that cannot be stored; keep it under {LONGEST_NOTE} letters."
        return self.what_to_do


class CaseForm(AnswerForm):
    """A settled case: the label and why, whether the reason belongs in the guide; or later, or back to the people."""

    acts = ("later", "back", "undo")
    what_to_do = "Choose the label that is right, then settle."

    guide = forms.BooleanField(required=False)
