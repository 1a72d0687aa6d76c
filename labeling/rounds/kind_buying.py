"""What to buy next about a question whose answers are more than one label: by the kind's own loss, within the money.

A paid model answers some known tasks first, so that its worth is measured. Then what it is worth to ask about each task
is the kind's (`Kind.gains`), summed over all that one answer says, and the plan is the same as for single labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from labeling.checks import holds
from labeling.kinds.base import AnswerTable, Known, Opinion
from labeling.models import Annotator, Batch, Decision, Escalation, Label, Question
from labeling.money import ledger
from labeling.rounds import affording, call_prices, expected_prices, fallback
from labeling.rounds.buying import LEAST_PROBES, LEAST_STEP, PROBE_SHARE, PROBES, STEPS, drawn
from labeling.rounds.relabelers import Party
from labeling.routing.plan import MICRO, STOP, Offers, Plan
from labeling.truth.votes import Bools, Floats, Ints

Kind = Annotator.Kind


@dataclass(frozen=True, slots=True)
class Board:
    """All that a round over such a question decides on.

    `table`: everybody's answers; its tasks are named by their keys, the batch's `n_own` first. `known`: which of them
    are known. `opinion`: what is believed, None where nobody has answered. `confidence`: (n_tasks,) chance that the
    whole answer is right. `doubt`: (n_tasks,) bits. `open_to`: (n_tasks,) own tasks about which nobody is asked and no
    person has settled, and that are not known.
    """

    batch: Batch
    question: Question
    labels: list[Label]
    table: AnswerTable
    n_own: int
    known: Known | None
    opinion: Opinion | None
    confidence: Floats
    doubt: Floats
    open_to: Bools

    @property
    def task_ids(self) -> NDArray[np.int64]:
        """Keys of the table's tasks, (n_tasks,)."""
        return np.array([int(name) for name in self.table.tasks], dtype=np.int64)

    @property
    def n_votes(self) -> Ints:
        """Answers to each task, (n_tasks,)."""
        return np.bincount(self.table.task, minlength=len(self.table.tasks)).astype(np.int32)

    @property
    def torn(self) -> Bools:
        """Tasks of which less is believed than the crowd must be sure to settle them alone, (n_tasks,)."""
        less: Bools = self.confidence < self.batch.accepts_from
        return less

    def right(self) -> Known:
        """What is known, perhaps nothing."""
        if self.known is not None:
            return self.known
        return Known(np.zeros(0, dtype=np.int32), self.question.answers.pack([], self.table.space))


def open_tasks(batch: Batch, question: Question, task_ids: Sequence[int], known: Known | None) -> Bools:
    """The `open_to` of a board: own tasks that wait for nobody, (n_tasks,)."""
    by_hand = [Decision.By.PERSON, *Decision.LAST_WORD]
    waiting = Escalation.objects.open().in_batch(batch.pk).filter(task__question=question)
    settled = Decision.objects.current().filter(task__batch=batch, task__question=question, decided_by__in=by_hand)
    closed = set(waiting.values_list("task_id", flat=True)) | set(settled.values_list("task_id", flat=True))
    closed |= holds.held(batch, question)
    own = set(batch.tasks.about(question).asked().values_list("pk", flat=True)) - closed
    found = np.array([pk in own for pk in task_ids], dtype=np.bool_)
    if known is not None:
        found[known.task] = False
    return found


def parties(board: Board) -> list[Party]:
    """The paid models that may be asked about this batch now, with what asking them holds."""
    batch, models = board.batch, fallback.askable(board.batch).order_by("pk")
    found = []
    for each in models:
        price = expected_prices.of(each, batch, board.question)
        prices = call_prices.on_tasks(each, batch, board.question, board.task_ids.tolist(), price)
        found.append(Party(Kind.PAID, each.name, price, True, (), each, prices=prices))
    return affording.with_holds(board.batch, board.question, found)


def askable(board: Board, party: Party, tasks: Bools) -> Bools:
    """Those of the `tasks`, (n_tasks,), about which a paid model may be asked and the money can be held."""
    assert party.annotator is not None
    withdrawn = Q(state=Escalation.State.WITHDRAWN, round__number__gt=board.batch.rounds_before)
    mine = party.annotator.escalations.filter(task__batch=board.batch)
    closed = mine.filter(withdrawn | Q(state=Escalation.State.OPEN))
    allowed = fallback.unasked(board.batch.tasks.exclude(pk__in=closed.values("task")), party.annotator)
    may = np.isin(board.task_ids, list(allowed.values_list("pk", flat=True)))
    free = ledger.free(board.batch)
    found: Bools = tasks & may & ~affording.too_dear(board.batch, board.question, party, board.task_ids, free)
    return found


def probes(board: Board, asked: Sequence[Party]) -> list[tuple[Party, Ints]]:
    """Known tasks of the batch that paid models should answer first, places in the table."""
    wanted, known = [], np.zeros(len(board.table.tasks), dtype=np.bool_)
    known[board.right().task] = True
    known[board.n_own :] = False
    rng, free = np.random.default_rng(board.batch.seed), ledger.free(board.batch)
    for party in asked:
        assert party.annotator is not None
        if party.annotator.escalations.filter(task__batch=board.batch, task__question=board.question).exists():
            continue
        fresh = np.flatnonzero(askable(board, party, known))
        affordable = int(PROBE_SHARE * free // party.price) if party.price else PROBES
        size = min(PROBES - answered(board, party), affordable, len(fresh))
        if size >= LEAST_PROBES:
            beside = np.isin(board.task_ids, list(call_prices.beside(party.annotator, board.batch, board.question)))
            wanted.append((party, drawn(fresh, beside, size, rng)))
    return wanted


def answered(board: Board, party: Party) -> int:
    """How many known tasks a paid model has answered."""
    assert party.annotator is not None
    name = str(party.annotator.pk)
    mine = [at for at, who in enumerate(board.table.annotators) if who == name]
    theirs = np.isin(board.table.annotator, mine)
    return int(np.isin(board.table.task[theirs], board.right().task).sum())


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is bought from models now: `action`: (n_tasks,) place of the party, -1 for none; the `plan` it begins.

    `gains`: (n_tasks, M) by the kind's loss. `last`: nothing is left to buy from models.
    """

    action: Ints
    gains: Floats
    plan: Plan
    free: int

    @property
    def last(self) -> bool:
        return bool((self.action == STOP).all())


def choose(board: Board, asked: Sequence[Party]) -> Purchase:
    """The best use of the money that is free, and its first step: after it everything is estimated anew."""
    free, worth = ledger.free(board.batch), board.batch.project.worth_microdollars
    gains = np.full((len(board.table.tasks), max(len(asked), 1)), -np.inf)
    for place, party in enumerate(asked):
        gains[:, place] = worth_of(board, party)
    n_tasks = len(board.table.tasks)
    lists = [party.price_list(n_tasks) for party in asked] or [np.zeros(n_tasks, dtype=np.int64)]
    prices = np.stack(lists, axis=1)
    money = affording.spendable(free, asked)
    plan = Offers.of(gains, prices, seed=board.batch.seed).plan(money, worth=worth / MICRO if worth else None)
    chosen = np.flatnonzero(plan.action != STOP)
    step, to = max(LEAST_STEP, -(-len(chosen) // STEPS)), plan.action[chosen]
    value = gains[chosen, to] / np.maximum(prices[chosen, to], 1)
    first = chosen[np.argsort(-value, kind="stable")[:step]]
    action = np.full(len(plan.action), STOP, dtype=np.int32)
    action[first] = plan.action[first]
    return Purchase(action, gains, plan, free)


def worth_of(board: Board, party: Party) -> Floats:
    """How much an answer of a paid model lessens the expected loss of each task, (n_tasks,); -inf where it may not be.

    One answer says all of a task, so its worth is that of all its variables together. Where nobody has answered
    anything, every answer is worth the same.
    """
    assert party.annotator is not None
    name, table, whole = str(party.annotator.pk), board.table, np.ones(len(board.table.tasks))
    if board.opinion is not None:
        if name not in table.annotators:
            table = replace(table, annotators=[*table.annotators, name])
        place = list(table.annotators).index(name)
        gains = board.question.answers.gains(board.opinion, table, place, board.right())
        whole = gains.sum(axis=1) if gains.ndim == 2 else gains
    may = askable(board, party, board.open_to)
    found: Floats = np.where(may & np.isfinite(whole), whole, -np.inf)
    return found
