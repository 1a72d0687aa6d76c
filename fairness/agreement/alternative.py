"""May this model replace a person here? The alternative annotator test.

Each person is left out in turn: on the tasks that the person labeled, whoever of the person and the model agrees with
more of the others wins, both where they agree with as many. The model passes against a person where it wins at most
`epsilon` less often than the person does, surely so; `epsilon` is what its lower cost is worth, about .1 for people of
a crowd, .2 for experts. The winning rate is the share of people against whom it passes, after Benjamini and Yekutieli's
correction for testing several; from one half on it may replace a person. Source: Calderon, Reichart and Dror, The
Alternative Annotator Test (2025), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from fairness.intervals import Estimate, Floats
from fairness.rates import Bools
from labeling.truth import agreement

NONE = -1
LEAST = 30
"""Tasks that a person shares with the model and another person."""
FEWEST = 3
"""People that the test needs."""
HALF = 0.5
RATE = 0.05
RESAMPLES = 200
EPSILONS = np.round(np.arange(0, 0.51, 0.01), 2)


@dataclass(frozen=True, slots=True)
class Against:
    """One person: `n` tasks, how often the model wins or draws (`model`), how often the person does (`human`).

    `p_value`: of "the model wins more than `epsilon` less often"; `p_adjusted` after the correction; `passed`.
    """

    person: int
    n: int
    model: float
    human: float
    p_value: float
    p_adjusted: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """`winning`: share of people against whom it passes. `advantage`: mean share of tasks where it wins or draws.

    `needed`: the smallest epsilon at which it may replace a person, None where none up to .5 is enough. `alpha`: how
    much Krippendorff's alpha of the people changes when one of them is replaced by the model, mean over people.
    `reason`: why there is no verdict, with everything else empty.
    """

    epsilon: float
    against: tuple[Against, ...]
    winning: Estimate
    advantage: Estimate
    needed: float | None
    alpha: Estimate
    reason: str = ""

    @property
    def may_replace(self) -> bool:
        """Whether the winning rate is at least one half."""
        return self.winning.value is not None and self.winning.estimable and self.winning.value >= HALF

    @property
    def alpha_falls(self) -> bool:
        """Whether people surely agree less with the model among them, as where it never gives a rare label."""
        return self.alpha.high is not None and self.alpha.high < 0


def replaces(people: NDArray[np.integer], model: NDArray[np.integer], epsilon: float, seed: int = 0) -> Verdict:
    """The test of a model, (N,), against people, (P, N); labels are whole numbers, -1 where there is none."""
    duels = [(place, duel) for place in range(len(people)) if len(duel := _duel(people, model, place)) >= LEAST]
    if len(duels) < FEWEST:
        reason = f"{len(duels)} of {FEWEST} people share {LEAST} tasks with the model and with another person"
        nothing = Estimate(None, None, None, False, reason)
        return Verdict(epsilon, (), nothing, nothing, None, nothing, reason)
    apart = [duel for _, duel in duels]
    against = _against([place for place, _ in duels], apart, epsilon)
    draws = _redrawn(apart, epsilon, seed)
    rate, advantage = (
        _estimate(value, column)
        for value, column in zip(
            (float(np.mean([one.passed for one in against])), float(np.mean([one.model for one in against]))),
            draws.T,
            strict=True,
        )
    )
    needed = next((float(one) for one in EPSILONS if np.mean(_passed(apart, float(one))) >= HALF), None)
    return Verdict(epsilon, against, rate, advantage, needed, alpha_change(people, model, seed))


def _duel(people: NDArray[np.integer], model: NDArray[np.integer], place: int) -> NDArray[np.int64]:
    """On each task of the person that the model and another person labeled: (model wins or draws, person does)."""
    others = np.delete(people, place, axis=0)
    given = others != NONE
    used = (people[place] != NONE) & (model != NONE) & given.any(axis=0)
    n = given[:, used].sum(axis=0)
    model_agrees = (others[:, used] == model[used]).sum(axis=0) / n
    human_agrees = (others[:, used] == people[place, used]).sum(axis=0) / n
    return np.stack([model_agrees >= human_agrees, human_agrees >= model_agrees], axis=1).astype(np.int64)


def _p_value(duel: NDArray[np.int64], epsilon: float) -> float:
    """Of "the person wins more often by epsilon or more": the paper's paired one-sided t-test, or an adjusted Wald test
    where that is more careful.

    Where the person seldom wins and the model never, the t-test alone is wrong in 11 of 100 cases instead of 5.
    """
    apart = (duel[:, 1] - duel[:, 0]).astype(np.float64)
    n, up, down = len(apart), (apart > 0).sum() + 1, (apart < 0).sum() + 1
    eased = (up - down) / (n + 2)
    spread = np.sqrt(((up + down) / (n + 2) - eased**2) / (n + 2))
    wald = float(scipy.special.ndtr((eased - epsilon) / spread))
    se = apart.std(ddof=1) / np.sqrt(n) if n > 1 else 0.0
    return max(wald, float(scipy.stats.t.cdf((apart.mean() - epsilon) / se, n - 1))) if se > 0 else wald


def _passed(duels: Sequence[NDArray[np.int64]], epsilon: float) -> Bools:
    adjusted = scipy.stats.false_discovery_control([_p_value(one, epsilon) for one in duels], method="by")
    return np.asarray(adjusted <= RATE, dtype=np.bool_)


def _against(places: list[int], duels: Sequence[NDArray[np.int64]], epsilon: float) -> tuple[Against, ...]:
    p = [_p_value(one, epsilon) for one in duels]
    adjusted = scipy.stats.false_discovery_control(p, method="by")
    wins = [duel.mean(axis=0).tolist() for duel in duels]
    return tuple(
        Against(place, len(duel), model, human, p_one, float(p_all), bool(p_all <= RATE))
        for place, duel, (model, human), p_one, p_all in zip(places, duels, wins, p, adjusted, strict=True)
    )


def _redrawn(duels: Sequence[NDArray[np.int64]], epsilon: float, seed: int) -> Floats:
    """Winning rate and advantage with each person's tasks drawn anew, (RESAMPLES, 2)."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(RESAMPLES):
        drawn = [one[rng.integers(0, len(one), len(one))] for one in duels]
        found.append((_passed(drawn, epsilon).mean(), np.mean([one[:, 0].mean() for one in drawn])))
    return np.array(found)


def _estimate(value: float, draws: Floats) -> Estimate:
    low, high = np.quantile(draws, [0.025, 0.975]).tolist()
    return Estimate(value, min(low, value), max(high, value))


def alpha_change(people: NDArray[np.integer], model: NDArray[np.integer], seed: int = 0) -> Estimate:
    """How much alpha of the people changes when one is replaced by the model on the same tasks, mean over people.

    Below 0: they agree less with the model among them. The interval draws tasks anew; undefined where alpha is.
    """
    used = (people != NONE).sum(axis=0) >= 2
    people, model = people[:, used], model[used]
    k = int(max(people.max(initial=0), model.max(initial=0))) + 1
    tables = [_counts(people, k), *(_counts(_replaced(people, model, place), k) for place in range(len(people)))]
    rng = np.random.default_rng(seed)
    n = people.shape[1]
    times = np.stack([np.ones(n), *(np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(RESAMPLES))])
    if n < LEAST:
        return Estimate(None, None, None, False, f"{n} of {LEAST} tasks with two people")
    with np.errstate(invalid="ignore", divide="ignore"):
        alphas = np.stack([agreement.krippendorff_alpha(table, times) for table in tables])
    changes = (alphas[1:] - alphas[0]).mean(axis=0)
    known = changes[1:][~np.isnan(changes[1:])]
    if np.isnan(changes[0]) or not len(known):
        return Estimate(None, None, None, False, "undefined: one label only")
    return _estimate(float(changes[0]), known)


def _replaced(people: NDArray[np.integer], model: NDArray[np.integer], place: int) -> NDArray[np.integer]:
    """The same with the model in the place of one person, on the tasks that both labeled."""
    changed = people.copy()
    both = (people[place] != NONE) & (model != NONE)
    changed[place, both] = model[both]
    return changed


def _counts(table: NDArray[np.integer], k: int) -> Floats:
    """How many gave each label to each task, (N, k)."""
    found: Floats = np.stack([(table == label).sum(axis=0) for label in range(k)], axis=1).astype(np.float64)
    return found
