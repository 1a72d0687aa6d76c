"""Why people differ: somebody who errs more than the others, or guidelines that leave room; where the evidence says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from labeling.models import Label
from labeling.people.skill import Skill
from labeling.reports.estimates import Measured, share

Shared = dict[int, dict[int, int]]
"""By task the label of each person who answered it, keys all over."""
MOST = 20_000
LEAST_PAIRS = 30
AGREE, SPLIT = 0.8, 0.8
"""People agree well where the lower limit is above the first, and differ often where the upper is below the second."""
LEAST_DIFFERENCES, MOST_ON_ONE_PAIR = 10, 0.5
"""Guidelines leave room between two labels on which clearly more than half of so many differences are."""


@dataclass(frozen=True, slots=True)
class Cause:
    """`agreement` of any two people on a task, and `without` those who `err` more than the others.

    `between`: the labels on which most of the others' differences are. `blames`: "person", "guideline", or "" where
    nothing is to blame or nothing can be said.
    """

    agreement: Measured
    without: Measured
    err: tuple[str, ...]
    between: tuple[Label, Label] | None
    blames: str

    @property
    def sentence(self) -> str:
        """What a manager should know."""
        if self.blames == "person":
            one = len(self.err) == 1
            return f"{' and '.join(self.err)} {'errs' if one else 'err'} clearly more than the others; they agree."
        if self.blames == "guideline" and self.between:
            first, second = self.between
            return (
                f"Most differences are between {first} and {second}, whoever answers: the guidelines leave room there."
            )
        if not self.agreement.estimable:
            return f"Too few tasks were answered by two people to say how far they agree: {self.agreement.reason}."
        low = self.agreement.low or 0
        return "People agree well." if low >= AGREE else "People differ at times; nothing shows yet what the cause is."


def cause(shared: Shared, people: Mapping[int, tuple[str, Skill]], labels: Sequence[Label]) -> Cause:
    """What the evidence says; `people`: name and skill by key.

    Somebody errs more than the others where the upper limit of their skill is below the middle of the others'. People
    are to blame where the rest agree well without them; the guidelines where the rest still differs often, and over the
    same two labels. With two labels there is no telling guidelines from hard tasks.
    """
    err = {key for key in people if _below(key, people)}
    everybody, rest = _agreement(shared, ()), _agreement(shared, err)
    between = _most_confused(shared, err, labels)
    blames = ""
    if everybody.estimable and (everybody.low or 0) < AGREE:
        if err and rest.estimable and (rest.low or 0) >= AGREE:
            blames = "person"
        elif between and rest.estimable and (rest.high or 1) < SPLIT:
            blames = "guideline"
    return Cause(everybody, rest, tuple(sorted(people[key][0] for key in err)), between, blames)


def _below(key: int, people: Mapping[int, tuple[str, Skill]]) -> bool:
    mine = people[key][1]
    others = [one.accuracy for other, (_, one) in people.items() if other != key and one.proven]
    return mine.proven and bool(others) and mine.high < median(others)


def _pairs(shared: Shared, without: Collection[int]) -> Iterator[tuple[int, int, int, int]]:
    """Every two people on a task: who, who, and the label of each."""
    for given in shared.values():
        kept = [(who, label) for who, label in given.items() if who not in without]
        for (one, first), (other, second) in combinations(kept, 2):
            yield one, other, first, second


def _agreement(shared: Shared, without: Collection[int]) -> Measured:
    pairs = [first == second for _, _, first, second in _pairs(shared, without)]
    return share(sum(pairs), len(pairs), minimum=LEAST_PAIRS, counted="pairs of answers")


def _most_confused(shared: Shared, without: Collection[int], labels: Sequence[Label]) -> tuple[Label, Label] | None:
    named = {label.pk: label for label in labels}
    counts = Counter(frozenset((a, b)) for _, _, a, b in _pairs(shared, without) if a != b)
    if len(labels) < 3 or counts.total() < LEAST_DIFFERENCES:
        return None
    pair, count = counts.most_common(1)[0]
    if (share(count, counts.total(), minimum=LEAST_DIFFERENCES).low or 0) <= MOST_ON_ONE_PAIR:
        return None
    first, second = sorted((named[key] for key in pair), key=lambda label: label.position)
    return first, second


def by_person(shared: Shared) -> dict[int, tuple[int, int]]:
    """How often each person agreed with another on a task, of how many such pairs."""
    found: dict[int, tuple[int, int]] = {}
    for one, other, first, second in _pairs(shared, ()):
        for who in (one, other):
            same, n = found.get(who, (0, 0))
            found[who] = same + (first == second), n + 1
    return found
