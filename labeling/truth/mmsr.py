"""M-MSR: skills from who agrees with whom, by a rank-one fit that ignores the most extreme comparisons."""

from __future__ import annotations

import numpy as np

from labeling.truth.expectation import softmax
from labeling.truth.label_votes import label_votes
from labeling.truth.one_coin import log_odds
from labeling.truth.overlap import agreements, shared_tasks
from labeling.truth.votes import Bools, Floats, Inference, Ints, Votes

LEAST_SKILL = 1e-6
POWER_STEPS = 300


def infer(votes: Votes, *, known: Ints | None = None, seed: int = 0, max_iterations: int = 1000) -> Inference:
    """Fit agreement beyond chance by an outer product s s^T, and weigh votes by the log odds of the skills s.

    C_jl = (K agree_jl - 1) / (K - 1) is s_j s_l if errors are symmetric and independent. |s| by alternating means of
    |C_jl| / s_l over l, each without the F values furthest above and below the present one (F = half the fewest
    partners of any annotator, less 1); signs from the leading eigenvector of C, most of the crowd taken as honest.
    p_j = (s_j (K - 1) + 1) / K; belief_ik ~ exp(sum over votes for k of ln((K - 1) p_j / (1 - p_j))).
    Known labels enter as one more annotator of skill 1. Stops when no skill moves by more than 1e-8.
    Abstentions do not count; `seed` changes nothing; memory is M^2. An annotator who shares no task has the mean skill.
    Source: Ma and Olshevsky 2020, NeurIPS, Adversarial Crowdsourcing Through Robust Rank-One Matrix Completion.
    """
    del seed
    answers = label_votes(_with_oracle(votes, known), known)
    common = shared_tasks(answers)
    np.fill_diagonal(common, 0.0)
    excess = _beyond_chance(agreements(answers), common, votes.n_labels)
    skill, iteration, converged = _rank_one(np.abs(excess), common > 0, max_iterations)
    skill = _bounded(np.where(common.any(axis=1), skill * _signs(excess), np.nan), votes)
    right = (skill * (votes.n_labels - 1) + 1) / votes.n_labels
    belief = answers.matrix.clamp(softmax(answers.scores(log_odds(right, votes.n_labels))))
    return Inference(belief, iteration, converged, skill=skill[: votes.n_annotators])


def _with_oracle(votes: Votes, known: Ints | None) -> Votes:
    """Votes with the known labels as the answers of one more annotator."""
    tasks = np.flatnonzero(known >= 0).astype(np.int32) if known is not None else np.zeros(0, np.int32)
    if known is None or not len(tasks):
        return votes
    weight = np.ones(len(votes.task), np.float32) if votes.weight is None else votes.weight
    return Votes(
        np.concatenate([votes.task, tasks]),
        np.concatenate([votes.annotator, np.full(len(tasks), votes.n_annotators, np.int32)]),
        np.concatenate([votes.label, known[tasks].astype(np.int32)]),
        votes.n_tasks,
        votes.n_annotators + 1,
        votes.n_labels,
        np.concatenate([weight, np.ones(len(tasks), np.float32)]),
    )


def _beyond_chance(agreeing: Floats, common: Floats, n_labels: int) -> Floats:
    rate = np.divide(agreeing, common, out=np.zeros_like(common), where=common > 0)
    excess: Floats = np.where(common > 0, (rate * n_labels - 1) / max(n_labels - 1, 1), 0.0)
    return excess


def _rank_one(size: Floats, observed: Bools, max_iterations: int) -> tuple[Floats, int, bool]:
    """|s| with size = |s| |s|^T where observed, and how it was reached."""
    partners = observed.sum(axis=1)
    if not partners.any():
        return np.zeros(len(size)), 0, True
    drop = max(int(partners[partners > 0].min()) // 2 - 1, 0)
    mean = size.sum(axis=1) / np.maximum(partners, 1)
    skill = np.maximum(mean / np.sqrt(max(mean[partners > 0].mean(), LEAST_SKILL)), LEAST_SKILL)
    for iteration in range(1, max_iterations + 1):
        # the mean of two rounds: the plain alternation swings between s * c and s / c for ever
        after = np.sqrt(skill * _trimmed_means(size, observed, skill, drop))
        after = np.maximum(np.where(partners > 0, after, skill), LEAST_SKILL)
        moved, skill = float(np.abs(after - skill).max()), after
        if moved < 1e-8:
            return skill, iteration, True
    return skill, max_iterations, False


def _trimmed_means(size: Floats, observed: Bools, skill: Floats, drop: int) -> Floats:
    """Mean of size_jl / s_l over partners l, without up to `drop` values above and below s_j each."""
    ratio = np.where(observed, size / skill, np.inf)
    below = np.minimum((ratio < skill[:, None]).sum(axis=1), drop)
    above = np.minimum((observed & (ratio > skill[:, None])).sum(axis=1), drop)
    ordered = np.sort(ratio, axis=1)
    ordered[np.isinf(ordered)] = 0.0
    sums = np.concatenate([np.zeros((len(ratio), 1)), np.cumsum(ordered, axis=1)], axis=1)
    last = observed.sum(axis=1) - above
    rows = np.arange(len(ratio))
    means: Floats = (sums[rows, last] - sums[rows, below]) / np.maximum(last - below, 1)
    return means


def _signs(excess: Floats) -> Floats:
    """+1 for the honest side, -1 for those who answer against it; the side with more agreement is honest.

    The leading eigenvector by power iteration from all ones, which renumbering cannot turn round.
    """
    shift = 1.01 * np.abs(excess).sum(axis=1).max(initial=0.0)
    leading = np.ones(len(excess))
    for _ in range(POWER_STEPS if shift > 0 else 0):
        leading = excess @ leading + shift * leading
        leading /= np.abs(leading).max()
    signs: Floats = np.where(leading < -1e-6, -1.0, 1.0)
    return signs


def _bounded(skill: Floats, votes: Votes) -> Floats:
    """Skills kept off their limits, 1 and -1 / (K - 1), by one standard error; the mean where there is none."""
    fallback = np.nanmean(skill) if np.isfinite(skill).any() else 0.5
    error = 1 / np.sqrt(max(votes.n_tasks, 4))
    worst = -1 / max(votes.n_labels - 1, 1)
    bounded: Floats = np.clip(np.where(np.isnan(skill), fallback, skill), worst + error, 1 - error)
    return bounded
