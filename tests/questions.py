"""Questions of a project, and what was learnt of annotators at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labeling.models import Annotator, Label, Project, Question, Skill


def question(project: Project, kind: str, labels: Sequence[str] = (), **facts: Any) -> Question:
    """One more question of a project, with its labels."""
    place = project.questions.count()
    made = Question.objects.create(
        project=project, position=place, kind=kind, **{"wording": f"Question {place}?", **facts}
    )
    Label.objects.bulk_create(Label(question=made, position=at, name=name) for at, name in enumerate(labels))
    return made


def kept(annotator: Annotator) -> Skill:
    """What was learnt of an annotator at the project's first question."""
    return annotator.on(annotator.project.first_question)


def keep(annotator: Annotator, **columns: Any) -> None:
    """Write down what was learnt of it there."""
    row = Skill(annotator=annotator, question=annotator.project.first_question, **columns)
    Skill.objects.keep([row], *columns)
