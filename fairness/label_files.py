"""Labels with their groups, and gold and weights where there are any, out of a file (docs/commands.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from fairness.metrics import Labeled
from labeling.files.tables import UnusableFile, open_table
from labeling.files.votes import check_inside, matched
from labeling.kinds.cells import NO_NAME, Rules, clean, decide, listed, unguarded


@dataclass(frozen=True, slots=True)
class LabelFile:
    """What a file of labels holds. `skipped`: rows without a label or a group. `repeated`: rows that name a task again.

    `notes`: what a reader of the file should know. `belief`: how sure each label is, (N,), where it was asked for.
    """

    tasks: Labeled
    skipped: int
    repeated: int
    notes: tuple[str, ...]
    belief: np.ndarray | None = None


def read_labeled(path: str, group: str, rules: Rules, belief: str = "") -> LabelFile:
    """The rows that have a label and a group.

    Gold and weights are read where the file has those columns. If every row is checked the file is itself a sample and
    weights count for selection rates too; else weights belong to the checked rows alone. A group called nan or null is
    none: programs write that for an empty cell. `belief` names a column with how sure each label is, between 0 and 1.
    Raises UnusableFile.
    """
    sure = [belief] if belief else []
    with open_table(path, ("task", "label", group, *sure), ("gold", "weight")) as table:
        read = [unguarded(row) if table.own else row for row in table.rows]
    rows = [[*row[:3], *row[-2:], *row[3:-2]] for row in read]
    columns = list(zip(*rows, strict=True)) or [()] * 5
    labels, sides = decide(Counter(columns[1]), rules), decide(Counter(columns[2]), _of_groups(columns[2], rules))
    check_inside(path, labels, rules)
    used = [row for row in rows if labels.name[row[1]] and sides.name[row[2]]]
    if not used:
        raise UnusableFile(f"{path} holds no row with a label and a {group}; each line needs task,label,{group}.")
    given = list(rules.labels) or sorted({labels.name[row[1]] for row in used})
    golden, gold_notes = _gold(path, [row[3] for row in used], given, rules)
    names = tuple(given if rules.labels else sorted({*given, *golden} - {""}))
    groups = tuple(sorted({sides.name[row[2]] for row in used}))
    weight = _weights(path, used, golden)
    tasks = Labeled(
        _indexes([labels.name[row[1]] for row in used], names),
        _indexes([sides.name[row[2]] for row in used], groups),
        _indexes(golden, names), names, groups,
        gold_weight=weight, label_weight=weight if all(golden) else None,
    )  # fmt: skip
    again = _again([(clean(row[0]), labels.name[row[1]]) for row in used])
    notes = [*table.notes, *_without(rows, labels.name, sides.name), *_told_again(*again)]
    told = dict.fromkeys([*notes, *labels.notes, *sides.notes, *gold_notes])
    believed = np.array([_sure(path, belief, row) for row in used]) if belief else None
    return LabelFile(tasks, len(rows) - len(used), again[0], tuple(told), believed)


def _sure(path: str, belief: str, row: Sequence[str]) -> float:
    try:
        value = float(clean(row[5]))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UnusableFile(f"{path}: task {clean(row[0])!r} has {row[5]!r} in {belief}; it needs a number from 0 to 1.")
    return value


def _of_groups(cells: Sequence[str], rules: Rules) -> Rules:
    nameless = tuple({name for name in map(clean, cells) if name.lower() in NO_NAME})
    return replace(rules, missing=(*rules.missing, *nameless), labels=(), noun="group")


def _gold(path: str, cells: Sequence[str], given: Sequence[str], rules: Rules) -> tuple[list[str], tuple[str, ...]]:
    """The gold label of each row, "" for unknown, and what to know about them. Raises UnusableFile where none fits."""
    meaning = decide(Counter(cells), rules.naming(given))
    golden = [meaning.name[cell] for cell in cells]
    known = Counter(name for name in golden if name)
    return golden, (*meaning.notes, *(matched(path, known, given, rules) if known else ()))


def _again(rows: Sequence[tuple[str, str]]) -> tuple[int, int]:
    """How many rows name a task that was there before, and how many of those give it another label than the last."""
    last = dict(rows)
    return len(rows) - len(last), sum(last[task] != label for task, label in rows)


def _told_again(repeated: int, differing: int) -> Iterator[str]:
    if repeated:
        yield f"Rows that name a task again: {repeated:,}, {differing:,} with another label; all of them count."


def _without(rows: Sequence[Sequence[str]], label: dict[str, str], group: dict[str, str]) -> Iterator[str]:
    """How many rows have no label or no group, and which words were read as none."""
    for what, place, name in (("label", 1, label), ("group", 2, group)):
        empty = [clean(row[place]) for row in rows if not name[row[place]]]
        if empty:
            words = sorted(set(empty) - {""})
            read = f" ({listed(map(repr, words))} read as none)" if words else ""
            yield f"Rows without a {what}, left out: {len(empty):,} of {len(rows):,}{read}."


def _indexes(values: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Index of each value among `names`, -1 for the empty one."""
    place = {name: index for index, name in enumerate(names)}
    return np.array([place.get(value, -1) for value in values], dtype=np.int64)


def _weights(path: str, rows: Sequence[Sequence[str]], golden: Sequence[str]) -> np.ndarray | None:
    """One weight a row, 1 where a row that was not checked has none; None where no row has any."""
    if not any(clean(row[4]) for row in rows):
        return None
    return np.array([_weight(path, row, gold) for row, gold in zip(rows, golden, strict=True)])


def _weight(path: str, row: Sequence[str], gold: str) -> float:
    if not gold:
        return 1.0
    task, text = clean(row[0]), clean(row[4])
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (isfinite(value) and value > 0):
        raise UnusableFile(f"{path}: task {task!r} has the weight {text!r}; a checked task needs a number above 0.")
    return value
