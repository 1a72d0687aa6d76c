"""Tasks in an order, such as the segments of an abstract: neighbours share evidence through a Markov chain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.truth.belief import FLOOR, clipped
from labeling.truth.votes import Floats, Ints

PSEUDO_STEPS = 1.0
TEMPER_UNCALIBRATED = 0.3
"""For beliefs that are too sure of themselves, such as those of Dawid-Skene."""


@dataclass(frozen=True, slots=True)
class Chain:
    """`belief` (n_tasks, K) after smoothing, the `transition` (K, K) and `initial` (K,) probabilities it rests on."""

    belief: Floats
    transition: Floats
    initial: Floats
    iterations: int
    converged: bool


@dataclass(frozen=True, slots=True)
class Order:
    """Task indexes by step: `steps[t]` holds the t-th task of every sequence that is longer than t, longest first."""

    steps: list[NDArray[np.intp]]


def smooth(
    belief: Floats,
    sequence: Ints,
    position: Ints | None = None,
    *,
    prior: Floats | None = None,
    temper: float = 1.0,
    known: Ints | None = None,
    max_iterations: int = 100,
) -> Chain:
    """Replace each belief by its posterior under a hidden Markov chain, whose transitions are learned from the beliefs.

    The evidence of a task is (belief / prior)^temper; forward-backward turns it into P(label | whole sequence), and
    expectation maximisation fits transitions and initial shares, with one pseudo-step of independence.
    `belief`: (n_tasks, K). `sequence`: (n_tasks,), which sequence a task belongs to, negative for none (such a task
    keeps its belief). `position`: (n_tasks,), the order within a sequence; by default the order of the tasks.
    `prior`: (K,), by default the mean belief. `temper`: 1 for calibrated beliefs, about .3 for those of Dawid-Skene
    and the like, which are too sure. `known`: (n_tasks,) labels that hold, -1 where unknown.
    Stops when no transition moves by more than 1e-4. Cost O(n K^2) a round.
    Source: Rabiner 1989, Proceedings of the IEEE 77(2), sections III and V.
    """
    inside = np.flatnonzero(sequence >= 0)
    prior = clipped(belief[inside].mean(axis=0)) if prior is None and len(inside) else prior
    if not len(inside) or prior is None:
        uniform = np.full(belief.shape[1], 1 / max(belief.shape[1], 1))
        return Chain(belief.copy(), np.tile(uniform, (len(uniform), 1)), uniform, 0, True)
    evidence = (clipped(belief) / clipped(prior)) ** temper
    _hold(evidence, known)
    order = _order(sequence, position)
    initial, transition = prior, np.tile(prior, (len(prior), 1))
    iteration, converged = 0, False
    while not converged and iteration < max_iterations:
        iteration += 1
        posterior, moves = _forward_backward(evidence, order, initial, transition)
        first = posterior[order.steps[0]].sum(axis=0) + PSEUDO_STEPS * prior
        initial = first / first.sum()
        last, transition = transition, _rows(moves + PSEUDO_STEPS * prior)
        converged = bool(np.abs(transition - last).max() < 1e-4)
    posterior, _ = _forward_backward(evidence, order, initial, transition)
    smoothed = belief.copy()
    smoothed[inside] = clipped(posterior[inside])
    return Chain(smoothed, transition, initial, iteration, converged)


def _hold(evidence: Floats, known: Ints | None) -> None:
    if known is not None:
        tasks = np.flatnonzero(known >= 0)
        evidence[tasks] = FLOOR
        evidence[tasks, known[tasks]] = 1.0


def _order(sequence: Ints, position: Ints | None) -> Order:
    """Sequences side by side, so that one step is one matrix product over all of them."""
    inside = np.flatnonzero(sequence >= 0)
    place = np.arange(len(sequence)) if position is None else position
    tasks = inside[np.lexsort((place[inside], sequence[inside]))]
    _, start, length = np.unique(sequence[tasks], return_index=True, return_counts=True)
    longest_first = np.argsort(-length, kind="stable")
    start, length = start[longest_first], length[longest_first]
    return Order([tasks[start[: int((length > step).sum())] + step] for step in range(int(length.max()))])


def _forward_backward(evidence: Floats, order: Order, initial: Floats, transition: Floats) -> tuple[Floats, Floats]:
    """Posterior of each task in a sequence, (n_tasks, K), and expected transitions, (K, K)."""
    forward, backward = np.zeros_like(evidence), np.ones_like(evidence)
    forward[order.steps[0]] = _rows(initial * evidence[order.steps[0]])
    for before, here in zip(order.steps, order.steps[1:], strict=False):
        forward[here] = _rows((forward[before[: len(here)]] @ transition) * evidence[here])
    moves = np.zeros_like(transition)
    for before, here in reversed(list(zip(order.steps, order.steps[1:], strict=False))):
        ahead = evidence[here] * backward[here]
        earlier = before[: len(here)]
        backward[earlier] = _rows(ahead @ transition.T)
        chance = ((forward[earlier] @ transition) * ahead).sum(axis=1, keepdims=True)
        moves += transition * (forward[earlier].T @ (ahead / np.maximum(chance, 1e-300)))
    return _rows(forward * backward), moves


def _rows(values: Floats) -> Floats:
    """Rows divided by their sums."""
    rows: Floats = values / np.maximum(values.sum(axis=1, keepdims=True), 1e-300)
    return rows
