"""What is sent from a card with several questions: an answer to each, or one act for all of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import QueryDict

from labeling.models import Project, Question, Task
from reviewers import answers
from reviewers.cards.asked import asked_of
from reviewers.forms import AnswerForm
from reviewers.models import Assignment
from reviewers.notices import Notice, kept_as_extra, of_a_change
from reviewers.queue import following, holding, looks, undoing
from reviewers.queue.answering import Given

SHARED = ("act", "note")
"""Fields that the questions of a card share."""


def prefix_of(held: Assignment) -> str:
    """With what the names of this question's fields begin on a card that has several."""
    return f"q{held.escalation.task.question_id}."


class SharedForm(AnswerForm):
    """What the questions of a card share; it has no answer of its own."""

    acts = (*AnswerForm.acts, "")


def with_waiting(holds: Sequence[Assignment], told: Sequence[str]) -> list[Assignment]:
    """Holds of one card with the tasks about the same instance, named by their keys, that wait for its answers."""
    keys = {int(key) for key in told if key.isdecimal() and len(key) < 19}
    first, there = holds[0], {held.escalation.task_id for held in holds}
    tasks = Task.objects.filter(pk__in=keys - there, instance=first.escalation.task.instance_id)
    more = []
    for task in tasks.filter(question__asked_after__isnull=False).select_related("batch", "question__asked_after"):
        task.project = first.annotator.project
        more.append(following.hold_of(task, first.annotator))
    return sorted((*holds, *more), key=lambda held: held.escalation.task.question.position)


@dataclass(frozen=True, slots=True)
class _Part:
    """One question on a card and what was sent to it; a hold without a key where it waits for another answer."""

    held: Assignment
    form: AnswerForm

    @property
    def project(self) -> Project:
        return self.held.annotator.project

    @property
    def question(self) -> Question:
        """The question, with its condition."""
        return next(one for one in self.project.questions.all() if one.pk == self.held.escalation.task.question_id)


class Sheet:
    """The forms of a card, one for each question, with the key, the act, the note and the seconds they share.

    Each answer has a key of its own, made of the card's and the question's, so that whatever is sent twice is taken in
    once. The seconds of the look are shared out in equal parts: together the answers are paid as one look.

    `holds`: in the order of the questions; those without a key wait for another answer of the same card.
    """

    def __init__(self, holds: Sequence[Assignment], told: QueryDict) -> None:
        self.holds, self.told = holds, told
        self.whole = SharedForm(asked_of(holds[0].escalation.task), told)
        self.parts: list[_Part] = []
        self.moot: list[Assignment] = []

    def is_valid(self) -> bool:
        """Whether every question on the card has an answer that can be one, or an act stands in its place."""
        shared = self.whole.is_valid()
        self.look: uuid.UUID = self.whole.cleaned_data["key"] if shared else uuid.uuid4()
        forms = [AnswerForm(asked_of(held.escalation.task), self._part(held)) for held in self.holds]
        self.parts = [_Part(held, form) for held, form in zip(self.holds, forms, strict=True)]
        if shared and not self.act:
            self._leave_out()
        return shared and all(part.form.is_valid() for part in self.parts)

    def _leave_out(self) -> None:
        """Part with what is asked only after another answer than the one given on this card."""
        said: dict[int, AnswerForm | None] = {}
        for part in self.parts:
            question = part.question
            before = said.get(question.asked_after_id or 0)
            answer = before.cleaned_data.get("answer") if before is not None and before.is_valid() else None
            given = question.asked_after_id in said
            asked = answer is not None and following.meets(question, (answer.label, answer.marks), part.project)
            said[question.pk] = part.form if asked or not given else None
        self.moot = [part.held for part in self.parts if said[part.question.pk] is None]
        self.parts = [part for part in self.parts if said[part.question.pk] is not None]

    def _part(self, held: Assignment) -> QueryDict:
        """What was sent to one of the questions, under the names that a card with only this one would use."""
        prefix, part = prefix_of(held), QueryDict(mutable=True)
        for name, values in self.told.lists():
            if name in SHARED or name.startswith(prefix):
                part.setlist(name.removeprefix(prefix), values)
        part["key"] = str(uuid.uuid5(self.look, str(held.escalation.task.question_id)))
        part.setdefault("answered", "some")
        if self.told.get("seconds"):
            part.setlist("seconds", self.told.getlist("seconds"))
        return part

    @property
    def act(self) -> str:
        """What was done in place of an answer, "" for answers."""
        return str(self.whole.cleaned_data["act"])

    @property
    def words(self) -> str:
        """What was answered, in brief."""
        return " · ".join(filter(None, (part.form.cleaned_data.get("words", "") for part in self.parts)))

    @property
    def kept(self) -> dict[int, Any]:
        """What can be shown again of a refused card, by task."""
        return {part.held.escalation.task_id: part.form.kept for part in self.parts}

    @property
    def fault(self) -> str:
        """What is wrong, in one sentence; with the question it is about."""
        if self.whole.errors:
            return self.whole.fault
        wrong = next(part.form for part in self.parts if part.form.errors)
        return f"{wrong.asked.wording} {wrong.fault}"


@transaction.atomic
def give(sheet: Sheet) -> Notice | None:
    """Take everything on a card in, or nothing. Raises Conflict where one of it contradicts what is stored."""
    there = [held for held in sheet.holds if held.pk]
    looks.lock(there)
    if sheet.act:
        return _act(sheet, there)
    here = [part for part in sheet.parts if part.held.pk]
    given = [answers.submit(part.held, _share(part, len(here))) for part in here]
    given += filter(None, (_follow(part) for part in sheet.parts if not part.held.pk))
    votes = [one.vote for one in given]
    _put_away(sheet, there[0], [vote.task_id for vote in votes])
    looks.keep_together(sheet.look, [], votes)
    told = [of_a_change(one) or kept_as_extra(one) for one in given if one.before != one.vote]
    return next(filter(None, told), None)


def _act(sheet: Sheet, there: Sequence[Assignment]) -> Notice | None:
    """One act for all questions of the card."""
    for held in there:
        answers.give(held, sheet.whole.cleaned_data)
    if sheet.act != "release":
        looks.keep_together(sheet.look, there)
    return None


def _share(part: _Part, among: int) -> dict[str, Any]:
    """What was sent, with an equal part of the seconds, at most that of the time since the card was handed out."""
    told = part.form.cleaned_data
    most = part.held.seconds_worked()
    return told | {"seconds": min(most if told["seconds"] is None else told["seconds"], most) / among}


def _follow(part: _Part) -> Given | None:
    told = part.form.cleaned_data
    answer = told["answer"]
    return following.answer(part.held, (answer.label, answer.marks), told["key"], told["note"])


def _put_away(sheet: Sheet, first: Assignment, answered: Sequence[int]) -> None:
    """What this answer leaves unasked goes back to the queue; where it was answered from this card, that is undone."""
    moot = [held for held in sheet.moot if held.pk]
    earlier = [held for held in looks.of(first) if _is_moot(held, sheet)]
    for held in {one.pk: one for one in (*moot, *earlier) if one.escalation.task_id not in answered}.values():
        if held.vote is not None:
            undoing.withdraw(held)
        else:
            holding.put_back(held)


def _is_moot(held: Assignment, sheet: Sheet) -> bool:
    """Whether what was answered with this card before is asked no more after what the card says now."""
    question = held.escalation.task.question
    before = next((part for part in sheet.parts if part.question.pk == question.asked_after_id), None)
    if before is None:
        return False
    answer = before.form.cleaned_data["answer"]
    return not following.meets(question, (answer.label, answer.marks), before.project)
