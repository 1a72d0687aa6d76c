"""Agreement of a crowd beyond chance, with intervals, and a plain word where a coefficient has no meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

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
    """An agreement coefficient with its 95% bootstrap interval, or None and the reason why it is `undefined`."""

    value: float | None
    low: float | None = None
    high: float | None = None
    undefined: str | None = None
    note: str | None = None


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


Statistic = Callable[[Floats, Floats], Floats]


def summarise(votes: Votes, *, values: Floats | None = None, metric: str = "nominal", seed: int = 0) -> Agreement:
    """Every coefficient of `votes` with an interval from resampling tasks; abstentions do not count.

    `metric` and `values` are for Krippendorff's alpha (see there). A fractional vote counts as its heaviest label.
    `tasks` is the number of tasks with at least two labels.
    """
    counts, times = patterns(label_table(votes))
    compared = times[counts.sum(axis=1) >= 2].sum()
    alpha = partial(krippendorff_alpha, values=values, metric=metric)
    draws = _resamples(times, seed)
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


def label_table(votes: Votes) -> Floats:
    """How many annotators gave each label to each task, shape (n_tasks, n_labels)."""
    named = without_abstentions(heaviest(votes))
    cell = named.task.astype(np.int64) * votes.n_labels + named.label
    counts = np.bincount(cell, minlength=votes.n_tasks * votes.n_labels)
    return counts.reshape(votes.n_tasks, votes.n_labels).astype(np.float64)


def patterns(counts: Floats) -> tuple[Floats, Floats]:
    """The different rows of `counts`, (U, K), and how often each occurs, (U,); rows of zeros are left out."""
    counts = counts[counts.sum(axis=1) > 0]
    if not len(counts):
        return counts, np.zeros(0)
    # a sum with random factors tells rows apart as one number, which sorts far faster than rows do
    factors = np.random.default_rng(0).integers(1, 2**62, counts.shape[1], dtype=np.int64)
    _, first, times = np.unique(counts.astype(np.int64) @ factors, return_index=True, return_counts=True)
    return counts[first], times.astype(np.float64)


def raw_agreement(counts: Floats, times: Floats) -> Floats:
    """Mean over tasks of the share of pairs of annotators that agree.

    Here and below `counts` is (U, K), the votes for each label on a task, and `times` (..., U) says how many such
    tasks there are; the result has the shape (...). Tasks with fewer than two votes do not count. nan where no task
    remains.
    """
    used, often, n = _comparable(counts, times)
    agree = (used * (used - 1)).sum(axis=1) / (n * (n - 1))
    return _ratio(often @ agree, often.sum(axis=-1))


def fleiss_kappa(counts: Floats, times: Floats) -> Floats:
    """Fleiss' kappa, (po - pe) / (1 - pe), pe = sum of squared label shares; nan where pe is 1.

    It assumes equally many votes a task; with unequal numbers, shares are of all votes together.
    Source: Fleiss 1971, Psychological Bulletin 76(5), doi 10.1037/h0031619.
    """
    used, often, _ = _comparable(counts, times)
    share = often @ used
    total = np.maximum(share.sum(axis=-1, keepdims=True), 1.0)
    return _beyond(raw_agreement(counts, times), ((share / total) ** 2).sum(axis=-1))


def gwet_ac1(counts: Floats, times: Floats) -> Floats:
    """Gwet's AC1, (po - pe) / (1 - pe), pe = sum_k p_k (1 - p_k) / (K - 1), p_k the mean share of label k in a task.

    Source: Gwet 2008, British Journal of Mathematical and Statistical Psychology 61(1), doi 10.1348/000711006X126600.
    """
    n = counts.sum(axis=1, keepdims=True)
    share = times @ (counts / np.maximum(n, 1)) / np.maximum(times.sum(axis=-1, keepdims=True), 1.0)
    chance = (share * (1 - share)).sum(axis=-1) / max(counts.shape[1] - 1, 1)
    return _beyond(raw_agreement(counts, times), chance)


def krippendorff_alpha(
    counts: Floats, times: Floats, *, metric: str = "nominal", values: Floats | None = None
) -> Floats:
    """Krippendorff's alpha, 1 - observed / expected disagreement; missing votes are no trouble.

    `metric`: "nominal", "ordinal" (labels in the order of `values`, or of their index) or "interval" (distance of
    `values`, (K,), by default the indexes). nan where the expected disagreement is 0.
    Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability.
    """
    used, often, n = _comparable(counts, times)
    weight = often / (n - 1)
    observed = np.stack([(weight * used[:, k]) @ used for k in range(used.shape[1])], axis=-2)
    labels = np.arange(used.shape[1])
    observed[..., labels, labels] -= weight @ used
    total = observed.sum(axis=-1)
    distance = _squared_distance(total, metric, values)
    expected = total[..., :, None] * total[..., None, :]
    expected[..., labels, labels] -= total
    expected /= np.maximum(total.sum(axis=-1) - 1, 1)[..., None, None]
    return 1 - _ratio((observed * distance).sum(axis=(-2, -1)), (expected * distance).sum(axis=(-2, -1)))


def prevalence(counts: Floats, times: Floats) -> Floats:
    """Share of each label among all votes, (K,)."""
    votes = times @ counts
    share: Floats = votes / max(votes.sum(), 1.0)
    return share


def specific_agreement(counts: Floats, times: Floats) -> Floats:
    """Agreement on each label, (K,): agreeing pairs that use it over all pairs that use it; nan where nobody does."""
    used, often, n = _comparable(counts, times)
    agreeing = often @ (used * (used - 1))
    possible = often @ (used * (n - 1)[:, None])
    rate: Floats = np.divide(agreeing, possible, out=np.full(counts.shape[1], np.nan), where=possible > 0)
    return rate


def _comparable(counts: Floats, times: Floats) -> tuple[Floats, Floats, Floats]:
    n = counts.sum(axis=1)
    keep = n >= 2
    return counts[keep], times[..., keep], n[keep]


def _beyond(observed: Floats, chance: Floats) -> Floats:
    return _ratio(observed - chance, 1 - chance)


def _ratio(part: Floats, whole: Floats) -> Floats:
    defined = np.abs(whole) > 1e-15
    ratio: Floats = np.where(defined, part / np.where(defined, whole, 1.0), np.nan)
    return ratio


def _squared_distance(total: Floats, metric: str, values: Floats | None) -> Floats:
    """Squared distance between any two labels, (..., K, K); `total`, (..., K), is how often each label occurs."""
    n_labels = total.shape[-1]
    position = np.arange(n_labels, dtype=np.float64) if values is None else np.asarray(values, dtype=np.float64)
    if metric == "nominal":
        return 1.0 - np.eye(n_labels)
    if metric == "ordinal":
        order = np.argsort(position, kind="stable")
        position = np.empty(total.shape)
        position[..., order] = np.cumsum(total[..., order], axis=-1) - total[..., order] / 2
    elif metric != "interval":
        raise ValueError(f"`metric` is {metric!r}; it must be nominal, ordinal or interval.")
    squared: Floats = (position[..., :, None] - position[..., None, :]) ** 2
    return squared


def _why_undefined(counts: Floats) -> str | None:
    if not (counts.sum(axis=1) >= 2).any():
        return TOO_FEW
    return ONE_LABEL if (counts.sum(axis=0) > 0).sum() < 2 else None


def _unequal_note(counts: Floats) -> str | None:
    n = counts.sum(axis=1)
    if not len(n) or n.min() == n.max():
        return None
    return f"tasks have {n.min():.0f} to {n.max():.0f} labels; Krippendorff's alpha is made for that, Fleiss' kappa not"


def _resamples(times: Floats, seed: int) -> list[Floats]:
    """How often each pattern occurs in bootstrap samples of tasks, (draws, U) in parts that fit the memory."""
    if not len(times):
        return []
    draws = min(RESAMPLES, max(200, RESAMPLED_PATTERNS // len(times)))
    part = min(max(PATTERNS_AT_ONCE // len(times), 1), draws)
    generator, share = np.random.default_rng(seed), times / times.sum()
    sizes = [min(part, draws - first) for first in range(0, draws, part)]
    return [generator.multinomial(int(times.sum()), share, size=size).astype(np.float64) for size in sizes]


def _coefficient(
    statistic: Statistic,
    counts: Floats,
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
    low, high = np.nanquantile(sample, [0.025, 0.975]).tolist()
    return Coefficient(value, low, high, note=note)
