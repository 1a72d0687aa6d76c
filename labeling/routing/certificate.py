"""How many labels may be accepted so that, with confidence 1 - delta, at most a share alpha of them is wrong.

A label is accepted where its uncertainty is at most a threshold u; an expert gives all others. L(u) is the share of
wrong labels among all N that this leaves. Some tasks, drawn at random, were answered by an expert. L rises with u, so
the rule "go up while the upper bound of L(u) stays within alpha" is wrong with probability delta at most: it can only
go too far by passing the first threshold whose error is above alpha (Candes, Ilyas and Zrnic, Probably Approximately
Correct Labels, 2025). Two bounds are offered: `once` for a number of checks fixed beforehand, `anytime` for checks that
may be looked at, and added to, as often as one likes. Bounds of single rates are in `routing/bounds.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, log

import numpy as np

from labeling.routing import bounds
from labeling.truth.votes import Bools, Floats, Ints

UNASKED, RIGHT, WRONG, PENDING = -1, 0, 1, 2
MOST_THRESHOLDS = 400
SHARES = 10
"""How many shares of released labels are tried where the released labels alone must keep the error target."""


@dataclass(frozen=True, slots=True)
class Audit:
    """N labels, and what is known about them, arrays of shape (N,).

    `uncertainty`: rises with doubt; infinite where there is no label that could be accepted, because there is none yet
    or because an expert gave it. `answer`: 0 the expert's label is the same, 1 it is another, 2 drawn and not answered
    yet (counted as wrong), -1 not drawn. `probability`: with which the task was, or would have been, drawn; 1 where the
    answer is known without a draw. `turn`: a random number in [0, 1), drawn for each task apart from everything else;
    tasks are drawn in its order.
    """

    uncertainty: Floats
    answer: Ints
    probability: Floats
    turn: Floats

    @property
    def frame(self) -> Bools:
        """Labels that could be accepted and whose truth only a check can tell."""
        known = (self.probability >= 1) & (self.answer != UNASKED) & (self.answer != PENDING)
        may: Bools = np.isfinite(self.uncertainty) & ~known
        return may

    @property
    def even(self) -> bool:
        """Whether all labels of the frame had the same probability to be drawn."""
        chances = self.probability[self.frame]
        return not len(chances) or float(np.ptp(chances)) < 1e-9

    @property
    def asked(self) -> Bools:
        drawn: Bools = self.frame & (self.answer != UNASKED)
        return drawn

    @property
    def wrong(self) -> Bools:
        found: Bools = self.answer >= WRONG
        return found

    @property
    def known_wrong(self) -> Bools:
        """Accepted labels that are wrong for certain, without any draw."""
        found: Bools = np.isfinite(self.uncertainty) & ~self.frame & (self.answer == WRONG)
        return found

    @property
    def in_turn(self) -> Ints:
        """The checks in the random order of all labels, up to the first label that was not drawn: places, (m,)."""
        frame = np.flatnonzero(self.frame)
        left = self.turn[frame][self.answer[frame] == UNASKED].min(initial=inf)
        drawn = frame[self.turn[frame] < left]
        ordered: Ints = drawn[np.argsort(self.turn[drawn], kind="stable")].astype(np.int32)
        return ordered


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says. `threshold`: the largest uncertainty that is accepted, None where nothing can be certified.

    `accepted` of `total` labels are released. `checks`: the checks the rule rests on, `errors`: those among them that
    are accepted and wrong. `bound`: upper bound of the share that is wrong, of all labels or of the released alone, at
    the threshold; at most alpha. `further`: how many more checks would lead to a certificate if errors keep the rate
    seen so far; 0 where there is one or the answers that wait would do, None where no number would. `waiting`: checks
    that wait for an answer.
    """

    threshold: float | None
    accepted: int
    total: int
    checks: int
    errors: int
    bound: float | None
    further: int | None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Steps:
    """Thresholds from low to high with what lies at or below each, arrays of shape (T,).

    `size`: labels of the frame, `known`: known wrong ones, `accepted`: all that would be released. `allowed`: how many
    labels of the frame may be wrong, a fraction; `budget`: the smallest whole number that breaks the target.
    """

    threshold: Floats
    size: Ints
    known: Ints
    accepted: Ints
    allowed: Floats
    budget: Ints


def steps(audit: Audit, alpha: float, *, released: bool = False) -> Steps:
    """The thresholds to try: each uncertainty that occurs, at most 400, chosen without a look at any answer.

    With `released`, ten shares of the labels are tried, and `budget` counts against the labels released at each.
    """
    may = np.isfinite(audit.uncertainty)
    found = np.sort(audit.uncertainty[may])
    most = SHARES if released else MOST_THRESHOLDS
    grid = np.unique(found)
    if len(grid) > most:
        grid = np.unique(found[np.ceil(np.linspace(0, 1, most + 1)[1:] * len(found)).astype(int) - 1])
    size, known, accepted = (
        np.searchsorted(np.sort(audit.uncertainty[which]), grid, side="right").astype(np.int32)
        for which in (audit.frame, audit.known_wrong, may)
    )
    out_of = accepted if released else np.full(len(grid), len(audit.uncertainty), dtype=np.int32)
    allowed = alpha * out_of.astype(np.float64) - known + 1e-9
    return Steps(grid, size, known, accepted, allowed, np.floor(allowed).astype(np.int32) + 1)


def once(audit: Audit, alpha: float, delta: float, *, released: bool = False) -> Finding:
    """The rule for a number of checks that was fixed before anybody looked, and for one look.

    With equal probabilities x errors among m checks bound L(u) by Clopper and Pearson's BetaInv(1 - delta; x + 1,
    m - x); with unequal ones by betting on inversely weighted errors (`bounds.betting_upper`).
    """
    look = Look.at(audit, alpha, delta, released, np.flatnonzero(audit.asked).astype(np.int32))
    above = look.exact() if audit.even else look.weighted()
    place = look.choose(above <= look.steps.allowed)
    if place is None:
        return look.refused(lambda more: look.exact(more) <= look.steps.allowed)
    return look.granted(place, above[place])


def anytime(audit: Audit, alpha: float, delta: float, *, released: bool = False) -> Finding:
    """The rule that holds at every look: errors are bet against in the random order of the checks.

    The checks in turn are a sample without replacement. For each threshold the capital of bets against "at least
    `budget` wrong labels are accepted" is followed; where it ever reached 1 / delta, the threshold passes, and that
    never happens to a false one with probability 1 - delta at all looks together (`bounds.log_capital`).
    """
    look = Look.at(audit, alpha, delta, released, audit.in_turn)
    place = look.choose(look.passes())
    if place is None:
        return look.refused(look.would_pass)
    inside, size = look.inside(place)
    most = min(int(look.steps.budget[place]) - 1, int(look.steps.size[place]))
    return look.granted(place, bounds.anytime_upper(inside, size, look.risk, most))


RULES = {"anytime": anytime, "once": once}


def as_it_stands(audit: Audit, delta: float, rule: str) -> Finding:
    """The audited-sample statement: how many of all labels are wrong at most if every label is released as it is.

    By the hypergeometric bound, or by betting where probabilities differ, for `once`; by a confidence sequence for
    `anytime`, so that auditing may stop whenever the bound is low enough.
    """
    checks = audit.in_turn if rule == "anytime" else np.flatnonzero(audit.asked).astype(np.int32)
    wrong, size = audit.wrong[checks], int(audit.frame.sum())
    if rule == "anytime":
        most = bounds.anytime_upper(wrong, size, delta)
    elif audit.even:
        most = bounds.hypergeometric_upper(int(wrong.sum()), len(checks), size, delta)
    else:
        least = float(audit.probability[audit.frame].min(initial=1.0))
        most = int(size * bounds.betting_upper(audit.probability[checks[wrong]], size, least, delta))
    released, total = int(np.isfinite(audit.uncertainty).sum()), len(audit.uncertainty)
    bound = (most + int(audit.known_wrong.sum())) / total if total else None
    return Finding(None, released, total, len(checks), int(wrong.sum()), bound, 0)


def ahead(audit: Audit, alpha: float, delta: float, more: Sequence[int], *, released: bool = False) -> list[int]:
    """How many labels `anytime` would release after so many more checks each, if errors keep the rates seen so far."""
    look = Look.at(audit, alpha, delta, released, audit.in_turn)
    passed = look.passes()
    places = [look.choose(look.would_pass(each) | passed) for each in more]
    return [0 if place is None else int(look.steps.accepted[place]) for place in places]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the checks of an audit: the thresholds to try, the checks that count, and the risk at each."""

    audit: Audit
    steps: Steps
    checks: Ints
    risk: float
    released: bool

    @classmethod
    def at(cls, audit: Audit, alpha: float, delta: float, released: bool, checks: Ints) -> Look:
        """Ten shares are ten chances to be wrong, so each gets its part of delta; thresholds that must all pass do not.

        Raises ValueError where `alpha` or `delta` do not lie between 0 and 1.
        """
        if not (0 < alpha < 1 and 0 < delta < 1):
            raise ValueError("`alpha` and `delta` must lie between 0 and 1")
        tried = steps(audit, alpha, released=released)
        return cls(audit, tried, checks, delta / max(len(tried.threshold), 1) if released else delta, released)

    @property
    def waiting(self) -> int:
        return int((self.audit.answer[self.checks] == PENDING).sum())

    def inside(self, place: int) -> tuple[Bools, int]:
        """Which checks count as errors at a threshold, and of how many labels they are a sample."""
        accepted = self.audit.uncertainty[self.checks] <= self.steps.threshold[place]
        wrong = self.audit.wrong[self.checks]
        if self.released:
            return wrong[accepted], int(self.steps.size[place])
        return accepted & wrong, int(self.audit.frame.sum())

    def counts(self, more: int | None = None) -> tuple[Floats, Floats, Floats]:
        """Errors, checks, and labels they stand for, at each threshold, each (T,).

        With `more`: as expected after so many further checks, and answers to those that wait, at the rates seen so far.
        """
        seen = self.checks if more is None else self.checks[self.audit.answer[self.checks] != PENDING]
        doubt, wrong = self.audit.uncertainty[seen], self.audit.wrong[seen]
        errors, checks = (
            np.searchsorted(np.sort(which), self.steps.threshold, side="right").astype(np.float64)
            for which in (doubt[wrong], doubt)
        )
        frame = int(self.audit.frame.sum())
        size = self.steps.size.astype(np.float64) if self.released else np.full(len(errors), float(frame))
        if not self.released:
            checks = np.full(len(errors), float(len(seen)))
        more = 0 if more is None else more + len(self.checks) - len(seen)
        later = np.minimum(checks + more * size / max(frame, 1), size)
        return errors / np.maximum(checks, 1) * later, later, size

    def exact(self, more: int | None = None) -> Floats:
        """Upper bounds of the wrong labels in the frame at each threshold, (T,): Clopper and Pearson."""
        errors, checks, size = self.counts(more)
        return np.minimum(size * bounds.clopper_pearson_upper(errors, checks, self.risk), self.steps.size)

    def weighted(self) -> Floats:
        """The same by betting, for unequal probabilities."""
        audit, above = self.audit, self.steps.size.astype(np.float64)
        doubt, chance = audit.uncertainty[audit.frame], audit.probability[audit.frame]
        errors = self.checks[audit.wrong[self.checks]]
        for place, threshold in enumerate(self.steps.threshold):
            among = chance[doubt <= threshold] if self.released else chance
            wrong = audit.probability[errors[audit.uncertainty[errors] <= threshold]]
            rate = bounds.betting_upper(wrong, len(among), float(among.min(initial=1.0)), self.risk)
            above[place] = min(above[place], rate * len(among))
        return above

    def passes(self) -> Bools:
        """Where the capital of the bets has ever reached 1 / risk, or where fewer labels than `budget` are accepted."""
        passed: Bools = self.steps.size < self.steps.budget
        for place in np.flatnonzero(~passed):
            inside, size = self.inside(int(place))
            budget = int(self.steps.budget[place])
            passed[place] = bounds.best_log_capital(inside, size, budget) >= log(1 / self.risk)
            if not (passed[place] or self.released):
                break
        return passed

    def would_pass(self, more: int) -> Bools:
        """Where it is to be expected to have reached it after `more` checks, those that wait being answered."""
        errors, checks, size = self.counts(more)
        expected = bounds.log_capital(errors, checks, size, self.steps.budget)
        return (self.steps.size < self.steps.budget) | (expected >= log(1 / self.risk))

    def choose(self, passed: Bools) -> int | None:
        """The last threshold up to which all pass; of ten shares, the largest that passes; None where none is worth it.

        Labels so few that all of them might be wrong need no check and are no finding, unless they are all there are.
        """
        best = np.flatnonzero(passed).max(initial=-1) if self.released else np.argmin(np.append(passed, False)) - 1
        tried = self.steps
        if best < 0 or (0 < tried.size[best] < tried.budget[best] and (tried.size >= tried.budget).any()):
            return None
        return int(best)

    def granted(self, place: int, above: float) -> Finding:
        tried, total = self.steps, len(self.audit.uncertainty)
        accepted = int(tried.accepted[place])
        bound = float((above + tried.known[place]) / (accepted if self.released else total))
        errors = int(self.inside(place)[0].sum())
        return Finding(float(tried.threshold[place]), accepted, total, len(self.checks), errors, bound, 0, self.waiting)

    def refused(self, passes: Callable[[int], Bools]) -> Finding:
        """No threshold, and the smallest number of further checks with which one is to be expected."""
        low, high = 0 if self.waiting else 1, int(self.audit.frame.sum()) - len(self.checks)
        further: int | None = None
        while low <= high:
            middle = (low + high) // 2
            if self.choose(passes(middle)) is not None:
                further, high = middle, middle - 1
            else:
                low = middle + 1
        return Finding(None, 0, len(self.audit.uncertainty), len(self.checks), 0, None, further, self.waiting)
