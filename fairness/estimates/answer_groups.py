"""Answers with the group of whoever gave them and the group of their task, out of files (docs/commands.md)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fairness.estimates.interactions import Answers
from labeling.files.tables import UnusableFile, open_table
from labeling.kinds.cells import NO_NAME, Rules, clean, decide, listed, number, unguarded

PLAIN = Rules()
MENTIONS = ("does not mention", "mentions")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns say what. `columns`: task, worker, label. `task_group`, or `mentions` in `text`: groups of tasks.

    `items`: a file with the tasks' column `key`, their group or text, where the answers do not have it. `label`, or
    `least`: what counts as yes. `rules`: what a cell means.
    """

    people_group: str
    columns: tuple[str, str, str] = ("task", "worker", "label")
    task_group: str = ""
    mentions: tuple[str, ...] = ()
    text: str = "text"
    items: str = ""
    key: str = "task"
    label: str = ""
    least: float | None = None
    rules: Rules = PLAIN

    @property
    def about(self) -> str:
        """The column that makes the groups of tasks."""
        return self.task_group or self.text


def read(path: str, wanted: Wanted) -> tuple[Answers, tuple[str, ...]]:
    """The answers of everybody whose group is known to tasks whose group is known, and what to know. Raises
    UnusableFile."""
    own = () if wanted.items else (wanted.about,)
    with open_table(path, (*wanted.columns, wanted.people_group, *own)) as table:
        read = [[clean(cell) for cell in (unguarded(row) if table.own else row)] for row in table.rows]
        notes = list(table.notes)
    meaning = decide(Counter(row[2] for row in read), wanted.rules)
    every = [[*row[:2], meaning.name[row[2]], *row[3:]] for row in read]
    rows = list({(row[0], row[1]): row for row in every}.values())
    about = _items(wanted) if wanted.items else {row[0]: row[4] for row in rows}
    part = {task: _part(words, wanted) for task, words in about.items()}
    split = {wanted.people_group: _several(rows, 1, 3)}
    if wanted.task_group and not wanted.items:
        split[wanted.task_group] = _several(rows, 0, 4)
    torn = set().union(*split.values())
    used = [row for row in rows if row[2] and _named(row[3]) and part.get(row[0]) and not torn & set(row[:2])]
    for group, names in split.items():
        if names:
            notes.append(f"In several groups of {group}, left out: {listed(sorted(names))}.")
    if not used:
        raise UnusableFile(
            " ".join([f"{path} holds no answer with a {wanted.people_group} of a task with a known group.", *notes])
        )
    if len(rows) < len(read):
        notes.append(f"Rows that repeat a worker's vote on a task: {len(read) - len(rows):,}; the last one counts.")
    if len(used) < len(rows):
        notes.append(f"Answers without a group or a label, left out: {len(rows) - len(used):,} of {len(rows):,}.")
    return _answers(path, used, part, wanted), (*notes, *meaning.notes)


def _several(rows: Sequence[Sequence[str]], who: int, group: int) -> set[str]:
    """Who stands in more than one group; `who`, `group`: places in a row."""
    groups: dict[str, set[str]] = {}
    for row in rows:
        if _named(row[group]):
            groups.setdefault(row[who], set()).add(row[group])
    return {name for name, several in groups.items() if len(several) > 1}


def _items(wanted: Wanted) -> dict[str, str]:
    with open_table(wanted.items, (wanted.key, wanted.about)) as table:
        return {clean(row[0]): clean(row[1]) for row in table.rows}


def _part(words: str, wanted: Wanted) -> str:
    if not wanted.mentions:
        return words if _named(words) else ""
    listed = "|".join(re.escape(word) for word in wanted.mentions)
    return MENTIONS[bool(re.search(rf"\b({listed})\b", words, re.IGNORECASE))]


def _named(name: str) -> bool:
    return bool(name) and name.lower() not in NO_NAME


def _answers(path: str, rows: Sequence[Sequence[str]], part: dict[str, str], wanted: Wanted) -> Answers:
    sides, side = np.unique([row[3] for row in rows], return_inverse=True)
    parts, at = np.unique([part[row[0]] for row in rows], return_inverse=True)
    if len(parts) < 2:
        raise UnusableFile(
            f"All tasks of {path} are in one group, {str(parts[0])!r}; there is nothing to compare with."
        )
    person, task = (np.unique([row[place] for row in rows], return_inverse=True)[1] for place in (1, 0))
    return Answers(_yes(path, rows, wanted), person, task, side, at, tuple(sides.tolist()), tuple(parts.tolist()))


def _yes(path: str, rows: Sequence[Sequence[str]], wanted: Wanted) -> np.ndarray:
    if wanted.least is None:
        asked = wanted.rules.key(clean(wanted.label))
        yes = np.array([wanted.rules.key(row[2]) == asked for row in rows])
        if not yes.any():
            seen = ", ".join(sorted({row[2] for row in rows})[:8])
            raise UnusableFile(f"Nobody in {path} gave the label {wanted.label!r}; there are {seen}.")
        return yes
    values = [number(row[2]) for row in rows]
    if any(value is None for value in values):
        other = next(row[2] for row, value in zip(rows, values, strict=True) if value is None)
        raise UnusableFile(
            f"--at-least needs labels that are numbers; {path} has {other!r}: leave it out with --missing={other}."
        )
    return np.array([float(value or 0) >= wanted.least for value in values])
