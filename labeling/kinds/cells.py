"""What one cell of a file means: no answer, a label, a number; and when two spellings are one label (docs/adr/0009)."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
LONGEST_NUMBER = 40
NO_NAME = frozenset({"nan", "null", "nat", "<na>", "#n/a"})
"""Words that programs write for nothing and nobody calls a group, in lower case."""
LOOKS_MISSING = NO_NAME | {"na", "n/a", "none", "nil", "-", "--", "?"}
"""Words that often stand for no answer, but may be labels, in lower case."""
SIGNS = ({"-1", "1"}, {"-1", "0", "1"})
"""Label sets in which -1 is an answer like the others."""
MOST_SHOWN = 5
FORMULA = ("=", "+", "-", "@", "\t", "\r")
GUARDED = tuple(f"'{sign}" for sign in ("'", *FORMULA))
"""How a cell of an exported CSV begins that a spreadsheet would run as a formula otherwise."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the user says about cells.

    `missing`: words that are no answer. `labels`: the label set in its order; empty for whatever occurs. `fold_case`:
    names that differ in case alone are one. `noun`: what the cells hold, for sentences.
    """

    missing: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    fold_case: bool = False
    noun: str = "label"

    def naming(self, labels: Sequence[str]) -> Rules:
        """The same rules for cells that are matched with these labels."""
        return replace(self, labels=tuple(labels))

    def key(self, name: str) -> Hashable:
        """What two spellings of one label have in common: their number, or their letters."""
        found = number(name)
        if found is not None:
            return found
        return name.casefold() if self.fold_case else name

    def is_missing(self, name: str) -> bool:
        """Whether a cell without its outer blanks is no answer."""
        return not name or (bool(self.missing) and self.key(name) in set(map(self.key, self.missing)))


@dataclass(frozen=True, slots=True)
class Meaning:
    """`name` of each cell as it is written: its label, or "" for no answer. `notes`: sentences for the reader.

    `outside`: how often each name occurs that is not in the label set, where there is one.
    """

    name: dict[str, str]
    notes: tuple[str, ...] = ()
    outside: Mapping[str, int] | None = None

    def of(self, cells: Iterable[str]) -> list[str]:
        """The label of each cell, "" for no answer."""
        return [self.name[cell] for cell in cells]

    def names(self) -> list[str]:
        """The different labels, sorted."""
        return sorted({name for name in self.name.values() if name})


def clean(cell: str) -> str:
    """A cell without outer blanks, its letters composed (NFC), so that what looks alike is alike."""
    stripped = cell.strip()
    return stripped if stripped.isascii() else unicodedata.normalize("NFC", stripped.strip("\u200b\ufeff").strip())


def unguarded(cells: Iterable[str]) -> list[str]:
    """Cells of an exported CSV without the apostrophe that keeps spreadsheets from running them as formulas."""
    return [cell[1:] if cell.startswith(GUARDED) else cell for cell in cells]


def written(value: object) -> str:
    """A JSON value as a cell, "" for null and NaN. Raises ValueError, with half a sentence, for a list or an object."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, dict | list):
        raise ValueError("holds a list or an object, not a text.")
    return value if isinstance(value, str) else json.dumps(value)


def number(name: str) -> Decimal | None:
    """The number that a cell without outer blanks is, exactly; None for anything else, "nan" and "inf" included."""
    if not name or len(name) > LONGEST_NUMBER or name[-1] not in "0123456789." or not NUMBER.fullmatch(name):
        return None
    return Decimal(name)


def decide(counts: Mapping[str, int], rules: Rules) -> Meaning:
    """What each cell means, all of a column together. `counts`: how often each occurs as it is written.

    Equal numbers are one label, and with `fold_case` names that differ in case alone. The label set decides first: an
    exact name of it, then an equal one. Without one the shortest spelling names the label, then the most frequent.
    """
    cleaned = {cell: clean(cell) for cell in counts}
    often: dict[str, int] = defaultdict(int)
    for cell, times in counts.items():
        often[cleaned[cell]] += times
    given = [name for name in often if not rules.is_missing(name)]
    named = _named(given, often, rules)
    meaning = {cell: named.get(name, "") for cell, name in cleaned.items()}
    outside = {name: often[name] for name in given if rules.labels and named[name] not in rules.labels}
    return Meaning(meaning, tuple(_notes(often, named, rules)), outside)


def _named(given: Iterable[str], often: Mapping[str, int], rules: Rules) -> dict[str, str]:
    """The label of each spelling."""
    exact, equal = set(rules.labels), {rules.key(label): label for label in reversed(rules.labels)}
    alike: dict[Hashable, list[str]] = defaultdict(list)
    named: dict[str, str] = {}
    for name in given:
        known = name if name in exact else equal.get(rules.key(name))
        if known is None:
            alike[rules.key(name)].append(name)
        else:
            named[name] = known
    for spellings in alike.values():
        best = min(spellings, key=lambda name: (len(name), -often[name], name))
        named |= dict.fromkeys(spellings, best)
    return named


def _notes(often: Mapping[str, int], named: Mapping[str, str], rules: Rules) -> Iterable[str]:
    numbers = [(name, label) for name, label in named.items() if name != label and number(name) is not None]
    if numbers:
        yield f"Equal numbers are one {rules.noun}: {_pairs(numbers, 'is read as')}."
    folded = [(name, label) for name, label in named.items() if name != label and number(name) is None]
    if folded:
        yield f"Case is not told apart: {_pairs(folded, 'is read as')}."
    twins = case_twins({*named.values(), *rules.labels})
    if twins:
        yield (
            f"Some {rules.noun}s differ in case alone: {_pairs(twins, 'and')}; they are different ones "
            "unless you say --fold-case."
        )
    for name in _suspects(named):
        yield (
            f"{name!r} ({often[name]:,} times) looks like no answer and is read as a {rules.noun}; "
            f"leave it out with --missing={name}."
        )


def case_twins(names: Collection[str]) -> list[tuple[str, str]]:
    """Pairs of names that differ in case alone, sorted."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        alike[name.casefold()].append(name)
    return [(group[0], other) for group in alike.values() for other in group[1:]]


def _suspects(named: Mapping[str, str]) -> list[str]:
    """Names that look like a missing answer; -1 does so beside numbers of which none is negative."""
    labels = set(named.values())
    found = sorted(name for name in named if name.lower() in LOOKS_MISSING)
    others = [number(label) for label in labels - {"-1"}]
    if "-1" in labels and labels not in SIGNS and others and all(value is not None and value >= 0 for value in others):
        found.append("-1")
    return found


def _pairs(pairs: Sequence[tuple[str, str]], between: str) -> str:
    shown = ", ".join(f"{first!r} {between} {second!r}" for first, second in pairs[:MOST_SHOWN])
    return shown + (f" and {len(pairs) - MOST_SHOWN} more" if len(pairs) > MOST_SHOWN else "")


def listed(names: Iterable[str], most: int = MOST_SHOWN) -> str:
    """A few names with commas between, and how many more there are."""
    every = list(names)
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")
