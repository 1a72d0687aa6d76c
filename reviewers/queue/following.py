"""Questions that are asked only where another one was answered so, on the card on which that one is answered.

Such a question waits, on nobody's desk, while the one before it is open. On the card it shows as soon as the answer
calls for it. What is answered then counts like any answer where the one before is settled so by now; otherwise it is
kept, and weighed once the question opens.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from labeling.models import Annotator, Decision, Escalation, Label, Project, Question, Task, Vote
from labeling.models.question import space_of
from reviewers.models import Assignment
from reviewers.queue import answering, holding
from reviewers.queue.answering import Conflict, Given

State = Assignment.State
Said = tuple[Label | None, Any]
"""An answer as a vote holds it: a label, or marks."""


def has_conditions(project: Project) -> bool:
    """Whether any question of the project is asked after another; no query where they were read with it."""
    return any(one.asked_after_id for one in project.questions.all())


def meets(question: Question, said: Said, project: Project) -> bool:
    """Whether a question is asked after this answer to the one before it."""
    before = next(one for one in project.questions.all() if one.pk == question.asked_after_id)
    labels, kind = before.label_list(), before.answers
    label, marks = said
    plain = marks if label is None else labels.index(label)
    if plain is None:
        return False
    space = space_of(labels)
    return kind.meets(kind.from_marks(plain, space), question.asked_if, space)


def waiting(cards: Iterable[Assignment], project: Project) -> Mapping[int, list[Task]]:
    """By instance, the tasks that wait for an answer on one of these cards. One query, none without conditions."""
    if not has_conditions(project):
        return {}
    on_cards = {
        held.escalation.task.instance_id: {one.escalation.task.question_id for one in held.whole} for held in cards
    }
    tasks = Task.objects.filter(instance__in=on_cards, stage=Task.Stage.WAITING).select_related("batch")
    questions = {one.pk: one for one in project.questions.all()}
    found: dict[int, list[Task]] = defaultdict(list)
    for task in sorted(tasks, key=lambda one: questions[one.question_id].position):
        task.project, task.question = project, questions[task.question_id]
        if task.question.asked_after_id in on_cards[task.instance_id]:
            on_cards[task.instance_id].add(task.question_id)
            found[task.instance_id].append(task)
    return found


def hold_of(task: Task, annotator: Annotator) -> Assignment:
    """A waiting task as a card shows it: asked of this person, and written down nowhere yet."""
    question = Escalation(task=task, to=annotator.kind, reason=Escalation.Reason.UNCERTAIN, why="")
    return Assignment(escalation=question, annotator=annotator)


def answer(held: Assignment, said: Said, key: uuid.UUID, note: str) -> Given | None:
    """Take an answer to a waiting question in; it is part of the look at the card, and not paid once more.

    None where the question is open or closed by now, and so on no card of this kind. Raises Conflict where the key
    came with another answer before.
    """
    task, annotator = held.escalation.task, held.annotator
    label, marks = said
    earlier = Vote.objects.filter(key=key).first()
    if earlier is not None:
        if (earlier.label, earlier.marks) != said:
            raise Conflict("This answer was sent before with another label; reload the page to see what is stored.")
        return Given(earlier)
    task.lock()
    if task.stage != Task.Stage.WAITING or Vote.objects.current().filter(task=task, annotator=annotator).exists():
        return None
    settled = _is_settled_so(task)
    if settled:
        Task.objects.filter(pk=task.pk).update(stage=Task.Stage.OPEN)
    before = task.question.asked_after
    question = Escalation.objects.create(
        task=task, to=annotator.kind, reason=Escalation.Reason.UNCERTAIN, why=f"Asked together with “{before}”"
    )
    taken = holding.take(question, annotator, paid=False)
    if settled:
        return answering.submit(taken, label, key, marks=marks, note=note)
    last = Vote.objects.filter(task=task, annotator=annotator).order_by("-pk").first()
    vote = Vote(task=task, annotator=annotator, label=label, marks=marks, raw=note, key=key, corrects=last)
    vote.save()
    question.close(Escalation.State.ANSWERED, vote)
    taken.close(State.ANSWERED, vote)
    return Given(vote)


def _is_settled_so(task: Task) -> bool:
    """Whether the question before is settled, and so that this one is asked."""
    final = Decision.objects.current().filter(
        task__instance=task.instance_id, task__question=task.question.asked_after_id
    )
    decided = final.select_related("label").first()
    return decided is not None and meets(task.question, (decided.label, decided.marks), task.project)


def rests(question: Escalation, card: Iterable[Assignment]) -> bool:
    """Let a question that was taken back wait again, where the one before it was, too. True if it does."""
    task = question.task
    before = task.question.asked_after_id
    if before is None or not any(one.escalation.task.question_id == before for one in card):
        return False
    if Decision.objects.current().filter(task__instance=task.instance_id, task__question=before).exists():
        return False
    question.close(Escalation.State.WITHDRAWN)
    Task.objects.filter(pk=task.pk).update(stage=Task.Stage.WAITING)
    return True
