"""What `aggregate --group FIELD` tells: how right the labels and each annotator are in each group of tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labeling.truth.by_group import standing
from labeling.truth.confusion import wilson
from labeling.truth.votes import Bools, Inference, Ints, Votes

NO_GROUP = "(none)"


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of tasks by one field. `names`: of the groups; `place`: (n_tasks,) the group of each task."""

    field: str
    names: tuple[str, ...]
    place: Ints

    @classmethod
    def of(cls, field: str, told: Sequence[str]) -> Groups:
        """The groups of tasks whose field says so; what says nothing is a group of its own, the last one."""
        names = tuple(dict.fromkeys(filter(None, told)))
        number = {name: at for at, name in enumerate(names)}
        place = np.array([number.get(one, len(names)) for one in told], dtype=np.int32)
        return cls(field, (*names, NO_GROUP) if "" in told else names, place)


def report(groups: Groups, votes: Votes, annotators: Sequence[str], result: Inference, gold: Ints, shown: Bools) -> Any:
    """A row for each group: the labels' accuracy and each annotator's, on known tasks the method did not learn from."""
    scored = (gold != -1) & ~shown
    right = result.labels() == gold
    truth = np.where(scored & (gold >= 0), gold, -1).astype(np.int32)
    each = standing(votes, groups.place, truth, 0.0) if scored.any() else None
    rows = []
    for at, name in enumerate(groups.names):
        inside = scored & (groups.place == at)
        row = {"group": name, "tasks": int((groups.place == at).sum()), "scored": int(inside.sum())}
        row |= _share(float(right[inside].sum()), float(inside.sum()))
        told = [] if each is None else _annotators(annotators, each.right[:, at], each.n[:, at])
        rows.append(row | {"best_single": told[0] if told else None, "annotators": told})
    return rows


def _annotators(names: Sequence[str], right: Any, n: Any) -> list[dict[str, Any]]:
    """The annotators of a group, the best first."""
    told = [
        {"annotator": name, "n": int(n[j]), **_share(float(right[j]), float(n[j]))}
        for j, name in enumerate(names)
        if n[j] > 0
    ]
    return sorted(told, key=lambda one: -one["accuracy"])


def _share(right: float, n: float) -> dict[str, float | None]:
    if not n:
        return {"accuracy": None, "accuracy_low": None, "accuracy_high": None}
    low, high = wilson(np.array(right / n), np.array(n))
    return {"accuracy": right / n, "accuracy_low": float(low), "accuracy_high": float(high)}


def lines(field: str, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The same as a table: a row an annotator, a column a group."""
    names = list(dict.fromkeys(one["annotator"] for row in rows for one in row["annotators"]))
    known = {(row["group"], one["annotator"]): one["accuracy"] for row in rows for one in row["annotators"]}
    yield ""
    yield f"{f'right by {field}':>24}" + "".join(f"{row['group'][:14]:>15}" for row in rows)
    yield f"{'the labels':>24}" + "".join(_cell(row["accuracy"]) for row in rows)
    for name in names:
        yield f"{name[:24]:>24}" + "".join(_cell(known.get((row["group"], name))) for row in rows)
    yield f"{'gold tasks':>24}" + "".join(f"{row['scored']:>15}" for row in rows)


def _cell(value: float | None) -> str:
    return f"{'-' if value is None else f'{value:.4f}':>15}"
