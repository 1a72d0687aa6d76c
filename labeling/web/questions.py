"""Pages that show one question of a project at a time: which one, and the others to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.utils.http import urlencode

from labeling.models import Project, Question
from labeling.models.keys import whole

NAME = "question"
"""How an address names the question, by its number."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question that a page shows, and all of the project's in their order."""

    question: Question
    questions: tuple[Question, ...]

    @property
    def several(self) -> bool:
        """Whether there is anything to choose."""
        return len(self.questions) > 1

    @property
    def address(self) -> str:
        """What an address says to show this question, empty for the first one: "question=2"."""
        return urlencode({NAME: self.question.number}) if self.question.position else ""

    @property
    def query(self) -> str:
        """The same with its question mark."""
        return f"?{self.address}" if self.address else ""


def asked(project: Project, told: HttpRequest, posted: str = NAME) -> Asked:
    """The question that an address or a form names; the first one where it names none that there is.

    `posted`: the form's field with its number.
    """
    prefetch_related_objects([project], "questions")
    questions = tuple(project.questions.all())
    given: Any = told.POST.get(posted) or told.GET.get(NAME, "")
    number = whole(given)
    found = next((one for one in questions if one.number == number), questions[0])
    for one in questions:
        one.project = project
    return Asked(found, questions)
