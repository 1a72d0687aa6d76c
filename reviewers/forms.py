"""What people send: an answer to a task, a word on a case. Anything else is refused in a sentence."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.http import QueryDict

from reviewers.cards import registry
from reviewers.cards.asked import Answer, Asked, Refused, answer_of, terms_of

LONGEST_NOTE = 2000


class AnswerForm(forms.Form):
    """An answer, or one of `acts` in its place; with a note, an idempotency key, and the seconds the page counted."""

    acts: tuple[str, ...] = ("skip", "flag", "release", "rows")

    act = forms.CharField(required=False, max_length=20)
    note = forms.CharField(required=False, max_length=LONGEST_NOTE)
    key = forms.UUIDField(required=False)
    seconds = forms.FloatField(required=False, min_value=0)

    def __init__(self, asked: Asked, told: QueryDict) -> None:
        super().__init__(told)
        self.asked, self.told = asked, told

    def clean(self) -> dict[str, Any]:
        told = self.cleaned_data
        told["key"] = told.get("key") or uuid.uuid4()
        told["answer"] = None if told.get("act") in self.acts else self._answer()
        return told

    def _answer(self) -> Answer:
        """The answer in what was sent, by the question's kind."""
        try:
            answer = answer_of(registry.form(self.asked.kind).read(self.told, self.asked), self.asked)
            self.cleaned_data["words"] = terms_of(self.asked).briefly(answer)
            return answer
        except Refused as reason:
            raise forms.ValidationError(str(reason)) from reason

    @property
    def kept(self) -> Any:
        """What of a refused answer can be shown again, in its raw form."""
        return registry.form(self.asked.kind).kept(self.told, self.asked)

    @property
    def fault(self) -> str:
        """What is wrong, in one sentence."""
        if "note" in self.errors:
            return f"The note is too long or holds signs that cannot be stored; keep it under {LONGEST_NOTE} letters."
        if told := self.non_field_errors():
            return str(told[0])
        return "Something in what was sent could not be read; reload the page and try again."


class CaseForm(AnswerForm):
    """A settled case: the answer and why, whether the reason belongs in the guide; or later, or back to the people."""

    acts = ("later", "back", "undo", "rows")

    guide = forms.BooleanField(required=False)
