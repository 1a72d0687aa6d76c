"""How much each annotator's marks count: by agreement, while many voices remain, and less where two speak as one."""

from __future__ import annotations

import numpy as np
import scipy

from labeling.truth.spans.agreeing import over_types
from labeling.truth.spans.candidates import Candidates
from labeling.truth.spans.marks import Indexes, Marks
from labeling.truth.votes import Floats

SHARPEST = 6
VOICES = 4.0
"""Voices that a text keeps on average: a few people are all needed, of two dozen models the best may lead."""
KIN_STRENGTH = 200.0
"""Marks' worth of evidence that two annotators agree no more than their skills explain."""
LIKENESS = 0.3
"""Weight of what was said of the same words elsewhere beside what was said here."""


def sharpness(marks: Marks, agreement: Floats) -> int:
    """The largest power up to `SHARPEST` of `agreement`, (T, A), that leaves `VOICES` effective voices a text; else 1.

    Effective voices of a text: (sum w)^2 / sum w^2 over those who answered (Kish 1965, Survey Sampling).
    """
    texts = np.bincount(marks.seen_task, minlength=marks.n_tasks) > 0
    for power in range(SHARPEST, 1, -1):
        weight = over_types(marks, agreement**power)[marks.seen_by]
        total, squares = (np.bincount(marks.seen_task, weight**n, marks.n_tasks)[texts] for n in (1, 2))
        if (total**2 / np.maximum(squares, 1e-300)).mean() >= VOICES:
            return power
    return 1


def independence(marks: Marks, candidates: Candidates, agreement: Floats) -> Floats:
    """1 / (1 + sum of kinship with the others) of each annotator, (A,): twins count as one voice.

    Kinship of two is how far their agreement f_ab exceeds the e_ab that their skills explain, (f - e) / (1 - e), with
    e_ab proportional to s_a s_b and matched to all pairs; f is shrunk to e. Cost linear in the pairs that met.
    """
    skill, (one, other), met, full = over_types(marks, agreement), *_pairs(marks, candidates)
    explained = skill[one] * skill[other]
    explained = explained * (met.sum() / max(float(explained @ full), 1e-300))
    explained = np.minimum(explained, 1 - 1e-6)
    agreed = (met + KIN_STRENGTH * explained) / (full + KIN_STRENGTH)
    kinship = np.maximum(agreed - explained, 0.0) / (1 - explained)
    found: Floats = 1 / (1 + np.bincount(one, kinship, marks.n_annotators))
    return found


def with_likeness(shares: Floats, words: Indexes) -> Floats:
    """Shares of candidates, (C, T), drawn to the mean of the others with the same `words`, (C,)."""
    counts = np.bincount(words)
    sums = np.stack([np.bincount(words, column, len(counts)) for column in shares.T], axis=1)
    others = (counts[words] - 1)[:, None]
    elsewhere = (sums[words] - shares) / np.maximum(others, 1)
    pull = LIKENESS * others / (others + 1)
    found: Floats = (shares + pull * elsewhere) / (1 + pull)
    return found


def _pairs(marks: Marks, candidates: Candidates) -> tuple[tuple[Indexes, Indexes], Floats, Floats]:
    """Pairs of annotators that answered a text: both indexes, marks that meet by overlap, half of both their marks."""
    votes, n = candidates.votes, marks.n_annotators
    assert votes.weight is not None
    kept = votes.label < candidates.n_types
    cell = votes.task[kept].astype(np.int64) * candidates.n_types + votes.label[kept]
    near = votes.weight[kept].astype(np.float64)
    shape = n, len(candidates) * candidates.n_types
    rows = votes.annotator[kept]
    overlap = scipy.sparse.csr_array((near, (rows, cell)), shape)
    same = scipy.sparse.csr_array(((near > 1 - 1e-6).astype(np.float64), (rows, cell)), shape)
    made = scipy.sparse.csr_array((np.ones(len(marks.task)), (marks.annotator, marks.task)), (n, marks.n_tasks))
    seen = scipy.sparse.csr_array((np.ones(len(marks.seen_task)), (marks.seen_by, marks.seen_task)), made.shape)
    met, full = same @ overlap.T, made @ seen.T
    full = scipy.sparse.coo_array((full + full.T) / 2)
    one, other = full.coords
    apart = one != other
    one, other = one[apart].astype(np.int64), other[apart].astype(np.int64)
    if not len(one):
        return (one, other), np.zeros(0), np.zeros(0)
    meeting = scipy.sparse.csr_array((met + met.T) / 2)
    return (one, other), np.asarray(meeting[one, other]).ravel(), full.data[apart]
