"""Questions of a project, and what was learnt of annotators at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labeling import said
from labeling.managing import questions
from labeling.models import Annotator, Batch, Instance, Label, Project, Question, Skill, Task, Vote
from labeling.money import ledger


def question(project: Project, kind: str, labels: Sequence[str] = (), **facts: Any) -> Question:
    """One more question of a project, with its labels; asked in batches that come later."""
    facts = {"wording": f"{kind}?", **facts}
    return questions.add(project, kind, labels=[Label(name=name) for name in labels], **facts)


def batch_of(project: Project, texts: Sequence[str], **facts: Any) -> Batch:
    """A batch of these texts that is to be weighed, with a task for each of the project's questions."""
    n, asked, before = len(texts), list(project.questions.all()), project.instances.count()
    made = Batch.objects.create(project=project, name="May", stage="weighing", rows_read=n, rows_new=n, **facts)
    ledger.open_purse(made, 0)
    for place, text in enumerate(texts):
        told = {"project": project, "batch": made, "external_id": f"T-{before + place}", "digest": f"t{before + place}"}
        one = Instance.objects.create(position=place, parts=[["Text", text]], **told)
        Task.objects.bulk_create(
            Task(instance=one, project=project, batch=made, question=each, position=place * len(asked) + each.position)
            for each in asked
        )
    return made


def say(task: Task, annotator: Annotator, answer: Any) -> Vote:
    """A vote with an answer of the question's kind; None for an abstention."""
    return Vote.objects.create(task=task, annotator=annotator, **said.columns(task.question, answer))


def kept(annotator: Annotator) -> Skill:
    """What was learnt of an annotator at the project's first question."""
    return annotator.on(annotator.project.first_question)


def keep(annotator: Annotator, **columns: Any) -> None:
    """Write down what was learnt of it there."""
    row = Skill(annotator=annotator, question=annotator.project.first_question, **columns)
    Skill.objects.keep([row], *columns)
