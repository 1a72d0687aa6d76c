"""A run played again on recorded answers of any kind: what a budget would have bought from a paid annotator.

The crowd's answers are there from the start; a recorded answer of the paid annotator counts, and costs, only once it is
asked for. Its answers on the validation slice are known from the start and free; that slice's tasks are never bought.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from labeling.kinds.base import Answers, AnswerTable, Kind, Known, Opinion, joined, taken
from labeling.truth.votes import Bools, Floats, Ints

ROUTERS = ("value", "random")
ROUNDS = 8
"""Rounds, at least, from nothing to the largest budget; after each the answers teach who is right about what."""
NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Recorded:
    """Answers of all annotators, right answers of all tasks, and who is `paid` (its index); the others are the crowd.

    `by_part`: the paid annotator is asked about one part of a task, a variable, at a time.
    """

    kind: Kind
    table: AnswerTable
    gold: Answers
    paid: int
    by_part: bool

    @property
    def parts(self) -> int:
        """Questions in a task."""
        return len(self.table.space.labels) if self.by_part else 1

    def bought_from(self) -> Bools:
        """Tasks that the paid annotator answered, (n,)."""
        there = np.zeros(len(self.table.tasks), dtype=bool)
        there[self.table.task[self.table.annotator == self.paid]] = True
        return there

    def with_asked(self, asked: Bools) -> AnswerTable:
        """The crowd's answers, and the paid one's to what was asked, (n, parts)."""
        table, mine = self.table, self.table.annotator == self.paid
        touched: Bools = np.asarray(asked.any(axis=1))
        entries = np.flatnonzero(mine & touched[table.task])
        answers = taken(table.answers, entries)
        if self.by_part:
            answers = self.kind.part(answers, asked[table.task[entries]])
        crowd = table.only(~mine)
        return replace(
            crowd,
            task=np.concatenate([crowd.task, table.task[entries]]),
            annotator=np.concatenate([crowd.annotator, table.annotator[entries]]),
            answers=joined(crowd.answers, answers),
        )


@dataclass(frozen=True, slots=True)
class Way:
    """How a run decides: what to ask about (`router`), how answers become beliefs (`method`), and the lot's `seed`."""

    router: str
    method: str
    seed: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands when a budget is spent: `calls`, questions asked, and the answers of all tasks."""

    calls: int
    answers: Answers


def replay(recorded: Recorded, known: Ints, way: Way, budgets: Sequence[float]) -> Iterator[Standing]:
    """What rising budgets reach, in shares of the price of asking about everything; `known`: tasks that may teach.

    By value, what is worth most by the kind's own loss (`Kind.gains`) is asked first, in rounds, and nothing that is
    worth nothing; equal worth is bought by lot.
    """
    n, generator = len(recorded.table.tasks), np.random.default_rng(way.seed)
    asked = np.zeros((n, recorded.parts), dtype=bool)
    free = np.zeros_like(asked)
    free[known] = True
    allowed = np.repeat((recorded.bought_from() & ~free[:, 0])[:, None], recorded.parts, axis=1)
    truth = Known(known, taken(recorded.gold, known))
    step = max(math.ceil(max(budgets) * asked.size / ROUNDS), 1)
    opinion = _opinion(recorded, asked | free, truth, way)
    for budget in budgets:
        while (left := math.floor(budget * asked.size + 1e-6) - int(asked.sum())) > 0:
            worth = _worth(recorded, opinion, asked | free, truth, way, generator)
            chosen = _largest(np.where(allowed & ~asked, worth, -np.inf), min(step, left), generator)
            if not len(chosen):
                break
            asked.ravel()[chosen] = True
            opinion = _opinion(recorded, asked | free, truth, way)
        yield Standing(int(asked.sum()), opinion.answers)


def _opinion(recorded: Recorded, heard: Bools, truth: Known, way: Way) -> Opinion:
    known = truth if len(truth.task) else None
    return recorded.kind.infer(recorded.with_asked(heard), way.method, known, way.seed)


def _worth(
    recorded: Recorded, opinion: Opinion, heard: Bools, truth: Known, way: Way, generator: np.random.Generator
) -> Floats:
    """What each question is worth, (n, parts); by lot all the same."""
    if way.router == "random":
        return np.ones_like(heard, dtype=np.float64)
    table = recorded.with_asked(heard)
    gains = recorded.kind.gains(opinion, table, recorded.paid, truth)
    if gains.ndim == 2 and not recorded.by_part:
        gains = gains.sum(axis=1)
    return gains.reshape(heard.shape)


def _largest(worth: Floats, count: int, generator: np.random.Generator) -> Ints:
    """Places of the largest worths in the flattened array, those above nothing, equal ones by lot."""
    flat = worth.ravel()
    order = np.lexsort((generator.random(len(flat)), -flat))[:count]
    found: Ints = order[flat[order] > NOTHING].astype(np.int64)
    return found
