"""The list of a project's tasks: filters from a fixed set, pages by key, so that no page slows with the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Prefetch, Q, TextField
from django.db.models.functions import Cast

from labeling.models import Decision, Label, Project, Task
from labeling.models.decision import DecisionQuerySet
from labeling.models.grouping import attributes, ways
from labeling.models.keys import whole
from labeling.models.task import TaskQuerySet
from labeling.reports.tasks.answers import Reader, Shown

PAGE = 50
LONGEST = 250


@dataclass(frozen=True, slots=True)
class Row:
    """A task with what it is settled as, and what is believed of it meanwhile."""

    task: Task
    made: Decision | None
    settled: Shown | None
    believed: Shown | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of tasks in the order in which they came; `after` is the key that the next page starts behind."""

    tasks: list[Task]
    after: int | None
    filters: dict[str, str]
    rows: tuple[Row, ...] = ()

    @property
    def query(self) -> str:
        """The filters and the key of the next page as a query string."""
        return urlencode({**self.filters, "after": self.after or ""})


def _standing() -> DecisionQuerySet:
    return Decision.objects.current().filter(task=OuterRef("pk"))


def _by_batch(tasks: TaskQuerySet, value: str) -> TaskQuerySet:
    return tasks.filter(batch=whole(value) or 0)


def _by_stage(tasks: TaskQuerySet, value: str) -> TaskQuerySet:
    return tasks.filter(stage=value)


def _by_label(tasks: TaskQuerySet, value: str) -> TaskQuerySet:
    """Whose settled answer holds a label of this name, among others perhaps."""
    labels = Label.objects.filter(question__project__in=tasks.values("project")[:1], name=value)
    holding = Q(pk=None)
    for label in labels.select_related("question"):
        pattern = label.question.measures.holding(label.position)
        marked = _standing().annotate(told=Cast("marks", TextField())).filter(told__regex=pattern or "^$")
        settled = Exists(marked) if pattern else Exists(_standing().filter(label=label))
        holding |= Q(settled, question=label.question)
    return tasks.filter(holding)


def _by_question(tasks: TaskQuerySet, value: str) -> TaskQuerySet:
    return tasks.filter(question__position=(whole(value) or 1) - 1)


def _by_settler(tasks: TaskQuerySet, value: str) -> TaskQuerySet:
    return tasks.filter(Exists(_standing().filter(decided_by=value)))


def _by_slice(tasks: TaskQuerySet, value: str) -> TaskQuerySet:
    return tasks.filter(slice=value)


def _by_id(tasks: TaskQuerySet, value: str) -> TaskQuerySet:
    return tasks.filter(instance__external_id__startswith=value)


FILTERS: dict[str, Callable[[TaskQuerySet, str], TaskQuerySet]] = {
    "question": _by_question,
    "batch": _by_batch,
    "stage": _by_stage,
    "label": _by_label,
    "by": _by_settler,
    "slice": _by_slice,
    "id": _by_id,
}


def _in_group(tasks: TaskQuerySet, value: str, project: Project) -> TaskQuerySet:
    """Tasks of a group of this name, whichever attribute or two it is one of."""
    found = Q(pk=None)
    for by in ways(attributes(project)).values():
        found |= Q(pk__in=Task.objects.filter(project=project).in_group(by, value).values("pk"))
    return tasks.filter(found)


def page_of(project: Project, asked: Mapping[str, Any]) -> Page:
    """The tasks that `asked` selects; names that are no filter are ignored."""
    names = [*FILTERS, "group"]
    filters = {name: str(asked[name]).replace("\0", "")[:LONGEST] for name in names if asked.get(name)}
    tasks = Task.objects.kept().filter(project=project)
    for name, value in filters.items():
        tasks = FILTERS[name](tasks, value) if name in FILTERS else _in_group(tasks, value, project)
    tasks = tasks.filter(pk__gt=whole(str(asked.get("after", ""))) or 0)
    found = list(_with_labels(tasks)[: PAGE + 1])
    after = found[PAGE - 1].pk if len(found) > PAGE else None
    return Page(found[:PAGE], after, filters, tuple(_rows(project, found[:PAGE])))


def _rows(project: Project, tasks: list[Task]) -> Iterator[Row]:
    readers = {one.pk: Reader(one) for one in project.questions.prefetch_related("labels")}
    for task in tasks:
        reader, text = readers[task.question_id], task.text
        made: Decision | None = next(iter(getattr(task, "standing", ())), None)
        yield Row(task, made, reader.row(made, text), reader.row(getattr(task, "belief", None), text))


def _with_labels(tasks: TaskQuerySet) -> TaskQuerySet:
    current = Decision.objects.current().select_related("label")
    ready = tasks.select_related("belief__label", "batch", "gold", "question")
    return ready.prefetch_related(Prefetch("decisions", current, to_attr="standing")).order_by("pk")
