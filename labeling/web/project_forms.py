"""What is asked about a project: a new one, its settings, its labels."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.db import transaction
from django.forms import BaseModelFormSet, modelformset_factory

from labeling.files.spellings import twins
from labeling.models import Label, Project, Question
from labeling.rounds.routing import FIRST_LOT
from labeling.truth.methods import NAMES
from labeling.web.forms import MICRO, dollars, in_dollars, in_microdollars, percent, whole
from labeling.web.question_forms import AnswerForm

LANGUAGE = RegexValidator(
    r"\A[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z",
    "That is no language tag; write two or three letters, such as en or pt-BR.",
)
GUIDELINES_HELP = (
    "People read them beside the task, models before each answer. Markdown works: lists, **bold**, tables."
)
IN_WORDS = {
    "name": {"required": "Give the project a name.", "max_length": "Give it a name of at most 120 characters."},
    "question": {
        "required": "Write the question that people and models answer.",
        "max_length": "Ask in at most 300 characters; the rest belongs into the guidelines.",
    },
    "group_name": {
        "required": "Say what groups are called, e.g. Group.",
        "max_length": "Give a name of at most 60 characters.",
    },
}


def wording(**options: Any) -> forms.CharField:
    """The field for what is asked."""
    return forms.CharField(label="Question", max_length=300, error_messages=IN_WORDS["question"], **options)


class NewProjectForm(AnswerForm, forms.ModelForm):  # type: ignore[type-arg]
    """A project and its first question."""

    question = wording(initial=Question._meta.get_field("wording").default)

    field_order = ["name", "question", "kind", "labels", "low", "high", "step", "overlaps", "guidelines", "group_name"]

    class Meta:
        model = Project
        fields = ["name", "guidelines", "group_name"]
        labels = {"guidelines": "Guidelines", "group_name": "What groups are called"}
        widgets = {"guidelines": forms.Textarea(attrs={"rows": 6})}
        help_texts = {"guidelines": GUIDELINES_HELP}
        error_messages = IN_WORDS


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """The policy of a project. Wages and shares are asked in the units people use."""

    question = wording()
    own_guidelines = forms.CharField(
        label="Guidelines of this question alone",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Beside those of the project; what experts add about this question stands here as well.",
    )
    wage = dollars(label="Pay of people, US dollars an hour", help_text="0 where nobody is paid by the answer.")
    accept = percent(label="The crowd settles alone from so many percent on", help_text="Below, people are asked.")
    review = percent(
        label="At most so many percent of a batch go to people",
        help_text=f"What no model can vote on goes in any case; where models must learn first, {FIRST_LOT} texts do.",
    )
    checked = percent(
        label="Percent of a batch checked at random",
        help_text="Even where the crowd is sure; about ten tasks at least.",
    )
    expert_wage = dollars(
        label="Pay of experts, US dollars an hour",
        required=False,
        help_text="Empty: experts are asked about cases only, never straight away.",
    )
    worth = dollars(
        label="What one more right label is worth, US dollars",
        required=False,
        help_text="Nothing dearer is bought. Empty: no limit but the budget.",
    )

    people_per_task = whole(1, 25, "people", label="People asked about one task")
    lease_seconds = whole(
        30, 86_400, "seconds", label="Seconds a task stays with one person", help_text="30 seconds to a day."
    )
    pay_seconds = whole(1, 3600, "seconds", label="Paid seconds of one answer, at most", help_text="Up to an hour.")
    language = forms.CharField(
        label="Language of the texts",
        required=False,
        max_length=16,
        validators=[LANGUAGE],
        help_text="A tag such as en or pt-BR; empty if mixed.",
        error_messages={"max_length": str(LANGUAGE.message)},
    )

    agree = whole(
        2,
        25,
        "people",
        label="A label is known where so many people agree",
        required=False,
        help_text="Known labels teach the crowd and tell how far it can be trusted. An expert's are always known.",
    )
    known = percent(
        label="Or where one person's skill makes it so many percent sure",
        required=False,
        help_text="By that person's answers alone: what the crowd believes does not count.",
    )
    alone = forms.ChoiceField(
        label="Answers of single people below that",
        choices=[("yes", "teach as well, and count less"), ("no", "teach nothing")],
        required=False,
    )
    alarmed = forms.ChoiceField(
        label="An alarm about a group, a model or a person",
        choices=Project.WhenAlarmed.choices,
        required=False,
        help_text="It stands on the overview either way, until you clear it.",
    )

    class Meta:
        model = Project
        error_messages = IN_WORDS
        fields = [
            "name",
            "guidelines",
            "group_name",
            "language",
            "aggregator",
            "router",
            "people_per_task",
            "check_by",
            "pay_seconds",
            "lease_seconds",
            "local_only",
            "hide_personal_data",
        ]
        labels = {
            "group_name": "What groups are called",
            "aggregator": "How votes are weighed",
            "router": "Whom to ask first",
            "check_by": "Who answers the random checks",
            "local_only": "No text and no picture of this project ever leaves this machine",
            "hide_personal_data": "Hide personal data from models outside",
        }
        help_texts = {
            "check_by": "",
            "local_only": "",
            "guidelines": GUIDELINES_HELP,
            "hide_personal_data": "E-mail addresses, phone numbers, keys and the like in texts. In pictures nothing is "
            "hidden: faces and number plates leave as they are.",
        }
        widgets = {
            "guidelines": forms.Textarea(attrs={"rows": 8}),
            "aggregator": forms.Select(choices=[(name, name.replace("_", " ")) for name in NAMES]),
        }

    def __init__(self, *args: Any, question: Question, several: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        project: Project = self.instance
        self.asked = question
        self.initial["question"], self.initial["own_guidelines"] = question.wording, question.guidelines
        if not several:
            del self.fields["own_guidelines"]
        self.initial["wage"] = in_dollars(project.wage_microdollars_per_hour)
        self.initial["expert_wage"] = in_dollars(project.expert_wage_microdollars_per_hour)
        self.initial["worth"] = in_dollars(project.worth_microdollars)
        self.initial["accept"] = round(100 * project.accept_confidence, 2)
        self.initial["review"] = round(100 * project.review_share, 2)
        self.initial["checked"] = round(100 * project.check_share, 2)
        self.initial["known"] = round(100 * project.known_sure, 2)
        self.initial["agree"], self.initial["alarmed"] = project.known_agree, project.when_alarmed
        self.initial["alone"] = "yes" if project.learn_from_one else "no"

    def save(self, commit: bool = True) -> Project:
        """Write what was asked in people's units in the table's."""
        project: Project = super().save(commit=False)
        told = self.cleaned_data
        project.wage_microdollars_per_hour = int(told["wage"] * MICRO)
        project.expert_wage_microdollars_per_hour = in_microdollars(told["expert_wage"])
        project.worth_microdollars = in_microdollars(told["worth"])
        project.accept_confidence, project.review_share = float(told["accept"]) / 100, float(told["review"]) / 100
        project.check_share = float(told["checked"]) / 100
        project.known_sure = float(told["known"] or 100 * project.known_sure) / 100
        project.known_agree = told["agree"] or project.known_agree
        project.learn_from_one = (told["alone"] or self.initial["alone"]) == "yes"
        project.when_alarmed = told["alarmed"] or project.when_alarmed
        if commit:
            project.save()
            self.asked.wording = told["question"]
            self.asked.guidelines = told.get("own_guidelines", self.asked.guidelines)
            self.asked.save(update_fields=["wording", "guidelines"])
        return project

    def clean_aggregator(self) -> str:
        name: str = self.cleaned_data["aggregator"]
        if name not in NAMES:
            raise forms.ValidationError(f"There is no method {name}; choose one from the list.")
        return name


class LabelForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Label
        fields = ["name", "short", "hint", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}
        error_messages = {"name": {"required": "Give the label a name."}}


class DistinctLabels(BaseModelFormSet):  # type: ignore[type-arg]
    def clean(self) -> None:
        """Two labels must not share a name, nor differ in case alone."""
        super().clean()
        names = [form.cleaned_data.get("name", "") for form in self.forms if hasattr(form, "cleaned_data")]
        if len(set(names)) < len(names):
            raise forms.ValidationError("Two labels have the same name; give each one of its own.")
        for first, second in twins(names):
            raise forms.ValidationError(f"{first} and {second} are too alike to tell apart; change one of them.")

    @transaction.atomic
    def save(self, commit: bool = True) -> list[Any]:
        """Write all labels; names may be swapped, since those that change step aside first."""
        for form in self.initial_forms:
            if "name" in form.changed_data:
                Label.objects.filter(pk=form.instance.pk).update(name=f"\u2060{form.instance.pk}")
        return list(super().save(commit))


LabelFormSet = modelformset_factory(
    Label, form=LabelForm, formset=DistinctLabels, extra=0, edit_only=True, max_num=1000, absolute_max=1000
)
