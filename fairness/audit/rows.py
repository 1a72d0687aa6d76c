"""The candidates of a project on its checked tasks, from rows to arrays: everybody who has answered any of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from django.db.models import Avg, Count, Sum
from numpy.typing import NDArray

from fairness.audit.fairest import Choice, choose
from fairness.audit.lineage import akin_by_errors, line_of, of_the_crowd
from fairness.audit.making import CHECK
from fairness.audit.standings import NOBODY, Field, Price, Profile, Standing, common, standings
from fairness.groups import merged
from labeling.checks import results
from labeling.checks.results import Checked
from labeling.models import Annotator, Project, Question, Vote
from labeling.models.grouping import By, shortened
from labeling.reports import kept
from labeling.reports.drawing.scales import Scale, spanning

MICRO = 1_000_000
SOME = 500
MOST_CHECKED = 4000
"""Of more checked tasks an even part."""
Kind = Annotator.Kind


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row of the page: its standing, who it is, and why it may not check the crowd (empty where it may)."""

    standing: Standing
    profile: Profile
    why_not: str
    chosen: bool = False
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A candidate that answered too few of the common checks to stand beside the others."""

    name: str
    profile: Profile
    answered: int


@dataclass(frozen=True, slots=True)
class Lineup:
    """All candidates on the same `checks`, the fairest validator among them, and who has answered too few."""

    rows: tuple[Candidate, ...]
    waiting: tuple[Waiting, ...]
    choice: Choice | None
    checks: int
    all_checks: int
    groups: tuple[str, ...]

    @property
    def scale(self) -> Scale:
        return spanning((row.standing.right for row in self.rows), top=1.0)

    @property
    def gap_scale(self) -> Scale:
        return spanning((row.standing.gap for row in self.rows), top=None)

    @property
    def chosen(self) -> Candidate | None:
        return next((row for row in self.rows if row.chosen), None)


def lineup_and_wait(question: Question, by: By) -> tuple[Lineup, int]:
    """The line-up, kept while nothing changes; and in how many seconds a newer one is to be had."""
    project = question.project
    state = tuple(project.annotators.values_list("pk", "paused_at", "archived_at", "name").order_by("pk"))
    labels = tuple(label.name for label in question.label_list())
    name = f"lineup.{project.pk}.{project.created_at.timestamp()}.{question.position}.{shortened(by)}"
    return kept.keep_and_tell(name, (kept.version(), state, labels), lambda: lineup(question, by))


def lineup(question: Question, by: By) -> Lineup:
    """Everybody who has answered checked tasks of a question, on the tasks that all of them were asked about."""
    field, pks = field_of(question, by)
    profiles = _profiles(question, pks)
    who, tasks = common(field)
    together = field.only(who, tasks)
    told = [profiles[pks[one]] for one in who.tolist()]
    rows, choice = _compared(together, told)
    others = [place for place in range(len(pks)) if place not in set(who.tolist())]
    answered = (field.answer != NOBODY)[:, tasks].sum(axis=1) if len(tasks) else (field.answer != NOBODY).sum(axis=1)
    waiting = tuple(Waiting(field.names[one], profiles[pks[one]], int(answered[one])) for one in others)
    return Lineup(rows, waiting, choice, len(tasks), len(field.truth), field.groups)


def _compared(field: Field, profiles: list[Profile]) -> tuple[tuple[Candidate, ...], Choice | None]:
    if not len(field.names):
        return (), None
    crowd = np.array([one.in_crowd for one in profiles], dtype=np.bool_)
    why = of_the_crowd([one.lineage for one in profiles], crowd, akin_by_errors(field))
    found = choose(field, np.array([not reason for reason in why], dtype=np.bool_))
    rows = [
        Candidate(
            standing,
            profile,
            reason,
            found is not None and found.place == place,
            None if found is None else float(found.upper[place]),
        )
        for place, (standing, profile, reason) in enumerate(zip(standings(field), profiles, why, strict=True))
    ]
    return tuple(sorted(rows, key=_rank)), found


def _rank(row: Candidate) -> tuple[bool, bool, float]:
    return not row.chosen, not row.standing.right.estimable, -(row.standing.right.value or 0.0)


def field_of(question: Question, by: By) -> tuple[Field, list[int]]:
    """All who answered a checked task, and their keys. A check that somebody made is no task of theirs."""
    found = results.load(question.project, by, question)
    places = np.flatnonzero(found.checks)
    places = places[:: -(-len(places) // MOST_CHECKED) or 1]
    group, names = merged(found.group[places], found.groups)
    tasks = found.task[places].tolist()
    annotators = {one.pk: one for one in question.project.annotators.filter(archived_at=None)}
    answer, pks = _answers(question, found, tasks, list(annotators))
    called = question.project.annotators.called()
    labels = tuple(label.name for label in found.labels) if question.votes_are_enough else ()
    field = Field(
        tuple(called[pk] for pk in pks), answer, found.truth[places], group, names, found.weight[places], labels
    )
    return field, pks


def _answers(
    question: Question, found: Checked, tasks: list[int], among: Iterable[int]
) -> tuple[NDArray[np.int64], list[int]]:
    """(C, N) numbers of the answers, and the keys of those who gave any."""
    place = {task: at for at, task in enumerate(tasks)}
    checks = results.answered(results.about(question.project, question), found.numbers)
    own = {task: check.annotator for task, check in checks.items()}
    said: dict[int, dict[int, int]] = {pk: {} for pk in among}
    for start in range(0, len(tasks), SOME):
        votes = Vote.objects.current().filter(task__in=tasks[start : start + SOME], annotator__in=said).order_by("pk")
        for task, annotator, label, marks in votes.values_list("task_id", "annotator_id", "label_id", "marks"):
            if own.get(task) != annotator:
                said[annotator][place[task]] = found.numbers.of(label, marks)
    for task, annotator, number in _copied(question, found, tasks, said):
        said[annotator].setdefault(place[task], number)
    pks = [pk for pk, answers in said.items() if answers]
    table = np.full((len(pks), len(tasks)), NOBODY, dtype=np.int64)
    for row, pk in enumerate(pks):
        table[row, list(said[pk])] = list(said[pk].values())
    return table, pks


def _copied(
    question: Question, found: Checked, tasks: list[int], among: Iterable[int]
) -> Iterator[tuple[int, int, int]]:
    """(checked task, annotator, number of the answer) of what was said to copies of checked tasks."""
    there, votes = set(tasks), Vote.objects.current().filter(task__question=question, annotator__in=list(among))
    copies = votes.filter(task__batch__audit__isnull=False).order_by("pk").select_related("task__instance")
    for vote in copies:
        key = vote.task.groups.get(CHECK, "")
        if key.isdecimal() and int(key) in there:
            yield int(key), vote.annotator_id, found.numbers.said(vote)


def _profiles(question: Question, pks: list[int]) -> dict[int, Profile]:
    """Kind, line of models, price and pace of each, from all its answers to the question."""
    rows = Vote.objects.current().filter(task__question=question, annotator__in=pks).order_by()
    seen = {
        row["annotator"]: row
        for row in rows.values("annotator").annotate(
            n=Count("pk"), cost=Sum("cost_microdollars"), seconds=Avg("seconds")
        )
    }
    return {
        one.pk: Profile(
            one.kind,
            line_of(f"{one.spec} {one.name}") if one.kind in Annotator.MACHINES else "",
            price_of(question.project, one, seen[one.pk]["n"], seen[one.pk]["cost"], seen[one.pk]["seconds"]),
            one.kind == Kind.MODEL,
            one.pk,
        )
        for one in question.project.annotators.filter(pk__in=pks)
    }


def price_of(project: Project, one: Annotator, n: int, cost: int, seconds: float | None) -> Price:
    """Dollars for 1,000 answers, of people their wage for the time of an answer, and mean seconds of one."""
    each = cost / n if n else 0.0
    if one.kind in (Kind.PERSON, Kind.EXPERT) and seconds:
        each = max(each, project.wage_of(one.kind) * min(seconds, project.pay_seconds) / 3600)
    return Price(1000 * each / MICRO, seconds if seconds and seconds > 0.0001 else None)
