"""Doubly robust estimates of labels in a file: as plain values, and in lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from fairness.estimates.doubly_robust import (
    Sampled,
    accuracies,
    distortions,
    false_positive_rates,
    prevalences,
    true_positive_rates,
)
from fairness.estimates.outcomes import Told, expected
from fairness.gaps import Gap, Terms, compare, gap
from fairness.intervals import Estimate, Floats
from fairness.metrics import Labeled
from fairness.rates import Rates, rate_estimates

MEASURES: dict[str, tuple[str, Callable[..., Rates]]] = {
    "tpr": ("True positives", true_positive_rates),
    "fpr": ("False positives", false_positive_rates),
    "prevalence": ("True share", prevalences),
    "distortion": ("Prevalence distortion", distortions),
}


def measured(tasks: Labeled, belief: Floats, terms: Terms) -> dict[str, Any]:
    """`accuracy`, and under `labels` every measure of each label: `groups` with their estimates, and `gap`.

    `belief`: (N,) how sure each label was before its check.
    """
    weight = np.ones(len(tasks.label)) if tasks.gold_weight is None else tasks.gold_weight
    told = Told(tasks.label, belief, len(tasks.label_names))
    likely = expected(told, tasks.gold, weight, terms.seed)
    side = Sampled(tasks.label, tasks.gold, weight, tasks.group, len(tasks.group_names), likely)
    found = partial(_measure, tasks.group_names, terms)
    labels = {
        name: {key: found(rates(side, label)) for key, (_, rates) in MEASURES.items()}
        for label, name in enumerate(tasks.label_names)
    }
    return {"accuracy": found(accuracies(side)), "labels": labels}


def _measure(names: tuple[str, ...], terms: Terms, rates: Rates) -> dict[str, Any]:
    estimates = rate_estimates(rates, terms.minimum, terms.level)
    groups = {name: {"checks": int(n), **asdict(one)} for name, n, one in zip(names, rates.n, estimates, strict=True)}
    return {"groups": groups, "gap": asdict(gap(compare(rates, names, terms), terms))}


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The gaps, each with its interval and the groups at its ends."""
    if not found:
        return
    yield "\nDoubly robust, with how sure each label was"
    yield _line("Share right, difference", found["accuracy"]["gap"])
    for label, measures in found["labels"].items():
        yield f"  {label}"
        for key, (title, _) in MEASURES.items():
            yield _line(f"  {title}, difference", measures[key]["gap"])


def _line(title: str, told: dict[str, Any]) -> str:
    one = Gap(**told)
    apart = f"  {one.lowest} to {one.highest}" if one.estimable else ""
    return f"  {title:36}{_number(one)}{apart}"


def _number(found: Estimate) -> str:
    if not found.estimable or found.value is None:
        return found.reason if found.reason.startswith("undefined") else f"not estimable, {found.reason}"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
