"""What is asked before sentences are put to models."""

from __future__ import annotations

from typing import Any

from django import forms

from fairness.audit.sentences import Columns
from labeling.management.cell_options import named
from labeling.models import Annotator, Project
from labeling.models.annotator import AnnotatorQuerySet
from labeling.web.forms import dollars, in_microdollars


class ChecksForm(forms.Form):
    """Who is to answer the checked tasks as well, and how much that may cost."""

    annotators = forms.ModelMultipleChoiceField(
        label="Who is to answer them",
        queryset=Annotator.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one model."},
    )
    cap = dollars(label="At most, in US dollars", initial=0, help_text="For models that cost money.")

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["annotators"].queryset = askable(project)  # type: ignore[attr-defined]

    def cap_microdollars(self) -> int:
        return in_microdollars(self.cleaned_data["cap"]) or 0


def askable(project: Project) -> AnnotatorQuerySet:
    """The models of a project that can be asked something new."""
    open_to = project.annotators.machines().listed().exclude(spec__startswith=Annotator.RECORDED)
    return open_to.order_by("kind", "pk")


class AuditForm(forms.Form):
    """A file of sentences, its columns, whom to ask, and how much it may cost."""

    file = forms.FileField(
        label="File of sentences",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.jsonl"}),
        help_text="CSV: first,second,pair; or template,slot,variant,text; or any table, with the columns named below.",
        error_messages={"required": "Choose a file first.", "invalid": "No file arrived; choose it again."},
    )
    text = forms.CharField(label="Column of the text", max_length=80, required=False, help_text="Of a table.")
    vary = forms.CharField(label="Column that varies", max_length=80, required=False, help_text="Of a table: gender.")
    same = forms.CharField(
        label="Columns that stay the same",
        max_length=200,
        required=False,
        help_text="Of a table, commas between: template, emotion.",
    )
    annotators = forms.ModelMultipleChoiceField(
        label="Whom to ask",
        queryset=Annotator.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one model to put the sentences to."},
    )
    cap = dollars(label="At most, in US dollars", initial=0, help_text="For models that cost money.")

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["annotators"].queryset = askable(project)  # type: ignore[attr-defined]

    def columns(self) -> Columns:
        told = self.cleaned_data
        return Columns(told["text"].strip(), told["vary"].strip(), named(told["same"]))

    def cap_microdollars(self) -> int:
        return in_microdollars(self.cleaned_data["cap"]) or 0
