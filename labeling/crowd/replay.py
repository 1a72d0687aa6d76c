"""A voter that repeats recorded votes, for simulations and tests."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from labeling.crowd.abilities import check_kind
from labeling.crowd.base import Answer, Brief, Question
from labeling.crowd.errors import Misconfigured
from labeling.crowd.prices import Price
from labeling.kinds.cells import Rules, clean, decide, listed

FREE = Price()
COLUMNS = {"task", "worker", "label"}


class Replay:
    """Answers each question with the vote recorded for its task; a task without one is an abstention.

    `votes`: label name by task. A recorded name outside the label set is an abstention, too; equal numbers and names
    that differ in case alone are the same. `price`: what a call is said to cost, so that a run with a paid model can be
    rehearsed.
    """

    outside = False
    kinds = frozenset({"choice"})
    sees = True

    def __init__(self, name: str, votes: Mapping[str, str], price: Price = FREE) -> None:
        self.name = name
        self.price = price
        self._votes = votes
        self._index: dict[str, int] = {}

    def prepare(self, brief: Brief) -> None:
        """Find the recorded names in the label set. Raises Misconfigured where none is there."""
        check_kind(self, brief)
        names = brief.labels.names
        meaning = decide(Counter(self._votes.values()), Rules(labels=tuple(names), fold_case=True))
        place = {name: index for index, name in enumerate(names)}
        self._index = {written: place[name] for written, name in meaning.name.items() if name in place}
        if not self._index:
            recorded = listed(meaning.outside or {})
            raise Misconfigured(
                f"No label recorded for {self.name} is among the labels ({recorded} against {listed(names)}); "
                "write them alike in the file."
            )

    def answer(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """The recorded votes, in order."""
        for question in questions:
            recorded = self._votes.get(question.task, "")
            cost = self.most_it_can_cost(question)
            yield Answer(
                self._index.get(recorded), raw=recorded, cost_microdollars=cost, model=f"replay of {self.name}"
            )

    def most_it_can_cost(self, _question: Question) -> int:
        """Micro-dollars of one call."""
        return self.price.cost(0, 0)


def recorded_votes(path: str, worker: str) -> dict[str, str]:
    """Label name by task of one worker in a `task,worker,label` file; a later vote replaces an earlier one.

    An empty label is no vote. Raises Misconfigured where the file or the worker is missing.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            reader.fieldnames = [clean(name).casefold() for name in reader.fieldnames or ()]
            rows = [
                {name: clean(row[name] or "") for name in ("task", "worker", "label") if name in row} for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Misconfigured(f"The recorded votes {path} cannot be read as a UTF-8 CSV file; check the path.") from error
    if rows and rows[0].keys() < COLUMNS:
        raise Misconfigured(f"{path} needs the columns task, worker and label.")
    votes = {row["task"]: row["label"] for row in rows if row["worker"] == worker and row["label"]}
    if not votes:
        raise Misconfigured(f"{path} holds no vote of {worker!r}; name a worker that voted.")
    return votes
