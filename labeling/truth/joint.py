"""Yes-or-no variables of one task that go together: profiles, so that one answer moves its neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp

from labeling.truth.votes import Floats

ROWS = 8192
OF_PROFILE = 2.0
"""Pseudo-tasks that pull a profile to the shares of all tasks."""
STARTS = 2
STEPS = 40
LEAST_GAIN = 1e-3
"""Nats a task by which a step must raise the evidence for another one."""
MOST_EVIDENCE = 12.0
EDGE = 1e-4


@dataclass(frozen=True, slots=True)
class Profiles:
    """Sorts of tasks: `share`, (C,), and the chance of yes of each variable within a sort, `yes`, (C, K)."""

    share: Floats
    yes: Floats


@dataclass(frozen=True, slots=True)
class _Sums:
    """Over tasks: `sort`, (C,) expected tasks of each sort, `yes`, (C, K) those with a yes, and the log evidence."""

    sort: Floats
    yes: Floats
    evidence: float


def independent(prior: Floats) -> Profiles:
    """One sort only: variables tell nothing of each other."""
    return Profiles(np.ones(1), prior[None, :])


def fit(evidence: Floats, prior: Floats, sorts: int, generator: np.random.Generator) -> Profiles:
    """The likeliest profiles, by expectation maximisation from the best of a few starts.

    P(z, sort c) = share_c prod_k yes_ck^z_k (1 - yes_ck)^(1 - z_k), a mixture of independent variables (latent
    classes); `evidence`: (n, K) log odds that answers add to each variable, `prior`: (K,) shares of yes.
    Source: Lazarsfeld and Henry 1968, Latent Structure Analysis; here with uncertain observations.
    """
    found = [_climb(evidence, prior, _start(evidence, prior, sorts, generator)) for _ in range(STARTS)]
    return max(found, key=lambda pair: pair[1])[0]


def belief(evidence: Floats, profiles: Profiles) -> Floats:
    """Chance of yes of each variable given all evidence on its task, (n, K)."""
    out = np.empty_like(evidence)
    for rows in _blocks(len(evidence)):
        of_sort, yes, _ = _posterior(evidence[rows], profiles)
        out[rows] = np.einsum("cn,cnk->nk", of_sort, yes)
    return out


def _climb(evidence: Floats, prior: Floats, profiles: Profiles) -> tuple[Profiles, float]:
    last = -np.inf
    for _ in range(STEPS):
        sums = _expect(evidence, profiles)
        yes = (sums.yes + OF_PROFILE * prior) / (sums.sort[:, None] + OF_PROFILE)
        share = (sums.sort + 1.0) / (sums.sort.sum() + len(sums.sort))
        profiles = Profiles(share, np.clip(yes, EDGE, 1 - EDGE))
        if sums.evidence - last < LEAST_GAIN * len(evidence):
            break
        last = sums.evidence
    return profiles, sums.evidence


def _start(evidence: Floats, prior: Floats, sorts: int, generator: np.random.Generator) -> Profiles:
    """Profiles like some tasks', softened."""
    chosen = generator.choice(len(evidence), sorts, replace=len(evidence) < sorts)
    like = expit(np.clip(evidence[chosen], -MOST_EVIDENCE, MOST_EVIDENCE))
    return Profiles(np.full(sorts, 1 / sorts), np.clip(0.5 * prior + 0.5 * like, EDGE, 1 - EDGE))


def _expect(evidence: Floats, profiles: Profiles) -> _Sums:
    sort, yes, total = np.zeros(len(profiles.share)), np.zeros_like(profiles.yes), 0.0
    for rows in _blocks(len(evidence)):
        of_sort, chance, logs = _posterior(evidence[rows], profiles)
        sort += of_sort.sum(axis=1)
        yes += (of_sort[:, None, :] @ chance)[:, 0]
        total += float(logs.sum())
    return _Sums(sort, yes, total)


def _posterior(evidence: Floats, profiles: Profiles) -> tuple[Floats, Floats, Floats]:
    """Chance of each sort, (C, n), of yes within it, (C, n, K), and the log evidence of each task, (n,)."""
    says = expit(np.clip(evidence, -MOST_EVIDENCE, MOST_EVIDENCE))
    yes = profiles.yes[:, None, :] * says
    either = yes + (1 - profiles.yes)[:, None, :] * (1 - says)
    joint = np.log(either).sum(axis=2) + np.log(profiles.share)[:, None]
    logs: Floats = logsumexp(joint, axis=0)
    return np.exp(joint - logs), yes / either, logs


def _blocks(n: int) -> Iterator[slice]:
    for first in range(0, n, ROWS):
        yield slice(first, min(first + ROWS, n))
