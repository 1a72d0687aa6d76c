"""What is sent from a card with several questions: an answer to each, or one act for all of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.http import QueryDict

from reviewers import answers
from reviewers.cards.asked import asked_of
from reviewers.forms import AnswerForm
from reviewers.models import Assignment
from reviewers.notices import Notice, kept_as_extra, of_a_change
from reviewers.queue import looks
from reviewers.queue.answering import Given

SHARED = ("act", "note")


def prefix_of(held: Assignment) -> str:
    """With what the names of this question's fields begin on a card that has several."""
    return f"q{held.escalation.task.question_id}."


class SharedForm(AnswerForm):
    """What the questions of a card share; it has no answer of its own."""

    acts = (*AnswerForm.acts, "")


class Sheet:
    """The forms of a card, one for each question, with the key, the act, the note and the seconds they share.

    Each answer has a key of its own, made of the card's and the question's, so that whatever is sent twice is taken in
    once. The seconds of the look are shared out in equal parts: together the answers are paid as one look.
    """

    def __init__(self, holds: Sequence[Assignment], told: QueryDict) -> None:
        self.holds, self.told = holds, told
        self.whole = SharedForm(asked_of(holds[0].escalation.task), told)
        self.forms: list[AnswerForm] = []

    def is_valid(self) -> bool:
        """Whether every question on the card has an answer that can be one, or an act stands in its place."""
        shared = self.whole.is_valid()
        self.look: uuid.UUID = self.whole.cleaned_data["key"] if shared else uuid.uuid4()
        self.forms = [AnswerForm(asked_of(held.escalation.task), self._part(held)) for held in self.holds]
        return shared and all(form.is_valid() for form in self.forms)

    def _part(self, held: Assignment) -> QueryDict:
        """What was sent to one of the questions, under the names that a card with only this one would use."""
        prefix, part = prefix_of(held), QueryDict(mutable=True)
        for name, values in self.told.lists():
            if name in SHARED or name.startswith(prefix):
                part.setlist(name.removeprefix(prefix), values)
        part["key"] = str(uuid.uuid5(self.look, str(held.escalation.task.question_id)))
        part.setdefault("answered", "some")
        seconds = self.whole.cleaned_data.get("seconds")
        if seconds is not None:
            part["seconds"] = str(seconds / len(self.holds))
        return part

    @property
    def act(self) -> str:
        """What was done in place of an answer, "" for answers."""
        return str(self.whole.cleaned_data["act"])

    @property
    def words(self) -> str:
        """What was answered, in brief."""
        return " · ".join(filter(None, (form.cleaned_data.get("words", "") for form in self.forms)))

    @property
    def kept(self) -> dict[int, Any]:
        """What can be shown again of a refused card, by hold."""
        return {held.pk: form.kept for held, form in zip(self.holds, self.forms, strict=True)}

    @property
    def fault(self) -> str:
        """What is wrong, in one sentence; with the question it is about."""
        if self.whole.errors:
            return self.whole.fault
        wrong = next(form for form in self.forms if form.errors)
        return f"{wrong.asked.wording} {wrong.fault}"


@transaction.atomic
def give(sheet: Sheet) -> Notice | None:
    """Take everything on a card in, or nothing. Raises Conflict where one of it contradicts what is stored."""
    looks.lock(sheet.holds)
    given: list[Given] = []
    for held, form in zip(sheet.holds, sheet.forms, strict=True):
        if sheet.act:
            answers.give(held, form.cleaned_data)
        else:
            given.append(answers.submit(held, _share(held, form, len(sheet.holds))))
    if sheet.act != "release":
        looks.keep_together(sheet.look, sheet.holds, [one.vote for one in given])
    told = [of_a_change(one) or kept_as_extra(one) for one in given if one.before != one.vote]
    return next(filter(None, told), None)


def _share(held: Assignment, form: AnswerForm, among: int) -> dict[str, Any]:
    """What was sent, with this question's part of the time since the card was handed out as the most it took."""
    told = form.cleaned_data
    most = held.seconds_worked() / among
    return told | {"seconds": most if told["seconds"] is None else min(told["seconds"], most)}
