"""When two spellings are one label: equal numbers, and names that differ in case alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping

from labeling.kinds.cells import NO_NAME, Rules, number

FOLDING = Rules(fold_case=True)


def is_number(name: str) -> bool:
    """Whether a cell without outer blanks is a number; "nan" and "inf" are words."""
    return number(name) is not None


def key(name: str) -> Hashable:
    """What two spellings of one label have in common."""
    return FOLDING.key(name)


def is_nothing(name: str) -> bool:
    """Whether a cell is no label: empty, or a word that programs write for nothing."""
    return not name or name.lower() in NO_NAME


def folded(counts: Mapping[str, int]) -> dict[str, str]:
    """Each name's label: the most frequent of the spellings that are one, the first of equals."""
    alike: dict[Hashable, list[str]] = defaultdict(list)
    for name in counts:
        alike[key(name)].append(name)
    best = {shared: max(names, key=counts.__getitem__) for shared, names in alike.items()}
    return {name: best[key(name)] for name in counts}


def twins(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of names of one set that are one label, e.g. `yes` and `Yes`, the earlier one first."""
    first: dict[Hashable, str] = {}
    pairs = [(first.setdefault(key(name), name), name) for name in names]
    return [(one, other) for one, other in pairs if one != other]


class LabelSet:
    """The labels of a project, found under every spelling."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = list(names)
        self.exact = set(self.names)
        self.by_key = {key(name): name for name in reversed(self.names)}

    def match(self, written: str) -> str | None:
        """The label that a cell names: "" for none, None for one outside; without a label set, the cell itself."""
        if written in self.exact:
            return written
        if is_nothing(written):
            return ""
        return self.by_key.get(key(written)) if self.names else written
