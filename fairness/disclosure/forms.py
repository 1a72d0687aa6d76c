"""The short form for what no log can know about a project's data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import transaction

from fairness.disclosure import asked
from fairness.disclosure.asked import QUESTIONS, Asked
from labeling.models import Project, Statement

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

MOST = 4000
TOO_LONG = f"Say it in at most {MOST:,} signs, and leave the rest to a page of your own."


class AboutDataForm(forms.Form):
    """A field for what is written to each question, and one for what is ticked where there is something to tick."""

    def __init__(self, project: Project, *args: Any, **options: Any) -> None:
        self.project, self.found = project, asked.answers(project)
        super().__init__(*args, **options)
        for one in QUESTIONS:
            kept = self.found.get(one.key)
            if one.choices:
                self.fields[_ticks(one)] = forms.MultipleChoiceField(
                    label=one.title,
                    choices=[(choice, choice) for choice in one.choices],
                    required=False,
                    initial=kept.chosen if kept else [],
                    widget=forms.CheckboxSelectMultiple,
                    error_messages={"invalid_choice": "Tick only what stands here."},
                )
            self.fields[one.key] = forms.CharField(
                label=one.title,
                help_text=one.help,
                required=False,
                max_length=MOST,
                initial=kept.words if kept else "",
                widget=forms.Textarea(attrs={"rows": 2}),
                error_messages={"max_length": TOO_LONG},
            )

    @property
    def questions(self) -> Iterator[tuple[Asked, Any, Any]]:
        """Each question with its ticks, None where there are none, and its text."""
        for one in QUESTIONS:
            yield one, self[_ticks(one)] if one.choices else None, self[one.key]

    @transaction.atomic
    def save(self, user: User | AnonymousUser) -> int:
        """Keep what has changed; returns how many answers."""
        changed = [one for one in QUESTIONS if {one.key, _ticks(one)} & set(self.changed_data)]
        for one in changed:
            told = {"words": self.cleaned_data[one.key], "chosen": self.cleaned_data.get(_ticks(one), [])}
            who = {"by_id": user.pk}
            Statement.objects.update_or_create(project=self.project, key=one.key, defaults=told | who)
        return len(changed)


def _ticks(one: Asked) -> str:
    return f"{one.key}_ticks"
