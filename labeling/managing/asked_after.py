"""After which answer to another question a question is asked: said when a project is made, and changed at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from labeling import jobs
from labeling.files.answers import Asking
from labeling.files.own_labels import BETWEEN
from labeling.files.spellings import LabelSet
from labeling.files.tables import UnusableFile
from labeling.models import Batch, Project, Question


@dataclass(frozen=True, slots=True)
class Condition:
    """Asked only where the question with this number, from 1, was answered so, as a cell of a file would say it."""

    number: int
    answer: str


def columns(project: Project, wording: str, place: int, condition: Condition | None) -> dict[str, Any]:
    """What a question at this place keeps of a condition; None where it is always asked. Raises UnusableFile."""
    if condition is None:
        return {"asked_after": None, "asked_if": None}
    before = project.questions.filter(position=condition.number - 1, position__lt=place).first()
    if before is None:
        raise UnusableFile(f"There is no question {condition.number} before “{wording}”; name an earlier one.")
    try:
        return {"asked_after": before, "asked_if": _answer(Asking.of(before), condition.answer)}
    except ValueError as error:
        raise UnusableFile(f"Question {condition.number} cannot be answered so. {error}") from error


def _answer(asking: Asking, cell: str) -> Any:
    """What the answer must have, as `Kind.meets` takes it. Raises ValueError with one sentence."""
    if not asking.question.answers.in_text:
        return asking.plain(cell)
    names = [label.name for label in asking.labels]
    found = [LabelSet(names).match(part) for part in _parts(cell, names)]
    if not found or not all(found):
        raise ValueError(f"Name types of it, with ; between: {', '.join(names)}.")
    return sorted({names.index(name) for name in found if name})


def _parts(cell: str, names: Sequence[str]) -> list[str]:
    if LabelSet(names).match(cell.strip()):
        return [cell.strip()]
    sign = next((sign for sign in BETWEEN if sign in cell), ";")
    return [part.strip() for part in cell.split(sign) if part.strip()]


def as_cell(question: Question) -> str:
    """The answer after which a question is asked, as a form holds it; empty where it is always asked."""
    if question.asked_after is None:
        return ""
    names = [label.name for label in question.asked_after.label_list()]
    places = question.asked_if if isinstance(question.asked_if, list) else [question.asked_if]
    return "; ".join(names[place] for place in places if place is not None)


@transaction.atomic
def change(question: Question, condition: Condition | None) -> int:
    """Ask a question after another answer than before, or always; batches that are done look once more.

    What it now asks is opened in every batch, what it asks no longer is closed; answers that are there stay. Returns
    how many batches that were done are at work again. Raises UnusableFile for a condition that cannot be.
    """
    new = columns(question.project, question.wording, question.position, condition)
    if (question.asked_after, question.asked_if) == (new["asked_after"], new["asked_if"]):
        return 0
    question.asked_after, question.asked_if = new["asked_after"], new["asked_if"]
    question.save(update_fields=["asked_after", "asked_if"])
    again = 0
    for batch in question.project.batches.kept():
        again += batch.move(Batch.Stage.REVIEWING, come_from=Batch.Stage.DONE)
        jobs.start(batch)
    return again
