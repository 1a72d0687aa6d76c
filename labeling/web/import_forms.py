"""What is asked about a file before it becomes a batch: which field is what, and how the batch begins."""

from __future__ import annotations

from typing import Any

from django import forms

from labeling.files.delimiters import DELIMITERS
from labeling.files.rows import Fields
from labeling.files.uploads import KINDS, PACKED
from labeling.web.forms import MICRO, dollars, whole

MOST_SHOWN = 8
MOST_GROUPS = 8
SAME_ID = [("skip", "leave them out; they are listed"), ("keep", "take them in, each under an id of its own")]


class UploadForm(forms.Form):
    file = forms.FileField(
        label="CSV, JSON or XLSX file, or a ZIP of it with its pictures",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ",".join((*KINDS, PACKED))}),
        error_messages={"required": "Choose a file first.", "invalid": "No file arrived; choose it again."},
    )
    pictures = forms.FileField(
        label="Pictures, as a ZIP",
        required=False,
        widget=forms.FileInput(attrs={"accept": PACKED}),
        help_text="Only where the file names pictures and does not lie in the ZIP itself.",
    )


class VotesForm(forms.Form):
    """Recorded votes of many annotators in one file."""

    file = forms.FileField(
        label="File of votes",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.jsonl,.ndjson"}),
        error_messages={"required": "Choose a file first.", "invalid": "No file arrived; choose it again."},
    )
    names = forms.CharField(
        label="Which of the annotators are people",
        required=False,
        max_length=2000,
        help_text="Names as the file writes them, comma between; the others count as models.",
    )

    def people(self) -> list[str]:
        """The names of the people, as written."""
        return [name.strip() for name in self.cleaned_data["names"].split(",") if name.strip()]


class FieldsForm(forms.Form):
    """Which fields of the file hold what; the choices are the file's own field names."""

    text = forms.MultipleChoiceField(label="Text", required=False, widget=forms.CheckboxSelectMultiple)
    images = forms.MultipleChoiceField(label="Pictures", required=False, widget=forms.CheckboxSelectMultiple)
    gold = forms.ChoiceField(label="Known label", required=False)
    groups = forms.MultipleChoiceField(label="Groups", required=False, widget=forms.CheckboxSelectMultiple)
    id = forms.ChoiceField(label="Id", required=False)
    shown = forms.MultipleChoiceField(
        label="Shown beside the text", required=False, widget=forms.CheckboxSelectMultiple
    )
    same_id = forms.ChoiceField(
        label="Rows with the id of another text", required=False, choices=SAME_ID, widget=forms.RadioSelect
    )
    delimiter = forms.ChoiceField(
        label="Between the fields", required=False, choices=[(sign, words) for sign, words in DELIMITERS.items()]
    )

    def __init__(
        self, *args: Any, names: list[str], pictures: bool = False, questions: int = 1, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.more = [f"gold_{number}" for number in range(2, questions + 1)]
        for name in self.more:
            self.fields[name] = forms.ChoiceField(required=False, label=f"Known answer to question {name[5:]}")
        choices = [(name, name) for name in names if name]
        for field in ("text", "groups", "shown"):
            self.fields[field].choices = choices  # type: ignore[attr-defined]
        self.fields["images"].choices = choices if pictures else []  # type: ignore[attr-defined]
        for name in ("gold", *self.more):
            self.fields[name].choices = [("", "none"), *choices]  # type: ignore[attr-defined]
        self.fields["id"].choices = [("", "none: the line number"), *choices]  # type: ignore[attr-defined]

    def clean_groups(self) -> list[str]:
        groups: list[str] = self.cleaned_data["groups"]
        if len(groups) > MOST_GROUPS:
            raise forms.ValidationError(f"Choose at most {MOST_GROUPS} fields that say which group a text is of.")
        return groups

    def clean_shown(self) -> list[str]:
        shown: list[str] = self.cleaned_data["shown"]
        if len(shown) > MOST_SHOWN:
            raise forms.ValidationError(f"Choose at most {MOST_SHOWN} fields to stand beside the text.")
        return shown

    def clean(self) -> dict[str, Any]:
        """There is something to look at; a known label beside it would tell the answer."""
        told = super().clean() or self.cleaned_data
        if "text" not in self.errors and not told.get("text") and not told.get("images"):
            self.add_error("text", "Choose at least one field that holds the text or a picture.")
        for name in {told.get(name) for name in ("gold", *self.more)} - {None, ""}:
            if name in told.get("shown", ()):
                self.add_error("shown", f"{name} is the known label; beside the text it would tell the answer.")
        return told

    def as_fields(self) -> Fields:
        told = self.cleaned_data
        shown = tuple(name for name in told["shown"] if name not in told["text"])
        keep = told["same_id"] == "keep"
        groups = tuple(told["groups"])
        images, golds = tuple(told["images"]), tuple(told[name] for name in self.more)
        return Fields(
            tuple(told["text"]), told["gold"], groups, told["id"], shown, keep, told["delimiter"], images, golds=golds
        )

    @property
    def more_gold(self) -> list[forms.BoundField]:
        """The fields for known answers to the questions after the first."""
        return [self[name] for name in self.more]

    @staticmethod
    def data_of(fields: Fields) -> dict[str, Any]:
        """What the form would send for these fields."""
        more = {f"gold_{number}": name for number, name in enumerate(fields.golds, start=2)}
        return more | {
            "text": list(fields.text),
            "images": list(fields.images),
            "gold": fields.gold,
            "groups": list(fields.groups),
            "id": fields.id,
            "shown": list(fields.shown),
            "same_id": "keep" if fields.keep_same_id else "skip",
            "delimiter": fields.delimiter,
        }


class StartForm(forms.Form):
    name = forms.CharField(
        label="Name of the batch",
        max_length=120,
        error_messages={
            "required": "Give the batch a name.",
            "max_length": "Give it a name of at most 120 characters.",
        },
    )
    labels = forms.CharField(label="Labels, one on each line", required=False, widget=forms.Textarea(attrs={"rows": 6}))
    validation = whole(0, 1_000_000, "known labels", label="Known labels to learn from", required=False)
    budget = dollars(label="Budget in US dollars", required=False)
    local_only = forms.BooleanField(label="No text of this batch leaves this machine", required=False)
    embedded_crowd = forms.BooleanField(label="Let the built-in models vote", required=False)

    def budget_microdollars(self) -> int:
        return int((self.cleaned_data["budget"] or 0) * MICRO)
