"""A voter that repeats recorded votes, for simulations and tests."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from labeling.crowd.abilities import ALL_KINDS, check_kind
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.errors import Misconfigured
from labeling.crowd.lines import FILES, Options, Provider
from labeling.crowd.prices import Price, stated_price
from labeling.kinds.base import NoAnswer, Space, UnusableAnswer
from labeling.kinds.cells import Rules, clean, listed
from labeling.kinds.registry import NAMES, has_one_label, kind

FREE = Price()
Cells = tuple[Any, ...]
"""What a file holds of one worker's answer to one task: a cell for each row."""
Row = tuple[str, str, Any]


class Replay:
    """Answers each question with the vote recorded for its task; a task without one is an abstention.

    `votes`: what is recorded by task, as `recorded_votes` reads it. Where it cannot be an answer, as a name outside the
    label set, it is an abstention, too; equal numbers and names that differ in case alone are the same. `price`: what a
    call is said to cost, so that a run with a paid model can be rehearsed.
    """

    outside = False
    kinds = ALL_KINDS
    sees = True

    def __init__(self, name: str, votes: Mapping[str, Cells], price: Price = FREE) -> None:
        self.name = name
        self.price = price
        self._votes = votes

    def prepare(self, brief: Brief) -> None:
        """Find the recorded names in the label set. Raises Misconfigured where none is there."""
        check_kind(self, brief)
        self._brief, self._kind = brief, kind(brief.kind)
        counted = Counter(name for cells in self._votes.values() for name in self._kind.named(self._raw(cells)))
        self._names = self._kind.meaning(counted, Rules(labels=brief.labels.names, fold_case=True)).name
        if all(self._said(task, cells, brief.space) is None for task, cells in self._votes.items()):
            raise Misconfigured(
                f"No label recorded for {self.name} is among the labels ({listed(counted)} against "
                f"{listed(brief.labels.names)}); write them alike in the file."
            )

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """The recorded votes, in order."""
        for question in questions:
            cells = self._votes.get(question.task, ())
            said = self._said(question.task, cells, self._brief.space_of(question)) if cells else None
            yield Answer(
                said if has_one_label(self._brief.kind) else None,
                raw=self._written(cells) if cells else "",
                cost_microdollars=self.most_it_can_cost(question),
                model=f"replay of {self.name}",
                said=said,
            )

    def _said(self, task: str, cells: Cells, space: Space) -> Any:
        """The recorded answer as the kind reads it, None where it cannot be one."""
        try:
            return self._kind.read(self._kind.respelled(self._raw(cells), self._names), space, task)
        except (NoAnswer, UnusableAnswer):
            return None

    def _raw(self, cells: Cells) -> Any:
        """The answer as the kind's files hold it: a list of all cells, or the last one; in a line JSON."""
        if self._kind.form == "cells":
            return [one for cell in cells for one in (cell if isinstance(cell, list) else [cell])]
        last = next((cell for cell in reversed(cells) if cell != ""), "")
        return _decoded(last) if self._kind.form == "line" and isinstance(last, str) else last

    def _written(self, cells: Cells) -> str:
        raw = self._raw(cells)
        return raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)

    def most_it_can_cost(self, _question: Question) -> int:
        """Micro-dollars of one call."""
        return self.price.cost(0, 0)


def _decoded(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


def recorded_votes(path: str, worker: str) -> dict[str, Cells]:
    """By task what one worker said, in the order of the file, a CSV with `task`, `worker` and `label` or JSON lines.

    Stretches stand in `spans`. A file that ends in .gz is unpacked. Raises Misconfigured where the file, a column or
    the worker is missing.
    """
    try:
        with _opened(path) as stream:
            rows = list(_lines(path, stream) if stream.read(1) == "{" else _table(path, stream))
    except (OSError, csv.Error, ValueError, KeyError, TypeError) as error:
        raise Misconfigured(
            f"The recorded votes {path} cannot be read as a UTF-8 CSV file or JSON lines; check the path."
        ) from error
    votes: dict[str, Cells] = {}
    for task, who, cell in rows:
        if who == worker:
            votes[task] = (*votes.get(task, ()), cell)
    if not votes:
        raise Misconfigured(f"{path} holds no vote of {worker!r}; name a worker that voted.")
    return votes


def _fields() -> tuple[str, ...]:
    """What a file may call the answer."""
    return tuple(dict.fromkeys(kind(name).field for name in NAMES))


def _opened(path: str) -> TextIO:
    if path.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return Path(path).open(encoding="utf-8-sig", newline="")


def _table(path: str, stream: TextIO) -> Iterator[Row]:
    stream.seek(0)
    reader = csv.DictReader(stream)
    reader.fieldnames = [clean(name).casefold() for name in reader.fieldnames or ()]
    field = next((name for name in _fields() if name in reader.fieldnames), "")
    if not field or not {"task", "worker"} <= set(reader.fieldnames):
        raise Misconfigured(f"{path} needs the columns task, worker and label.")
    for row in reader:
        yield clean(row["task"] or ""), clean(row["worker"] or ""), clean(row[field] or "")


def _lines(path: str, stream: TextIO) -> Iterator[Row]:
    stream.seek(0)
    for line in filter(str.strip, stream):
        item = json.loads(line)
        field = next((name for name in _fields() if name in item), "") if isinstance(item, dict) else ""
        if not field or not {"task", "worker"} <= item.keys():
            raise Misconfigured(f"{path} needs task, worker and {' or '.join(_fields())} in every line.")
        yield clean(str(item["task"])), clean(str(item["worker"])), item[field]


def _made(spec: str, source: str, options: Options) -> Replay:
    worker = options.pop("worker", "")
    prices: Options = {"call": options.pop("call")} if "call" in options else {}
    if options or not worker:
        raise Misconfigured(f"{spec!r} needs the option worker=NAME, and knows one more, call= in US dollars.")
    return Replay(spec, recorded_votes(source, worker), stated_price(prices, spec) if prices else FREE)


def _about(voter: Replay) -> str:
    return f"recorded votes ({voter.name})"


PROVIDER = Provider("replay", _made, _about, lambda source, options: [FILES])
