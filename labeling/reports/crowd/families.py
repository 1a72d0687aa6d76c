"""Which voters make the same mistakes: agreement beyond skill, families of copies, what the crowd is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from labeling.models import Annotator
from labeling.reports.crowd.votes import Known
from labeling.reports.drawing.heat import Heat, lower_triangle
from labeling.reports.estimates import MINIMUM, Measured, beyond_chance
from labeling.truth import correlation
from labeling.truth.label_votes import label_votes
from labeling.truth.overlap import agreements, shared_tasks
from labeling.truth.votes import Floats, Votes

MOST_SHOWN = 24
RESAMPLES = 40


@dataclass(frozen=True, slots=True)
class Alike:
    """The busiest machines with everything about their pairs, arrays of shape (n, n)."""

    annotators: tuple[Annotator, ...]
    votes: Votes
    belief: Floats
    excess: Floats
    shared: Floats
    agree: Floats

    def measured(self, row: int, column: int) -> Measured:
        """The excess agreement of a pair, with Wilson's limits of its raw agreement carried over."""
        n, rho = float(self.shared[row, column]), float(self.excess[row, column])
        if n < MINIMUM or np.isnan(rho):
            return Measured(None, estimable=False, reason=f"{n:.0f} shared tasks")
        rate = float(self.agree[row, column]) / n
        return beyond_chance(rate, n, 0.0 if rho >= 1 else (rate - rho) / (1 - rho))

    def independence(self) -> dict[int, float]:
        """By key: 1 for a loner, 1/2 for each of two copies."""
        weights = correlation.independence_weights(self.excess)
        return {one.pk: float(weight) for one, weight in zip(self.annotators, weights, strict=True)}


@dataclass(frozen=True, slots=True)
class Family:
    """Voters that make nearly the same mistakes, how alike the closest two are, and which could be spared."""

    members: tuple[Annotator, ...]
    excess: Measured
    spare: Annotator

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.members)

    def others(self, pk: int) -> list[str]:
        """The names of the other members, for a member."""
        mine = any(one.pk == pk for one in self.members)
        return [one.name for one in self.members if one.pk != pk] if mine else []


def alike(known: Known) -> Alike:
    """Compare the free models with most votes, at most 24.

    Paid models answer torn tasks only, where agreement means something else, so they are left out.
    """
    n = np.bincount(known.votes.annotator, minlength=len(known.annotators))
    free = [place for place, one in enumerate(known.annotators) if one.kind == Annotator.Kind.MODEL and n[place]]
    used = sorted(sorted(free, key=lambda place: -n[place])[:MOST_SHOWN])
    votes = among(known.votes, used)
    annotators = tuple(known.annotators[place] for place in used)
    if not used:
        return Alike((), votes, known.belief, *[np.zeros((0, 0))] * 3)
    answers = label_votes(votes)
    excess = correlation.excess_agreement(votes, known.belief)
    return Alike(annotators, votes, known.belief, excess, shared_tasks(answers), agreements(answers))


def among(votes: Votes, used: Sequence[int]) -> Votes:
    """The votes of some annotators only, renumbered in the order given."""
    place = np.full(votes.n_annotators, -1, dtype=np.int32)
    place[list(used)] = np.arange(len(used))
    keep = place[votes.annotator] >= 0
    who = place[votes.annotator[keep]]
    return Votes(votes.task[keep], who, votes.label[keep], votes.n_tasks, len(used), votes.n_labels)


def families(found: Alike) -> tuple[Family, ...]:
    """Groups of two or more voters that are linked by pairs at or above the threshold of a copy."""
    if len(found.annotators) < 2:
        return ()
    number = correlation.families(found.excess).tolist()
    inside = [[place for place, one in enumerate(number) if one == family] for family in sorted(set(number))]
    return tuple(_family(found, places) for places in inside if len(places) > 1)


def _family(found: Alike, places: list[int]) -> Family:
    row, column = max(combinations(places, 2), key=lambda pair: float(np.nan_to_num(found.excess[pair], nan=-1.0)))
    members = tuple(found.annotators[place] for place in places)
    agrees = {place: float((found.agree[place] / np.maximum(found.shared[place], 1)).mean()) for place in places}
    return Family(members, found.measured(column, row), found.annotators[min(places, key=lambda one: agrees[one])])


def heat(found: Alike) -> Heat | None:
    """The table of pairs; copies are outlined."""
    if len(found.annotators) < 2:
        return None
    return lower_triangle(found.annotators, found.measured, flag=correlation.CLONE)


def worth(found: Alike) -> Measured:
    """How many independent voters the free models are worth, plus and minus 1.96 bootstrap standard errors."""
    if len(found.annotators) < 2:
        return Measured(None, estimable=False, reason="needs two models that have voted")
    value = correlation.effective_number(found.excess)
    rng = np.random.default_rng(0)
    draws = [_worth_of_half(found.votes, found.belief, rng) for _ in range(RESAMPLES)]
    half = 1.96 * float(np.std(draws))
    return Measured(value, max(value - half, 1.0), min(value + half, float(len(found.annotators))))


def _worth_of_half(votes: Votes, belief: Floats, rng: np.random.Generator) -> float:
    """The effective number on a random half of the tasks, whose spread over halves is that of the whole."""
    keep = (rng.permutation(votes.n_tasks) < votes.n_tasks // 2)[votes.task]
    sizes = votes.n_tasks, votes.n_annotators, votes.n_labels
    drawn = Votes(votes.task[keep], votes.annotator[keep], votes.label[keep], *sizes)
    return correlation.effective_number(correlation.excess_agreement(drawn, belief))
