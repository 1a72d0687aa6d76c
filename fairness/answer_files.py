"""Answers of any kind with their groups, and right ones where there are any, out of files (docs/commands.md)."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass

import numpy as np

from fairness.metrics import Labeled
from labeling.files.kind_votes import Raw, read_item_texts, read_raw, table_of
from labeling.files.tables import UnusableFile, open_table, open_text
from labeling.kinds.base import AnswerTable, Kind, UnusableAnswer
from labeling.kinds.cells import NO_NAME, Rules, clean

TASK, GOLD = "task", "gold"


@dataclass(frozen=True, slots=True)
class AnswerFiles:
    """Where answers, their `group` field, and right ones stand: `gold`, `items` None for the file of answers itself."""

    answers: str
    group: str
    gold: str | None = None
    items: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerParts:
    """Every yes or no in the answers, `parts` by `names`, whether they are wholly right (`whole`), and what to know."""

    names: tuple[str, ...]
    parts: tuple[Labeled, ...]
    whole: Labeled
    notes: tuple[str, ...]


def parts_right(found: AnswerParts) -> dict[str, float | None]:
    """Share of all parts of checked answers that are right, by group; None where none was checked."""
    right = np.stack([part.label == part.gold for part in found.parts], axis=1)
    checked = found.whole.gold >= 0
    shares: dict[str, float | None] = {}
    for at, name in enumerate(found.whole.group_names):
        here = checked & (found.whole.group == at)
        shares[name] = float(right[here].mean()) if here.any() else None
    return shares


def read_answers(files: AnswerFiles, kind: Kind, rules: Rules) -> AnswerParts:
    """The answers with a group; of a task named twice the last answer and group count. Raises UnusableFile."""
    given = read_raw(files.answers, kind, (TASK, kind.field), rules)
    gold = _gold(files, kind, rules)
    texts: dict[str, str] = {}
    occurring = Counter(given.occurring) + Counter(gold.occurring if gold else {})
    meaning = kind.meaning(occurring, rules)
    try:
        space = kind.space(meaning, rules, texts)
    except UnusableAnswer as error:
        raise UnusableFile(f"{files.answers}: {error}.") from error
    table, notes = table_of(given, kind, space, meaning.name)
    right, gold_notes = table_of(gold, kind, space, meaning.name) if gold else (None, ())
    groups = _groups(files)
    told = [*notes, *gold_notes, *meaning.notes]
    return _parts(kind, table, right, groups, files, told)


def _parts(
    kind: Kind,
    table: AnswerTable,
    right: AnswerTable | None,
    groups: dict[str, str],
    files: AnswerFiles,
    told: list[str],
) -> AnswerParts:
    side = [groups.get(table.tasks[task], "") for task in table.task.tolist()]
    kept = table.only(np.array([bool(name) for name in side]))
    if not len(kept.task):
        raise UnusableFile(f"{files.items or files.answers} names no {files.group} for any task of the answers.")
    if len(kept.task) < len(side):
        told.append(f"Answers without a {files.group}, left out: {len(side) - len(kept.task):,} of {len(side):,}.")
    names = tuple(sorted({name for name in side if name}))
    group = np.array([names.index(name) for name in side if name], dtype=np.int64)
    traits, said = kind.traits(kept.answers, table.space)
    checked, true, whole = _checked(kind, kept, right)
    parts = tuple(
        Labeled(said[:, p].astype(np.int64), group, np.where(checked, true[:, p], -1), ("no", "yes"), names)
        for p in range(len(traits))
    )
    all_right = Labeled(whole.astype(np.int64), group, np.where(checked, 1, -1), ("wrong", "right"), names)
    return AnswerParts(traits, parts, all_right, tuple(dict.fromkeys(told)))


def _checked(kind: Kind, kept: AnswerTable, right: AnswerTable | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which answers were checked, (n,), what is true of them, (n, P), and whether they are wholly right, (n,)."""
    space, n = kept.space, len(kept.task)
    width = len(kind.traits(kept.answers, space)[0])
    checked, true, whole = np.zeros(n, dtype=bool), np.zeros((n, width), dtype=np.int64), np.zeros(n, dtype=bool)
    if right is None:
        return checked, true, whole
    place = {right.tasks[task]: entry for entry, task in enumerate(right.task.tolist())}
    of = kind.traits(right.answers, space)[1]
    for row, task in enumerate(kept.task.tolist()):
        entry = place.get(kept.tasks[task])
        if entry is not None:
            checked[row], true[row] = True, of[entry]
            whole[row] = kind.differ(kept.answers[row], right.answers[entry], space) == 0
    return checked, true, whole


def _gold(files: AnswerFiles, kind: Kind, rules: Rules) -> Raw | None:
    """Right answers from their own file, else from the column gold; a task with none but blank ones is not checked."""
    if files.gold:
        return read_raw(files.gold, kind, (TASK, kind.field), rules)
    if not _has_gold(files.answers):
        return None
    found = read_raw(files.answers, kind, (TASK, GOLD), rules)
    answers = {pair: cell for pair, cell in found.answers.items() if cell not in (None, "") and any(kind.named(cell))}
    return Raw(found.path, answers, found.occurring) if answers else None


def _has_gold(path: str) -> bool:
    with open_text(path) as stream:
        first = next((line for line in stream if line.strip()), "")
    if first.lstrip().startswith("{"):
        return f'"{GOLD}"' in first
    return GOLD in [clean(name).lower() for name in next(csv.reader([first]), [])]


def _groups(files: AnswerFiles) -> dict[str, str]:
    """The group of each task, "" where it has none or one that programs write for nothing."""
    if files.items:
        found = read_item_texts(files.items, [files.group])
    else:
        with open_table(files.answers, (TASK, files.group)) as table:
            found = {clean(row[0]): clean(row[1]) for row in table.rows if clean(row[1])}
    return {task: "" if name.lower() in NO_NAME else name for task, name in found.items()}
