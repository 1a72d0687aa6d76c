"""The project's guidelines as people read them: an opening, then what experts added, under each label and question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labeling.managing import guidelines
from labeling.models import Label, Project, Question

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Entry:
    """One label in the guide: what belongs there, and the reasons experts added."""

    label: Label
    added: list[str]


@dataclass(frozen=True, slots=True)
class Section:
    """One question in the guide: its own words, in Markdown, and one entry per label, in order."""

    question: Question
    opening: str
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Guide:
    """The opening, in Markdown, and a section for each question, in order."""

    opening: str
    sections: list[Section]

    @property
    def entries(self) -> list[Entry]:
        """One entry per label of all questions, in order."""
        return [entry for section in self.sections for entry in section.entries]

    def words_on(self, question_id: int) -> str:
        """What the guide says of one question, whatever its labels."""
        return next((one.opening for one in self.sections if one.question.pk == question_id), "")

    def of(self, label_ids: set[int]) -> list[Entry]:
        """The entries of some labels."""
        return [entry for entry in self.entries if entry.label.pk in label_ids]


def guide(project: Project) -> Guide:
    """Read the guidelines: a line that begins with a label's name and a colon belongs under that label.

    Lines of the project's guidelines belong under a label of any question; lines of a question's own under its labels.
    """
    questions = list(project.questions.all())
    labels = {one.pk: one.label_list() for one in questions}
    opening, added = _sorted(project.guidelines, [label for one in questions for label in labels[one.pk]])
    sections = []
    for question in questions:
        words, more = _sorted(question.guidelines, labels[question.pk])
        entries = [Entry(label, added[label.pk] + more[label.pk]) for label in labels[question.pk]]
        sections.append(Section(question, words, entries))
    return Guide(opening, sections)


def _sorted(told: str, labels: Sequence[Label]) -> tuple[str, dict[int, list[str]]]:
    """What stands under no label, and the lines under each, by the label's key."""
    opening: list[str] = []
    added: dict[int, list[str]] = defaultdict(list)
    for line in told.splitlines():
        under = [label for label in labels if line.strip().startswith(f"{label.name}: ")]
        if not under:
            opening.append(line.rstrip())
        for label in under:
            added[label.pk].append(line.strip().removeprefix(f"{label.name}: "))
    return "\n".join(opening).strip("\n"), added


def add(question: Question, label: Label | None, reason: str, by: User | None = None) -> None:
    """Append a reason, for people and models to read; one that stands there already is left alone.

    It stands under the label; where an answer is more than one label, with the question. The first question's labels
    are spoken of in the project's guidelines, those of others in the question's own. `by`: who wrote it. Whoever
    labels is told.
    """
    words = " ".join(reason.split())
    line = f"{label.name}: {words}" if label else words
    guidelines.add(question, line, by, "an expert's reason", own=label is None)
