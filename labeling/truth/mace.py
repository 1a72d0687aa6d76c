"""MACE, multi-annotator competence estimation: an annotator either knows the label or guesses in their own way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from labeling.truth.label_votes import LabelVotes, label_votes
from labeling.truth.numbering import ranks
from labeling.truth.votes import Floats, Inference, Ints, Votes

COMPETENCE_PRIOR = 0.5
GUESS_PRIOR = 10.0
SHARE_PRIOR = 1500.0
FIRST_LOOK = 50
"""Iterations each start gets; only the best one goes on to the end."""
"""Tasks of each label that are taken as seen: small data keep the paper's rule that all labels are equally likely."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The (task, label) pairs somebody voted for: other labels of a task share one score, 0.

    `votes`: (n_cells, n_annotators * n_labels) weights; `by_column`: the same, turned.
    `cell`: (n_cells,) task * n_labels + label, ascending; `label`: (n_cells,).
    `start`: the first cell of each voted task; `size`: how many cells it has; `n_labels`.
    `fixed`: (n_cells,) 1 or 0 in the cells of known tasks, nan elsewhere. `totals`: votes by annotator and label.
    """

    votes: scipy.sparse.csr_array
    by_column: scipy.sparse.csc_array
    cell: NDArray[np.intp]
    label: NDArray[np.intp]
    start: NDArray[np.intp]
    size: NDArray[np.intp]
    n_labels: int
    fixed: Floats
    totals: Floats


@dataclass(slots=True)
class Fit:
    """Expected log parameters: `knows`, `guesses` (n_annotators,) and `guess` (n_annotators, n_labels).

    `shares`, (n_labels,), is how frequent each label is; `left`, (n_voted_tasks,), the belief in labels without a vote.
    """

    knows: Floats
    guesses: Floats
    guess: Floats
    shares: Floats
    left: Floats
    evidence: float = -np.inf
    iterations: int = 0
    converged: bool = False


def infer(
    votes: Votes, *, known: Ints | None = None, seed: int = 0, restarts: int = 10, max_iterations: int = 300
) -> Inference:
    """Variational Bayes from several random starts; the one with the largest marginal likelihood is kept.

    P(l_v | k) = (1 - theta_j) xi_j[l_v] + theta_j 1[l_v = k], theta_j ~ Beta(.5, .5), xi_j ~ Dir(10). The paper takes
    all labels as equally likely; here their shares are learnt under Dir(1500), which changes little below some
    thousand tasks and a lot where a label is rare among many (D_Product .84 -> .93). In logs, with
    g_jl = ln(1 + theta_j / ((1 - theta_j) xi_jl)), belief_ik ~ share_k exp(sum of g over votes for k), so that many
    votes do not underflow and a step costs O(V). It stops when no competence moves by 1e-4.
    Abstentions do not count. `skill` is theta; `details` has "evidence", the "evidences" of all starts, and "shares".
    Source: Hovy et al. 2013, NAACL-HLT N13-1132.
    """
    answers = label_votes(votes, known)
    cells = _cells(answers)
    starts = _starts(answers, np.random.default_rng(seed), restarts)
    fits = [_fit(cells, start, min(FIRST_LOOK, max_iterations)) for start in starts]
    best = _fit(cells, max(fits, key=lambda fit: fit.evidence), max_iterations)
    belief = _belief(answers, cells, _posterior(cells, best)[0], best.shares)
    skill = np.exp(best.knows) / (np.exp(best.knows) + np.exp(best.guesses))
    evidences = [fit.evidence for fit in fits]
    details = {"evidence": best.evidence, "evidences": evidences, "shares": best.shares}
    return Inference(belief, best.iterations, best.converged, _confusion(best, skill), skill, details)


def _confusion(fit: Fit, knows: Floats) -> Floats:
    """What each annotator answers given the truth, (n_annotators, n_labels, n_symbols); abstentions do not count."""
    guess = np.exp(fit.guess)
    guess /= guess.sum(axis=1, keepdims=True)
    answers = (1 - knows)[:, None, None] * guess[:, None, :] + knows[:, None, None] * np.eye(guess.shape[1])
    return np.pad(answers, ((0, 0), (0, 0), (0, 1)))


def _cells(answers: LabelVotes) -> Cells:
    votes, matrix = answers.matrix.votes, answers.matrix
    present = np.bincount(answers.cell, minlength=votes.n_tasks * votes.n_labels) > 0
    cell = np.flatnonzero(present)
    row = (np.cumsum(present) - 1)[answers.cell]
    column = answers.annotator.astype(np.int64) * votes.n_labels + votes.label
    shape = len(cell), votes.n_annotators * votes.n_labels
    task, label = np.divmod(cell, votes.n_labels)
    start = np.flatnonzero(np.diff(task, prepend=-1))
    known = matrix.known[task]
    fixed = np.where(known >= 0, (label == known).astype(np.float64), np.nan)
    by_cell = scipy.sparse.coo_array((answers.weight, (row, column)), shape=shape).tocsr()
    totals = np.bincount(column, answers.weight, shape[1]).astype(np.float64, copy=False)
    return Cells(
        by_cell, by_cell.T, cell, label, start, np.diff(start, append=len(cell)), votes.n_labels, fixed, totals
    )


def _starts(answers: LabelVotes, generator: np.random.Generator, restarts: int) -> list[Fit]:
    """Competences and guesses drawn near even odds, in an order that renumbering does not change."""
    annotator, label = ranks(answers.matrix)
    fits = []
    for stream in generator.spawn(max(restarts, 1)):
        draws = stream.uniform(1, 2.5, size=(len(annotator), 2 + len(label)))[annotator]
        coin, guess = draws[:, :2], draws[:, 2:][:, label]
        coin, guess = (np.log(part / part.sum(axis=1, keepdims=True)) for part in (coin, guess))
        shares = np.full(len(label), 1 / len(label))
        fits.append(Fit(coin[:, 1], coin[:, 0], guess, shares, np.zeros(0)))
    return fits


def _fit(cells: Cells, fit: Fit, max_iterations: int) -> Fit:
    chance, fit.evidence = _posterior(cells, fit)
    while not fit.converged and fit.iterations < max_iterations:
        fit.iterations += 1
        before = np.exp(fit.knows)
        _maximise(cells, fit, chance)
        chance, fit.evidence = _posterior(cells, fit)
        fit.converged = bool(np.abs(np.exp(fit.knows) - before).max(initial=0.0) < 1e-4)
    return fit


def _posterior(cells: Cells, fit: Fit) -> tuple[Floats, float]:
    """Belief in each cell, (n_cells,), and the log marginal likelihood of all votes."""
    guessing = (fit.guesses[:, None] + fit.guess).ravel()
    score = cells.votes @ np.logaddexp(0.0, _odds(fit)) + np.log(fit.shares)[cells.label]
    if not len(score):
        return score, 0.0
    largest = np.maximum.reduceat(score, cells.start)
    chance = np.exp(score - np.repeat(largest, cells.size))
    unvoted = np.maximum(1 - np.add.reduceat(fit.shares[cells.label], cells.start), 0.0) * np.exp(-largest)
    total = np.add.reduceat(chance, cells.start) + unvoted
    chance /= np.repeat(total, cells.size)
    fit.left = unvoted / total
    evidence = cells.totals @ guessing + (np.log(total) + largest).sum()
    return np.where(np.isnan(cells.fixed), chance, cells.fixed), float(evidence)


def _odds(fit: Fit) -> Floats:
    """Log odds that a right answer was known and not guessed, by annotator and label, flat."""
    odds: Floats = (fit.knows[:, None] - fit.guesses[:, None] - fit.guess).ravel()
    return odds


def _maximise(cells: Cells, fit: Fit, chance: Floats) -> None:
    shape = fit.guess.shape
    known = (scipy.special.expit(_odds(fit)) * (cells.by_column @ chance)).reshape(shape)
    guessed = cells.totals.reshape(shape) - known
    sums = known.sum(axis=1), guessed.sum(axis=1)
    total = scipy.special.digamma(sums[0] + sums[1] + 2 * COMPETENCE_PRIOR)
    fit.knows, fit.guesses = (scipy.special.digamma(part + COMPETENCE_PRIOR) - total for part in sums)
    guess_total = scipy.special.digamma(sums[1] + GUESS_PRIOR * shape[1])
    fit.guess = scipy.special.digamma(guessed + GUESS_PRIOR) - guess_total[:, None]
    believed = np.bincount(cells.label, chance, cells.n_labels) + fit.left.sum() * fit.shares
    fit.shares = (believed + SHARE_PRIOR) / (believed + SHARE_PRIOR).sum()


def _belief(answers: LabelVotes, cells: Cells, chance: Floats, shares: Floats) -> Floats:
    """(n_tasks, n_labels): labels nobody voted for share, by how frequent they are, what the voted ones leave."""
    belief = np.tile(shares, (answers.matrix.votes.n_tasks, 1))
    belief.ravel()[cells.cell] = 0.0
    if len(cells.cell):
        rows = cells.cell[cells.start] // cells.n_labels
        unvoted = np.maximum(belief[rows].sum(axis=1), 1e-300)
        left = np.maximum(1 - np.add.reduceat(chance, cells.start), 0.0)
        belief[rows] *= (left / unvoted)[:, None]
    belief.ravel()[cells.cell] = chance
    return answers.matrix.clamp(belief)
