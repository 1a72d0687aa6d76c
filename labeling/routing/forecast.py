"""What a budget will buy, said before it is spent: accuracy against dollars, with a band.

The level today is the mean of two estimates: what the beliefs themselves promise on the open tasks, which is nearly
always too much, and how often the most believed label was right on the validated tasks, whose own labels were kept out
of their beliefs. What a budget adds is the plan's gain, less what a plan always promises too much: it buys where the
gain was overestimated, and errors of the crowd and of the asked correlate. The band holds the uncertainty of both: few
validated tasks leave it wide at once, and it widens with what is promised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from labeling.routing.plan import Offers
from labeling.routing.value import Router
from labeling.truth.confusion import wilson
from labeling.truth.votes import Bools, Floats

Money = NDArray[np.int64]

CAME_TRUE = 0.7
"""The part of a planned gain to count on: .68 came true over the seven sets and five slices of `forecast_quality`,
.45 to .99 in each set, and less where other models were asked."""
GAIN_ERROR = 0.65
"""The standard error of what is then promised, as a part of it: nine in ten of those gains erred by at most 1.0 times,
nineteen in twenty by at most 1.3 times what was promised."""


@dataclass(frozen=True, slots=True)
class Level:
    """The share of right labels among the open tasks as things stand, with its band. `validated`: tasks it rests on."""

    accuracy: float
    low: float
    high: float
    validated: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """One entry for each budget; accuracies are shares of right labels among the open tasks.

    `budget`, `spend`: micro-dollars. `gain`: how much `accuracy` rises over no budget. `low`, `high`: the band.
    `marginal_dollars`: the price of one more correct label at this point, inf where nothing is left to buy.
    """

    budget: Money
    spend: Money
    accuracy: Floats
    low: Floats
    high: Floats
    gain: Floats
    marginal_dollars: Floats


@dataclass(frozen=True, slots=True)
class Everything:
    """Asking one relabeler about every open task. `alone`: the share right if its answer simply replaced the crowd's,
    with its interval `low` to `high`; `together`: if it is weighed against the crowd, as the router does.
    """

    name: str
    cost: int
    alone: float
    low: float
    high: float
    together: float


def level(router: Router, confidence: float = 0.9) -> Level:
    """How good the labels are before anything more is bought. With nothing validated the band is all from 0 to 1."""
    open_tasks, belief = _open_tasks(router), router.belief()
    promised = float(belief[open_tasks].max(axis=1).mean()) if open_tasks.any() else 1.0
    crowd = router.crowd
    right = crowd.out_of_fold.argmax(axis=1) == crowd.known[crowd.known_tasks]
    if crowd.fair is not None:
        right = right[crowd.fair]
    m = len(right)
    if not m:
        return Level(promised, 0.0, 1.0, 0)
    accuracy = (promised + float(right.mean())) / 2
    half = _half_width(accuracy, m, confidence)
    return Level(accuracy, max(accuracy - half, 0.0), min(accuracy + half, 1.0), m)


def forecast(
    router: Router, budgets: Sequence[int], *, worth: float | None = None, confidence: float = 0.9
) -> Forecast:
    """The curve of accuracy against money, before anything is spent; `budgets` in micro-dollars, rising.

    `worth`: see `Router.plan`.
    """
    now, n_open = level(router, confidence), max(int(_open_tasks(router).sum()), 1)
    curve = Offers.of(router.offers().gain, router.prices()).curve(budgets, worth=worth)
    gain = CAME_TRUE * curve.gain / n_open
    low, high = band(np.array(now.accuracy), np.array(now.low), np.array(now.high), gain, confidence)
    if not now.validated:
        low, high = np.zeros(len(gain)), np.ones(len(gain))
    accuracy = np.minimum(now.accuracy + gain, 1.0)
    return Forecast(curve.budget, curve.spend, accuracy, low, high, gain, curve.marginal_dollars / CAME_TRUE)


def band(now: Floats, low: Floats, high: Floats, gain: Floats, confidence: float) -> tuple[Floats, Floats]:
    """The band of this confidence around a level `now`, itself between `low` and `high`, that rises by `gain`.

    Both errors count as independent. Arrays that broadcast; returns the lower and the upper limit, within 0 to 1.
    """
    error = _quantile(confidence) * GAIN_ERROR * gain
    below, above = np.hypot(now - low, error), np.hypot(high - now, error)
    return np.clip(now + gain - below, 0.0, 1.0), np.clip(now + gain + above, 0.0, 1.0)


def on_everything(router: Router, confidence: float = 0.95) -> list[Everything]:
    """What "this relabeler on everything" would cost and reach, for each relabeler, to hold the plan against."""
    open_tasks, raw = _open_tasks(router), router.offers().raw
    n_open, now, found = max(int(open_tasks.sum()), 1), level(router), []
    belief = router.crowd.belief[open_tasks]
    for place, relabeler in enumerate(router.relabelers):
        price = np.broadcast_to(np.asarray(relabeler.price, dtype=np.int64), open_tasks.shape)
        right = np.diag(router.fusions[place].confusion)
        alone = float(belief.mean(axis=0) @ right) if len(belief) else float(right.mean())
        tested = relabeler.certainty + router.tested[place]
        low, high = wilson(np.array(alone), np.array(float(tested)), confidence)
        together = min(now.accuracy + CAME_TRUE * float(raw[open_tasks, place].sum()) / n_open, 1.0)
        cost = int(price[open_tasks].sum())
        found.append(Everything(relabeler.name, cost, alone, float(low), float(high), together))
    return found


def _open_tasks(router: Router) -> Bools:
    open_tasks: Bools = router.crowd.known < 0
    return open_tasks


def _half_width(accuracy: float, validated: int, confidence: float) -> float:
    """Of the band: the error of a share among the validated tasks, though only half of the level rests on it.

    The other half, what the beliefs promise, errs about as much, and in the same direction: its calibration was
    learnt from the same tasks.
    """
    share = min(max(accuracy, 1 / (validated + 2)), 1 - 1 / (validated + 2))
    return _quantile(confidence) * float(np.sqrt(share * (1 - share) / validated))


def _quantile(confidence: float) -> float:
    """Standard errors to either side that hold a normal error with this confidence."""
    return float(scipy.special.ndtri((1 + confidence) / 2))
