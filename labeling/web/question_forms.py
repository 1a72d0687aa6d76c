"""What is asked when a project gets its questions: kind of answer, labels or a scale, and when a question is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.forms import formset_factory

from labeling.files.tables import UnusableFile
from labeling.kinds import registry
from labeling.managing import asked_after
from labeling.managing.asked_after import Condition
from labeling.managing.label_sets import MOST_LABELS, distinct
from labeling.managing.new_projects import Wished
from labeling.models import Question

ALONE = ("low", "high", "step")
MOST_QUESTIONS = 20


def kinds() -> list[tuple[str, str]]:
    """The kinds of answers by name, in words."""
    return [(name, registry.kind(name).called) for name in registry.NAMES]


class AnswerForm(forms.Form):
    """What an answer is and can be."""

    kind = forms.ChoiceField(label="An answer is", required=False)
    labels = forms.CharField(
        label="Labels, steps or types, one on each line",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Leave it empty to take them from a file’s gold labels.",
    )
    low = forms.FloatField(label="Or a scale from", required=False)
    high = forms.FloatField(label="to", required=False)
    step = forms.FloatField(label="in steps of", required=False, min_value=0)
    overlaps = forms.BooleanField(label="Marks may overlap", required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["kind"].choices = kinds()  # type: ignore[attr-defined]
        self.fields["kind"].initial = registry.ONE_LABEL

    def clean(self) -> dict[str, Any]:
        """The labels that are named, one by one or by a scale, are a set for this kind."""
        told = super().clean() or self.cleaned_data
        try:
            told["names"] = self.names(told)
        except UnusableFile as error:
            self.add_error("labels", str(error))
        return told

    def names(self, told: dict[str, Any]) -> list[str]:
        """The label set; empty where nothing is named. Raises UnusableFile."""
        lines = told.get("labels", "").splitlines()
        steps = [told.get(name) for name in ALONE]
        if any(value is not None for value in steps[:2]):
            if any(line.strip() for line in lines):
                raise UnusableFile("Name the labels, or a scale from one number to another, not both.")
            lines = scale(*steps)
        kind = registry.kind(told.get("kind") or registry.ONE_LABEL)
        return distinct(lines, kind) if any(line.strip() for line in lines) else []

    def wished(self, wording: str) -> Wished:
        """The question as it was described."""
        told = self.cleaned_data
        return Wished(told["kind"] or registry.ONE_LABEL, wording, tuple(told["names"]), told["overlaps"])


def scale(low: float | None, high: float | None, step: float | None) -> list[str]:
    """The steps from one number to another. Raises UnusableFile where they make no scale."""
    if low is None or high is None or low >= high:
        raise UnusableFile("A scale goes from a smaller number to a larger one; write both.")
    wide = step or 1.0
    count = (high - low) / wide
    if abs(count - round(count)) > 1e-6 or round(count) >= MOST_LABELS:
        raise UnusableFile(
            f"From {low:g} to {high:g} there are no whole steps of {wide:g}, or more than {MOST_LABELS:,}; "
            "choose another step."
        )
    return [f"{low + wide * place:.6f}".rstrip("0").rstrip(".") for place in range(round(count) + 1)]


class QuestionForm(AnswerForm):
    """One more question about each instance."""

    question = forms.CharField(
        label="Question",
        max_length=300,
        error_messages={"required": "Write the question that people and models answer."},
    )
    after = forms.IntegerField(
        label="Only after question number", required=False, min_value=1, help_text="Blank: always asked."
    )
    answer = forms.CharField(label="was answered with", required=False, max_length=2000)

    def clean(self) -> dict[str, Any]:
        told = super().clean()
        if not told.get("names") and "labels" not in self.errors:
            self.add_error("labels", "Name the labels of this question; a file’s gold labels are for the first.")
        if (told.get("after") is None) != (not told.get("answer", "").strip()):
            self.add_error("answer", "Say both: after which question, and with which answer to it.")
        return told

    def wished(self, wording: str = "") -> Wished:
        told = self.cleaned_data
        found = super().wished(told["question"])
        return found.only_after(Condition(told["after"], told["answer"])) if told["after"] else found


class ConditionForm(forms.Form):
    """When a question of a project that is there is asked."""

    after = forms.TypedChoiceField(label="Asked only after", required=False, coerce=int, empty_value=None)
    answer = forms.CharField(
        label="was answered with", required=False, max_length=2000, help_text="Several labels with ; between."
    )

    def __init__(self, *args: Any, question: Question, earlier: Sequence[Question], **options: Any) -> None:
        super().__init__(*args, **options)
        self.question = question
        numbered = [(one.number, f"{one.number}: {one.wording}") for one in earlier]
        self.fields["after"].choices = [("", "always asked"), *numbered]  # type: ignore[attr-defined]
        self.initial["after"] = question.asked_after.number if question.asked_after else ""
        self.initial["answer"] = asked_after.as_cell(question)

    def clean(self) -> dict[str, Any]:
        """The answer is one to the earlier question."""
        told = super().clean() or self.cleaned_data
        if (told.get("after") is None) != (not told.get("answer", "").strip()):
            self.add_error("answer", "Say both: after which question, and with which answer to it.")
        elif "after" not in self.errors:
            try:
                asked_after.columns(
                    self.question.project, self.question.wording, self.question.position, self.condition
                )
            except UnusableFile as error:
                self.add_error("answer", str(error))
        return told

    @property
    def condition(self) -> Condition | None:
        """What was written; None for always."""
        told = self.cleaned_data
        return Condition(told["after"], told["answer"]) if told.get("after") else None


QuestionFormSet = formset_factory(
    QuestionForm, extra=0, max_num=MOST_QUESTIONS, absolute_max=MOST_QUESTIONS, validate_max=True
)


def one_more(told: Any, prefix: str) -> Any:
    """What was sent, with one more empty question."""
    more = told.copy()
    count = int(more.get(f"{prefix}-TOTAL_FORMS") or 0)
    more[f"{prefix}-TOTAL_FORMS"] = str(min(count + 1, MOST_QUESTIONS))
    more.setdefault(f"{prefix}-INITIAL_FORMS", "0")
    return more


def wishes(first: AnswerForm, wording: str, more: Sequence[QuestionForm]) -> list[Wished]:
    """All questions of a form that is valid."""
    return [first.wished(wording), *(form.wished() for form in more)]
