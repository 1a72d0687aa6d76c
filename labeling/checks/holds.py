"""Where the line stops: the open tasks that an alarm about a gap keeps from being settled or sent on by the machine.

Everything else of the batch goes on, and so do people: what they answer about these tasks counts and may settle them.
"""

from __future__ import annotations

from django.db.models import Q
from django.db.models.functions import Now

from labeling.models import Alarm, Batch, Belief, Escalation, Question, Watch
from labeling.models.grouping import group_name
from labeling.models.task import TaskQuerySet

POSSIBLE = 0.05
"""A label that is believed less than this is not at stake in a task."""
ROWS = 2000
Keys = TaskQuerySet | list[int]


def standing(batch: Batch) -> list[Alarm]:
    """The alarms about gaps in this batch that stop something."""
    return list(batch.alarms.standing().gaps().filter(paused=True).exclude(groups=[]).select_related("question"))


def held(batch: Batch, question: Question) -> set[int]:
    """Keys of the open tasks about a question that must not be settled or sent on now. One query where none are."""
    return {pk for one in standing(batch) if one.question_id == question.pk for pk in keys_of(one)}


def held_in(batch: Batch) -> set[int]:
    """The same about all questions."""
    return {pk for one in standing(batch) for pk in keys_of(one)}


def keys_of(alarm: Alarm) -> list[int]:
    """Keys of the open tasks that an alarm keeps open."""
    found = tasks_of(alarm)
    return found if isinstance(found, list) else list(found.values_list("pk", flat=True))


def not_held(tasks: TaskQuerySet, batch: Batch) -> TaskQuerySet:
    """Those of a batch's tasks that no alarm keeps open."""
    for one in standing(batch):
        found = tasks_of(one)
        tasks = tasks.exclude(pk__in=found) if isinstance(found, list) else tasks.exclude(pk__in=found.values("pk"))
    return tasks


def tasks_of(alarm: Alarm) -> Keys:
    """The open tasks that an alarm is about, or their keys: of its groups, and of one label those that may bear it.

    Labels that are missed may hide behind any answer, so that a gap in what is found stops the whole groups.
    """
    found = within(alarm).undecided()
    if not alarm.part or alarm.measure in (Watch.Measure.RIGHT, Watch.Measure.FOUND):
        return found
    return _bearing(alarm, found)


def within(alarm: Alarm) -> TaskQuerySet:
    """All tasks of the groups that an alarm is about, settled ones as well."""
    assert alarm.batch is not None and alarm.question is not None
    tasks = alarm.batch.tasks.about(alarm.question)
    named = tasks.annotate(in_group=group_name((alarm.attribute,), "instance__groups"))
    return named.filter(in_group__in=alarm.groups)


def _bearing(alarm: Alarm, tasks: TaskQuerySet) -> list[int]:
    """Tasks that the label is believed of, or that nothing is believed of yet."""
    assert alarm.question is not None
    labels = [label.name for label in alarm.question.label_list()]
    if alarm.part not in labels:  # a stretch of a long scale
        return list(tasks.values_list("pk", flat=True))
    place, in_text = labels.index(alarm.part), alarm.question.answers.in_text
    beliefs = Belief.objects.filter(task__in=tasks.values("pk")).values_list("task_id", "probabilities", "marks")
    without = {
        task
        for task, chances, marks in beliefs.iterator(ROWS)
        if (all(mark[2] != place for mark in marks or ()) if in_text else chances[place] < POSSIBLE)
    }
    return [pk for pk in tasks.values_list("pk", flat=True) if pk not in without]


def stop(alarm: Alarm) -> int:
    """Withdraw what paid models would be asked about held tasks; what is under way is answered. Returns how many."""
    tasks, waiting = set(keys_of(alarm)), Escalation.objects.free().to_paid().in_batch(alarm.batch_id or 0)
    wanted = [pk for pk, task in waiting.values_list("pk", "task_id") if task in tasks]
    count = 0
    for first in range(0, len(wanted), ROWS // 4):
        some = Escalation.objects.free().filter(Q(pk__in=wanted[first : first + ROWS // 4]))
        count += some.update(state=Escalation.State.WITHDRAWN, closed_at=Now())
    return count
