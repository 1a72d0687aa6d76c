"""The project's guidelines as people read them: an opening, then what experts added under each label."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from labeling.managing import guidelines
from labeling.models import Label, Project

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Entry:
    """One label in the guide: what belongs there, and the reasons experts added."""

    label: Label
    added: list[str]


@dataclass(frozen=True, slots=True)
class Guide:
    """The opening, in Markdown, and one entry per label, in order."""

    opening: str
    entries: list[Entry]

    def of(self, label_ids: set[int]) -> list[Entry]:
        """The entries of some labels."""
        return [entry for entry in self.entries if entry.label.pk in label_ids]


def guide(project: Project) -> Guide:
    """Read the guidelines: a line that begins with a label's name and a colon belongs under that label."""
    labels = project.label_list()
    opening: list[str] = []
    added: dict[int, list[str]] = defaultdict(list)
    for line in project.guidelines.splitlines():
        label = next((label for label in labels if line.strip().startswith(f"{label.name}: ")), None)
        if label is None:
            opening.append(line.rstrip())
        else:
            added[label.pk].append(line.strip().removeprefix(f"{label.name}: "))
    return Guide("\n".join(opening).strip("\n"), [Entry(label, added[label.pk]) for label in labels])


@transaction.atomic
def add(project: Project, label: Label, reason: str, by: User | None = None) -> None:
    """Append a reason under a label, for people and models to read; one that stands there already is left alone.

    `by`: who wrote it. Whoever labels is told.
    """
    line = f"{label.name}: {' '.join(reason.split())}"
    locked = Project.objects.select_for_update().get(pk=project.pk)
    if line not in locked.guidelines.splitlines():
        locked.guidelines = f"{locked.guidelines.rstrip()}\n{line}".lstrip()
        locked.save(update_fields=["guidelines"])
        guidelines.note_change(locked, by)
