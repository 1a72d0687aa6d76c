"""From the rates of several groups to one gap: its size, its interval, and what chance alone would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fairness.intervals import (
    Estimate,
    Floats,
    fisher_p,
    holm,
    log_ratio_limits,
    newcombe,
    normal_z,
    null_gaps,
    permutation_p,
    simultaneous_z,
    smallest_ratio,
    widest_gap,
)
from fairness.rates import Bools, Ints, Rates, too_few


@dataclass(frozen=True, slots=True)
class Terms:
    """How to judge: confidence level, tasks that a group needs, draws of the permutation null, seed.

    `reference` names the group that ratios compare with; None takes the one with the highest rate.
    """

    level: float = 0.95
    minimum: int = 30
    draws: int = 2000
    seed: int = 0
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Gap(Estimate):
    """The distance between the best and the worst group, with an interval that pays for having picked them.

    `p_value`: permutation probability of a gap this wide were there none. `by_chance`: the mean gap were there none.
    `p_adjusted`: `p_value` after Holm over all labels. `highest`, `lowest`: the groups. `label`: the label it is
    about, in a headline over several.
    """

    p_value: float | None = None
    by_chance: float | None = None
    p_adjusted: float | None = None
    highest: str | None = None
    lowest: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class StandOut:
    """One group against all others together; `p_adjusted` is Fisher's exact test after Holm over all that were made."""

    label: str
    measure: str
    group: str
    difference: float
    low: float
    high: float
    p_value: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rates of the groups that are compared, and the permutation null of their gap.

    `enough`: at least two groups have the minimum, and only those that have it are compared. Else every group with any
    task is, for what it is worth. `problem`: why there is nothing to compare, or empty.
    """

    rates: Rates
    names: tuple[str, ...]
    null: Floats | None = None
    enough: bool = False
    reason: str = ""
    problem: str = ""


def compare(rates: Rates, names: Sequence[str], terms: Terms, counted: str = "checked", stream: int = 0) -> Comparison:
    """Choose the groups that can be compared.

    `counted` names what `rates.n` counts, for the reason. `stream`: a number of its own for every comparison of a
    report, so that their permutation nulls are independent.
    """
    if np.count_nonzero(rates.n) < 2:
        return Comparison(rates, (), problem=f"undefined: fewer than two groups have tasks {counted}")
    full = rates.n >= max(terms.minimum, 1)
    enough = int(full.sum()) >= 2
    kept = full if enough else rates.n > 0
    reason = (_left_out if enough else _lacking)(rates.n, names, terms.minimum, counted)
    used = rates.of(kept)
    return Comparison(used, _names(names, kept), _null(used, terms, stream), enough, reason)


def _names(names: Sequence[str], kept: Bools) -> tuple[str, ...]:
    return tuple(name for name, keep in zip(names, kept, strict=True) if keep)


def _left_out(n: Ints, names: Sequence[str], minimum: int, counted: str) -> str:
    lacking = [(name, int(size)) for name, size in zip(names, n, strict=True) if size < minimum]
    shown = ", ".join(f"{name} ({too_few(size, minimum, counted)})" for name, size in lacking[:3])
    more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
    return f"without {shown}{more}" if lacking else ""


def _lacking(n: Ints, names: Sequence[str], minimum: int, counted: str) -> str:
    """Two groups must have the minimum, so the second largest decides."""
    second = int(np.argsort(-n, kind="stable")[1])
    return f"{too_few(int(n[second]), minimum, counted)} in {names[second]}"


def _null(rates: Rates, terms: Terms, stream: int) -> Floats | None:
    """The null of effective counts, which without weights are the counts themselves; none for signed differences."""
    if rates.up is not None:
        return None
    n = np.maximum(np.rint(rates.n_effective), 1)
    rng = np.random.default_rng([terms.seed, stream])
    return null_gaps(n, np.rint(rates.value * n), terms.draws, rng)


def gap(comparison: Comparison, terms: Terms, looks: int = 1) -> Gap:
    """Highest less lowest rate; the low end of the interval holds for `looks` such gaps at once."""
    if comparison.problem:
        return Gap(None, None, None, False, comparison.problem)
    rates = comparison.rates
    narrow, wide = _quantiles(terms, len(rates.n), looks)
    low, high = widest_gap(rates.value, rates.limits(narrow), rates.limits(wide))
    return _gap(comparison, float(np.ptp(rates.value)), low, high, comparison.null)


def ratio(comparison: Comparison, terms: Terms, looks: int = 1) -> Gap:
    """Lowest rate divided by the highest, or by the reference group's; the high end holds for `looks` at once.

    Undefined where the rate divided by is 0.
    """
    if comparison.problem:
        return Gap(None, None, None, False, comparison.problem)
    rate, names = comparison.rates.value, comparison.names
    reference = names.index(terms.reference) if terms.reference in names else None
    base = rate.max() if reference is None else rate[reference]
    if base == 0:
        return Gap(None, None, None, False, "undefined: the rate to divide by is 0")
    narrow, wide = (
        log_ratio_limits(rate, comparison.rates.n_effective, z) for z in _quantiles(terms, len(rate), looks)
    )
    low, high = smallest_ratio(rate, narrow, wide, reference)
    value = min(float(rate.min() / base), 1.0)
    return _gap(comparison, value, min(low, value), max(high, value), None)


def _quantiles(terms: Terms, groups: int, looks: int) -> tuple[float, float]:
    return normal_z(terms.level), simultaneous_z(1 - (1 - terms.level) / looks, groups)


def _gap(comparison: Comparison, value: float, low: float, high: float, null: Floats | None) -> Gap:
    rate, names = comparison.rates.value, comparison.names
    found = Gap(value, low, high, comparison.enough, comparison.reason)
    found = replace(found, highest=names[int(rate.argmax())], lowest=names[int(rate.argmin())])
    return found if null is None else _tested(found, null)


def _tested(found: Gap, null: Floats) -> Gap:
    return replace(found, p_value=permutation_p(found.value or 0.0, null), by_chance=float(null.mean()))


def joined(first: Gap, second: Gap, join: Callable[..., Any], nulls: Sequence[Floats | None] = ()) -> Gap:
    """One gap from two that must both be defined, such as equalized odds from its two halves.

    `join` (np.maximum, np.minimum or a mean) is applied to the values, to each end of the intervals, and to the
    independent nulls, if there are any.
    """
    if first.value is None or second.value is None:
        return Gap(None, None, None, False, first.reason if first.value is None else second.reason)
    value, low, high = (float(join(getattr(first, end), getattr(second, end))) for end in ("value", "low", "high"))
    leading = first if abs(value - first.value) <= abs(value - (second.value or 0.0)) else second
    reasons = [part.reason for part in (first, second) if part.reason]
    weak = [part.reason for part in (first, second) if not part.estimable]
    whole = replace(leading, value=value, low=low, high=high, estimable=not weak, p_value=None, by_chance=None)
    whole = replace(whole, reason=(weak or reasons or [""])[0])
    return whole if len(nulls) != 2 or nulls[0] is None else _tested(whole, join(nulls[0], nulls[1]))


def adjusted(gaps: Sequence[Gap]) -> list[Gap]:
    """The same gaps with Holm's adjustment over those that have a p-value."""
    places = [place for place, one in enumerate(gaps) if one.p_value is not None]
    p_values = holm([gaps[place].p_value or 0.0 for place in places])
    done = dict(zip(places, p_values.tolist(), strict=True))
    return [replace(one, p_adjusted=done.get(place)) for place, one in enumerate(gaps)]


def worst(gaps: Sequence[Gap], labels: Sequence[str], *, smallest: bool = False) -> Gap:
    """The headline over labels: the widest gap, or with `smallest` the smallest ratio, among the estimable ones.

    The intervals of `gaps` must hold for all of them at once at the end that claims a gap (`looks`). Its p-value is
    Holm's smallest, the one for "no gap in any label".
    """
    named = [replace(one, label=label) for one, label in zip(gaps, labels, strict=True)]
    defined = [one for one in named if one.value is not None]
    usable = [one for one in defined if one.estimable] or defined
    if not usable:
        return replace(named[0], label=None)
    best = min if smallest else max
    low, high = (best(getattr(one, end) for one in usable) for end in ("low", "high"))
    head = best(usable, key=lambda one: one.value or 0.0)
    p_adjusted = min((one.p_adjusted for one in usable if one.p_adjusted is not None), default=None)
    return replace(head, low=low, high=high, p_adjusted=p_adjusted, reason=_headline_reason(head, usable, named))


def _headline_reason(head: Gap, usable: Sequence[Gap], named: Sequence[Gap]) -> str:
    missing = len(named) - len(usable)
    remark = f"{missing} of {len(named)} labels not estimable" if missing and head.estimable else ""
    return "; ".join(part for part in (head.reason, remark) if part)


def verdict(found: Estimate, margin: float) -> str:
    """`pass` where the whole interval lies within `margin`, `fail` where it lies beyond, else `undecided`.

    Nothing passes while a group or a label is too small to be compared: it may be the one that is treated otherwise.
    """
    if not found.estimable or found.low is None or found.high is None:
        return "undecided"
    if found.low > margin:
        return "fail"
    return "pass" if found.high <= margin and not found.reason else "undecided"


def eighty_percent_rule(found: Estimate, limit: float = 0.8) -> str:
    """`pass` where the ratio's whole interval is at or above `limit`, `fail` where it is below, else `undecided`.

    As in `verdict`, nothing passes while a group or a label is too small to be compared.
    """
    if not found.estimable or found.low is None or found.high is None:
        return "undecided"
    if found.high < limit:
        return "fail"
    return "pass" if found.low >= limit and not found.reason else "undecided"


def against_rest(comparison: Comparison, label: str, measure: str, terms: Terms) -> list[StandOut]:
    """Each compared group against the others together, by effective counts; none where there is not enough."""
    if not comparison.enough:
        return []
    n = np.maximum(np.rint(comparison.rates.n_effective), 1)
    positives = np.rint(comparison.rates.value * n)
    return [_stand_out(g, positives, n, label, measure, comparison.names[g], terms.level) for g in range(len(n))]


def _stand_out(g: int, positives: Floats, n: Floats, label: str, measure: str, group: str, level: float) -> StandOut:
    inside, outside = (positives[g], n[g]), (positives.sum() - positives[g], n.sum() - n[g])
    low, high = newcombe((inside[0], outside[0]), (inside[1], outside[1]), level)
    p_value = fisher_p((inside[0], outside[0]), (inside[1], outside[1]))
    difference = float(inside[0] / inside[1] - outside[0] / outside[1])
    return StandOut(label, measure, group, difference, low, high, p_value, p_value)


def standing_out(tests: Sequence[StandOut], level: float) -> tuple[StandOut, ...]:
    """Those that differ from the rest after Holm over all `tests`, the surest first."""
    if not tests:
        return ()
    p_values = holm([test.p_value for test in tests]).tolist()
    done = [replace(test, p_adjusted=p) for test, p in zip(tests, p_values, strict=True)]
    return tuple(sorted((test for test in done if test.p_adjusted <= 1 - level), key=lambda test: test.p_adjusted))
