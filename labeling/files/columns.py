"""Columns of names as arrays: the different names once, and each row's index among them."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from labeling.kinds.cells import clean
from labeling.truth.votes import Bools, Ints

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Column:
    """`names`: the different cells, in order of first appearance. `index`: (rows,) each row's place among them."""

    names: list[str]
    index: Ints

    def often(self) -> dict[str, int]:
        """How many rows hold each name."""
        return dict(zip(self.names, np.bincount(self.index, minlength=len(self.names)).tolist(), strict=True))

    def renamed(self, names: list[str]) -> Column:
        """The same rows with `names` in place of the names, in turn; several may become one."""
        if names == self.names:
            return self
        place = {name: at for at, name in enumerate(dict.fromkeys(names))}
        return Column(list(place), np.array([place[name] for name in names], dtype=np.int32)[self.index])

    def tidied(self) -> Column:
        """Without the blanks around names."""
        return self.renamed(list(map(clean, self.names)))

    def placed(self, names: Iterable[str]) -> Ints:
        """Each row's index among `names` instead, (rows,), -1 for a name that is not there."""
        place = {name: at for at, name in enumerate(names)}
        found: Ints = np.array([place.get(name, -1) for name in self.names], dtype=np.int32)[self.index]
        return found

    def filled(self) -> Bools:
        """Which rows hold a name that is not empty, (rows,)."""
        if "" not in self.names:
            return np.ones(len(self.index), dtype=np.bool_)
        full: Bools = self.index != self.names.index("")
        return full

    def only(self, rows: Rows) -> Column:
        """Some rows, in order, and the names that are in use there in order of first appearance."""
        if len(rows) == len(self.index):
            return self
        index = self.index[rows]
        used, first = np.unique(index, return_index=True)
        order = used[np.argsort(first)]
        place = np.zeros(len(self.names), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        return Column([self.names[at] for at in order.tolist()], place[index])


def numbered(blocks: Iterable[list[Sequence[str]]]) -> tuple[Column, Column, Column]:
    """Three columns out of blocks of rows of three cells; one pass, 12 bytes a row beside the names."""
    names = [defaultdict[str, int](count().__next__) for _ in range(3)]
    indexes = [array("i") for _ in names]
    for block in blocks:
        for index, name, cells in zip(indexes, names, zip(*block, strict=True), strict=False):
            index.extend(map(name.__getitem__, cells))
    filled = [
        Column(list(column), np.array(index, dtype=np.int32)) for column, index in zip(names, indexes, strict=True)
    ]
    return filled[0], filled[1], filled[2]


@dataclass(frozen=True, slots=True)
class Repeats:
    """`last`: the rows that remain when the last of each pair counts, in the rows' order. `repeated` rows go.

    `differing`: those among them whose value is not the one that counts.
    """

    last: Rows
    repeated: int = 0
    differing: int = 0


def last_of_each(first: Ints, second: Ints, value: Ints) -> Repeats:
    """Keep the last row of each (first, second) pair; all three (rows,), of indexes from 0."""
    pair = first.astype(np.int64) * (int(second.max(initial=0)) + 1) + second
    ordered = np.sort(pair)
    if not (ordered[1:] == ordered[:-1]).any():
        return Repeats(np.arange(len(pair)))
    _, from_the_end, group = np.unique(pair[::-1], return_index=True, return_inverse=True)
    last = len(pair) - 1 - from_the_end
    differing = int((value != value[last][group[::-1]]).sum())
    return Repeats(np.sort(last), len(pair) - len(last), differing)
