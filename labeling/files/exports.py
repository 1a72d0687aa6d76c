"""Labels out of the house, with their provenance: streamed, row by row, however many there are."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from labeling.files import own_labels
from labeling.files.answers import Asking, as_rows, askings
from labeling.files.own_labels import GROUP, SHORT
from labeling.files.spellings import is_number
from labeling.kinds.cells import FORMULA, GUARDED
from labeling.models import Batch, Decision, Project, Task
from labeling.models.grouping import attributes

ROWS = 2000
ONCE = ("cost_usd", "votes")
"""Of a set of labels, what stands in the first of its rows alone."""


def decided(scope: Batch | Project) -> QuerySet[Decision]:
    """The current decisions of a batch or of a whole project, in the order in which the tasks came."""
    of = {"task__batch": scope} if isinstance(scope, Batch) else {"task__project": scope}
    rows = (
        Decision.objects.current()
        .filter(**of)
        .select_related("annotator", "task__batch", "task__project", "task__instance")
    )
    counted = rows.annotate(
        n_votes=Count("task__votes", filter=Q(task__votes__correction=None, task__votes__withdrawn=False)),
        cost=Sum("task__votes__cost_microdollars"),
    )
    return counted.order_by("task__batch_id", "task__position")


def records(scope: Batch | Project, number: int | None = None) -> Iterator[dict[str, Any]]:
    """One plain record for each settled task, with the full provenance; `number`: of one question alone."""
    return (row for row, _ in _records(scope, askings(scope, number)))


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands in every row of a file because some instance has it, beside the answers.

    `names`: the group attributes. `question`: several are asked. `images`, `about`, `local_only`: some instance has
    pictures, fields shown beside it, or must not leave the machine.
    """

    names: Sequence[str] = ()
    question: bool = False
    images: bool = False
    about: bool = False
    local_only: bool = False

    @classmethod
    def of(cls, scope: Batch | Project) -> Beside:
        """A few queries."""
        project = scope.project if isinstance(scope, Batch) else scope
        instances = scope.instances.all()
        stays = project.local_only or project.batches.filter(local_only=True).exists()
        return cls(
            attributes(scope),
            project.questions.count() > 1,
            instances.filter(images__isnull=False).exists(),
            instances.exclude(about={}).exists(),
            stays or instances.filter(local_only=True).exists(),
        )

    def told(self, task: Task) -> dict[str, Any]:
        """Of one task."""
        found: dict[str, Any] = {}
        if self.question:
            found[own_labels.QUESTION] = task.question.number
        if self.images:
            found[own_labels.IMAGES] = {image["title"]: image["file"] for image in task.images}
            found[own_labels.IMAGES_ALT] = {image["title"]: image["alt"] for image in task.images if image["alt"]}
        if self.about:
            found[own_labels.ABOUT] = dict(task.about)
        if self.local_only:
            found[own_labels.LOCAL_ONLY] = task.local_only or task.batch.local_only or task.project.local_only
        return found


def _records(scope: Batch | Project, chosen: dict[int, Asking]) -> Iterator[tuple[dict[str, Any], Asking]]:
    beside = Beside.of(scope)
    for decision in decided(scope).filter(task__question__in=list(chosen)).iterator(ROWS):
        asking = chosen[decision.task.question_id]
        decision.task.question = asking.question
        yield record(decision, asking, beside), asking


def record(decision: Decision, asking: Asking, beside: Beside | None = None) -> dict[str, Any]:
    """What leaves the house about one settled task, and what stands `beside` it. Labels of a set are a list."""
    beside = beside or Beside()
    task = decision.task
    cells, gold = asking.cells(decision), asking.gold_cells(task)
    return {
        "task": task.external_id,
        "label": asking.value(cells),
        "confidence": round(decision.confidence, 6),
        "decided_by": decision.decided_by,
        "below_threshold": below_threshold(decision),
        "entropy": round(decision.entropy, 6),
        "cost_usd": (getattr(decision, "cost", 0) or 0) / 1_000_000,
        "votes": getattr(decision, "n_votes", 0),
        "batch": task.batch.name,
        **_groups(task, beside.names),
        "gold": asking.value(gold),
        "differs_from_gold": gold != cells if gold else None,
        "slice": task.slice,
        "annotator": decision.annotator.name if decision.annotator else None,
        "why": decision.why,
        "decided_at": decision.created_at.isoformat(timespec="seconds"),
        "provenance": decision.provenance,
        "text": dict(task.parts),
        **beside.told(task),
    }


def _groups(task: Task, names: Sequence[str]) -> dict[str, str]:
    """The value of the first attribute as `group`, and each under its own name."""
    first = task.groups.get(names[0], "") if names else ""
    return {GROUP: first, **{name: task.groups.get(key, "") for key, name in _columns(names).items()}}


def _columns(names: Sequence[str]) -> dict[str, str]:
    """The fields of the group attributes; one alone that is called `group` needs none of its own."""
    alone = len(names) == 1 and names[0].strip().casefold() == GROUP
    return {} if alone else {name: own_labels.column(name) for name in names}


def below_threshold(decision: Decision) -> bool:
    """Whether machines settled this task although they were less sure than the project asks: a manager accepted it."""
    by_machine = decision.decided_by in (Decision.By.CROWD, Decision.By.PAID)
    return by_machine and decision.confidence < decision.task.project.accept_confidence


def jsonl(scope: Batch | Project, number: int | None = None, *, short: bool = False) -> Iterator[str]:
    """Lines of JSON, one for each settled task; `short` keeps the fields of the `label` command's file."""
    names = attributes(scope)
    kept = {*SHORT, own_labels.QUESTION, *_columns(names).values()}
    for row in records(scope, number):
        told = {key: value for key, value in row.items() if key in kept} if short else row
        yield json.dumps(told, ensure_ascii=False) + "\n"


def as_csv(scope: Batch | Project, number: int | None = None) -> Iterator[str]:
    """Lines of CSV with a header. A cell that a spreadsheet would run as a formula gets an apostrophe in front.

    `text` is for reading, with the offsets of marks; `parts` holds titles and texts apart, so that the file reads back
    (`own_labels`). A set of labels has a row for each, one with an empty label for none; marks are JSON.
    """
    writer = csv.writer(Line())
    header: list[str] = []
    for row, asking in _records(scope, askings(scope, number)):
        flat = {**row, "provenance": json.dumps(row["provenance"]), "text": "\n".join(row["text"].values())}
        flat["parts"] = json.dumps(row["text"], ensure_ascii=False)
        if not header:
            header = list(flat)
            yield writer.writerow(header)
        for one in as_rows(flat, asking, ONCE):
            yield writer.writerow(as_cells(map(as_cell, one.values())))


def as_cell(value: object) -> object:
    """A value as a cell: nothing for null, lists and objects as JSON."""
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def as_cells(values: Iterable[object]) -> list[object]:
    """Values as cells: an apostrophe before what is no number but begins like a formula; `unguarded` takes it off."""
    return [f"'{value}" if isinstance(value, str) and _runs(value) else value for value in values]


def _runs(text: str) -> bool:
    return text.startswith((*FORMULA, *GUARDED)) and not is_number(text)


class Line:
    """A file that hands each written line back, so that csv.writer can stream."""

    def write(self, line: str) -> str:
        return line
