"""Candidates out of a file of votes with right answers and groups, as numbers and in lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fairness.audit.fairest import choose
from fairness.audit.lineage import akin_by_errors, line_of, of_the_crowd
from fairness.audit.standings import NOBODY, TERMS, Field, Price, Standing, common, standings
from fairness.gaps import Terms
from fairness.intervals import Estimate
from labeling.files.tables import UnusableFile, open_table
from labeling.files.votes import VOTE_COLUMNS
from labeling.kinds.cells import NO_NAME, clean, number


@dataclass(frozen=True, slots=True)
class Files:
    """Where votes, right answers and groups stand. `group` is a column of `items`, or of `gold` without items.

    `columns`: task, worker, label of the votes. `gold_columns`: task, label of the gold.
    """

    votes: str
    gold: str
    group: str
    items: str = ""
    key: str = "task"
    columns: tuple[str, ...] = VOTE_COLUMNS
    gold_columns: tuple[str, ...] = ("task", "label")


def read(files: Files) -> tuple[Field, dict[str, Price]]:
    """The candidates on the tasks that have a right answer and a group, and what each costs. Raises UnusableFile."""
    own = () if files.items else (files.group,)
    with open_table(files.gold, (*files.gold_columns, *own)) as table:
        known = [[clean(cell) for cell in row] for row in table.rows]
    gold = {row[0]: row[1] for row in known if row[1]}
    sides = _groups(files) if files.items else {row[0]: row[2] for row in known}
    tasks = [task for task in gold if sides.get(task, "").lower() not in NO_NAME]
    if not tasks:
        raise UnusableFile(f"No task of {files.gold} has a right answer and a {files.group}.")
    rows, prices = _votes(files)
    names = tuple(sorted({row[1] for row in rows}))
    labels = tuple(sorted({*(gold[task] for task in tasks), *(row[2] for row in rows if row[2])}))
    place = {task: at for at, task in enumerate(tasks)}
    who, what = ({name: at for at, name in enumerate(each)} for each in (names, labels))
    answer = np.full((len(names), len(tasks)), NOBODY, dtype=np.int64)
    for task, worker, label in rows:
        if task in place:
            answer[who[worker], place[task]] = what.get(label, -1)
    groups, group = np.unique([sides[task] for task in tasks], return_inverse=True)
    truth = np.array([what[gold[task]] for task in tasks], dtype=np.int64)
    field = Field(names, answer, truth, group, tuple(groups.tolist()), np.ones(len(tasks)), labels)
    return field, prices


def _groups(files: Files) -> dict[str, str]:
    with open_table(files.items, (files.key, files.group)) as table:
        return {clean(row[0]): clean(row[1]) for row in table.rows}


def _votes(files: Files) -> tuple[list[list[str]], dict[str, Price]]:
    """Rows of task, worker, label, and mean cost and seconds of each worker where the file has those columns."""
    with open_table(files.votes, files.columns, ("cost_usd", "seconds")) as table:
        rows = [[clean(cell) for cell in row] for row in table.rows]
    seen: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        cost, seconds = (float(number(cell) or 0) for cell in row[3:5])
        seen.setdefault(row[1], []).append((cost, seconds))
    prices = {
        name: Price(
            1000 * float(np.mean([one for one, _ in both])), float(np.mean([other for _, other in both])) or None
        )
        for name, both in seen.items()
    }
    return [row[:3] for row in rows], prices


def report(field: Field, prices: dict[str, Price], crowd: tuple[str, ...], minimum: int, seed: int) -> dict[str, Any]:
    """Everything the command tells, as plain values. Raises UnusableFile."""
    unknown = [name for name in crowd if name not in field.names]
    if unknown:
        raise UnusableFile(f"--crowd names {unknown[0]!r}, who has no vote; there are {', '.join(field.names[:12])}.")
    who, tasks = common(field)
    if not len(who):
        raise UnusableFile("Nobody has answered 30 of the tasks with a right answer and a group.")
    together = field.only(who, tasks)
    member = np.array([name in crowd for name in together.names])
    why = of_the_crowd([line_of(name) for name in together.names], member, akin_by_errors(together))
    found = choose(together, np.array([not reason for reason in why]), seed, Terms(draws=200, minimum=minimum))
    terms = Terms(TERMS.level, minimum, TERMS.draws, seed)
    rows = [
        {**_plain(one), "kin": reason, **asdict(prices.get(one.name, Price()))}
        for one, reason in zip(standings(together, terms), why, strict=True)
    ]
    left = [field.names[at] for at in range(len(field.names)) if at not in who.tolist()]
    fairest = None
    if found is not None:
        fairest = {
            "name": found.name,
            "chosen_on": found.chose,
            "measured_on": found.measured,
            "chosen_again": found.sure,
            "right": asdict(found.fresh.right),
            "gap": asdict(found.fresh.gap),
            "gap_where_chosen": asdict(found.seen.gap),
        }
    facts = {"tasks": len(tasks), "groups": list(field.groups), "too_few_answers": left}
    return {**facts, "candidates": rows, "fairest": fairest}


def _plain(one: Standing) -> dict[str, Any]:
    return {
        "name": one.name,
        "right": asdict(one.right),
        "gap": asdict(one.gap),
        "widest": asdict(one.worst),
        "silent": one.silent,
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """A line for each candidate, the fairest last."""
    rows = sorted(found["candidates"], key=lambda row: -(row["right"]["value"] or 0))
    yield f"{len(rows)} candidates on the same {found['tasks']:,} tasks, {len(found['groups'])} groups"
    if found["too_few_answers"]:
        yield f"Too few answers to stand beside them: {', '.join(found['too_few_answers'])}."
    width = max(9, *(len(row["name"]) for row in rows))
    yield f"\n{'Candidate':{width}}  {'Right':24}{'Gap':24}{'Widest of all labels':24}Per 1,000  Seconds"
    for row in rows:
        cells = [_number(row[name]) for name in ("right", "gap", "widest")]
        price = f"${row['per_1000']:.2f}" if row["per_1000"] else "free"
        pace = f"{row['seconds']:.2f}" if row["seconds"] else "-"
        yield f"{row['name']:{width}}  {cells[0]:24}{cells[1]:24}{cells[2]:24}{price:>9}  {pace:>7}"
        if row["kin"]:
            yield f"{'':{width}}  may not check the crowd: {row['kin']}"
    yield ""
    one = found["fairest"]
    if one is None:
        yield "Nobody can be chosen to check the crowd."
        return
    again = f"tasks drawn anew choose it {one['chosen_again']:.0%}"
    yield f"Fairest: {one['name']}, chosen on {one['chosen_on']} tasks; {again}"
    yield f"  on {one['measured_on']} other tasks: right {_number(one['right'])}, gap {_number(one['gap'])}"
    yield f"  gap on those that chose it: {_number(one['gap_where_chosen'])}"


def _number(told: dict[str, Any]) -> str:
    found = Estimate(**{name: told[name] for name in ("value", "low", "high", "estimable", "reason")})
    if not found.estimable or found.value is None:
        return found.reason.partition(":")[0][:22] or "not estimable"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
