"""What a candidate stretch looks like: features of where it begins, where it ends, what is inside, and of the whole.

Features of a place are made once, however many candidates begin or end there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.crowd.tagging.bonds import clauses
from labeling.crowd.tagging.features import EDGE, Company, folded, of_word, shape
from labeling.crowd.tagging.gazetteer import JOIN, Gazetteer
from labeling.crowd.tagging.words import Words

Ints = NDArray[np.int64]
Places = NDArray[np.int64]
"""Begin and end of candidates, in words, (candidates, 2)."""
Names = list[list[str]]
FEWEST = 2
"""A feature that fewer candidates have is not learned from."""


class Columns:
    """Numbers of the features that two candidates or more have."""

    def __init__(self, named: Iterable[Iterable[str]]) -> None:
        counts: Counter[str] = Counter()
        for names in named:
            counts.update(names)
        often = [name for name, count in counts.items() if count >= FEWEST]
        self._number = {name: number for number, name in enumerate(often)}

    def matrix(self, names: Names) -> Any:
        """How often each row has each feature, sparse, (rows, features)."""
        from scipy.sparse import csr_matrix

        get = self._number.get
        kept = [[number for name in row if (number := get(name)) is not None] for row in names]
        ends = np.concatenate([[0], np.cumsum([len(row) for row in kept])]).astype(np.int64)
        column = np.array([number for row in kept for number in row], dtype=np.int64)
        return csr_matrix((np.ones(len(column)), column, ends), shape=(len(names), max(len(self._number), 1)))


class CandidateView:
    """The features of one text; `own`: known stretches of this very text, which the gazetteer leaves out."""

    def __init__(self, words: Words, company: Company, gazetteer: Gazetteer, own: Counter[str]) -> None:
        strings = words.strings
        self._low = folded(words)
        self._shapes = [shape(word) for word in strings]
        self._groups = [company.names(word) for word in self._low]
        self._bonds = company.bonds.along(self._low)
        self._clauses = clauses(self._low)
        self._known = {
            (begin, end): f"{label}{times > unmarked}"
            for begin, end, label, times, unmarked in gazetteer.found(self._low, own)
        }
        self._begins = [self._beginning(strings, at) for at in range(len(strings))]
        self._ends = [self._ending(strings, at) for at in range(len(strings))]
        self._inside = [
            [f"i{word}", *(f"gi{name}" for name in groups)]
            for word, groups in zip(self._low, self._groups, strict=True)
        ]

    def names(self, places: Places) -> list[str]:
        """All features of these candidates, by name, one after the other."""
        found = []
        for (begin, end), whole in zip(places.tolist(), self._wholes(places), strict=True):
            found += self._begins[begin] + self._ends[end - 1] + whole
            found += [name for at in range(begin, end) for name in self._inside[at]]
        return found

    def rows(self, places: Places, columns: Columns) -> Any:
        """A row for each candidate, sparse."""
        within = np.arange(len(self._low))
        inside = ((places[:, :1] <= within) & (within < places[:, 1:])).astype(np.float64)
        begin, end = columns.matrix(self._begins)[places[:, 0]], columns.matrix(self._ends)[places[:, 1] - 1]
        return begin + end + _sparse(inside) @ columns.matrix(self._inside) + columns.matrix(self._wholes(places))

    def _beginning(self, strings: Sequence[str], at: int) -> list[str]:
        """Of the first word, and the two before it."""
        before = self._at(at - 1)
        row = [f"b{before}", f"bb{self._at(at - 2)}|{before}", *(f"f{part}" for part in of_word(strings[at]))]
        row += [f"gb{name}" for name in (self._groups[at - 1] if at else ())]
        return row + [f"gf{name}" for name in self._groups[at]]

    def _ending(self, strings: Sequence[str], at: int) -> list[str]:
        """Of the last word, and the two behind it."""
        after = self._at(at + 1)
        row = [f"a{after}", f"aa{after}|{self._at(at + 2)}", *(f"l{part}" for part in of_word(strings[at]))]
        row += [f"ga{name}" for name in (self._groups[at + 1] if at + 1 < len(strings) else ())]
        return row + [f"gl{name}" for name in self._groups[at]]

    def _wholes(self, places: Places) -> Names:
        """Of each candidate what neither end tells alone."""
        low, found = self._low, []
        for begin, end in places.tolist():
            row = [
                f"n{end - begin}",
                f"t{JOIN.join(low[begin:end])}",
                f"ba{self._at(begin - 1)}|{self._at(end)}",
                "s" + "".join(self._shapes[begin:end]),
                f"q{low[begin]}|{low[end - 1]}",
                f"k{self._known.get((begin, end), '-')}",
            ]
            found.append(
                row + self._without_spaces(begin, end) + [f"ln{end - begin}{name}" for name in self._groups[end - 1]]
            )
        return found

    def _without_spaces(self, begin: int, end: int) -> list[str]:
        """Of characters of a script without spaces: bonds at both borders and inside, and what the signs leave."""
        (before, _, size), (_, behind, _) = self._clauses[begin], self._clauses[end - 1]
        if not size:
            return []
        left, right = self._bonds[begin], self._bonds[end]
        row = [f"u-{left}", f"u+{right}", f"u{left}{right}", f"c{before}{behind}", f"c{end - begin}of{size}"]
        row += [f"ui{bond}" for bond in self._bonds[begin + 1 : end]]
        return row + [f"ii{one}{other}" for one, other in pairwise(self._low[begin:end])]

    def _at(self, place: int) -> str:
        return self._low[place] if 0 <= place < len(self._low) else EDGE


def vstack(rows: Sequence[Any]) -> Any:
    """Rows of several texts, one under the other, sparse."""
    from scipy.sparse import vstack as stacked

    return stacked(rows, format="csr")


def _sparse(rows: Any) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix(rows)
