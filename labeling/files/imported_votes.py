"""Recorded votes of people or models, from one file of many workers, become votes of a project."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.text import slugify

from labeling.files.answers import Asking
from labeling.files.tables import UnusableFile, open_table
from labeling.files.vote_targets import Answer, Recorded, Said, Targets
from labeling.kinds.cells import clean, listed, unguarded
from labeling.models import Annotator, Project, Task, Vote

Kind = Annotator.Kind
ROWS = 2000
MICRO = 1_000_000
MOST = 4_000_000
COLUMNS = ("task", "worker", "label")
OPTIONAL = (
    "kind",
    "probabilities",
    "tokens_in",
    "tokens_out",
    "cost_usd",
    "seconds",
    "prompt_version",
    "model_version",
    "question",
)
PEOPLE = (Kind.PERSON, Kind.EXPERT)


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a file: votes written, votes that were there already, and whose they are."""

    new: int
    known: int
    workers: tuple[str, ...]
    batches: tuple[int, ...]


def read(path: str, people: Sequence[str] = ()) -> list[Recorded]:
    """All votes of a file; `people` names workers that are persons, whatever the column `kind` says of them.

    Raises UnusableFile where a worker is both a person and a model, or gives two answers to one task.
    """
    with open_table(path, COLUMNS, optional=OPTIONAL, lists=True) as table:
        rows = [_recorded(cells, set(people)) for cells in islice(table.rows, MOST)]
    found = [row for row in rows if row.task and row.worker]
    if not found:
        raise UnusableFile(f"{path} holds no vote; each line needs a task, a worker and a label.")
    _check_kinds(path, found)
    if missing := sorted(set(people) - {row.worker for row in found}):
        raise UnusableFile(f"{path} holds no vote of {listed(missing)}; name people as the column worker does.")
    return found


def _recorded(cells: Sequence[str], people: set[str]) -> Recorded:
    task, worker, label = (clean(cell) for cell in unguarded(map(str, cells[:3])))
    more = dict(zip(OPTIONAL, cells[3:], strict=True))
    told = clean(more["kind"]).casefold()
    person = Kind.EXPERT if told == Kind.EXPERT else Kind.PERSON
    kind = person if worker in people or told in PEOPLE else Kind.MODEL
    return Recorded(task, worker, label, str(kind), more)


def _check_kinds(path: str, rows: Sequence[Recorded]) -> None:
    kinds: dict[str, str] = {}
    for row in rows:
        if kinds.setdefault(row.worker, row.kind) != row.kind:
            raise UnusableFile(
                f"{path} has {row.worker!r} both as a {kinds[row.worker]} and as a {row.kind}; "
                "a worker is one of them, so rename one."
            )


@transaction.atomic
def take_in(project: Project, path: str, people: Sequence[str] = (), number: int | None = None) -> Taken:
    """Write the votes of a file as votes of named annotators; all of them or none.

    A vote that is there already is left alone, so that a file may be taken in twice, and an export of the project's own
    votes changes nothing. `number`: the question that rows answer which name none, from 1. Raises UnusableFile.
    """
    rows = read(path, people)
    asked = Targets.of(project, path, rows, number)
    voters = {row.worker: row for row in rows}
    own = _own(project)
    annotators = {name: own.get((name, _told(row))) or _annotator(project, row) for name, row in voters.items()}
    there = _votes_there(annotators.values())
    answers = asked.answers(rows)
    fresh = [one for one in answers if _is_new(one, annotators[one.row.worker], there, path)]
    Vote.objects.bulk_create((_vote(one, annotators[one.row.worker]) for one in fresh), batch_size=ROWS)
    batches = Task.objects.filter(pk__in={one.task for one in fresh}).values_list("batch_id", flat=True)
    return Taken(len(fresh), len(answers) - len(fresh), tuple(voters), tuple(sorted(set(batches))))


def _own(project: Project) -> dict[tuple[str, str], Annotator]:
    """Who votes in the project already, by the name an export calls them and their kind."""
    names = project.annotators.called()
    return {(names[one.pk], one.kind): one for one in project.annotators.all()}


def _told(row: Recorded) -> str:
    """The kind of the worker as an export tells it, a paid model apart from others."""
    paid = row.kind == Kind.MODEL and clean(row.more["kind"]).casefold() == Kind.PAID
    return Kind.PAID if paid else row.kind


def _annotator(project: Project, row: Recorded) -> Annotator:
    """The annotator of this name whose votes are recorded, made on first use."""
    name, kind = row.worker, row.kind
    found = project.annotators.filter(name=name, kind=kind).first()
    if found is not None:
        return found
    if kind == Kind.MODEL:
        return Annotator.objects.create(project=project, kind=kind, name=name, spec=f"{Annotator.RECORDED}{name}"[:500])
    return Annotator.objects.create(project=project, kind=kind, name=name, user=_nobody(project, name, kind))


def _nobody(project: Project, name: str, kind: str) -> User:
    """An account that nobody can sign in with, for a person of whom only votes are known."""
    username = f"recorded-{project.pk}-{kind}-{slugify(name) or 'worker'}"[:140]
    user, made = User.objects.get_or_create(username=username, defaults={"is_active": False, "first_name": name[:150]})
    if made:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


There = dict[tuple[int, int, str | None], Said]


def _votes_there(annotators: object) -> There:
    """What each vote says by task, annotator and version; of the newest one under None."""
    current = Vote.objects.current().filter(annotator__in=list(annotators))  # type: ignore[call-overload]
    rows = current.order_by("pk").values_list("task_id", "annotator_id", "prompt_version", "label_id", "marks")
    found: There = {}
    for task, annotator, version, label, marks in rows.iterator(ROWS):
        found[task, annotator, version] = found[task, annotator, None] = (label, marks)
    return found


def _is_new(one: Answer, annotator: Annotator, there: There, path: str) -> bool:
    exact = one.task, annotator.pk, one.row.version
    key = exact if exact in there else (*exact[:2], None)
    if key not in there:
        if annotator.kind in Annotator.MACHINES and not annotator.recorded:
            raise UnusableFile(
                f"{one.row.worker!r} votes in {annotator.project.name} by itself and has not answered task "
                f"{one.row.task!r}; rename the worker in the file, or leave that answer out."
            )
        return True
    if there[key] != one.said:
        raise UnusableFile(
            f"{path} has another answer of {one.row.worker!r} to task {one.row.task!r} than the project; "
            "votes never change, so leave it out or rename the worker."
        )
    return False


def _vote(one: Answer, annotator: Annotator) -> Vote:
    more, (label, marks) = one.row.more, one.said
    return Vote(
        task_id=one.task,
        annotator=annotator,
        label_id=label,
        marks=marks,
        probabilities=None if one.abstains else _probabilities(more["probabilities"], one.asking),
        raw="recorded without a label" if one.abstains else "",
        input_tokens=int(_number(more["tokens_in"])),
        output_tokens=int(_number(more["tokens_out"])),
        cost_microdollars=round(_number(more["cost_usd"]) * MICRO),
        seconds=_number(more["seconds"]),
        prompt_version=one.row.version,
        model_version=clean(more["model_version"])[:120],
    )


def _probabilities(text: str, asking: Asking) -> list[float] | None:
    """Per label in order, from an object of label and probability; None where there is none or it does not fit."""
    with suppress(ValueError, TypeError, AttributeError):
        told = json.loads(text)
        row = [float(told.get(label.name, 0.0)) for label in asking.labels]
        if min(row) >= 0 and (max(row) <= 1 if asking.spread else abs(sum(row) - 1) < 0.01):
            return row
    return None


def _number(text: str) -> float:
    """A number of the file, 0 where it says none."""
    with suppress(ValueError):
        value = float(text)
        return value if 0 <= value < 1e12 else 0.0
    return 0.0
