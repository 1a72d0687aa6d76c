"""What a candidate stretch looks like: features of where it begins, where it ends, what is inside, and of the whole.

Features of a place are made once, however many candidates begin or end there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.crowd.tagging.bonds import clauses
from labeling.crowd.tagging.features import EDGE, Company, folded, of_word, shape
from labeling.crowd.tagging.gazetteer import JOIN, Gazetteer
from labeling.crowd.tagging.words import Words

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
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


class TextView:
    """What the candidates of a text look like but for known stretches, whatever was learned: made once for a text."""

    def __init__(self, words: Words, company: Company) -> None:
        strings = words.strings
        self.low = folded(words)
        self._shapes = [shape(word) for word in strings]
        self._groups = [company.names(word) for word in self.low]
        self._bonds = company.bonds.along(self.low)
        self._clauses = clauses(self.low)
        self.begins = [self._beginning(strings, at) for at in range(len(strings))]
        self.ends = [self._ending(strings, at) for at in range(len(strings))]
        self.inside = [
            [f"i{word}", *(f"gi{name}" for name in groups)] for word, groups in zip(self.low, self._groups, strict=True)
        ]
        self.joints = [self._joint(at) for at in range(len(strings))]
        self._whole: dict[tuple[int, int], list[str]] = {}

    def whole(self, begin: int, end: int) -> list[str]:
        """What neither end of a candidate tells alone."""
        found = self._whole.get((begin, end))
        if found is None:
            found = self._whole[begin, end] = self._made(begin, end)
        return found

    def _made(self, begin: int, end: int) -> list[str]:
        low, size = self.low, end - begin
        row = [
            f"n{size}",
            f"t{JOIN.join(low[begin:end])}",
            f"ba{self._at(begin - 1)}|{self._at(end)}",
            "s" + "".join(self._shapes[begin:end]),
            f"q{low[begin]}|{low[end - 1]}",
        ]
        (before, _, clause), (_, behind, _) = self._clauses[begin], self._clauses[end - 1]
        if clause:
            row += [f"u{self._bonds[begin]}{self._bonds[end]}", f"c{before}{behind}", f"c{size}of{clause}"]
        for name in self._groups[end - 1]:
            row.append(f"ln{size}{name}")
        return row

    def _beginning(self, strings: Sequence[str], at: int) -> list[str]:
        """Of the first word, and the two before it."""
        before = self._at(at - 1)
        row = [f"b{before}", f"bb{self._at(at - 2)}|{before}", *(f"f{part}" for part in of_word(strings[at]))]
        row += [f"gb{name}" for name in (self._groups[at - 1] if at else ())]
        row += [f"u-{self._bonds[at]}"] if self._clauses[at][2] else []
        return row + [f"gf{name}" for name in self._groups[at]]

    def _ending(self, strings: Sequence[str], at: int) -> list[str]:
        """Of the last word, and the two behind it."""
        after = self._at(at + 1)
        row = [f"a{after}", f"aa{after}|{self._at(at + 2)}", *(f"l{part}" for part in of_word(strings[at]))]
        row += [f"ga{name}" for name in (self._groups[at + 1] if at + 1 < len(strings) else ())]
        row += [f"u+{self._bonds[at + 1]}"] if self._clauses[at][2] else []
        return row + [f"gl{name}" for name in self._groups[at]]

    def _joint(self, at: int) -> list[str]:
        """Of a character of a script without spaces and the one before it, where a candidate holds both."""
        if not at or not self._clauses[at][2]:
            return []
        return [f"ui{self._bonds[at]}", f"ii{self.low[at - 1]}{self.low[at]}"]

    def _at(self, place: int) -> str:
        return self.low[place] if 0 <= place < len(self.low) else EDGE


def text_view(words: Words, company: Company, *, keep: bool = False) -> TextView:
    """The view of a text; `keep`: it will be looked at again."""
    found = company.views.get(words.text)
    if found is None:
        found = TextView(words, company)
        if keep:
            company.views[words.text] = found
    return found


class CandidateView:
    """The features of one text; `own`: known stretches of this very text, which the gazetteer leaves out."""

    def __init__(self, text: TextView, gazetteer: Gazetteer, own: Counter[str]) -> None:
        self._text = text
        self._known = {
            (begin, end): f"k{label}{times > unmarked}"
            for begin, end, label, times, unmarked in gazetteer.found(text.low, own)
        }

    def names(self, places: Places) -> list[str]:
        """All features of these candidates, by name, one after the other."""
        text, found = self._text, []
        for (begin, end), whole in zip(places.tolist(), self._wholes(places), strict=True):
            found += text.begins[begin] + text.ends[end - 1] + whole
            for at in range(begin, end):
                found += text.inside[at]
                found += text.joints[at] if at > begin else []
        return found

    def rows(self, places: Places, columns: Columns) -> Any:
        """A row for each candidate, sparse."""
        text, within = self._text, np.arange(len(self._text.low))
        begins, ends = places[:, :1], places[:, 1:]
        inside = ((begins <= within) & (within < ends)).astype(np.float64)
        found = columns.matrix(text.begins)[places[:, 0]] + columns.matrix(text.ends)[places[:, 1] - 1]
        found = found + _sparse(inside) @ columns.matrix(text.inside) + columns.matrix(self._wholes(places))
        if not any(text.joints):
            return found
        held = ((begins < within) & (within < ends)).astype(np.float64)
        return found + _sparse(held) @ columns.matrix(text.joints)

    def scores(self, places: Places, columns: Columns, weights: Floats) -> Floats:
        """What weights, (features, classes), make of each candidate, (candidates, classes): `rows` times them.

        What stands inside candidates is summed up along the text once.
        """
        text, begin, end = self._text, places[:, 0], places[:, 1]
        found = (columns.matrix(text.begins) @ weights)[begin] + (columns.matrix(text.ends) @ weights)[end - 1]
        inside = _summed(columns.matrix(text.inside) @ weights)
        found += inside[end] - inside[begin]
        if any(text.joints):
            joints = _summed(columns.matrix(text.joints) @ weights)
            found += joints[end] - joints[begin + 1]
        total: Floats = found + columns.matrix(self._wholes(places)) @ weights
        return total

    def _wholes(self, places: Places) -> Names:
        known, whole = self._known, self._text.whole
        return [[*whole(begin, end), known.get((begin, end), "k-")] for begin, end in places.tolist()]


def _summed(rows: Floats) -> Floats:
    """Sums of the first rows, none to all, (rows + 1, classes)."""
    found: Floats = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    return found


def vstack(rows: Sequence[Any]) -> Any:
    """Rows of several texts, one under the other, sparse."""
    from scipy.sparse import vstack as stacked

    return stacked(rows, format="csr")


def _sparse(rows: Any) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix(rows)
