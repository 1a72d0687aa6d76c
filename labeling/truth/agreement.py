"""Agreement of a crowd beyond chance, with intervals, and a plain word where a coefficient has no meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import scipy

from labeling.truth.vote_matrix import heaviest, without_abstentions
from labeling.truth.votes import Floats, Votes

RESAMPLES = 2000
RESAMPLED_PATTERNS = 20_000_000
"""Most patterns drawn in all resamples together; with very many different tasks there are fewer resamples."""
PATTERNS_AT_ONCE = 1_000_000
TOO_FEW = "no task has two labels to compare"
ONE_LABEL = "one label only: there is nothing to tell apart by chance (raw agreement is 100%)"


@dataclass(frozen=True, slots=True)
class Coefficient:
    """An agreement coefficient with its 95% bootstrap interval, or None and the reason why it is `undefined`.

    Of `resamples`, `lost` ones had no disagreement to expect, so that the coefficient has no value there; the interval
    rests on the others, and is too narrow at the side of full agreement.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    undefined: str | None = None
    note: str | None = None
    resamples: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """Coefficients of one set of votes. `prevalence`, `specific`: (n_labels,); `specific` is nan for unused labels.

    `specific`: given that one annotator said the label, how often another of the same task said it too.
    """

    raw: Coefficient
    fleiss: Coefficient
    alpha: Coefficient
    ac1: Coefficient
    prevalence: Floats
    specific: Floats
    tasks: int


Counts: TypeAlias = "scipy.sparse.csr_array"
Statistic = Callable[[Counts, Floats], Floats]


def summarise(votes: Votes, *, values: Floats | None = None, metric: str = "nominal", seed: int = 0) -> Agreement:
    """Every coefficient of `votes` with an interval from resampling tasks; abstentions do not count.

    `metric` and `values` are for Krippendorff's alpha (see there). A fractional vote counts as its heaviest label.
    `tasks` is the number of tasks with at least two labels. Memory grows with the votes and with resamples times
    labels in parts of a fixed size, never with the square of the labels.
    """
    counts, times = patterns(label_counts(votes))
    compared = times[_sizes(counts) >= 2].sum()
    alpha = partial(krippendorff_alpha, values=values, metric=metric)
    draws = _resamples(times, counts.shape[1], seed)
    reason = _why_undefined(counts)
    note = _unequal_note(counts)
    return Agreement(
        _coefficient(raw_agreement, counts, times, draws, TOO_FEW if reason == TOO_FEW else None),
        _coefficient(fleiss_kappa, counts, times, draws, reason, note),
        _coefficient(alpha, counts, times, draws, reason),
        _coefficient(gwet_ac1, counts, times, draws, reason),
        prevalence(counts, times),
        specific_agreement(counts, times),
        int(compared),
    )


def label_counts(votes: Votes) -> Counts:
    """How many annotators gave each label to each task, sparse (n_tasks, n_labels)."""
    named = without_abstentions(heaviest(votes))
    shape = votes.n_tasks, votes.n_labels
    return scipy.sparse.coo_array((np.ones(len(named.task)), (named.task, named.label)), shape=shape).tocsr()


def label_table(votes: Votes) -> Floats:
    """The same as a full table, (n_tasks, n_labels)."""
    table: Floats = label_counts(votes).toarray()
    return table


def patterns(counts: Counts | Floats) -> tuple[Counts, Floats]:
    """The different rows of `counts`, sparse (U, K), and how often each occurs, (U,); rows of zeros are left out."""
    counts = scipy.sparse.csr_array(counts)
    counts = counts[np.flatnonzero(_sizes(counts))]
    # a sum with random factors tells rows apart as one number, which sorts far faster than rows do
    factors = np.random.default_rng(0).integers(1, 2**62, counts.shape[1], dtype=np.int64)
    _, first, times = np.unique(counts.astype(np.int64) @ factors, return_index=True, return_counts=True)
    return counts[first], times.astype(np.float64)


def raw_agreement(counts: Counts | Floats, times: Floats) -> Floats:
    """Mean over tasks of the share of pairs of annotators that agree.

    Here and below `counts` is (U, K), sparse or full, the votes for each label on a task, and `times`, (U,) or (D, U),
    says how many such tasks there are; the result has the shape () or (D,). Tasks with fewer than two votes do not
    count. nan where no task remains.
    """
    used, often, n = _comparable(counts, times)
    agree = (_squares(used) - n) / (n * (n - 1))
    return _ratio(often @ agree, often.sum(axis=-1))


def fleiss_kappa(counts: Counts | Floats, times: Floats) -> Floats:
    """Fleiss' kappa, (po - pe) / (1 - pe), pe = sum of squared label shares; nan where pe is 1.

    It assumes equally many votes a task; with unequal numbers, shares are of all votes together.
    Source: Fleiss 1971, Psychological Bulletin 76(5), doi 10.1037/h0031619.
    """
    used, often, _ = _comparable(counts, times)
    share = often @ used
    total = np.maximum(share.sum(axis=-1, keepdims=True), 1.0)
    return _beyond(raw_agreement(counts, times), ((share / total) ** 2).sum(axis=-1))


def gwet_ac1(counts: Counts | Floats, times: Floats) -> Floats:
    """Gwet's AC1, (po - pe) / (1 - pe), pe = sum_k p_k (1 - p_k) / (K - 1), p_k the mean share of label k in a task.

    Source: Gwet 2008, British Journal of Mathematical and Statistical Psychology 61(1), doi 10.1348/000711006X126600.
    """
    counts = scipy.sparse.csr_array(counts)
    each = scipy.sparse.diags_array(1 / np.maximum(_sizes(counts), 1)).tocsr() @ counts
    share = times @ each / np.maximum(times.sum(axis=-1, keepdims=True), 1.0)
    chance = (share * (1 - share)).sum(axis=-1) / max(counts.shape[1] - 1, 1)
    return _beyond(raw_agreement(counts, times), chance)


def krippendorff_alpha(
    counts: Counts | Floats, times: Floats, *, metric: str = "nominal", values: Floats | None = None
) -> Floats:
    """Krippendorff's alpha, 1 - observed / expected disagreement; missing votes are no trouble.

    `metric`: "nominal", "ordinal" (labels in the order of `values`, or of their index) or "interval" (squared distance
    of `values`, (K,), by default the indexes). nan where the expected disagreement is 0.
    Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability.
    """
    used, often, n = _comparable(counts, times)
    total = often @ used
    if metric == "nominal":
        observed, expected = often @ ((n**2 - _squares(used)) / (n - 1)), total.sum(-1) ** 2 - (total**2).sum(-1)
    else:
        place = _places(total, metric, values)
        centre = _ratio((total * place).sum(axis=-1), total.sum(axis=-1))[..., None]
        observed = (often * _apart(used, n, place)).sum(axis=-1)
        expected = 2 * total.sum(axis=-1) * (total * (place - centre) ** 2).sum(axis=-1)
    return 1 - _ratio(observed, expected / np.maximum(total.sum(axis=-1) - 1, 1))


def _places(total: Floats, metric: str, values: Floats | None) -> Floats:
    """Where the labels stand, (K,) or (..., K), from 0 to 1; `total`, (..., K), is how often each occurs."""
    values = np.arange(total.shape[-1], dtype=np.float64) if values is None else np.asarray(values, dtype=np.float64)
    if metric == "interval":
        scaled: Floats = (values - values.min()) / max(np.ptp(values), 1e-300)
        return scaled
    if metric != "ordinal":
        raise ValueError(f"`metric` is {metric!r}; it must be nominal, ordinal or interval.")
    order = np.argsort(values, kind="stable")
    rank = np.empty(total.shape)
    rank[..., order] = np.cumsum(total[..., order], axis=-1) - total[..., order] / 2
    rank /= np.maximum(total.sum(axis=-1, keepdims=True), 1.0)
    return rank


def _apart(used: Counts, n: Floats, place: Floats) -> Floats:
    """Squared distance of the votes on each task, summed over their ordered pairs, by n - 1: (K,) to (U,)."""
    first, second = ((used @ power.T).T for power in (place, place**2))
    distance: Floats = 2 * (n * second - first**2) / (n - 1)
    return distance


def prevalence(counts: Counts | Floats, times: Floats) -> Floats:
    """Share of each label among all votes, (K,)."""
    votes = times @ counts
    share: Floats = votes / max(votes.sum(), 1.0)
    return share


def specific_agreement(counts: Counts | Floats, times: Floats) -> Floats:
    """Agreement on each label, (K,): agreeing pairs that use it over all pairs that use it; nan where nobody does."""
    used, often, n = _comparable(counts, times)
    agreeing = often @ (used * used - used)
    possible = (often * (n - 1)) @ used
    rate: Floats = np.divide(agreeing, possible, out=np.full(used.shape[1], np.nan), where=possible > 0)
    return rate


def _sizes(counts: Counts) -> Floats:
    """Votes a task, (U,)."""
    sizes: Floats = np.asarray(counts.sum(axis=1)).ravel()
    return sizes


def _squares(counts: Counts) -> Floats:
    """Sum over labels of the squared number of votes, (U,)."""
    return _sizes(counts * counts)


def _comparable(counts: Counts | Floats, times: Floats) -> tuple[Counts, Floats, Floats]:
    counts = scipy.sparse.csr_array(counts)
    n = _sizes(counts)
    keep = np.flatnonzero(n >= 2)
    return counts[keep], times[..., keep], n[keep]


def _beyond(observed: Floats, chance: Floats) -> Floats:
    return _ratio(observed - chance, 1 - chance)


def _ratio(part: Floats, whole: Floats) -> Floats:
    defined = np.abs(whole) > 1e-15
    ratio: Floats = np.where(defined, part / np.where(defined, whole, 1.0), np.nan)
    return ratio


def _why_undefined(counts: Counts) -> str | None:
    if not (_sizes(counts) >= 2).any():
        return TOO_FEW
    return ONE_LABEL if len(np.unique(counts.indices)) < 2 else None


def _unequal_note(counts: Counts) -> str | None:
    n = _sizes(counts)
    if not len(n) or n.min() == n.max():
        return None
    return f"tasks have {n.min():.0f} to {n.max():.0f} labels; Krippendorff’s α is made for that, Fleiss’ κ not"


def _resamples(times: Floats, n_labels: int, seed: int) -> list[Floats]:
    """How often each pattern occurs in bootstrap samples of tasks, (draws, U) in parts that fit the memory."""
    if not len(times):
        return []
    draws = min(RESAMPLES, max(200, RESAMPLED_PATTERNS // len(times)))
    part = min(max(PATTERNS_AT_ONCE // max(len(times), n_labels), 1), draws)
    generator, share = np.random.default_rng(seed), times / times.sum()
    sizes = [min(part, draws - first) for first in range(0, draws, part)]
    return [generator.multinomial(int(times.sum()), share, size=size).astype(np.float64) for size in sizes]


def _coefficient(
    statistic: Statistic,
    counts: Counts,
    times: Floats,
    draws: Sequence[Floats],
    undefined: str | None,
    note: str | None = None,
) -> Coefficient:
    if undefined:
        return Coefficient(None, undefined=undefined)
    value = float(statistic(counts, times))
    if not np.isfinite(value):
        return Coefficient(None, undefined="the votes leave no disagreement to expect by chance")
    sample = np.concatenate([statistic(counts, drawn) for drawn in draws])
    lost = int(np.isnan(sample).sum())
    if lost == len(sample):
        return Coefficient(value, note=note, resamples=len(sample), lost=lost)
    low, high = np.nanquantile(sample, [0.025, 0.975]).tolist()
    return Coefficient(value, low, high, note=note, resamples=len(sample), lost=lost)
