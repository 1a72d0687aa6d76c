"""Weighing answers of kinds that votes for one label cannot hold: a table of answers, and the kind's own inference."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Max
from django.db.models.functions import Now

from labeling import known, said
from labeling.arrays import ROWS, rounded
from labeling.kinds.base import AnswerTable, Known, Opinion, Space
from labeling.kinds.confidence import FEWEST, Way, calibrated
from labeling.models import Batch, Belief, Label, Question, Round, Task, Vote
from labeling.models.question import space_of
from labeling.rounds import kind_buying, kind_routing
from labeling.rounds.kind_buying import Board
from labeling.rounds.turns import open_round
from labeling.truth.votes import Floats

METHOD = "auto"


def weigh(batch: Batch, question: Question) -> Round:
    """One round of a question: what everybody answered, in this batch and on known tasks, becomes beliefs and routes.

    Unfinished where the lease has passed on to another worker meanwhile.
    """
    turn, labels = open_round(batch, question), question.label_list()
    tasks = _tasks(batch, question)
    table = answers(question, labels, tasks)
    right = known_answers(question, table)
    if not batch.renew(10 * settings.LEASE_SECONDS):
        return turn
    found = board(batch, question, labels, table, right)
    if found.opinion is not None:
        turn.chosen = str(found.opinion.details.get("chosen", METHOD))[:80]
        turn.calibrated = right is not None and len(right.task) >= FEWEST
        save(found, found.opinion, turn)
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


def answers(question: Question, labels: list[Label], tasks: list[int]) -> AnswerTable:
    """The newest current answer of everybody to each of these tasks; tasks and annotators are named by their keys.

    Whoever abstained has no entry.
    """
    place, kind, space = {pk: at for at, pk in enumerate(tasks)}, question.answers, _space(question, labels, tasks)
    at = {label.pk: number for number, label in enumerate(labels)}
    votes = Vote.objects.current().answering().filter(task__project=question.project_id, task__question=question)
    rows = votes.order_by("pk").values_list("task_id", "annotator_id", "label_id", "marks").iterator(ROWS)
    newest = {(task, who): marks if label is None else at[label] for task, who, label, marks in rows if task in place}
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
        kind = question.answers
        opinion = kind.infer(table, METHOD, right, batch.seed)
        stated = confidence(question, table, opinion)
        way = Way(kind, METHOD, partial(confidence, question, table), batch.seed)
        sure = calibrated(way, table, right, stated)
        bits = kind.doubt(opinion)
    open_to = kind_buying.open_tasks(batch, question, tasks, right)
    return Board(batch, question, labels, table, n_own, right, opinion, sure, bits, open_to)


def save(found: Board, opinion: Opinion, turn: Round) -> None:
    """Write the belief of each of the batch's tasks that anybody has answered."""
    kind, table, question = found.question.answers, found.table, found.question
    count = found.n_votes
    places = np.flatnonzero(count[: found.n_own]).tolist()
    chances = kind.chances(opinion, table.space)
    votes = Vote.objects.filter(task__batch=found.batch, task__question=question)
    newest = dict(votes.values_list("task").annotate(Max("pk")).order_by())
    held = [said.of_plain(question, kind.to_marks(opinion.answers[at], table.space), found.labels) for at in places]
    columns: dict[str, list[Any]] = {
        "task_id": [int(table.tasks[at]) for at in places],
        "probabilities": [rounded(chances[at]) for at in places],
        "base": [rounded(chances[at]) for at in places],
        "base_vote": [newest[int(table.tasks[at])] for at in places],
        "label_id": [None if one["label"] is None else one["label"].pk for one in held],
        "marks": [one["marks"] for one in held],
        "confidence": [float(found.confidence[at]) for at in places],
        "entropy": [float(found.doubt[at]) for at in places],
        "tie": [bool(opinion.ties[at]) for at in places],
        "n_votes": [int(count[at]) for at in places],
    }
    same = {"round_id": turn.pk, "method": turn.chosen or turn.method, "calibrated": turn.calibrated}
    Belief.objects.overwrite(columns, same)


def confidence(question: Question, table: AnswerTable, opinion: Opinion) -> Floats:
    """The chance that each whole answer is right, (n_tasks,), from 0 to 1; between steps that of the nearest one."""
    whole = np.nan_to_num(opinion.confidence)
    if question.one_label:
        kind, chances = question.answers, question.answers.chances(opinion, table.space)
        nearest = [kind.to_marks(answer, table.space) for answer in opinion.answers]
        whole = np.array([row[at] for row, at in zip(chances, nearest, strict=True)])
    found: Floats = np.clip(whole, 0.0, 1.0)
    return found
