"""Weighing answers of kinds that votes for one label cannot hold: a table of answers, and the kind's own inference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from labeling import known, said
from labeling.arrays import DIGITS, ROWS, rounded
from labeling.kinds.base import AnswerTable, Known, Opinion, Space
from labeling.kinds.confidence import FEWEST, Way, calibrated
from labeling.models import Batch, Belief, Decision, Label, Question, Round, Task, Vote
from labeling.models.question import space_of
from labeling.rounds import kind_buying, kind_routing, kind_skills
from labeling.rounds.kind_buying import Board
from labeling.rounds.turns import open_round
from labeling.truth.votes import Floats

METHOD = "auto"
ESSENCE = ("label_id", "marks", "probabilities", "confidence", "entropy", "base_vote", "n_votes")
"""What makes a belief another one."""


def weigh(batch: Batch, question: Question) -> Round:
    """One round of a question: what everybody answered, in this batch and on known tasks, becomes beliefs and routes.

    Unfinished where the lease has passed on to another worker meanwhile.
    """
    turn, labels = open_round(batch, question), question.label_list()
    tasks = _tasks(batch, question)
    newest = _newest_votes(batch, question)
    table = without(answers(question, labels, tasks), batch.set_aside)
    right = known_answers(question, table)
    if not batch.renew(10 * settings.LEASE_SECONDS):
        return turn
    found = board(batch, question, labels, table, right)
    if found.opinion is not None:
        turn.chosen = str(found.opinion.details.get("chosen", METHOD))[:80]
        turn.calibrated = right is not None and len(right.task) >= FEWEST
        save(found, found.opinion, turn, newest)
    kind_skills.remember(question)
    kind_routing.route(found, turn)
    turn.parameters |= {"seed": batch.seed, "known": 0 if right is None else len(right.task)}
    turn.finished_at = Now()
    turn.save()
    return turn


def _tasks(batch: Batch, question: Question) -> list[int]:
    """Keys of the batch's tasks about the question, in order of position, then those known elsewhere."""
    own = list(batch.tasks.filter(question=question).order_by("position").values_list("pk", flat=True))
    known_ones = known.tasks(batch.project_id, question).exclude(batch=batch).order_by("pk")
    return [*own, *known_ones.values_list("pk", flat=True).distinct()]


def _newest_votes(batch: Batch, question: Question) -> dict[int, int]:
    """The newest vote on each of the batch's tasks about the question, read before the answers are."""
    votes = Vote.objects.current().filter(task__batch=batch, task__question=question)
    return dict(votes.values_list("task").annotate(Max("pk")).order_by())


def answers(question: Question, labels: list[Label], tasks: list[int]) -> AnswerTable:
    """The newest current answer of everybody to each of these tasks; tasks and annotators are named by their keys.

    Whoever abstained has no entry.
    """
    place, kind, space = {pk: at for at, pk in enumerate(tasks)}, question.answers, _space(question, labels, tasks)
    at = {label.pk: number for number, label in enumerate(labels)}
    votes = Vote.objects.current().answering().filter(task__project=question.project_id, task__question=question)
    rows = votes.order_by("pk").values_list("task_id", "annotator_id", "label_id", "marks").iterator(ROWS)
    newest = {(task, who): marks if label is None else at[label] for task, who, label, marks in rows if task in place}
    # In one order whoever wrote first: sums of the same answers are then the same to the last bit.
    newest = {key: newest[key] for key in sorted(newest, key=lambda key: (place[key[0]], key[1]))}
    voters = sorted({who for _, who in newest})
    column = {pk: number for number, pk in enumerate(voters)}
    return AnswerTable(
        space,
        [str(pk) for pk in tasks],
        [str(pk) for pk in voters],
        np.array([place[task] for task, _ in newest], dtype=np.int32),
        np.array([column[who] for _, who in newest], dtype=np.int32),
        kind.pack([kind.from_marks(plain, space, str(task)) for (task, _), plain in newest.items()], space),
    )


def without(table: AnswerTable, set_aside: Sequence[int]) -> AnswerTable:
    """The same without the answers of some annotators, by key."""
    theirs = [at for at, name in enumerate(table.annotators) if int(name) in set_aside]
    return table.only(~np.isin(table.annotator, theirs)) if theirs else table


def by_group(batch: Batch, question: Question, table: AnswerTable) -> AnswerTable:
    """The same with each annotator as another one in each group, where a batch asks for that.

    Not for stretches of text, whose candidates belong to annotators.
    """
    if not batch.weighed_by or question.answers.in_text:
        return table
    tasks = np.array([int(name) for name in table.tasks], dtype=np.int64)
    names = dict(Task.objects.filter(pk__in=tasks.tolist()).values_list("pk", "instance__groups").iterator(ROWS))
    called, group = np.unique([names[pk].get(batch.weighed_by, "") for pk in tasks.tolist()], return_inverse=True)
    apart = [f"{one}, {where}" for one in table.annotators for where in called]
    annotator = (table.annotator * len(called) + group[table.task]).astype(np.int32)
    return replace(table, annotators=apart, annotator=annotator)


def _space(question: Question, labels: list[Label], tasks: list[int]) -> Space:
    """What can be answered; with the texts where answers lie in them."""
    space = space_of(labels)
    if not question.answers.in_text:
        return space
    rows = Task.objects.filter(project=question.project_id, question=question)
    wanted = set(tasks)
    return replace(space, texts={str(task.pk): task.text for task in rows.iterator(ROWS) if task.pk in wanted})


def known_answers(question: Question, table: AnswerTable) -> Known | None:
    """What the file, experts and people have settled about the table's tasks; None where nothing is."""
    found, kind = known.answers(question), question.answers
    at = [(place, found[int(name)], name) for place, name in enumerate(table.tasks) if int(name) in found]
    if not at:
        return None
    right = [kind.from_marks(plain, table.space, name) for _, plain, name in at]
    return Known(np.array([place for place, *_ in at], dtype=np.int32), kind.pack(right, table.space))


def board(batch: Batch, question: Question, labels: list[Label], table: AnswerTable, right: Known | None) -> Board:
    """What the round decides on; without an opinion where nobody has answered anything."""
    tasks = [int(name) for name in table.tasks]
    n_own = batch.tasks.filter(question=question).count()
    opinion, sure, bits = None, np.zeros(len(tasks)), np.zeros(len(tasks))
    if len(table.task):
        kind, heard = question.answers, by_group(batch, question, table)
        opinion = kind.infer(heard, METHOD, right, batch.seed)
        stated = confidence(question, heard, opinion)
        way = Way(kind, METHOD, partial(confidence, question, heard), batch.seed)
        sure = calibrated(way, heard, right, stated)
        bits = kind.doubt(opinion)
    open_to = kind_buying.open_tasks(batch, question, tasks, right)
    return Board(batch, question, labels, table, n_own, right, opinion, sure, bits, open_to)


def save(found: Board, opinion: Opinion, turn: Round, newest: Mapping[int, int]) -> None:
    """Write the belief of each of the batch's tasks that anybody has answered, where it has changed.

    `newest`: the newest vote that was weighed, by task. A task that has got another one since keeps its belief, and so
    does one that people have settled: what the models had believed before can then still be held against it.
    """
    same = {"round_id": turn.pk, "method": turn.chosen or turn.method, "calibrated": turn.calibrated}
    rows = [row for row in _rows(found, opinion, newest) if row["base_vote"]]
    there = _there(found)
    changed = [row for row in rows if there.get(row["task_id"]) != _essence(row)]
    for first in range(0, len(changed), ROWS):
        some = changed[first : first + ROWS]
        with transaction.atomic():
            kept = _as_weighed([row["task_id"] for row in some], newest)
            written = [row for row in some if row["task_id"] in kept]
            if written:
                Belief.objects.overwrite({name: [row[name] for row in written] for name in written[0]}, same)


def _rows(found: Board, opinion: Opinion, newest: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    """One row of columns for each of the batch's tasks that have an answer and that people have not settled."""
    kind, table, settled = found.question.answers, found.table, _settled_by_people(found)
    chances, count = kind.chances(opinion, table.space), found.n_votes
    for at in np.flatnonzero(count[: found.n_own]).tolist():
        task = int(table.tasks[at])
        if task in settled:
            continue
        held = said.of_plain(found.question, kind.to_marks(opinion.answers[at], table.space), found.labels)
        yield {
            "task_id": task,
            "probabilities": rounded(chances[at]),
            "base": rounded(chances[at]),
            "base_vote": newest.get(task, 0),
            "label_id": None if held["label"] is None else held["label"].pk,
            "marks": held["marks"],
            "confidence": round(float(found.confidence[at]), DIGITS),
            "entropy": round(float(found.doubt[at]), DIGITS),
            "tie": bool(opinion.ties[at]),
            "n_votes": int(count[at]),
        }


def _settled_by_people(found: Board) -> set[int]:
    """The batch's tasks that people or experts have settled and that have a belief already."""
    by = [Decision.By.PERSON, Decision.By.EXPERT]
    rows = Decision.objects.current().filter(task__batch=found.batch, task__question=found.question, decided_by__in=by)
    return set(rows.filter(task__belief__isnull=False).values_list("task_id", flat=True))


def _there(found: Board) -> dict[int, tuple[Any, ...]]:
    """What is believed of the batch's tasks so far, as `_essence` tells it."""
    rows = Belief.objects.filter(task__batch=found.batch, task__question=found.question).values("task_id", *ESSENCE)
    return {row["task_id"]: _essence(row) for row in rows.iterator(ROWS)}


def _essence(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ESSENCE)


def _as_weighed(tasks: list[int], newest: Mapping[int, int]) -> set[int]:
    """Those of the tasks, locked, that have got no vote since the answers were read."""
    list(Task.objects.locked().filter(pk__in=tasks).order_by("pk").values_list("pk"))
    now = dict(Vote.objects.current().filter(task__in=tasks).values_list("task").annotate(Max("pk")).order_by())
    return {task for task in tasks if now.get(task, 0) == newest.get(task, 0)}


def confidence(question: Question, table: AnswerTable, opinion: Opinion) -> Floats:
    """The chance that each whole answer is right, (n_tasks,), from 0 to 1; between steps that of the nearest one."""
    whole = np.nan_to_num(opinion.confidence)
    if question.one_label:
        kind, chances = question.answers, question.answers.chances(opinion, table.space)
        nearest = [kind.to_marks(answer, table.space) for answer in opinion.answers]
        whole = np.array([row[at] for row, at in zip(chances, nearest, strict=True)])
    found: Floats = np.clip(whole, 0.0, 1.0)
    return found
