"""Candidates out of a file of votes with right answers and groups, as numbers and in lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fairness.audit.fairest import choose
from fairness.audit.lineage import akin_by_errors, line_of, of_the_crowd
from fairness.audit.standings import FEWEST, NOBODY, TERMS, Field, Price, Standing, common, standings
from fairness.gaps import Terms
from fairness.intervals import Estimate
from labeling.files.tables import UnusableFile, open_table
from labeling.files.votes import GOLD_COLUMNS, PLAIN, VOTE_COLUMNS, check_inside, matched, read_known
from labeling.kinds.cells import NO_NAME, Rules, clean, decide, number, unguarded


@dataclass(frozen=True, slots=True)
class Files:
    """Where votes, right answers and groups stand. `group` is a column of `items`, or of `gold` without items.

    `columns`: task, worker, label of the votes. `gold_columns`: task, label of the gold. `rules`: what a cell means.
    """

    votes: str
    gold: str
    group: str
    items: str = ""
    key: str = "task"
    columns: tuple[str, ...] = VOTE_COLUMNS
    gold_columns: tuple[str, ...] = GOLD_COLUMNS
    rules: Rules = PLAIN


def read(files: Files) -> tuple[Field, dict[str, Price], tuple[str, ...]]:
    """The candidates on the tasks that have a right answer and a group, what each costs, and what to know about the
    files. Raises UnusableFile, also where no right answer was ever given: everybody would be equally wrong."""
    known = read_known(files.gold, files.rules, files.gold_columns)
    sides = _groups(files)
    tasks = [task for task in known.labels if task in sides]
    if not tasks:
        raise UnusableFile(f"No task of {files.gold} has a right answer and a {files.group}.")
    votes = _votes(files)
    gold, said, notes = _meant(files, {task: known.labels[task] for task in tasks}, votes.rows)
    names = tuple(sorted({row[1] for row in votes.rows}))
    labels = files.rules.labels or tuple(sorted({*gold.values(), *said} - {""}))
    place = {task: at for at, task in enumerate(tasks)}
    who, what = ({name: at for at, name in enumerate(each)} for each in (names, labels))
    answer = np.full((len(names), len(tasks)), NOBODY, dtype=np.int64)
    for (task, worker, _), label in zip(votes.rows, said, strict=True):
        if task in place:
            answer[who[worker], place[task]] = what.get(label, -1)
    groups, group = np.unique([sides[task] for task in tasks], return_inverse=True)
    truth = np.array([what[gold[task]] for task in tasks], dtype=np.int64)
    field = Field(names, answer, truth, group, tuple(groups.tolist()), np.ones(len(tasks)), labels)
    if len(tasks) < len(known.labels):
        bare = f"{len(known.labels) - len(tasks):,} of {len(known.labels):,}"
        notes = (*notes, f"Tasks with a right answer without a {files.group}, left out: {bare}.")
    return field, votes.prices, tuple(dict.fromkeys((*votes.notes, *known.notes, *notes)))


def _groups(files: Files) -> dict[str, str]:
    path, key = (files.items, files.key) if files.items else (files.gold, files.gold_columns[0])
    with open_table(path, (key, files.group)) as table:
        rows = [unguarded(row) if table.own else row for row in table.rows]
    return {clean(row[0]): clean(row[1]) for row in rows if clean(row[1]) and clean(row[1]).lower() not in NO_NAME}


@dataclass(frozen=True, slots=True)
class _Voted:
    """`rows`: task, worker, label, once for each task and worker; a blank label is an answer that says nothing."""

    rows: list[list[str]]
    prices: dict[str, Price]
    notes: tuple[str, ...]


def _votes(files: Files) -> _Voted:
    """The answers, and mean cost and seconds of each worker where the file has those columns."""
    with open_table(files.votes, files.columns, ("cost_usd", "seconds")) as table:
        read = [[clean(cell) for cell in (unguarded(row) if table.own else row)] for row in table.rows]
        notes = list(table.notes)
    rows = [row for row in read if row[0] and row[1]]
    last = {(row[0], row[1]): row for row in rows}
    if len(last) < len(rows):
        changed = sum(files.rules.key(last[row[0], row[1]][2]) != files.rules.key(row[2]) for row in rows)
        again = f"{len(rows) - len(last):,}, of which {changed:,} with another label"
        notes.append(f"Rows that repeat a worker's vote on a task: {again}; the last one counts.")
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
    return _Voted([row[:3] for row in last.values()], prices, tuple(notes))


def _meant(
    files: Files, gold: dict[str, str], rows: list[list[str]]
) -> tuple[dict[str, str], list[str], tuple[str, ...]]:
    """The right label of each task, that of each row, "" for none, and what to know. Raises UnusableFile."""
    voted_on = {row[0] for row in rows} & gold.keys()
    if not voted_on:
        raise UnusableFile(
            f"{files.gold} names no task of {files.votes} with a right answer and a {files.group}; tasks are matched "
            "by their names."
        )
    given = Counter(row[2] for row in rows)
    meaning = decide(given + Counter(gold.values()), files.rules)
    voted = decide(given, files.rules)
    check_inside(files.votes, voted, files.rules)
    named = {task: meaning.name[label] for task, label in gold.items()}
    fits = matched(files.gold, Counter(named[task] for task in voted_on), meaning.of(voted.names()), files.rules)
    return named, meaning.of(row[2] for row in rows), (*meaning.notes, *fits)


def report(field: Field, prices: dict[str, Price], crowd: tuple[str, ...], minimum: int, seed: int) -> dict[str, Any]:
    """Everything the command tells but the notes, as plain values. Raises UnusableFile."""
    unknown = [name for name in crowd if name not in field.names]
    if unknown:
        raise UnusableFile(f"--crowd names {unknown[0]!r}, who has no vote; there are {', '.join(field.names[:12])}.")
    who, tasks = common(field)
    if not len(who):
        most = int((field.answer != NOBODY).sum(axis=1).max())
        raise UnusableFile(
            f"Nobody has answered {FEWEST} tasks with a right answer and a group, which a comparison needs; {most} at "
            "most."
        )
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
    return {**facts, "candidates": rows, "fairest": fairest, "nobody": "" if found else _why_nobody(why, minimum)}


def _why_nobody(why: Sequence[str], minimum: int) -> str:
    if all(why):
        return "all of them vote in the crowd or are akin to it"
    return f"fewer than two groups have {minimum} tasks in each half, one to choose and one to measure"


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
    yield from found["notes"]
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
        yield f"Nobody can be chosen to check the crowd: {found['nobody']}."
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
