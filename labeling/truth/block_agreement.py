"""Agreement on many yes-or-no variables a task; intervals come from resampling whole tasks, whose variables depend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labeling.truth.agreement import ONE_LABEL, TOO_FEW, Coefficient
from labeling.truth.blocks import UNSAID, YES, Blocks, counts
from labeling.truth.votes import Bools, Floats, Ints

DRAWS = 400
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class BlockAgreement:
    """Coefficients over all variables together, and Krippendorff's alpha of each, `of_variable`, (K,), nan undefined.

    `by_variable`: the mean of those. `prevalence`: (K,) share of yes among what was said.
    """

    raw: Coefficient
    fleiss: Coefficient
    alpha: Coefficient
    ac1: Coefficient
    by_variable: Coefficient
    of_variable: Floats
    prevalence: Floats
    tasks: int


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over tasks, with any leading shape, then (K,): cells with two answers and what was said in them."""

    cells: Floats
    said: Floats
    yes: Floats
    apart: Floats
    agreed: Floats
    answered: Floats
    share: Floats

    def pooled(self) -> _Sums:
        """All variables together."""
        return _Sums(*(getattr(self, name).sum(axis=-1) for name in self.__slots__))


def summarise(blocks: Blocks, seed: int = 0) -> BlockAgreement:
    """Raw agreement, Fleiss' kappa, Krippendorff's alpha and Gwet's AC1 of yes or no, all variables as one question.

    Formulas as in `labeling.truth.agreement`, with two labels. 95% intervals from 400 resamples of tasks.
    """
    yes, said = counts(blocks)
    tables = _per_task(yes, said)
    whole = _Sums(*(table.sum(axis=0) for table in tables))
    reason = TOO_FEW if not whole.cells.sum() else ONE_LABEL if whole.yes.sum() in (0.0, whole.said.sum()) else None
    generator, draws, n = np.random.default_rng(seed), [], blocks.n_tasks
    for first in range(0, DRAWS if reason is None else 0, AT_ONCE):
        times = generator.multinomial(n, np.full(n, 1 / n), size=min(AT_ONCE, DRAWS - first)).astype(np.float64)
        draws.append(_Sums(*(times @ table for table in tables)))
    raw, fleiss, alpha, ac1, by_variable = (
        _coefficient(statistic, whole, draws, reason) for statistic in (_raw, _fleiss, _alpha, _ac1, _mean_alpha)
    )
    prevalence = yes.sum(axis=0) / np.maximum(said.sum(axis=0), 1.0)
    compared = int((tables[0].sum(axis=1) > 0).sum())
    return BlockAgreement(raw, fleiss, alpha, ac1, by_variable, alpha_of(whole), prevalence, compared)


def pair_agreement(blocks: Blocks, first: int, second: int) -> tuple[int, float, float]:
    """Tasks that two annotators both answered, the share of variables on which they agree, and Cohen's kappa of all."""
    one, other = (np.flatnonzero(blocks.annotator == j) for j in (first, second))
    _, here, there = np.intersect1d(blocks.task[one], blocks.task[other], return_indices=True)
    a, b = blocks.said[one[here]], blocks.said[other[there]]
    both: Bools = (a != UNSAID) & (b != UNSAID)
    if not both.any():
        return 0, float("nan"), float("nan")
    raw = float((a == b)[both].mean())
    p, q = float((a[both] == YES).mean()), float((b[both] == YES).mean())
    chance = p * q + (1 - p) * (1 - q)
    return len(here), raw, (raw - chance) / (1 - chance) if chance < 1 else float("nan")


def pairs_that_met(blocks: Blocks) -> Ints:
    """Pairs of annotators with a task in common, (P, 2)."""
    seen = np.zeros((blocks.n_annotators, blocks.n_annotators), dtype=bool)
    order = np.argsort(blocks.task, kind="stable")
    ends = np.cumsum(np.bincount(blocks.task, minlength=blocks.n_tasks))
    groups = {tuple(sorted(group.tolist())) for group in np.split(blocks.annotator[order], ends[:-1]) if len(group) > 1}
    for group in groups:
        seen[np.ix_(group, group)] = True
    found: Ints = np.argwhere(np.triu(seen, 1)).astype(np.int32)
    return found


def _per_task(yes: Floats, said: Floats) -> list[Floats]:
    """The seven sums of each task and variable, each (n_tasks, K)."""
    two, any_ = said >= 2, said >= 1
    n, y = np.where(two, said, 2.0), np.where(two, yes, 0.0)
    apart = np.where(two, 2 * y * (n - y) / (n - 1), 0.0)
    agreed = np.where(two, 1 - 2 * y * (n - y) / (n * (n - 1)), 0.0)
    share = np.where(any_, yes / np.maximum(said, 1.0), 0.0)
    return [two.astype(np.float64), np.where(two, said, 0.0), y, apart, agreed, any_.astype(np.float64), share]


def alpha_of(sums: _Sums) -> Floats:
    """Krippendorff's alpha from sums, nan where no disagreement is to be expected."""
    expected = 2 * sums.yes * (sums.said - sums.yes) / np.maximum(sums.said - 1, 1)
    return 1 - _ratio(sums.apart, expected)


def _alpha(sums: _Sums) -> Floats:
    return alpha_of(sums.pooled())


def _mean_alpha(sums: _Sums) -> Floats:
    """Mean of the variables' alphas, those without one left out."""
    each = alpha_of(sums)
    defined = np.isfinite(each)
    return _ratio(np.where(defined, each, 0.0).sum(axis=-1), defined.sum(axis=-1).astype(np.float64))


def _raw(sums: _Sums) -> Floats:
    every = sums.pooled()
    return _ratio(every.agreed, every.cells)


def _fleiss(sums: _Sums) -> Floats:
    every = sums.pooled()
    share = _ratio(every.yes, every.said)
    chance = share**2 + (1 - share) ** 2
    return _ratio(_raw(sums) - chance, 1 - chance)


def _ac1(sums: _Sums) -> Floats:
    every = sums.pooled()
    share = _ratio(every.share, every.answered)
    chance = 2 * share * (1 - share)
    return _ratio(_raw(sums) - chance, 1 - chance)


def _ratio(part: Floats, whole: Floats) -> Floats:
    defined = np.abs(whole) > 1e-12
    ratio: Floats = np.where(defined, part / np.where(defined, whole, 1.0), np.nan)
    return ratio


def _coefficient(
    statistic: Callable[[_Sums], Floats], whole: _Sums, draws: list[_Sums], reason: str | None
) -> Coefficient:
    if reason:
        return Coefficient(None, undefined=reason)
    value = float(statistic(whole))
    if not np.isfinite(value):
        return Coefficient(None, undefined="the answers leave no disagreement to expect by chance")
    sample = np.concatenate([statistic(drawn) for drawn in draws])
    lost = int(np.isnan(sample).sum())
    if lost == len(sample):
        return Coefficient(value, resamples=len(sample), lost=lost)
    low, high = np.nanquantile(sample, [0.025, 0.975]).tolist()
    return Coefficient(value, low, high, resamples=len(sample), lost=lost)
