"""What people fill in, checked: members, voters, money, certificates. Files and projects have forms of their own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.models import User

from labeling.checks.certificates import Target
from labeling.models import Annotator, Batch, Certificate, Membership, Project, Question
from labeling.people.rules import PRICED
from labeling.reports.batch.replays import ROUTERS, routers
from labeling.truth.methods import NAMES

MICRO = 1_000_000
MOST_DOLLARS = Decimal(1_000_000)


NO_AMOUNT = {
    "required": "Say how much, in US dollars; 0 is an answer.",
    "invalid": "That is no amount of money; write dollars and cents, such as 12.50.",
    "min_value": "An amount below zero cannot be spent; give zero or more.",
    "max_value": f"More than {MOST_DOLLARS:,} dollars is taken for a slip of the pen; give less.",
    "max_decimal_places": "Money is counted in millionths of a dollar; give at most six digits behind the point.",
    "max_digits": f"More than {MOST_DOLLARS:,} dollars is taken for a slip of the pen; give less.",
    "max_whole_digits": f"More than {MOST_DOLLARS:,} dollars is taken for a slip of the pen; give less.",
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


NO_PERCENT = {
    "required": "Say how many percent, from 0 to 100.",
    "invalid": "That is no number of percent; write one from 0 to 100, such as 2.5.",
    "min_value": "Less than 0 percent there is not; give 0 to 100.",
    "max_value": "More than 100 percent there is not; give 0 to 100.",
    "max_decimal_places": "Give at most two digits behind the point.",
    "max_digits": "That is no number of percent; write one from 0 to 100, such as 2.5.",
    "max_whole_digits": "More than 100 percent there is not; give 0 to 100.",
}


def percent(**options: Any) -> forms.DecimalField:
    """A field for a share in percent, with at most two digits behind the point."""
    limits: dict[str, Any] = {"min_value": Decimal(0), "max_value": Decimal(100), "decimal_places": 2, "max_digits": 5}
    return forms.DecimalField(**limits, error_messages=NO_PERCENT, **options)


def whole(low: int, high: int, what: str, **options: Any) -> forms.IntegerField:
    """A field for a whole number from `low` to `high`; `what`: what is counted, for its sentences."""
    sentence = f"Give a whole number of {what}, {low:,} to {high:,}."
    return forms.IntegerField(
        min_value=low,
        max_value=high,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), sentence),
        **options,
    )


class MemberForm(forms.Form):
    username = forms.CharField(
        label="Sign-in name", max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    full_name = forms.CharField(label="Name, for a new person", max_length=150, required=False)
    role = forms.ChoiceField(label="Role", choices=Membership.Role.choices)

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"].strip()
        if name:
            User.username_validator(name)
        return name

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        if not self.errors and not (told["username"] or told["full_name"].strip()):
            self.add_error("username", "Give a sign-in name, or the name of a new person.")
        return told


class VoterForm(forms.Form):
    kind = forms.ChoiceField(
        label="What it does",
        choices=[
            (Annotator.Kind.MODEL.value, "votes on every task, free"),
            (PRICED, "votes on every task, for money"),
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

    def __init__(self, batch: Batch, question: Question, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        told = [(key, words.replace("label", question.measures.noun)) for key, words in Certificate.About.choices]
        self.fields["about"].choices = told  # type: ignore[attr-defined]
        if batch.certificates.filter(question=question).exists():
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

    def __init__(self, question: Question, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["router"].choices = list(routers(question).items())  # type: ignore[attr-defined]
        if not question.votes_are_enough:
            self.fields["aggregator"].choices = [("auto", "auto")]  # type: ignore[attr-defined]
