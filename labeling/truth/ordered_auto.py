"""The default for places on a line: skills where answers are places, smoothed matrices where they are few steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from labeling.truth import ordered
from labeling.truth.ordered import Ratings
from labeling.truth.votes import Floats

ENOUGH_KNOWN = 20
MOST_STEPS = 7
"""Answers with no more different values are steps, as on most rating scales; with more they are places."""
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Places:
    """`place`: (n_tasks,) the answer; `mean`: (n_tasks,) the expected place; `error`: (n_tasks,) expected distance.

    `at`, `belief`: the values that occur, (K,), and the chance of each, (n_tasks, K). `steps`: answers are among them.
    """

    place: Floats
    mean: Floats
    error: Floats
    at: Floats
    belief: Floats
    chosen: str
    iterations: int = 1
    converged: bool = True
    steps: bool = False


Reader = Callable[[Ratings], Places]


def infer(ratings: Ratings, seed: int = 0) -> Places:
    """Places by the reading with the least absolute error on known ones that were hidden from it.

    With fewer than 20 known places: smoothed matrices where answers are at most 7 steps, else the middle between the
    plain mean and places corrected for shift, spread and noise, which is never far from the better of the two.
    """
    known = np.flatnonzero(~np.isnan(ratings.places()))
    few = len(np.unique(ratings.value)) <= MOST_STEPS
    if len(known) < ENOUGH_KNOWN:
        return READERS["dawid_skene" if few else "half"](ratings)
    fold = np.random.default_rng(seed).permutation(len(known)) % FOLDS
    names = [name for name in READERS if few or name != "dawid_skene"]
    lost = {name: _hidden_loss(ratings, known, fold, READERS[name]) for name in names}
    return READERS[min(lost, key=lost.__getitem__)](ratings)


def by_mean(ratings: Ratings) -> Places:
    """The plain mean; errors are those of answers as precise as all are on average."""
    return _around(ratings, ordered.mean(ratings), "mean")


def by_median(ratings: Ratings) -> Places:
    """The plain median."""
    return _around(ratings, ordered.median(ratings), "median")


def by_line(ratings: Ratings) -> Places:
    """Places corrected for everybody's shift, spread and noise."""
    found = ordered.line(ratings)
    at = np.unique(ratings.value)
    belief = _bell(found.place, found.error, at)
    error = found.error * np.sqrt(2 / np.pi)
    return Places(found.place, found.place, error, at, belief, "shift_and_spread", found.iterations, found.converged)


def by_half(ratings: Ratings) -> Places:
    """The middle between the plain mean and corrected places."""
    found = by_line(ratings)
    place = (found.place + ordered.mean(ratings)) / 2
    belief = _bell(place, found.error / np.sqrt(2 / np.pi), found.at)
    return replace(found, place=place, mean=place, belief=belief, chosen="mean+shift_and_spread")


def by_steps(ratings: Ratings) -> Places:
    """Dawid and Skene's model with matrices smoothed along the scale; the answer is the median step."""
    known = ratings.places()
    at = np.unique(ratings.value)
    found = ordered.steps(ratings, at)
    return of_belief(found.belief, at, "dawid_skene", known, found.iterations, found.converged)


def of_belief(
    belief: Floats, at: Floats, chosen: str, known: Floats, iterations: int = 1, converged: bool = True
) -> Places:
    """Places from chances of steps: the median step, the mean beside it, and the expected distance from the answer."""
    place = at[ordered.median_step(belief)]
    error = np.einsum("nk,nk->n", belief, np.abs(at[None, :] - place[:, None]))
    there = ~np.isnan(known)
    place, mean = np.where(there, known, place), np.where(there, known, belief @ at)
    return Places(place, mean, np.where(there, 0.0, error), at, belief, chosen, iterations, converged, True)


READERS: dict[str, Reader] = {
    "mean": by_mean,
    "median": by_median,
    "shift_and_spread": by_line,
    "half": by_half,
    "dawid_skene": by_steps,
}


def _around(ratings: Ratings, place: Floats, chosen: str) -> Places:
    n = np.bincount(ratings.task, minlength=ratings.n_tasks)
    left = float(((ratings.value - place[ratings.task]) ** 2).sum()) / max(len(ratings.value) - int((n > 0).sum()), 1)
    known = ~np.isnan(ratings.places())
    width = np.where(known, 0.0, np.sqrt(max(left, 1e-12) / np.maximum(n, 0.5)))
    at = np.unique(ratings.value)
    return Places(place, place, width * np.sqrt(2 / np.pi), at, _bell(place, width, at), chosen)


def _bell(place: Floats, width: Floats, at: Floats) -> Floats:
    """Chances of the values that occur, (n_tasks, K), under a normal curve cut at the borders between them."""
    borders = np.concatenate([[-np.inf], (at[1:] + at[:-1]) / 2, [np.inf]])
    off = (borders[None, :] - place[:, None]) / np.maximum(width, 1e-9)[:, None]
    chance = np.maximum(np.diff(ndtr(off), axis=1), 1e-12)
    found: Floats = chance / chance.sum(axis=1, keepdims=True)
    return found


def _hidden_loss(ratings: Ratings, known: np.ndarray, fold: np.ndarray, reader: Reader) -> float:
    total = 0.0
    for number in range(FOLDS):
        hidden = known[fold == number]
        shown = ratings.places().copy()
        shown[hidden] = np.nan
        place = reader(replace(ratings, known=shown)).place[hidden]
        total += float(np.abs(place - ratings.places()[hidden]).sum())
    return total
