"""What is asked on the page from which files leave."""

from __future__ import annotations

from typing import Any

from django import forms

from labeling.files import leaving
from labeling.files.foreign.formats import FORMATS
from labeling.models import Batch, Project

WHATS = [("labels", "settled answers"), ("votes", "votes"), ("ledger", "movements of money")]
PLAIN = [("csv", "CSV"), ("jsonl", "JSON by line")]


class ExportForm(forms.Form):
    """What, of which batch and question, in which format."""

    what = forms.ChoiceField(label="What", choices=WHATS)
    format = forms.ChoiceField(
        label="Format", choices=[*PLAIN, *((name, form.title) for name, form in FORMATS.items())]
    )
    batch = forms.ModelChoiceField(
        label="Of which batch",
        queryset=Batch.objects.none(),
        required=False,
        empty_label="all",
        error_messages={"invalid_choice": "There is no such batch in this project."},
    )
    question = forms.TypedChoiceField(label="Of which question", required=False, coerce=int, empty_value=None)
    pictures = forms.BooleanField(label="With the pictures, as a ZIP that reads back", required=False)

    def __init__(self, *args: Any, project: Project, **options: Any) -> None:
        super().__init__(*args, **options)
        self.project = project
        self.fields["batch"].queryset = project.batches.kept()  # type: ignore[attr-defined]
        asked = [(one.position + 1, f"{one.position + 1}: {one.wording}") for one in project.questions.all()]
        self.fields["question"].choices = [("", "all"), *asked]  # type: ignore[attr-defined]
        if not project.instances.filter(images__isnull=False).exists():
            del self.fields["pictures"]

    @property
    def scope(self) -> Batch | Project:
        """The batch that was chosen, else the project."""
        found: Batch | Project = self.cleaned_data["batch"] or self.project
        return found

    @property
    def plain(self) -> bool:
        """Whether the file is streamed as it is, and not packed."""
        packed = self.cleaned_data.get("pictures") and self.cleaned_data["what"] == leaving.LABELS
        return self.cleaned_data["format"] in leaving.PLAIN and not packed
