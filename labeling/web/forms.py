"""What people fill in, checked: files and fields, batches, projects, labels, members, voters, money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.models import User
from django.forms import BaseModelFormSet, modelformset_factory

from labeling.checks.certificates import Target
from labeling.files.rows import Fields
from labeling.models import Annotator, Batch, Certificate, Label, Membership, Project
from labeling.reports.batch.replays import ROUTERS
from labeling.truth.methods import NAMES

MICRO = 1_000_000
MOST_DOLLARS = Decimal(1_000_000)


NO_AMOUNT = {
    "required": "Say how much, in US dollars; 0 is an answer.",
    "invalid": "That is no amount of money; write dollars and cents, such as 12.50.",
    "min_value": "An amount below zero cannot be spent; give zero or more.",
    "max_value": f"More than {MOST_DOLLARS:,} dollars is taken for a slip of the pen; give less.",
    "max_decimal_places": "Money is counted in millionths of a dollar; give at most six digits behind the point.",
}


def dollars(**options: Any) -> forms.DecimalField:
    """A field for US dollars, exact to the micro-dollar."""
    limits: dict[str, Any] = {"min_value": Decimal(0), "max_value": MOST_DOLLARS, "decimal_places": 6, "max_digits": 13}
    return forms.DecimalField(**limits, error_messages=NO_AMOUNT, **options)


def in_microdollars(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * MICRO)


def in_dollars(microdollars: int | None) -> str | None:
    """An amount as a number field shows it: a point, no sign, no zeros behind."""
    return None if microdollars is None else f"{Decimal(microdollars) / MICRO:f}"


def percent(**options: Any) -> forms.DecimalField:
    """A field for a share in percent, with at most two digits behind the point."""
    return forms.DecimalField(min_value=Decimal(0), max_value=Decimal(100), decimal_places=2, **options)


class UploadForm(forms.Form):
    file = forms.FileField(
        label="CSV or JSONL file",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.jsonl,.ndjson,.json"}),
    )


class FieldsForm(forms.Form):
    """Which fields of the file hold what; the choices are the file's own field names."""

    text = forms.MultipleChoiceField(label="Text", widget=forms.CheckboxSelectMultiple)
    gold = forms.ChoiceField(label="Known label", required=False)
    group = forms.ChoiceField(label="Group", required=False)
    id = forms.ChoiceField(label="Id", required=False)

    def __init__(self, *args: Any, names: list[str], **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(name, name) for name in names if name]
        self.fields["text"].choices = choices  # type: ignore[attr-defined]
        for field in ("gold", "group"):
            self.fields[field].choices = [("", "none"), *choices]  # type: ignore[attr-defined]
        self.fields["id"].choices = [("", "by name, else the line"), *choices]  # type: ignore[attr-defined]

    def as_fields(self) -> Fields:
        told = self.cleaned_data
        return Fields(tuple(told["text"]), told["gold"], told["group"], told["id"])


class StartForm(forms.Form):
    name = forms.CharField(label="Name of the batch", max_length=120)
    labels = forms.CharField(label="Labels, one on each line", required=False, widget=forms.Textarea(attrs={"rows": 6}))
    validation = forms.IntegerField(label="Gold labels to learn from", required=False, min_value=0)
    budget = dollars(label="Budget in US dollars", required=False, initial=Decimal(0))
    local_only = forms.BooleanField(label="No text of this batch leaves this machine", required=False)
    embedded_crowd = forms.BooleanField(label="Let the built-in models vote", required=False)

    def budget_microdollars(self) -> int:
        return int((self.cleaned_data["budget"] or 0) * MICRO)


class NewProjectForm(forms.ModelForm):  # type: ignore[type-arg]
    labels = forms.CharField(
        label="Labels, one on each line",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Leave it empty to take them from a file’s gold labels.",
    )

    class Meta:
        model = Project
        fields = ["name", "question", "guidelines", "group_name"]
        labels = {"guidelines": "Guidelines", "group_name": "What groups are called"}
        widgets = {"guidelines": forms.Textarea(attrs={"rows": 6})}
        help_texts = {"guidelines": "People read them beside the task, models before each answer."}


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """The policy of a project. Wages and shares are asked in the units people use."""

    wage = dollars(label="Pay of people, US dollars an hour", help_text="0 where nobody is paid by the answer.")
    accept = percent(label="The crowd settles alone from so many percent on", help_text="Below, people are asked.")
    review = percent(label="At most so many percent of a batch go to people")
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

    class Meta:
        model = Project
        fields = [
            "name",
            "question",
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
            "people_per_task": "People asked about one task",
            "check_by": "Who answers the random checks",
            "pay_seconds": "Paid seconds of one answer, at most",
            "lease_seconds": "Seconds a task stays with one person",
            "local_only": "No text of this project ever leaves this machine",
            "hide_personal_data": "Hide personal data from models outside",
        }
        help_texts = {"check_by": "", "pay_seconds": "", "lease_seconds": "", "local_only": ""}
        widgets = {
            "guidelines": forms.Textarea(attrs={"rows": 8}),
            "aggregator": forms.Select(choices=[(name, name.replace("_", " ")) for name in NAMES]),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        project: Project = self.instance
        self.initial["wage"] = in_dollars(project.wage_microdollars_per_hour)
        self.initial["expert_wage"] = in_dollars(project.expert_wage_microdollars_per_hour)
        self.initial["worth"] = in_dollars(project.worth_microdollars)
        self.initial["accept"] = round(100 * project.accept_confidence, 2)
        self.initial["review"] = round(100 * project.review_share, 2)
        self.initial["checked"] = round(100 * project.check_share, 2)

    def save(self, commit: bool = True) -> Project:
        """Write what was asked in people's units in the table's."""
        project: Project = super().save(commit=False)
        told = self.cleaned_data
        project.wage_microdollars_per_hour = int(told["wage"] * MICRO)
        project.expert_wage_microdollars_per_hour = in_microdollars(told["expert_wage"])
        project.worth_microdollars = in_microdollars(told["worth"])
        project.accept_confidence, project.review_share = float(told["accept"]) / 100, float(told["review"]) / 100
        project.check_share = float(told["checked"]) / 100
        if commit:
            project.save()
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


class DistinctLabels(BaseModelFormSet):  # type: ignore[type-arg]
    def clean(self) -> None:
        """Two labels must not share a name."""
        super().clean()
        names = [form.cleaned_data.get("name", "").casefold() for form in self.forms if hasattr(form, "cleaned_data")]
        if len(set(names)) < len(names):
            raise forms.ValidationError("Two labels have the same name; give each one of its own.")


LabelFormSet = modelformset_factory(Label, form=LabelForm, formset=DistinctLabels, extra=0)


class MemberForm(forms.Form):
    username = forms.CharField(
        label="Sign-in name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    full_name = forms.CharField(label="Name, for a new person", max_length=150, required=False)
    role = forms.ChoiceField(label="Role", choices=Membership.Role.choices)

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"].strip()
        User.username_validator(name)
        return name


class VoterForm(forms.Form):
    kind = forms.ChoiceField(
        label="What it does",
        choices=[
            (Annotator.Kind.MODEL.value, "votes on every task, free"),
            (Annotator.Kind.PAID.value, "answers what is sent to it, for money"),
        ],
    )
    spec = forms.CharField(label="Which one", max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    input = dollars(
        label="Price, US dollars per million tokens read",
        required=False,
        help_text="A model without a stated price is refused; 0 is a statement.",
    )
    output = dollars(label="Price, US dollars per million tokens written", required=False)

    def clean(self) -> dict[str, Any]:
        """A price belongs to a model behind an address, and is stated once and whole."""
        told = super().clean() or self.cleaned_data
        prices = [told.get("input"), told.get("output")]
        if prices == [None, None]:
            return told
        spec = told.get("spec", "")
        if None in prices:
            raise forms.ValidationError("State both prices, for text read and for text written; 0 is a statement.")
        if not spec.startswith("chat:") or "input=" in spec or "call=" in spec:
            raise forms.ValidationError("State a price once, here or in the line, and only for a chat: line.")
        return told

    def line(self) -> str:
        """The voter's line with the prices stated beside it."""
        told = self.cleaned_data
        if told["input"] is None:
            return str(told["spec"])
        prices = urlencode({"input": f"{told['input']:f}", "output": f"{told['output']:f}"})
        return f"{told['spec']}{'&' if '?' in told['spec'] else '?'}{prices}"


class CapForm(forms.Form):
    """A cap of the whole project, of each day, or of one batch; only the day's may be left empty, which lifts it."""

    scope = forms.RegexField(r"^(project|day|[0-9]{1,18})$")
    budget = dollars(label="Budget in US dollars", required=False)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        if told.get("budget") is None and told.get("scope") != "day" and "budget" not in self.errors:
            self.add_error("budget", NO_AMOUNT["required"])
        return told


class ReconcileForm(forms.Form):
    """What the provider's bill says about a call that was cut off."""

    outcome = forms.ChoiceField(choices=[("charged", "was charged"), ("free", "was not charged")])
    amount = dollars(label="Charged, in US dollars", required=False)
    note = forms.CharField(max_length=300, required=False)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        if told.get("outcome") == "charged" and told.get("amount") is None and "amount" not in self.errors:
            self.add_error("amount", "Say how much was charged, as the provider's bill has it.")
        return told

    def charged(self) -> int | None:
        """Micro-dollars, or None for nothing."""
        told = self.cleaned_data
        return in_microdollars(told["amount"]) if told["outcome"] == "charged" else None


class FailurePolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Project
        fields = ["when_model_fails"]
        labels = {"when_model_fails": "While a paid model keeps failing, its questions"}
        help_texts = {"when_model_fails": ""}


class CertificateForm(forms.Form):
    """What a certificate is to say. The rule for one look is offered while nobody has looked."""

    error = percent(label="Wrong at most, percent", initial=5)
    confidence = percent(label="Confidence, percent", initial=95)
    about = forms.ChoiceField(label="Wrong among", choices=Certificate.About.choices)
    rule = forms.ChoiceField(label="You look at the checks", choices=Certificate.Rule.choices)

    def __init__(self, batch: Batch, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if batch.certificates.exists():
            self.fields["rule"].choices = Certificate.Rule.choices[:1]  # type: ignore[attr-defined]

    def target(self) -> Target:
        """Raises CannotCertify for targets that make no sense."""
        told = self.cleaned_data
        return Target(float(told["error"]) / 100, float(100 - told["confidence"]) / 100, told["rule"], told["about"])


class ReplayForm(forms.Form):
    """Under which router, aggregator and budget a batch is run once more."""

    router = forms.ChoiceField(label="Whom to ask", choices=list(ROUTERS.items()))
    aggregator = forms.ChoiceField(
        label="How votes are weighed", choices=[(name, name.replace("_", " ")) for name in NAMES]
    )
    budget = dollars(label="Budget, US dollars")
