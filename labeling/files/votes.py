"""Votes, known labels and texts in files, for the commands that need no database (contracts.md)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labeling.files.columns import Column, Repeats, last_of_each, numbered
from labeling.files.tables import UnusableFile, open_table, open_text
from labeling.kinds.cells import Meaning, Rules, clean, decide, listed, unguarded
from labeling.truth.votes import Ints, Votes

PLAIN = Rules()
VOTE_COLUMNS = ("task", "worker", "label")
GOLD_COLUMNS = ("task", "label")
LEAST_MANY = 20
"""Up to so many labels nobody asks whether the column is the right one."""


@dataclass(frozen=True, slots=True)
class VoteTable:
    """Votes with the names behind their indexes, each list in order of first appearance (labels sorted, or as given).

    `notes`: what a reader of the file should know, in sentences.
    """

    votes: Votes
    tasks: list[str]
    annotators: list[str]
    labels: list[str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """Known labels by task, as written, in the file's order; a task whose label is blank is not among them."""

    labels: dict[str, str]
    notes: tuple[str, ...] = ()


def read_votes(
    path: str,
    labels: Iterable[str] = (),
    least_labels: int = 2,
    rules: Rules = PLAIN,
    columns: Sequence[str] = VOTE_COLUMNS,
) -> VoteTable:
    """Read `task,worker,label` rows. A worker's later vote on the same task replaces the earlier one.

    A row with an empty cell is no vote, and nothing but a note is left of it. `labels` adds labels that may not occur
    among the votes (from a gold file). `columns`: what the three are called in the file.
    Raises UnusableFile where there is no vote, fewer than `least_labels` labels, or one outside the label set.
    """
    with open_table(path, columns) as table:
        found = numbered(table.blocks)
    task, annotator, label = (one.renamed(unguarded(one.names)) if table.own else one for one in found)
    meaning = decide(dict.fromkeys(labels, 0) | label.often(), rules)
    check_inside(path, meaning, rules)
    names = list(rules.labels) or meaning.names()
    task, annotator, label = (
        task.tidied(),
        annotator.tidied(),
        label.renamed([meaning.name[cell] for cell in label.names]),
    )
    kept, repeats = _votes_in(task, annotator, label)
    if not len(kept):
        raise UnusableFile(f"{path} holds no vote; each line needs a task, a worker and a label.")
    if len(names) < least_labels:
        raise UnusableFile(
            f"{path} knows only the label {names[0]!r}; there must be at least two, so name all with --labels."
        )
    tasks, annotators, given = task.only(kept), annotator.only(kept), label.placed(names)[kept]
    sizes = len(tasks.names), len(annotators.names), len(names)
    notes = [*table.notes, *_left_out(task, annotator, label, tasks, annotators), *_repeated(repeats), *meaning.notes]
    notes += _too_many(path, columns[2], sizes, rules)
    votes = Votes(tasks.index, annotators.index, given, *sizes)
    return VoteTable(votes, tasks.names, annotators.names, names, tuple(notes))


def check_inside(path: str, meaning: Meaning, rules: Rules) -> None:
    """Raise UnusableFile for a label outside the label set, where there is one."""
    if meaning.outside:
        first, times = next(iter(meaning.outside.items()))
        others = f" and {len(meaning.outside) - 1} more" if len(meaning.outside) > 1 else ""
        raise UnusableFile(
            f"{path} has the label {first!r} ({times:,} times){others}, which is none of {listed(rules.labels)}; "
            f"name it there too, or leave it out with --missing={first}."
        )


def _votes_in(task: Column, annotator: Column, label: Column) -> tuple[np.ndarray, Repeats]:
    """The rows that count, in order, and what was repeated."""
    full = np.flatnonzero(task.filled() & annotator.filled() & label.filled())
    repeats = last_of_each(task.index[full], annotator.index[full], label.index[full])
    return full[repeats.last], repeats


def _left_out(task: Column, annotator: Column, label: Column, tasks: Column, annotators: Column) -> Iterator[str]:
    """Sentences about rows without an answer, and about tasks and annotators that had no other."""
    named, answered, rows = task.filled() & annotator.filled(), label.filled(), len(label.index)
    if unanswered := int((named & ~answered).sum()):
        yield f"Rows without a label, left out: {unanswered:,} of {rows:,}."
    if nameless := int((~named & answered).sum()):
        yield f"Rows without a task or a worker, left out: {nameless:,} of {rows:,}."
    if unanswered or nameless:
        yield from _silent("Tasks without any vote", task, tasks)
        yield from _silent("Annotators without any answer", annotator, annotators)


def _silent(what: str, before: Column, after: Column) -> Iterator[str]:
    there = {"", *after.names}
    gone = [name for name in before.names if name not in there]
    if gone:
        yield f"{what}: {listed(gone)}."


def _repeated(found: Repeats) -> Iterator[str]:
    if found.repeated:
        yield (
            f"Rows that repeat a worker's vote on a task: {found.repeated:,}, of which {found.differing:,} with "
            "another label; the last one counts."
        )


def _too_many(path: str, column: str, sizes: tuple[int, int, int], rules: Rules) -> Iterator[str]:
    tasks, _, labels = sizes
    if not rules.labels and labels > LEAST_MANY and labels * 3 > tasks:
        yield f"{path} has {labels:,} different labels on {tasks:,} tasks; is {column!r} the label column?"


def read_known(path: str, rules: Rules = PLAIN, columns: Sequence[str] = GOLD_COLUMNS) -> Known:
    """Known labels from `task,label` rows; the last one counts where a task has several. Raises UnusableFile."""
    labels: dict[str, str] = {}
    known = repeated = differing = blank = 0
    with open_table(path, columns) as table:
        for cells in table.rows:
            task, label = map(clean, unguarded(cells) if table.own else cells)
            if not task or rules.is_missing(label):
                blank += 1
                continue
            known += 1
            before = labels.get(task, label)
            repeated += task in labels
            differing += before != label and rules.key(before) != rules.key(label)
            labels[task] = label
    if not labels:
        raise UnusableFile(f"{path} holds no label; each line needs a task and a label.")
    notes = list(table.notes)
    if blank:
        notes.append(f"Rows of {path} without a label, unknown: {blank:,} of {blank + known:,}.")
    if repeated:
        notes.append(
            f"Rows of {path} that name a task again: {repeated:,}, of which {differing:,} with another label; "
            "the last one counts."
        )
    return Known(labels, tuple(notes))


def read_gold(path: str, rules: Rules = PLAIN) -> dict[str, str]:
    """The labels of `read_known` alone."""
    return read_known(path, rules).labels


def index_gold(gold: Mapping[str, str], tasks: Sequence[str], labels: Sequence[str], rules: Rules = PLAIN) -> Ints:
    """Label index by task, shape (len(tasks),), -1 where gold has none or names a label outside `labels`."""
    name = decide(Counter(gold.values()), rules.naming(labels)).name
    index = {name: place for place, name in enumerate(labels)}
    return np.array([index.get(name[gold[task]], -1) if task in gold else -1 for task in tasks], dtype=np.int32)


def check_gold(path: str, gold: Mapping[str, str], table: VoteTable, rules: Rules = PLAIN) -> tuple[str, ...]:
    """Sentences about how gold and votes fit. Raises UnusableFile where they share no task or no label."""
    shared = [task for task in table.tasks if task in gold]
    if not shared:
        raise UnusableFile(f"{path} names no task of the votes; tasks are matched by the name in column task.")
    voted = [table.labels[at] for at in np.unique(table.votes.label).tolist()]
    notes = matched(path, Counter(gold[task] for task in shared), voted, rules)
    unvoted = len(gold) - len(shared)
    return (*notes, *([f"Tasks of {path} without a vote: {unvoted:,} of {len(gold):,}."] if unvoted else []))


def lacking_votes(table: VoteTable) -> tuple[str, ...]:
    """Where most annotators answered every task, as models do: a sentence that names those who lack votes."""
    many = np.bincount(table.votes.annotator, minlength=len(table.annotators))
    short = np.flatnonzero(many < len(table.tasks)).tolist()
    if not short or 2 * len(short) >= len(many):
        return ()
    told = listed(f"{table.annotators[at]} on {len(table.tasks) - many[at]:,}" for at in short)
    return (f"Annotators that lack votes, of {len(table.tasks):,} tasks: {told}.",)


def matched(path: str, gold: Mapping[str, int], given: Sequence[str], rules: Rules = PLAIN) -> tuple[str, ...]:
    """How gold labels and given ones fit; `gold`: how often each occurs. Raises UnusableFile where none is given."""
    meaning = decide(gold, rules.naming(given))
    strange = meaning.outside or {}
    if sum(strange.values()) == sum(gold.values()):
        fold = Rules(fold_case=True).naming(given)
        help_ = "--fold-case takes them as one" if not decide(gold, fold).outside else "write them alike in both"
        raise UnusableFile(
            f"No gold label of {path} is among the labels ({listed(strange)} against {listed(given)}); {help_}."
        )
    named = f"The gold labels {listed(map(repr, strange))} of {path} are given to no task: wrong on"
    return (*meaning.notes, *([f"{named} {sum(strange.values()):,} tasks."] if strange else []))


def read_texts(path: str, fields: Sequence[str]) -> dict[str, str]:
    """Text by task from a JSONL file of objects with `task` (or `id`) and the named fields, joined by a newline."""
    texts: dict[str, str] = {}
    with open_text(path) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                item = json.loads(line)
            except ValueError as error:
                raise UnusableFile(f"{path} line {number} is not JSON ({error}).") from error
            key = "id" if isinstance(item, dict) and "task" not in item and "id" in item else "task"
            missing = [name for name in (key, *fields) if not isinstance(item, dict) or name not in item]
            if missing:
                raise UnusableFile(f"{path} line {number} has no field {missing[0]!r}.")
            texts[clean(str(item[key]))] = "\n".join(str(item[name]) for name in fields)
    return texts
