"""How well each annotator agrees with the others, type by type, and beliefs by votes that count accordingly."""

from __future__ import annotations

import numpy as np

from labeling.truth.spans.candidates import Candidates
from labeling.truth.spans.marks import Answer, Marks
from labeling.truth.votes import Floats, Ints

STRENGTH = 20.0
"""Marks' worth of evidence that pull an annotator's agreement to the mean, and that on one type to the annotator's."""
ITERATIONS = 30


def agreement(marks: Marks, candidates: Candidates, power: float = 3.0) -> Floats:
    """How far the others agree with each annotator's marks of each type, (T, A), in [0, 1].

    s_at = sum_b w_bt m_abt / sum_b w_bt n_abt over the others b on the texts that both answered, n_abt half of both
    their marks of the type, m_abt those that overlap, by the overlap; w_b = s_b ** power. A mark that only its
    author would confirm earns nothing. Shrunk as `STRENGTH` says. Cost linear in the votes.
    """
    overall = _settle(marks, candidates, power, None)
    return _settle(marks, candidates, power, overall[0])


def over_types(marks: Marks, agreement: Floats) -> Floats:
    """Each annotator's mean agreement, (A,), from `agreement`, (T, A): types count by how often they were marked."""
    often = np.bincount(marks.label, minlength=marks.n_labels)
    found: Floats = often @ agreement / max(often.sum(), 1)
    return found


def anchored(marks: Marks, agreement: Floats, tasks: Ints, answers: list[Answer]) -> Floats:
    """Agreement of each annotator's marks with known answers of texts `tasks`, type by type, (T, A).

    As in `agreement`, with the known answer in place of the others and stretches alike in both borders only. Shrunk to
    the annotator's agreement with known answers over all types, and that to what the others say, `agreement`, (T, A).
    """
    right = [(task, *span) for task, answer in zip(tasks.tolist(), answers, strict=True) for span in set(answer)]
    truth = np.array(right, dtype=np.int64).reshape(-1, 4)
    is_known = np.isin(marks.task, tasks)
    rows = np.stack([marks.task, marks.start, marks.end, marks.label], axis=1)
    hit = np.array([tuple(row) in set(right) for row in rows[is_known].tolist()], dtype=np.float64)
    by, label = marks.annotator[is_known], marks.label[is_known]
    shape = marks.n_labels, marks.n_annotators
    met = np.bincount(label * shape[1] + by, hit, shape[0] * shape[1]).reshape(shape)
    full = np.bincount(label * shape[1] + by, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    wanted = np.zeros((marks.n_tasks, shape[0]))
    np.add.at(wanted, (truth[:, 0], truth[:, 3]), 1.0)
    np.add.at(full.T, marks.seen_by, wanted[marks.seen_task])
    full /= 2
    mean = over_types(marks, agreement)
    overall = _shrunk(met.sum(axis=0), full.sum(axis=0), mean)
    return np.stack([_shrunk(met[kind], full[kind], overall * agreement[kind] / mean) for kind in range(shape[0])])


def _shrunk(met: Floats, full: Floats, expected: Floats) -> Floats:
    """met / full of each annotator, pulled to what is `expected` of them, (A,), scaled to the mean of all."""
    mean = met.sum() / max(full.sum(), 1e-300)
    rates = (met + STRENGTH * mean * expected / max(expected.mean(), 1e-300)) / (full + STRENGTH)
    found: Floats = np.clip(rates, 1e-3, 1.0)
    return found


def weighted_shares(marks: Marks, candidates: Candidates, weight: Floats) -> Floats:
    """Share of each type among the weighted votes on each candidate, (C, T); `weight`: (T, A)."""
    votes, n_types = candidates.votes, candidates.n_types
    shares = np.zeros((len(candidates), n_types))
    seen = np.zeros((marks.n_tasks, n_types))
    for kind in range(n_types):
        own = votes.label == kind
        seen[:, kind] = np.bincount(marks.seen_task, weight[kind][marks.seen_by], marks.n_tasks)
        counted = _weights(candidates)[own] * weight[kind][votes.annotator[own]]
        shares[:, kind] = np.bincount(votes.task[own], counted, len(candidates))
    shares /= np.maximum(seen[candidates.task], 1e-300)
    kept: Floats = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1.0)
    return kept


def _settle(marks: Marks, candidates: Candidates, power: float, own: Floats | None) -> Floats:
    """Agreement by type, shrunk to `own`, (A,), the annotators' own over all types; None for all types at once."""
    n_rows = 1 if own is None else marks.n_labels
    weight = np.ones((n_rows, marks.n_annotators))
    found = weight
    for _ in range(ITERATIONS):
        rows = []
        for kind in range(n_rows):
            met, full = _sums(marks, candidates, weight[kind], None if own is None else kind)
            mean = met.sum() / max(full.sum(), 1e-300)
            expected = np.full(marks.n_annotators, mean) if own is None else mean * own / max(own.mean(), 1e-300)
            pull = STRENGTH * weight[kind].mean()
            rows.append(np.clip((met + pull * expected) / (full + pull), 1e-3, 1.0))
        found = np.stack(rows)
        weight = found**power
    return found


def _sums(marks: Marks, candidates: Candidates, weight: Floats, kind: int | None) -> tuple[Floats, Floats]:
    """sum_b w_b m_ab and sum_b w_b n_ab over the others b of each annotator a, (A,) each; of one type, or of all."""
    n, votes, n_types = marks.n_annotators, candidates.votes, candidates.n_types
    at = np.flatnonzero(votes.label < n_types if kind is None else votes.label == kind)
    who, near = votes.annotator[at], _weights(candidates)[at]
    same = near > 1 - 1e-6
    cell = votes.task[at].astype(np.int64) * n_types + votes.label[at]
    size = len(candidates) * n_types
    others_near = np.bincount(cell, weight[who] * near, size)[cell] - weight[who] * near
    others_same = np.bincount(cell, weight[who] * same, size)[cell] - weight[who] * same
    met = np.bincount(who, same * others_near + near * others_same, n) / 2
    mine = (
        np.flatnonzero(slice(None) if kind is None else marks.label == kind)
        if kind is not None
        else np.arange(len(marks.task))
    )
    by, text = marks.annotator[mine], marks.task[mine]
    present = np.bincount(marks.seen_task, weight[marks.seen_by], marks.n_tasks)
    marked = np.bincount(text, weight[by], marks.n_tasks)
    own = np.bincount(by, minlength=n)
    full = np.bincount(by, present[text], n) - weight * own
    full = full + np.bincount(marks.seen_by, marked[marks.seen_task], n) - weight * own
    return met, full / 2


def _weights(candidates: Candidates) -> Floats:
    weight = candidates.votes.weight
    assert weight is not None
    return weight.astype(np.float64)
