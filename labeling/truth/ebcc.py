"""EBCC, enhanced Bayesian classifier combination: each label is a mixture of subtypes with confusions of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from labeling.truth.confusion import by_annotator
from labeling.truth.expectation import expectation, softmax
from labeling.truth.ibcc import mean_log_rows, prior_counts
from labeling.truth.numbering import Order, ranks
from labeling.truth.vote_matrix import VoteMatrix, prepare, weighted_sum
from labeling.truth.votes import Floats, Inference, Ints, Votes

TRIAL_ITERATIONS = 20
DEAD = 1e-3
"""Tasks in a subtype below which it has died out: its prior weight of .01 tasks makes its chance e^-90 or less."""
LEAST_GAIN = 1e-2
"""Nats by which the bound must rise for a move to count."""
MOST_MOVES = 24
MOST_CLASSES = 100
"""Labels times subtypes by default; time and memory are in proportion."""


@dataclass(slots=True)
class Run:
    """One start of the variational iteration. `label`: (C,) the label of each living subtype."""

    belief: Floats
    label: Ints
    counts: Floats
    mass: Floats
    bound: float = -np.inf
    iterations: int = 0
    converged: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """What all starts share: the votes, the Dirichlet parameters `pseudo` (n_columns, K) and `alpha` (K,)."""

    matrix: VoteMatrix
    pseudo: Floats
    alpha: Floats
    subtypes: int
    concentration: float


def infer(
    votes: Votes,
    *,
    known: Ints | None = None,
    seed: int = 0,
    subtypes: int | None = None,
    starts: int = 10,
    concentration: float = 0.1,
    diagonal: float | None = None,
    max_iterations: int = 500,
) -> Inference:
    """Mean-field inference over (label k, subtype m) of each task, from several random starts; the best bound wins.

    belief_ikm ~ exp(E ln prior_k + E ln pi_km + sum_v E ln C_{j_v}[k, m, l_v]) with C ~ Dir as in `ibcc`,
    pi_k ~ Dir(concentration / subtypes), prior ~ Dir(sum of the vote shares by label). `subtypes` of a label: 10 for
    up to ten labels, then fewer, at least 2.
    A start splits each label's vote shares by a random function of the task's votes. All starts run 20 iterations,
    the best quarter of them (at least two) until no belief moves by more than 1e-3. Then each subtype of a label that
    has several is tried under other labels, as long as the bound gains: plain restarts rarely find those optima.
    Row maxima are subtracted, so many votes a task do not underflow; subtypes that die out cost nothing more.
    `details`: "bound" (up to a constant), "bounds" of the finished starts, and "subtypes" left alive.
    Source: Li, Rubinstein and Cohn 2019, ICML, Exploiting Worker Correlation for Label Aggregation.
    """
    matrix = prepare(votes, known)
    subtypes = subtypes or min(10, max(MOST_CLASSES // votes.n_labels, 2))
    share = matrix.vote_shares()
    alpha = np.maximum(weighted_sum(matrix.counted, share), 1e-3)
    model = Model(matrix, prior_counts(matrix, diagonal, 1.0), alpha, subtypes, concentration)
    generator = np.random.default_rng(seed)
    runs = _trials(model, share, generator, max(starts, 1), min(TRIAL_ITERATIONS, max_iterations))
    for run in runs:
        _iterate(model, run, max_iterations)
    best = _relabelled(model, max(runs, key=lambda run: run.bound), max_iterations)
    details = {"bound": best.bound, "bounds": [run.bound for run in runs], "subtypes": len(best.label)}
    belief = _by_label(best.belief, best.label, votes.n_labels)
    confusion = by_annotator(_by_label(best.counts, best.label, votes.n_labels) + model.pseudo, votes)
    confusion /= confusion.sum(axis=2, keepdims=True)
    return Inference(belief, best.iterations, best.converged, confusion, details=details)


def _trials(model: Model, share: Floats, generator: np.random.Generator, starts: int, iterations: int) -> list[Run]:
    """The best quarter of the starts after a few iterations, best first; never more than that held in memory."""
    kept: list[Run] = []
    order = ranks(model.matrix)
    for stream in generator.spawn(starts):
        run = _start(model, share, order, stream)
        _iterate(model, run, iterations)
        kept = sorted([*kept, run], key=lambda other: -other.bound)[: max(starts // 4, 2)]
    return kept


def _start(model: Model, share: Floats, order: tuple[Order, Order], generator: np.random.Generator) -> Run:
    votes, width = model.matrix.votes, model.subtypes
    shape = votes.n_annotators, votes.n_symbols, votes.n_labels, width
    symbol = np.append(order[1], votes.n_labels)
    draws = generator.normal(size=shape)[order[0]][:, symbol][:, :, order[1]]
    logits = model.matrix.scores(draws.reshape(model.matrix.n_columns, votes.n_labels * width))
    split = softmax(logits.reshape(votes.n_tasks * votes.n_labels, width)).reshape(votes.n_tasks, votes.n_labels, width)
    belief = (share[:, :, None] * split).reshape(votes.n_tasks, votes.n_labels * width)
    label = np.repeat(np.arange(votes.n_labels, dtype=np.int32), width)
    return Run(belief, label, model.matrix.sums(belief), weighted_sum(model.matrix.counted, belief))


def _relabelled(model: Model, best: Run, max_iterations: int) -> Run:
    """The best run reached by giving one subtype another label at a time; two moves a round are run to the end."""
    while True:
        runs = [_move(model, best, subtype, label) for subtype, label in _moves(model, best)]
        runs = sorted(runs, key=lambda run: -run.bound)[:2]
        for run in runs:
            _iterate(model, run, max_iterations)
        champion = max(runs, key=lambda run: run.bound, default=best)
        if champion.bound <= best.bound + LEAST_GAIN:
            return best
        best = champion


def _moves(model: Model, run: Run) -> list[tuple[int, int]]:
    """Subtypes that are not the only one of their label, with other labels, the likeliest confusions first."""
    n_labels = model.matrix.votes.n_labels
    overlap = run.belief.T @ _by_label(run.belief, run.label, n_labels)
    spare = np.bincount(run.label, minlength=n_labels)[run.label] > 1
    present = np.isin(np.arange(n_labels), run.label)
    allowed = spare[:, None] & present & (run.label[:, None] != np.arange(n_labels))
    order = np.argsort(np.where(allowed, -overlap, np.inf), axis=None, kind="stable")
    return [divmod(int(move), n_labels) for move in order[: min(int(allowed.sum()), MOST_MOVES)]]


def _move(model: Model, run: Run, subtype: int, label: int) -> Run:
    labels = run.label.copy()
    labels[subtype] = label
    moved = Run(run.belief.copy(), labels, run.counts.copy(), run.mass.copy())
    _iterate(model, moved, TRIAL_ITERATIONS)
    return moved


def _iterate(model: Model, run: Run, max_iterations: int) -> None:
    """Run to convergence or to `max_iterations` in all, then compute the bound."""
    n_labels = model.matrix.votes.n_labels
    now = _by_label(run.belief, run.label, n_labels)
    if run.converged:
        return
    entropy = 0.0
    while not run.converged and run.iterations < max_iterations:
        run.iterations += 1
        _bury(run)
        table = mean_log_rows(run.counts + model.pseudo[:, run.label], model.matrix.votes)
        expected = expectation(model.matrix, table, _log_prior(model, run), run.belief, run.label)
        run.counts, run.mass, entropy = expected.counts, expected.mass, expected.entropy
        before, now = now, _by_label(run.belief, run.label, n_labels)
        run.converged = bool(np.abs(now - before).max(initial=0.0) < 1e-3)
    run.bound = entropy + _log_normalisers(model, run)


def _bury(run: Run) -> None:
    """Drop the subtypes that died out, but for the largest of each label."""
    largest = [np.flatnonzero(run.label == k)[run.mass[run.label == k].argmax()] for k in np.unique(run.label)]
    alive = run.mass >= DEAD
    alive[largest] = True
    if not alive.all():
        run.belief, run.counts = run.belief[:, alive], run.counts[:, alive]
        run.label, run.mass = run.label[alive], run.mass[alive]


def _log_prior(model: Model, run: Run) -> Floats:
    """E ln prior_k + E ln pi_km of the living subtypes, (C,)."""
    of_label = np.bincount(run.label, run.mass, len(model.alpha))
    nu = model.alpha + of_label
    subtype = scipy.special.digamma(run.mass + model.concentration / model.subtypes)
    label = (
        scipy.special.digamma(nu)
        - scipy.special.digamma(nu.sum())
        - scipy.special.digamma(of_label + model.concentration)
    )
    logs: Floats = subtype + label[run.label]
    return logs


def _log_normalisers(model: Model, run: Run) -> float:
    """ln B of every Dirichlet posterior, less what dead subtypes and priors add to all starts alike."""
    of_label = np.bincount(run.label, run.mass, len(model.alpha))
    eta = run.mass + model.concentration / model.subtypes
    prior = scipy.special.gammaln(model.concentration / model.subtypes)
    mixture = (scipy.special.gammaln(eta) - prior).sum() - scipy.special.gammaln(of_label + model.concentration).sum()
    pseudo = model.pseudo[:, run.label]
    rows = _log_beta(run.counts + pseudo, model.matrix.votes) - _log_beta(pseudo, model.matrix.votes)
    return float(scipy.special.gammaln(model.alpha + of_label).sum() + mixture + rows)


def _log_beta(parameters: Floats, votes: Votes) -> float:
    by_symbol = parameters.reshape(votes.n_annotators, votes.n_symbols, parameters.shape[1])
    each = scipy.special.gammaln(np.where(by_symbol > 0, by_symbol, 1.0)).sum()
    return float(each - scipy.special.gammaln(by_symbol.sum(axis=1)).sum())


def _by_label(values: Floats, label: Ints, n_labels: int) -> Floats:
    """Columns of `values` (n, C) added up by their label, (n, n_labels)."""
    sums = np.zeros((len(values), n_labels))
    for column, of_label in enumerate(label):
        sums[:, of_label] += values[:, column]
    return sums
