"""What the commands read for kinds whose answer is more than one label: votes, known answers, texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.core.management.base import CommandParser

from labeling.files.kind_votes import Raw, known_of, read_item_texts, read_raw, table_of
from labeling.files.tables import UnusableFile
from labeling.files.votes import GOLD_COLUMNS
from labeling.kinds import registry
from labeling.kinds.base import AnswerTable, Kind, Known, Space, UnusableAnswer
from labeling.management.cell_options import columns_of, gold_columns_of, rules_of

MOST_CELLS = 100_000_000
"""Beliefs of all variables together: 0.8 GB, and several times that in work."""


@dataclass(frozen=True, slots=True)
class KindJob:
    """Answers of one kind. `learned`: known answers that methods may learn from; `gold`: those that only score."""

    kind: Kind
    table: AnswerTable
    learned: Known | None
    gold: Known | None
    notes: tuple[str, ...]


def add_kind_option(parser: CommandParser) -> None:
    """`--kind`."""
    parser.add_argument(
        "--kind", default=registry.ONE_LABEL, help=f"what an answer is: {', '.join(registry.NAMES)} (default: choice)"
    )


def is_plain(options: dict[str, Any]) -> bool:
    """Whether an answer is one label, which commands handle as votes. Raises UnusableFile for no kind at all."""
    return registry.has_one_label(kind_of(options).name)


def kind_of(options: dict[str, Any]) -> Kind:
    """The kind that is named. Raises UnusableFile."""
    try:
        return registry.kind(options["kind"])
    except ValueError as error:
        raise UnusableFile(str(error)) from error


def read_job(options: dict[str, Any]) -> KindJob:
    """Read the files that the options name. Raises UnusableFile."""
    kind, rules = kind_of(options), rules_of(options)
    votes = read_raw(options["votes"], kind, _columns(kind, columns_of(options)), rules)
    known = {name: _known(options, name, kind) for name in ("validation", "gold")}
    texts = read_item_texts(options["items"], options["text"].split(",")) if options.get("items") else {}
    occurring: dict[str, int] = {}
    for raw in filter(None, (votes, *known.values())):
        for name, times in raw.occurring.items():
            occurring[name] = occurring.get(name, 0) + times
    meaning = kind.meaning(occurring, rules)
    try:
        space = kind.space(meaning, rules, texts)
    except UnusableAnswer as error:
        raise UnusableFile(f"{options['votes']}: {error}.") from error
    table, told = table_of(votes, kind, space, meaning.name)
    _check_size(table)
    notes = [*told, *meaning.notes]
    found: dict[str, Known | None] = {}
    for name, one in known.items():
        found[name] = None
        if one:
            answers, said = table_of(one, kind, space, meaning.name)
            found[name], absent = known_of(answers, table.tasks)
            notes += [*said, *_absent(one, absent, len(answers.task))]
    return KindJob(kind, table, found["validation"], found["gold"], tuple(dict.fromkeys(notes)))


def read_again(path: str, kind: Kind, space: Space, options: dict[str, Any]) -> tuple[AnswerTable, tuple[str, ...]]:
    """More votes for the same question, all of them kept, and sentences about them. Raises UnusableFile."""
    rules = rules_of(options)
    raw = read_raw(path, kind, _columns(kind, columns_of(options)), rules, keep_all=True)
    return table_of(raw, kind, space, kind.meaning(raw.occurring, rules.naming(space.labels)).name)


def scored(job: KindJob) -> Known | None:
    """Known answers that were not learned from; None where there is none."""
    if job.gold is None:
        return None
    learned = np.zeros(0, dtype=np.int32) if job.learned is None else job.learned.task
    keep = np.flatnonzero(~np.isin(job.gold.task, learned))
    return job.gold.some(keep) if len(keep) else None


def _known(options: dict[str, Any], name: str, kind: Kind) -> Raw | None:
    path = options.get(name)
    return read_raw(path, kind, _columns(kind, gold_columns_of(options)), rules_of(options)) if path else None


def _columns(kind: Kind, named: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a file; what holds the answer is called as the kind calls it, unless it was named."""
    return (*named[:-1], kind.field if named[-1] == GOLD_COLUMNS[-1] else named[-1])


def _absent(raw: Raw, absent: int, of: int) -> list[str]:
    if absent == of:
        raise UnusableFile(f"{raw.path} names no task of the votes; tasks are matched by the name in column task.")
    return [f"Tasks of {raw.path} without a vote: {absent:,} of {of:,}."] if absent else []


def _check_size(table: AnswerTable) -> None:
    cells = len(table.tasks) * max(len(table.space.labels), 1)
    if cells > MOST_CELLS:
        raise UnusableFile(
            f"{len(table.tasks):,} tasks with {len(table.space.labels):,} labels each are more than fit the memory; "
            "is this the label column? Name the label set with --labels."
        )
