"""Rows to arrays and back: the only file that knows both."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import Max, Q
from numpy.typing import NDArray

from labeling import known
from labeling.known import Known
from labeling.models import Annotator, Batch, Belief, Label, Question, Round, Skill, Task, Vote
from labeling.models.vote import VoteQuerySet
from labeling.truth.belief import entropy
from labeling.truth.votes import Bools, Floats, Inference, Ints, Votes

DIGITS = 9
ROWS = 2000
SMALLEST = 0.01
"""Shares below one in a hundred are left out of a fractional vote."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """The votes on a question's tasks in a batch, and on its other tasks whose label is known, with the rows behind.

    `task_ids`: (n_tasks,) primary keys, the batch's tasks first, in order of position; `n_own` of them.
    `known`: (n_tasks,) label index where it is known, else -1. `source`: (n_tasks,) place in `SOURCES` of who knows it.
    `certainty`: (n_tasks,) of the known label, 1 for others. `at_random`: (n_tasks,) known, and chosen by lot.
    `last_vote`: the newest vote counted; `newest`: (n_tasks,) the newest on each task, 0 without one.
    """

    votes: Votes
    known: Ints
    task_ids: NDArray[np.int64]
    n_own: int
    annotators: list[Annotator]
    labels: list[Label]
    last_vote: int
    source: Ints
    certainty: Floats
    at_random: Bools
    newest: NDArray[np.int64]
    question: Question

    def known_from(self, *sources: str) -> Bools:
        """The tasks whose label is known from these sources, (n_tasks,)."""
        from_these: Bools = np.isin(self.source, [SOURCES.index(source) for source in sources])
        return from_these

    def votes_per_task(self) -> Ints:
        """Number of votes with a label behind each task, shape (n_tasks,)."""
        given = self.votes.label < self.votes.n_labels
        weight = None if self.votes.weight is None else self.votes.weight[given]
        return np.bincount(self.votes.task[given], weight, self.votes.n_tasks).round().astype(np.int32)

    def column(self, annotator_id: int) -> int:
        """The index of an annotator in the arrays."""
        return next(place for place, annotator in enumerate(self.annotators) if annotator.pk == annotator_id)


SOURCES = ("", Known.FILE, Known.EXPERT, Known.PERSON)


def load(batch: Batch, question: Question | None = None, *, fractional: bool = True, settled: bool = True) -> Ballot:
    """All current votes that bear on a question in a batch, as arrays; abstentions are the symbol after the last label.

    `question`: of those with one label; the project's first one unless another is named.

    `fractional`: a model that gave probabilities casts fractions of a vote; otherwise its label counts alone.
    `settled`: what experts and people have settled is known, too; False for whoever measures how right labels are,
    and must not learn from the answers they are measured with.
    """
    asked = question or batch.project.first_question
    labels = asked.label_list()
    annotators = list(batch.project.annotators.all())
    found = known.labels(batch.project, asked) if settled else list(known.of_the_file(batch.project, asked))
    by_task = {one.task: one for one in found}
    own = list(batch.tasks.about(asked).order_by("position").values_list("pk", flat=True))
    task_ids = np.array([*own, *sorted(by_task.keys() - set(own))], dtype=np.int64)
    places = {label.pk: place for place, label in enumerate(labels)}
    votes, newest = _votes(batch, asked, task_ids, annotators, places, fractional)
    there = [by_task.get(pk) for pk in task_ids.tolist()]
    return Ballot(
        votes,
        np.array([one.label if one else -1 for one in there], dtype=np.int32),
        task_ids,
        len(own),
        annotators,
        labels,
        int(newest.max(initial=0)),
        np.array([SOURCES.index(one.source) if one else 0 for one in there], dtype=np.int32),
        np.array([one.weight if one else 1.0 for one in there]),
        np.array([one is not None and one.at_random for one in there], dtype=np.bool_),
        newest,
        asked,
    )


def _votes(
    batch: Batch,
    question: Question,
    task_ids: NDArray[np.int64],
    annotators: list[Annotator],
    place_of_label: dict[int, int],
    fractional: bool,
) -> tuple[Votes, NDArray[np.int64]]:
    read = _Reading(place_of_label, fractional, set(task_ids.tolist()))
    elsewhere = known.tasks(batch.project_id, question)
    bearing = Q(task__batch=batch, task__question=question) | Q(task__in=elsewhere.values("pk"))
    rows = Vote.objects.current().filter(bearing).order_by("pk")
    models = Q(annotator__kind=Annotator.Kind.MODEL)
    voting = tuple(annotator.pk for annotator in annotators if annotator.kind == Annotator.Kind.MODEL)
    version = batch.created_at, read.fractional, task_ids.tobytes(), tuple(read.places), voting
    kept = _kept.get((batch.pk, question.pk))
    newer = Vote.objects.filter(models, task__project=batch.project_id)
    if kept is None or kept[0] != version or newer.filter(pk__gt=kept[1]).exists():
        kept = version, newer.aggregate(last=Max("pk"))["last"] or 0, read.cast(rows.filter(models)).entries(task_ids)
        for other in [key for key in _kept if key[0] != batch.pk]:
            del _kept[other]
        if len(kept[2].task) <= MOST_KEPT:
            _kept[batch.pk, question.pk] = kept
    others = [annotator.pk for annotator in annotators if annotator.kind != Annotator.Kind.MODEL]
    entries = kept[2].beside(read.cast(rows.filter(annotator__in=others)).entries(task_ids))
    columns = np.array([annotator.pk for annotator in annotators], dtype=np.int64)
    return entries.votes(columns, len(place_of_label)), entries.newest


MOST_KEPT = 10_000_000
_kept: dict[tuple[int, int], tuple[object, int, _Entries]] = {}
"""The models' votes on the last batch that this process has read, by question: while people answer, they stay."""


VOTE_FIELDS = ("pk", "task_id", "annotator_id", "label_id", "probabilities")


@dataclass(frozen=True, slots=True)
class _Reading:
    """How rows become entries: which label is which place, and the tasks wanted."""

    places: dict[int, int]
    fractional: bool
    wanted: set[int]

    def cast(self, rows: VoteQuerySet) -> _Cast:
        found = _Cast(len(self.places))
        for pk, task, annotator, label, chances in rows.values_list(*VOTE_FIELDS).iterator(ROWS):
            if task in self.wanted:
                place = None if label is None else self.places[label]
                found.add(pk, task, annotator, place, chances if self.fractional else None)
        return found


class _Cast:
    """Votes as they come from the table; a model that gave probabilities casts fractions of a vote."""

    def __init__(self, n_labels: int) -> None:
        self.n_labels = n_labels
        self.rows, self.task_pks, self.voters, self.answers = (array(kind) for kind in "qqqi")
        self.weights = array("f")

    def add(self, pk: int, task: int, voter: int, label: int | None, chances: list[float] | None) -> None:
        shares = [(self.n_labels if label is None else label, 1.0)]
        if label is not None and chances:
            likely = [(place, share) for place, share in enumerate(chances) if share >= SMALLEST]
            total = sum(share for _, share in likely)
            shares = [(place, share / total) for place, share in likely]
        for answer, weight in shares:
            self.rows.append(pk)
            self.task_pks.append(task)
            self.voters.append(voter)
            self.answers.append(answer)
            self.weights.append(weight)

    def entries(self, task_ids: NDArray[np.int64]) -> _Entries:
        """The arrays; a vote under a new prompt version replaces the annotator's older one on the same task."""
        rows, voter = (np.frombuffer(column, dtype=np.int64) for column in (self.rows, self.voters))
        task, newest = (
            _places(np.frombuffer(self.task_pks, dtype=np.int64), task_ids),
            np.zeros(len(task_ids), np.int64),
        )
        np.maximum.at(newest, task, rows)
        keep = _newest(task, voter, rows)
        answer, weight = np.frombuffer(self.answers, dtype=np.int32), np.frombuffer(self.weights, dtype=np.float32)
        return _Entries(task[keep], voter[keep], answer[keep], weight[keep], newest)


@dataclass(frozen=True, slots=True)
class _Entries:
    """Votes on numbered tasks: entry v says that the annotator with key `voter[v]` answered `answer[v]`, (V,) each.

    Whoever joins moves others to other columns, and changes no key. `newest`: (n_tasks,) the newest vote on each task.
    """

    task: Ints
    voter: NDArray[np.int64]
    answer: Ints
    weight: NDArray[np.float32]
    newest: NDArray[np.int64]

    def beside(self, other: _Entries) -> _Entries:
        """These and the entries of other annotators."""
        return _Entries(
            np.concatenate([self.task, other.task]),
            np.concatenate([self.voter, other.voter]),
            np.concatenate([self.answer, other.answer]),
            np.concatenate([self.weight, other.weight]),
            np.maximum(self.newest, other.newest),
        )

    def votes(self, annotator_ids: NDArray[np.int64], n_labels: int) -> Votes:
        """The votes, each annotator's key replaced by its place."""
        voter, weight = _places(self.voter, annotator_ids), None if (self.weight == 1).all() else self.weight
        return Votes(self.task, voter, self.answer, len(self.newest), len(annotator_ids), n_labels, weight)


def _places(pks: NDArray[np.int64], among: NDArray[np.int64]) -> Ints:
    """Where each primary key stands among others, which hold it."""
    if not len(pks):
        return np.zeros(0, dtype=np.int32)
    order = np.argsort(among, kind="stable").astype(np.int32)
    return order[np.searchsorted(among, pks, sorter=order)]


def _newest(task: Ints, voter: NDArray[np.int64], row: NDArray[np.int64]) -> Bools:
    """Which entries belong to the last row of their (task, annotator) pair, shape (V,)."""
    voters, column = np.unique(voter, return_inverse=True)
    _, which = np.unique(task.astype(np.int64) * max(len(voters), 1) + column, return_inverse=True)
    last = np.zeros(which.max() + 1 if len(which) else 0, dtype=np.int64)
    np.maximum.at(last, which, row)
    newest: Bools = last[which] == row
    return newest


TOLERANCE = 0.01
"""A belief none of whose probabilities moves by more is left as it is."""


def save_beliefs(ballot: Ballot, inference: Inference, turn: Round, crowd: Floats, answered: Ints) -> int:
    """Write the belief of each of the batch's own tasks that has moved; returns how many that were.

    `crowd`: (n_tasks, K) what the free crowd alone believes, kept where others `answered`, the tasks' indexes. A task
    that got a vote while the others were weighed keeps its belief, which counts that vote: the next round has it.
    """
    changed = _changed(ballot, inference.belief[: ballot.n_own], turn.batch_id)
    bits, top, tie = entropy(inference.belief), inference.labels(), inference.ties()
    counts, labels = ballot.votes_per_task(), np.array([label.pk for label in ballot.labels], dtype=np.int64)
    further = np.zeros(len(ballot.task_ids), dtype=np.bool_)
    further[answered] = True
    for some in np.array_split(changed, -(-len(changed) // ROWS) or 1):
        with transaction.atomic():
            settled = _as_weighed(ballot, some)
            rows, alone = inference.belief[settled], crowd[settled]
            columns = {
                "task_id": ballot.task_ids[settled].tolist(),
                "probabilities": rounded_rows(rows),
                "base": rounded_rows(rows),
                "crowd": [
                    row if kept else None for row, kept in zip(rounded_rows(alone), further[settled], strict=True)
                ],
                "base_vote": ballot.newest[settled].tolist(),
                "label_id": labels[top[settled]].tolist(),
                "confidence": np.minimum(rows.max(axis=1), 1.0).tolist(),
                "entropy": bits[settled].tolist(),
                "tie": tie[settled].tolist(),
                "n_votes": counts[settled].tolist(),
            }
            same = {"round_id": turn.pk, "method": turn.chosen or turn.method, "calibrated": turn.calibrated}
            Belief.objects.overwrite(columns, same)
    return len(changed)


def _changed(ballot: Ballot, belief: Floats, batch_id: int) -> Ints:
    """Places of the own tasks whose belief has moved, or has a vote that the written one does not count.

    What people settled keeps the belief that the models had formed before, and their answers after it: so it can still
    be told how far that belief meant what it said.
    """
    before, counted = np.full(belief.shape, np.nan), np.full(len(belief), -1, dtype=np.int64)
    place = {pk: i for i, pk in enumerate(ballot.task_ids[: ballot.n_own].tolist())}
    rows = Belief.objects.filter(task__batch=batch_id).values_list("task_id", "probabilities", "base_vote")
    for task, probabilities, vote in rows.iterator(ROWS):
        if task in place and len(probabilities) == belief.shape[1]:
            before[place[task]], counted[place[task]] = probabilities, vote
    settled = ballot.known_from(Known.EXPERT, Known.PERSON)[: ballot.n_own] & (counted >= 0)
    moved = (np.abs(before - belief) > TOLERANCE).any(axis=1) | (before.argmax(axis=1) != belief.argmax(axis=1))
    same = ~moved & ~np.isnan(before).any(axis=1) & (counted == ballot.newest[: ballot.n_own])
    return np.flatnonzero(~same & ~settled).astype(np.int32)


def _as_weighed(ballot: Ballot, places: Ints) -> Ints:
    """Those of the tasks, locked, that have got no vote since the ballot was read."""
    pks = ballot.task_ids[places].tolist()
    list(Task.objects.locked().filter(pk__in=pks).order_by("pk").values_list("pk"))
    votes = Vote.objects.current().filter(task__in=pks)
    now = dict(votes.values_list("task").annotate(Max("pk")).order_by())
    return np.array([i for i in places if now.get(int(ballot.task_ids[i]), 0) == ballot.newest[i]], dtype=np.int32)


def save_confusions(ballot: Ballot, confusion: Floats) -> None:
    """Keep the confusion matrix of each free model, from (n_annotators, n_labels, n_symbols), for single updates."""
    free = [column for column, annotator in enumerate(ballot.annotators) if annotator.kind == Annotator.Kind.MODEL]
    rows = [
        Skill(
            annotator=ballot.annotators[column],
            question=ballot.question,
            confusion=[rounded(row) for row in confusion[column]],
        )
        for column in free
    ]
    Skill.objects.keep(rows, "confusion")


def rounded(values: Sequence[float] | Floats) -> list[float]:
    """Plain floats for a JSON column."""
    return [round(float(value), DIGITS) for value in values]


def rounded_rows(rows: Floats) -> list[list[float]]:
    """The same of (r, K) at once."""
    plain: list[list[float]] = np.round(rows, DIGITS).tolist()
    return plain


def newest_vote(task: Task) -> int:
    """The key of the newest vote on a task, 0 where there is none."""
    return task.votes.aggregate(last=Max("pk"))["last"] or 0


def undecided(ballot: Ballot, batch: Batch) -> Bools:
    """Which of the batch's own tasks have no final label yet, shape (n_own,)."""
    still_open = set(batch.tasks.undecided().values_list("pk", flat=True))
    return np.array([pk in still_open for pk in ballot.task_ids[: ballot.n_own].tolist()], dtype=np.bool_)
