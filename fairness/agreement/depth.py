"""The votes of a batch label by label, over time, and each model held against people one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from django.db.models import Avg, Count, F, Sum
from numpy.typing import NDArray

from fairness.agreeing import MOST_TASKS, Cast, only, people_and_crowd
from fairness.agreement.alternative import NONE, Verdict, replaces
from fairness.audit.rows import price_of
from labeling.models import Annotator, Batch, Question, Vote
from labeling.reports import kept
from labeling.reports.drawing.scales import PLAIN, Scale, spanning
from labeling.reports.estimates import Measured, share
from labeling.truth import agreement
from labeling.truth.agreement import Coefficient
from labeling.truth.votes import Bools, Votes

Kind = Annotator.Kind
EPSILONS = (0.0, 0.05, 0.1, 0.15, 0.2)
EPSILON = 0.1
MOST_LABELS = 24
MOST_MODELS = 12
MOST_BLOCKS = 8
LEAST_BLOCK = 60
"""Tasks of a stretch of time; fewer say little."""


@dataclass(frozen=True, slots=True)
class LabelLine:
    """One label against the rest. `people`, `models`: share of their votes, and alpha of "this label or not";
    `between`: alpha of the majority of the people and that of the models."""

    label: str
    people_share: Measured
    people: Measured
    models_share: Measured
    models: Measured
    between: Measured

    @property
    def pairs(self) -> list[tuple[str, Measured]]:
        return [("person", self.people), ("model", self.models)]


@dataclass(frozen=True, slots=True)
class Block:
    """Tasks whose last vote came between two moments."""

    first: datetime
    last: datetime
    tasks: int
    people_raw: Measured
    people: Measured
    models_raw: Measured
    models: Measured

    @property
    def pairs(self) -> list[tuple[str, Measured]]:
        return [("person", self.people), ("model", self.models)]


@dataclass(frozen=True, slots=True)
class Stand:
    """A model held against the people. `cheaper`: how many answers of it cost as much as one of a person, None where
    either is free."""

    annotator: Annotator
    verdict: Verdict
    each: float
    cheaper: float | None


@dataclass(frozen=True, slots=True)
class Depth:
    """Everything on the page. `person_each`: dollars for an answer of a person. `names`: the people, in order."""

    labels: tuple[LabelLine, ...]
    blocks: tuple[Block, ...]
    stands: tuple[Stand, ...]
    names: tuple[str, ...]
    person_each: float
    epsilon: float
    tasks: int
    sampled: bool

    @property
    def label_scale(self) -> Scale:
        return spanning((one for line in self.labels for _, one in line.pairs), unit=PLAIN)

    @property
    def block_scale(self) -> Scale:
        return spanning((one for line in self.blocks for _, one in line.pairs), unit=PLAIN)


def depth_and_wait(batch: Batch, question: Question, epsilon: float) -> tuple[Depth | None, int]:
    """The page's numbers, kept while nothing changes; and in how many seconds newer ones are to be had."""
    name = f"depth.{batch.pk}.{batch.created_at.timestamp()}.{question.position}.{epsilon}"
    version = kept.version(), tuple(label.name for label in question.label_list())
    return kept.keep_and_tell(name, version, lambda: depth(batch, question, epsilon))


@dataclass(frozen=True, slots=True)
class Timed:
    """Votes with the moment of each task's last one, seconds since 1970, (n_tasks,)."""

    cast: Cast
    last: NDArray[np.float64]


def load(batch: Batch, question: Question) -> Timed:
    """The current votes with a label; from every k-th task where the batch has more than 5,000."""
    every = -(-max(batch.rows_new, 1) // MOST_TASKS)
    about = Vote.objects.current().filter(task__batch=batch, task__question=question, label__isnull=False)
    votes = about.order_by("pk")
    if every > 1:
        votes = votes.annotate(left=F("task__instance__position") % every).filter(left=0)
    columns = votes.values_list("task_id", "annotator_id", "label_id", "created_at")
    latest = {(task, who): (label, when) for task, who, label, when in columns.iterator()}
    annotators = tuple(batch.project.annotators.all())
    column = {one.pk: place for place, one in enumerate(annotators)}
    labels = {label.pk: place for place, label in enumerate(question.label_list())}
    tasks = {pk: place for place, pk in enumerate(dict.fromkeys(task for task, _ in latest))}
    entries = [(tasks[task], column[who], labels[label]) for (task, who), (label, _) in latest.items()]
    table = np.array(entries, dtype=np.int32).reshape(-1, 3)
    last = np.zeros(len(tasks))
    for (task, _), (_, when) in latest.items():
        last[tasks[task]] = max(last[tasks[task]], when.timestamp())
    found = Votes(table[:, 0], table[:, 1], table[:, 2], len(tasks), len(annotators), len(labels))
    return Timed(Cast(found, annotators, len(tasks), every > 1), last)


def depth(batch: Batch, question: Question, epsilon: float) -> Depth | None:
    """The numbers anew; None where nobody has given a label, or answers are more than one."""
    if not question.votes_are_enough:
        return None
    found = load(batch, question)
    if not found.cast.tasks:
        return None
    names = [label.name for label in question.label_list()]
    people = [place for place, one in enumerate(found.cast.annotators) if one.kind == Kind.PERSON]
    voted = set(np.unique(found.cast.votes.annotator).tolist())
    persons = [place for place in people if place in voted]
    stands, each = _stands(found.cast, question, persons, epsilon, batch.seed)
    return Depth(
        tuple(_labels(found.cast, names)),
        tuple(_blocks(found)),
        stands,
        tuple(found.cast.annotators[place].name for place in persons),
        each,
        epsilon,
        found.cast.tasks,
        found.cast.sampled,
    )


def _sides(cast: Cast) -> tuple[Votes, Votes]:
    return only(cast.votes, cast.by(Kind.PERSON)), only(cast.votes, cast.by(Kind.MODEL, Kind.PAID))


def _labels(cast: Cast, names: Sequence[str]) -> list[LabelLine]:
    """The commonest labels first."""
    people, models = _sides(cast)
    against = people_and_crowd(cast)
    often = np.bincount(cast.votes.label, minlength=len(names))
    order = np.argsort(-often, kind="stable")[:MOST_LABELS]
    return [
        LabelLine(
            names[k],
            _share(people, k),
            measured(agreement.summarise(_this(people, k)).alpha),
            _share(models, k),
            measured(agreement.summarise(_this(models, k)).alpha),
            measured(agreement.summarise(_this(against, k)).alpha),
        )
        for k in order.tolist()
        if often[k]
    ]


def _this(votes: Votes, label: int) -> Votes:
    """The same votes as "this label" or "another"."""
    mine = (votes.label == label).astype(np.int32)
    return Votes(votes.task, votes.annotator, mine, votes.n_tasks, votes.n_annotators, 2)


def _share(votes: Votes, label: int) -> Measured:
    return share(float((votes.label == label).sum()), float(len(votes.label)), counted="votes")


def measured(found: Coefficient) -> Measured:
    """A coefficient as pages show it."""
    return Measured(found.value, found.low, found.high, found.low is not None, found.undefined or "")


def _blocks(found: Timed) -> list[Block]:
    """Tasks in the order of their last votes, cut into at most eight equal stretches of at least sixty."""
    count = min(MOST_BLOCKS, found.cast.tasks // LEAST_BLOCK)
    if count < 2:
        return []
    order = np.argsort(found.last, kind="stable")
    return [_block(found, np.sort(part)) for part in np.array_split(order, count)]


def _block(found: Timed, tasks: NDArray[np.intp]) -> Block:
    inside: Bools = np.isin(found.cast.votes.task, tasks)
    cast = Cast(only(found.cast.votes, inside), found.cast.annotators, len(tasks), found.cast.sampled)
    people, models = (agreement.summarise(side) for side in _sides(cast))
    return Block(
        _moment(found.last[tasks].min()),
        _moment(found.last[tasks].max()),
        len(tasks),
        measured(people.raw),
        measured(people.alpha),
        measured(models.raw),
        measured(models.alpha),
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)


def _stands(
    cast: Cast, question: Question, persons: list[int], epsilon: float, seed: int
) -> tuple[tuple[Stand, ...], float]:
    """Each machine against the people, those that share most tasks with them; and dollars for a person's answer."""
    table = np.full((len(cast.annotators), cast.tasks), NONE, dtype=np.int64)
    table[cast.votes.annotator, cast.votes.task] = cast.votes.label
    people = table[persons]
    touched = (people != NONE).any(axis=0) if persons else np.zeros(cast.tasks, dtype=bool)
    machines = [at for at, one in enumerate(cast.annotators) if one.kind in (Kind.MODEL, Kind.PAID)]
    shared = {at: int(((table[at] != NONE) & touched).sum()) for at in machines}
    chosen = sorted((at for at in machines if shared[at]), key=lambda at: -shared[at])[:MOST_MODELS]
    each = _prices(question, [cast.annotators[at] for at in (*chosen, *persons)])
    person = float(np.mean([each[cast.annotators[at].pk] for at in persons])) if persons else 0.0
    found = [
        Stand(
            cast.annotators[at],
            replaces(people, table[at], epsilon, seed),
            (mine := each[cast.annotators[at].pk]),
            person / mine if mine and person else None,
        )
        for at in chosen
    ]
    return tuple(sorted(found, key=_rank)), person


def _rank(one: Stand) -> tuple[bool, float, float]:
    return (
        bool(one.verdict.reason),
        -(one.verdict.winning.value or 0.0),
        -(one.verdict.advantage.value or 0.0),
    )


def _prices(question: Question, annotators: Sequence[Annotator]) -> dict[int, float]:
    """Dollars for one answer of each."""
    rows = Vote.objects.current().filter(task__question=question, annotator__in=annotators).order_by()
    seen = {
        row["annotator"]: row
        for row in rows.values("annotator").annotate(
            n=Count("pk"), cost=Sum("cost_microdollars"), seconds=Avg("seconds")
        )
    }
    return {
        one.pk: (
            price_of(question.project, one, *(seen[one.pk][key] for key in ("n", "cost", "seconds"))).per_1000 or 0.0
        )
        / 1000
        for one in annotators
    }
