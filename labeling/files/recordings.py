"""Recorded votes, known labels and texts from files, as a run that can be played again (`manage.py simulate`)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labeling.files.tables import UnusableFile
from labeling.files.votes import (
    GOLD_COLUMNS,
    VOTE_COLUMNS,
    VoteTable,
    index_gold,
    matched,
    read_known,
    read_texts,
    read_votes,
)
from labeling.kinds.cells import Rules
from labeling.routing.recording import Recording
from labeling.truth.votes import Ints, Votes

MICRO = 1_000_000
UNREADABLE, NEVER_ASKED = "unreadable", "never-asked"
MANY = 0.2
"""A paid worker without an answer on more of the tasks than this was not asked about them; below, it was not readable.

The large models recorded so far left at most a tenth unread (GPT-4, of 1,600 tweets in African languages)."""
FEW = 0.95
"""A worker with a vote on fewer of the tasks is named."""


@dataclass(frozen=True, slots=True)
class Source:
    """Which files and whose votes. `paid`, `crowd`: names separated by commas; no crowd means all but the paid ones.

    `price`: dollars of a call, one number or one for each paid worker. `absent`: what a missing answer of a paid
    worker means, None to judge by their number. `rules`: which cells are no answer, and which are one label.
    `columns`, `gold_columns`: what the files call theirs.
    """

    votes: str
    gold: str
    paid: str
    crowd: str | None = None
    price: str = "1"
    items: str | None = None
    text: str = "text"
    absent: str | None = None
    seed: int = 0
    rules: Rules = field(default_factory=Rules)
    columns: Sequence[str] = VOTE_COLUMNS
    gold_columns: Sequence[str] = GOLD_COLUMNS


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was read. `unit`: dollars of one unit of the recording's prices, 0 where calls cost nothing.

    `left_out`: known labels of tasks that nobody voted on. `answered`: tasks by paid worker, `taken_as`: what the
    others count as. `voted`: tasks by member of the crowd. `notes`: what the files themselves give cause to say.
    """

    recording: Recording
    unit: float
    left_out: int
    answered: dict[str, int]
    taken_as: dict[str, str]
    voted: dict[str, int]
    notes: tuple[str, ...]

    def remarks(self) -> Iterator[str]:
        """What a reader of the results must know about the files, a sentence each."""
        tasks = len(self.recording.truth)
        yield from self.notes
        if self.left_out:
            yield f"{self.left_out} tasks with a known label have no vote at all; they are left out."
        for worker, count in self.answered.items():
            if count < tasks and self.taken_as[worker] == NEVER_ASKED:
                yield (
                    f"{worker} answered {count:,} of {tasks:,} tasks. The others count as never asked: they cannot be "
                    f"bought, and --validation tasks among them teach nothing about it (--absent {UNREADABLE} pays)."
                )
            elif count < tasks:
                yield (
                    f"{worker} answered {count:,} of {tasks:,} tasks. The others count as unreadable answers: they are "
                    f"paid for and tell nothing (--absent {NEVER_ASKED} leaves them out)."
                )
        few = {worker: count for worker, count in self.voted.items() if count < FEW * tasks}
        if few:
            some = ", ".join(f"{worker} ({count:,})" for worker, count in sorted(few.items(), key=lambda at: at[1])[:8])
            yield f"{len(few)} of the crowd have a vote on fewer than {FEW:.0%} of the {tasks:,} tasks: {some}."


def read(source: Source) -> Recorded:
    """Read the files and check all that depends on them. Raises UnusableFile."""
    known = read_known(source.gold, source.rules, source.gold_columns)
    gold = known.labels
    labels = sorted(set(gold.values()))
    raw = read_votes(source.votes, labels=labels, rules=source.rules, columns=source.columns)
    voted_labels = [raw.labels[place] for place in np.unique(raw.votes.label).tolist()]
    notes = [*raw.notes, *known.notes, *matched(source.gold, Counter(gold.values()), voted_labels, source.rules)]
    table, left_out = on_gold(raw, gold, source.gold)
    paid = workers("--paid", source.paid, table)
    others = [name for name in table.annotators if name not in _names(source.paid)]
    crowd = workers("--crowd", source.crowd, table) if source.crowd else workers_at(others, table)
    if np.isin(crowd, paid).any():
        raise UnusableFile("A worker is named both in --crowd and in --paid; each is one or the other.")
    if not len(crowd):
        raise UnusableFile("Nobody is left for the crowd; name its workers with --crowd.")
    prices = prices_of(source.price, len(paid))
    # without a price only calls count: one unit a call
    units = np.array([round(price * MICRO) for price in prices]) if max(prices) > 0 else np.ones(len(paid))
    answers, votes = answers_of(table, paid), votes_of(table, crowd)
    answered = (answers < table.votes.n_labels).sum(axis=0)
    never_asked = _never_asked(answered, len(table.tasks), source.absent)
    recording = Recording(
        votes,
        answers,
        np.maximum(units, 1).astype(np.int64),
        index_gold(gold, table.tasks, table.labels, source.rules),
        features(source, table.tasks) if source.items else None,
        never_asked,
    )
    voted = np.bincount(votes.annotator, minlength=len(crowd))
    named = [table.annotators[place] for place in paid]
    return Recorded(
        recording,
        float(max(prices) > 0) / MICRO,
        left_out,
        dict(zip(named, answered.tolist(), strict=True)),
        {name: NEVER_ASKED if never else UNREADABLE for name, never in zip(named, never_asked, strict=True)},
        {table.annotators[place]: int(count) for place, count in zip(crowd, voted, strict=True)},
        tuple(dict.fromkeys(notes)),
    )


def _never_asked(answered: NDArray[np.int64], tasks: int, absent: str | None) -> NDArray[np.bool_]:
    if absent is not None:
        return np.full(len(answered), absent == NEVER_ASKED)
    return np.asarray(answered < (1 - MANY) * tasks)


def numbers(option: str, given: str) -> list[float]:
    """Numbers of at least 0, separated by commas. Raises UnusableFile."""
    try:
        found = [float(part) for part in given.split(",")]
    except ValueError:
        raise UnusableFile(f"{option} must be numbers separated by commas; it is {given!r}.") from None
    bad = [value for value in found if not (value >= 0 and math.isfinite(value))]
    if bad:
        raise UnusableFile(f"{option} holds {bad[0]:g}; every number in it must be 0 or more.")
    return found


def prices_of(given: str, n_paid: int) -> list[float]:
    """USD per call of each paid worker. Raises UnusableFile."""
    prices = numbers("--price", given)
    if len(prices) not in (1, n_paid):
        raise UnusableFile(
            f"--price has {len(prices)} prices for {n_paid} paid workers; give one for all, or one each."
        )
    if max(prices) > MICRO:
        raise UnusableFile(f"--price holds {max(prices):g}; a call costs at most {MICRO:,} dollars.")
    return prices * n_paid if len(prices) == 1 else prices


def on_gold(table: VoteTable, gold: dict[str, str], path: str) -> tuple[VoteTable, int]:
    """The votes on gold's tasks, in gold's order, without the tasks that nobody voted on, and how many those are."""
    voted = set(table.tasks)
    tasks = [task for task in gold if task in voted]
    if not tasks:
        raise UnusableFile(f"{path} names no task of the votes; tasks are matched by the name in column task.")
    place = {task: at for at, task in enumerate(tasks)}
    moved = np.array([place.get(task, -1) for task in table.tasks], dtype=np.int32)[table.votes.task]
    keep, votes = moved >= 0, table.votes
    kept = Votes(moved[keep], votes.annotator[keep], votes.label[keep], len(tasks), votes.n_annotators, votes.n_labels)
    return VoteTable(kept, tasks, table.annotators, table.labels), len(gold) - len(tasks)


def workers(option: str, given: str, table: VoteTable) -> Ints:
    """The indexes of the workers named in an option. Raises UnusableFile."""
    names = _names(given)
    unknown = [name for name in names if name not in table.annotators]
    if unknown or not names:
        some = ", ".join(sorted(table.annotators)[:12])
        raise UnusableFile(f"{option} names {(unknown or [given])[0]!r}, who has no vote; there are {some}.")
    return workers_at(names, table)


def _names(given: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))


def workers_at(names: Sequence[str], table: VoteTable) -> Ints:
    """The indexes of workers by name."""
    index = {name: place for place, name in enumerate(table.annotators)}
    return np.array([index[name] for name in names], dtype=np.int32)


def votes_of(table: VoteTable, crowd: Ints) -> Votes:
    """The crowd's votes, its members renumbered."""
    votes, place = table.votes, np.full(table.votes.n_annotators, -1, dtype=np.int32)
    place[crowd] = np.arange(len(crowd), dtype=np.int32)
    keep = place[votes.annotator] >= 0
    member = place[votes.annotator[keep]]
    return Votes(votes.task[keep], member, votes.label[keep], votes.n_tasks, len(crowd), votes.n_labels)


def answers_of(table: VoteTable, workers: Ints) -> Ints:
    """Labels by task and worker, (n, W), K where a worker has none."""
    votes = table.votes
    answers = np.full((votes.n_tasks, len(workers)), votes.n_labels, dtype=np.int32)
    for column, worker in enumerate(workers):
        mine = votes.annotator == worker
        answers[votes.task[mine], column] = votes.label[mine]
    return answers


def features(source: Source, tasks: Sequence[str]) -> NDArray[np.float32]:
    """Rows of text, (n, d). Raises UnusableFile."""
    from labeling.crowd.text_features import text_features

    texts = read_texts(source.items or "", source.text.split(","))
    if texts.keys().isdisjoint(tasks):
        raise UnusableFile(f"{source.items} names no task of the votes; tasks are matched by the field task.")
    return text_features([texts.get(task, "") for task in tasks], source.seed)
