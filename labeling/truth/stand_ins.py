"""How much each known task counts, so that tasks chosen for being hard stand for the others as well as they can."""

from __future__ import annotations

import numpy as np

from labeling.truth.vote_matrix import prepare
from labeling.truth.votes import Bools, Floats, Ints, Votes

STRATA = 8
SMOOTHING = 4.0
"""Tasks added to each stratum: a stratum of few known tasks must not speak with all the voice of many."""
MOST = 5.0


def weights(votes: Votes, known: Ints, certainty: Floats, at_random: Bools) -> Floats:
    """The weight of every known task, (n_tasks,), 1 for others; the mean over the known tasks is 1.

    `known`: (n_tasks,), -1 where not known. `certainty`: (n_tasks,) chance that the known label is right; a label
    without any certainty beyond a guess would count nothing. `at_random`: (n_tasks,) known, and drawn by lot.
    Where all are drawn by lot, certainty alone counts. Else tasks are put into strata of equal doubt (one less
    the share of votes for the leading label), and a known task counts as its stratum's share of the unknown tasks over
    its share of the known ones: importance weights under covariate shift, by strata.
    Source: Shimodaira 2000, Journal of Statistical Planning and Inference 90(2); post-stratification, Little 1993.
    """
    there = np.flatnonzero(known >= 0)
    weight = np.ones(len(known))
    if not len(there):
        return weight
    guess = 1 / max(votes.n_labels, 2)
    weight[there] = np.clip((certainty[there] - guess) / (1 - guess), 0.05, 1.0)
    if not at_random[there].all():
        weight[there] *= _ratios(votes, known)[there]
    weight[there] /= weight[there].mean()
    return weight


def _ratios(votes: Votes, known: Ints) -> Floats:
    """How much more frequent each task's stratum is among unknown tasks than among known ones, (n_tasks,)."""
    counts = prepare(votes).label_counts()
    total = counts.sum(axis=1)
    doubt = 1 - counts.max(axis=1, initial=0.0) / np.maximum(total, 1e-12)
    unknown = (known < 0) & (total > 0)
    if not unknown.any():
        return np.ones(len(known))
    edges = np.unique(np.quantile(doubt[unknown], np.linspace(0, 1, STRATA + 1)[1:-1]))
    stratum = np.where(total > 0, np.searchsorted(edges, doubt), len(edges) + 1)
    shares = []
    for those in (unknown, known >= 0):
        count = np.bincount(stratum[those], minlength=len(edges) + 2) + SMOOTHING
        shares.append(count / count.sum())
    ratio: Floats = np.clip(shares[0] / shares[1], 1 / MOST, MOST)[stratum]
    return ratio
