"""Where a stretch begins and ends: how much of those who see something there see exactly this."""

from __future__ import annotations

import numpy as np

from labeling.truth.spans.candidates import Candidates
from labeling.truth.votes import Floats


def border_share(candidates: Candidates, skill: Floats) -> Floats:
    """Share of each candidate's exact marks among all that overlap it, weighted by `skill`, (A,); shape (C,).

    A method that is sure that something is there is as sure of each overlapping candidate; this tells them apart.
    """
    votes = candidates.votes
    assert votes.weight is not None
    marked = votes.label < candidates.n_types
    weight = skill[votes.annotator] * marked
    exact = np.bincount(votes.task, weight * (votes.weight > 1 - 1e-6), len(candidates))
    share: Floats = exact / np.maximum(np.bincount(votes.task, weight, len(candidates)), 1e-300)
    return share
