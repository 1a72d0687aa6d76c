"""What a manager asks a watch for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from labeling.models import Batch, Watch
from labeling.models.grouping import group_name
from labeling.web.forms import whole

EACH = "each attribute by itself"
SCOPES = [("batch", "this batch"), ("project", "every batch of the project without a watch of its own")]


def _share(low: str, high: str, sentence: str, **options: Any) -> forms.DecimalField:
    limits: dict[str, Any] = {"min_value": Decimal(low), "max_value": Decimal(high), "decimal_places": 2}
    names = ("required", "invalid", "min_value", "max_value", "max_decimal_places", "max_digits", "max_whole_digits")
    return forms.DecimalField(**limits, error_messages=dict.fromkeys(names, sentence), **options)


class WatchForm(forms.Form):
    """A watch in the units people use: points, percent, one group on each line."""

    measure = forms.ChoiceField(label="What is compared", choices=Watch.Measure.choices)
    attribute = forms.ChoiceField(label="Between groups by", required=False)
    margin = _share(
        "0.5",
        "50",
        "Give points from 0.5 to 50, such as 5.",
        label="The gap that matters, in points",
        help_text="A gap that is surely smaller is called fair enough.",
    )
    chance = _share(
        "0.1",
        "50",
        "Give percent from 0.1 to 50, such as 5.",
        label="Chance of a false alarm, percent",
        help_text="Over all looks and all groups together, however often somebody looks.",
    )
    minimum = whole(
        2, 100_000, "tasks", label="Tasks a group needs first", help_text="Before the first look at it; 30 is usual."
    )
    when_alarmed = forms.ChoiceField(
        label="At an alarm",
        choices=Watch.WhenAlarmed.choices,
        required=False,
        help_text="A stopped line keeps the group's open tasks from being settled or sent on. All else goes on.",
    )
    groups = forms.CharField(
        label="Only these groups",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One on each line; empty: all of them.",
    )
    scope = forms.ChoiceField(label="For", choices=SCOPES)

    def __init__(self, batch: Batch, watch: Watch, *args: Any, **options: Any) -> None:
        options["initial"] = _initial(watch)
        super().__init__(*args, **options)
        self.batch = batch
        ways = [("", EACH if len(batch.attributes) > 1 else " ".join(batch.attributes) or EACH)]
        if len(batch.attributes) > 1:
            ways += [(name, name) for name in batch.attributes]
        self.fields["attribute"].choices = ways  # type: ignore[attr-defined]

    def clean_groups(self) -> list[str]:
        """The names; each must be that of a group."""
        names = list(dict.fromkeys(line.strip() for line in self.cleaned_data["groups"].splitlines() if line.strip()))
        chosen = self.cleaned_data.get("attribute")
        for name in names:
            if not any(_is_there(self.batch, by, name) for by in ([chosen] if chosen else self.batch.attributes)):
                raise forms.ValidationError(f"There is no group {name} in this batch; write it as the report does.")
        return names

    def made(self, by: Any) -> Watch:
        """The new watch, written."""
        told = self.cleaned_data
        return Watch.objects.create(
            project=self.batch.project,
            batch=self.batch if told["scope"] == "batch" else None,
            measure=told["measure"],
            attribute=told["attribute"],
            groups=told["groups"],
            margin=float(told["margin"]) / 100,
            chance=float(told["chance"]) / 100,
            minimum=told["minimum"],
            when_alarmed=told["when_alarmed"],
            changed_by=by,
        )


def _is_there(batch: Batch, attribute: str, name: str) -> bool:
    return batch.instances.annotate(called=group_name((attribute,), "groups")).filter(called=name).exists()


def _initial(watch: Watch) -> dict[str, Any]:
    return {
        "measure": watch.measure,
        "attribute": watch.attribute,
        "margin": _number(watch.margin),
        "chance": _number(watch.chance),
        "minimum": watch.minimum,
        "when_alarmed": watch.when_alarmed,
        "groups": "\n".join(watch.groups),
        "scope": "project" if watch.pk and watch.batch_id is None else "batch",
    }


def _number(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".")
