"""What people settled teaches the models that learn: they vote by it, and vote anew on the tasks it is known for.

A batch is answered by one lesson: what was known when its voting began, or when it was last taught. A model that learns
answers a known task by a part of itself that did not see its label (`crowd/crossfit.py`), so its votes there stay
honest, and show how good it is now, not how good it was with fewer labels.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q
from django.db.models.functions import Now

from labeling import known
from labeling.crowd import base
from labeling.crowd.base import Answer, Voter
from labeling.models import Batch, Chunk, Escalation, GuidelineVersion, Question, Task, Vote
from labeling.models.task import TaskQuerySet
from labeling.people import recruiting, voters

FEWEST = 40
"""So many labels are known before a batch in which models sat out is taught again."""
GROWN = 2.0
"""A batch under review is taught again when so many times as many labels are known as at its last lesson: each lesson
costs as much as the first voting."""


def begin(batch: Batch) -> None:
    """Fix the lesson of a batch at this moment, once, and keep what annotators are told as a version."""
    GuidelineVersion.objects.keep(batch.project)
    Batch.objects.filter(pk=batch.pk, taught_at=None).update(taught_at=Now())
    batch.refresh_from_db(fields=["taught_at"])


def again(batch: Batch) -> bool:
    """Let the models that learn vote anew by what is known now; True if there is one."""
    learners = [one.pk for one in batch.project.annotators.crowd() if recruiting.learns(one.spec)]
    Batch.objects.filter(pk=batch.pk).update(taught_at=Now())
    return bool(batch.chunks.filter(annotator__in=learners).update(done_at=None, leased_until=None, failures=0))


def is_due(batch: Batch) -> bool:
    """Whether enough was learnt since the batch was taught, and somebody in the crowd can learn from it."""
    if not any(recruiting.learns(one.spec) for one in batch.project.annotators.crowd()):
        return False
    return any(_has_grown(batch, one) for one in batch.project.questions.all())


def _has_grown(batch: Batch, question: Question) -> bool:
    now = known.rights(question)
    taught = batch.taught_at
    before = sum(one.source == known.Known.FILE or (taught is not None and one.since <= taught) for one in now)
    return len(now) >= max(FEWEST, GROWN * before) and any(one.plain != now[0].plain for one in now)


def awaited(batch: Batch, question: Question | None = None) -> bool:
    """Whether the batch has no vote of the crowd yet, and models in it would give theirs once they have learnt.

    On a question's tasks, the project's first one unless another is named.
    """
    asked = question or batch.project.first_question
    crowd = list(batch.project.annotators.crowd())
    learners = any(recruiting.learns(one.spec) and asked.kind in recruiting.build(one.spec).kinds for one in crowd)
    votes = Vote.objects.filter(task__batch=batch, task__question=asked, annotator__in=crowd)
    return learners and not votes.exists()


def has_a_lot_out(batch: Batch) -> bool:
    """Whether people are answering what models wait to learn from: the batch's other tasks are not left over."""
    waiting = Escalation.objects.in_batch(batch.pk).to_people().open().filter(reason=Escalation.Reason.NO_VOTES)
    asked = set(waiting.values_list("task__question", flat=True).order_by())
    return any(one.pk in asked and awaited(batch, one) for one in batch.project.questions.all())


def revisions(chunk: Chunk, voter: Voter, question: Question) -> Iterator[Vote]:
    """Of one question: corrections of what a model that learns said by an older lesson, and votes on tasks known
    in other batches.

    The latter come with its first chunk. Whatever it would say by the same lesson again is left alone.
    """
    if not recruiting.learns(chunk.annotator.spec):
        return
    labels, about = question.label_list(), _tasks(chunk, question)
    said = Vote.objects.current().filter(annotator=chunk.annotator, task__in=about)
    old, lesson = {vote.task_id: vote for vote in said}, chunk.batch.taught_at
    by_this_one = {pk for pk, vote in old.items() if lesson and vote.created_at > lesson}
    wanted = about.filter(~Q(batch=chunk.batch_id) | Q(pk__in=list(old.keys() - by_this_one)))
    tasks = [task for task in wanted.order_by("pk") if task.pk not in by_this_one]
    for task, answer in zip(tasks, base.outcomes(voter, [voters.question(task) for task in tasks]), strict=True):
        before = old.get(task.pk)
        if isinstance(answer, Answer) and (before is None or before.model_version != answer.model[:120]):
            vote = voters.vote(task, chunk.annotator, answer, question, labels)
            vote.corrects = before
            yield vote


def _tasks(chunk: Chunk, question: Question) -> TaskQuerySet:
    """The chunk's own tasks about a question, and with the first chunk those that are known elsewhere."""
    own = chunk.tasks().about(question)
    if chunk.first:
        return own
    return own | Task.objects.filter(pk__in=known.taught(question, chunk.batch.taught_at))
