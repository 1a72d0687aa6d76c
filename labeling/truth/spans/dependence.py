"""Whether annotators err alone: only then do models of independent annotators add to what they agree on."""

from __future__ import annotations

import numpy as np

from labeling.truth.spans.candidates import Candidates
from labeling.truth.votes import Floats, Inference

MOST = 0.1
"""Dependence from which on models of independent annotators are not heard. Measured: about 0 where errors are drawn
alone, below 0 in crowds of few people a text, .19 among two dozen runs of four language models."""


def dependence(candidates: Candidates, found: Inference) -> float:
    """Mean correlation of what two annotators do at a candidate beyond what its truth explains; 0 where they err alone.

    rho = sum_cz b_cz ((sum_a r_caz)^2 - sum_a r_caz^2) / sum_cz b_cz (n_c - 1) sum_a r_caz^2, with r_caz the share of
    annotator a's vote on candidate c that names a type, less what a's confusion matrix expects where the truth is z.
    `found` needs a confusion matrix. Source: the statistic of intraclass correlation, on residuals.
    """
    votes, n_types, n = candidates.votes, candidates.n_types, len(candidates)
    assert votes.weight is not None and found.confusion is not None
    pair = votes.task.astype(np.int64) * votes.n_annotators + votes.annotator
    met, place = np.unique(pair, return_inverse=True)
    named = np.bincount(place, votes.weight * (votes.label < n_types), len(met))
    at, who = met // votes.n_annotators, met % votes.n_annotators
    expected = found.confusion[:, :, :n_types].sum(axis=2)[who]
    others = np.maximum(np.bincount(at, minlength=n) - 1, 0)
    shared = alone = 0.0
    for truth in range(n_types + 1):
        rest = named - expected[:, truth]
        total, squares = np.bincount(at, rest, n), np.bincount(at, rest**2, n)
        belief: Floats = found.belief[:, truth]
        shared += float(belief @ (total**2 - squares))
        alone += float(belief @ (others * squares))
    return shared / alone if alone > 0 else 0.0
