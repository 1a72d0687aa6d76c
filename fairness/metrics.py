"""Fairness of labels between groups of tasks: each label against the rest, and the worst label as the headline.

Definitions (label c, group g): selection rate P(answer = c | g), true positive rate P(answer = c | truth = c, g), false
positive rate P(answer = c | truth is another, g), accuracy, and prevalence distortion
E[1(answer = c) - 1(truth = c) | g]. Names follow fairlearn. Unlike there, a rate over no task is undefined and left
out, never 0, and there may be many labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairness.gaps import (
    Comparison,
    Gap,
    StandOut,
    Terms,
    adjusted,
    against_rest,
    compare,
    eighty_percent_rule,
    gap,
    joined,
    ratio,
    standing_out,
    worst,
)
from fairness.intervals import Estimate, Floats
from fairness.rates import Bools, Ints, Rates, group_rates, rate_estimates

Places = NDArray[np.signedinteger[Any]]
COUNTED = {
    "selection_rate": "labeled",
    "tpr": "checked with this label",
    "fpr": "checked with another label",
    "accuracy": "checked",
    "distortion": "checked",
}


@dataclass(frozen=True, slots=True)
class Labeled:
    """Labeled tasks as arrays of shape (N,).

    `label`, `group`: indexes into `label_names` and `group_names`. `gold`: the true label's index, -1 where it was not
    checked. `gold_weight`: inverse probability that the task was checked; used wherever gold is. `label_weight`:
    inverse probability that the task is among these at all; used for selection rates. None means all ones.
    `count`: how many tasks each entry stands for, None for one each.
    """

    label: Places
    group: Places
    gold: Places
    label_names: tuple[str, ...]
    group_names: tuple[str, ...]
    gold_weight: Floats | None = None
    label_weight: Floats | None = None
    count: Floats | None = None


@dataclass(frozen=True, slots=True)
class Gaps:
    """All gaps of one label, or the worst of each over all labels."""

    demographic_parity_difference: Gap
    demographic_parity_ratio: Gap
    equal_opportunity_difference: Gap
    false_positive_difference: Gap
    equalized_odds_difference: Gap
    equalized_odds_mean: Gap
    equalized_odds_ratio: Gap
    accuracy_difference: Gap
    prevalence_distortion_difference: Gap


RATIOS = ("demographic_parity_ratio", "equalized_odds_ratio")


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group in the table of one label: `n_positive` tasks were given the label, `n_true` checked ones bear it."""

    group: str
    n: int
    n_positive: int
    n_checked: int
    n_true: int
    selection_rate: Estimate
    tpr: Estimate
    fpr: Estimate
    accuracy: Estimate
    distortion: Estimate


@dataclass(frozen=True, slots=True)
class LabelTable:
    """One label against the rest: a row for each group, the gaps, and the answer of the 80% rule."""

    label: str
    rows: tuple[GroupRow, ...]
    gaps: Gaps
    eighty_percent: str


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """Share of right labels in one group, all labels together."""

    group: str
    n: int
    n_checked: int
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class FairnessTable:
    """A table for each label, the worst gaps, accuracy by group, and the groups that differ from the rest.

    `stand_outs` are corrected by Holm over all labels and groups, each of the four rates for itself.
    """

    labels: tuple[LabelTable, ...]
    overall: Gaps
    eighty_percent: str
    groups: tuple[AccuracyRow, ...]
    accuracy_difference: Gap
    stand_outs: tuple[StandOut, ...]


def fairness_table(tasks: Labeled, terms: Terms | None = None) -> FairnessTable:
    """Measure every label of `tasks` against the rest, and pick the worst of each gap.

    Raises ValueError where there is no task, no label or an index out of range. The result depends on the data and on
    `terms.seed` alone.
    """
    terms = terms or Terms()
    _check(tasks)
    rates = [label_rates(tasks, label) for label in range(len(tasks.label_names))]
    return _table(rates, tasks, tasks.label_names, terms)


def parts_table(
    parts: Sequence[Labeled], names: Sequence[str], whole: Labeled, terms: Terms | None = None
) -> FairnessTable:
    """The same for answers with several parts, each a no (0) or a yes (1): part p of all tasks is `parts[p]`.

    `whole`: whether answers are wholly right: label 1 where they are, gold 1 where that was checked. Accuracy by group
    is of whole answers; all else is of the parts, each a yes against its no.
    """
    terms = terms or Terms()
    for one in (*parts, whole):
        _check(one)
    return _table([label_rates(one, 1) for one in parts], whole, tuple(names), terms)


def _table(rates: Sequence[dict[str, Rates]], tasks: Labeled, names: tuple[str, ...], terms: Terms) -> FairnessTable:
    compared = [_compared(one, tasks.group_names, terms, place) for place, one in enumerate(rates)]
    gaps = _adjusted([_gaps(one, terms, 1) for one in compared])
    overall = _worst(_adjusted([_gaps(one, terms, len(compared)) for one in compared]), names)
    labels = tuple(
        LabelTable(name, _rows(tasks, one, terms), found, eighty_percent_rule(found.demographic_parity_ratio))
        for name, one, found in zip(names, rates, gaps, strict=True)
    )
    groups, difference = _accuracy(tasks, terms)
    verdict = eighty_percent_rule(overall.demographic_parity_ratio)
    return FairnessTable(labels, overall, verdict, groups, difference, _stand_outs(compared, names, terms))


def _check(tasks: Labeled) -> None:
    if not len(tasks.label) or not tasks.label_names:
        raise ValueError("`label` must hold at least one task and `label_names` one name")
    for name, column, size in (
        ("label", tasks.label, len(tasks.label_names)),
        ("group", tasks.group, len(tasks.group_names)),
        ("gold", tasks.gold + 1, len(tasks.label_names) + 1),
    ):
        if len(column) != len(tasks.label) or column.min() < 0 or column.max() >= size:
            raise ValueError(f"`{name}` must have one index within its names for each task")


def label_rates(tasks: Labeled, label: int) -> dict[str, Rates]:
    """The five rates of one label in each group, by the names of `COUNTED`; without gold, all but one count no task."""
    given, true, checked = tasks.label == label, tasks.gold == label, tasks.gold >= 0
    selection = group_rates(given, tasks.group, len(tasks.group_names), tasks.label_weight, count=tasks.count)
    return {
        "selection_rate": selection,
        "tpr": _rates(tasks, given, true),
        "fpr": _rates(tasks, given, checked & ~true),
        "accuracy": _rates(tasks, given == true, checked),
        "distortion": _rates(tasks, given.astype(int) - true, checked, signed=True),
    }


def _rates(tasks: Labeled, fact: Bools | Ints, where: Bools, *, signed: bool = False) -> Rates:
    weight = None if tasks.gold_weight is None else tasks.gold_weight[where]
    count = None if tasks.count is None else tasks.count[where]
    return group_rates(fact[where], tasks.group[where], len(tasks.group_names), weight, signed=signed, count=count)


def _compared(rates: dict[str, Rates], names: Sequence[str], terms: Terms, label: int) -> dict[str, Comparison]:
    return {
        name: compare(one, names, terms, COUNTED[name], stream=label * len(COUNTED) + place + 1)
        for place, (name, one) in enumerate(rates.items())
    }


def _gaps(of: dict[str, Comparison], terms: Terms, looks: int) -> Gaps:
    tpr, fpr = of["tpr"], of["fpr"]
    nulls = (tpr.null, fpr.null)
    halves = gap(tpr, terms, 2 * looks), gap(fpr, terms, 2 * looks)
    ratios = ratio(tpr, terms, 2 * looks), ratio(fpr, terms, 2 * looks)
    return Gaps(
        demographic_parity_difference=gap(of["selection_rate"], terms, looks),
        demographic_parity_ratio=ratio(of["selection_rate"], terms, looks),
        equal_opportunity_difference=gap(tpr, terms, looks),
        false_positive_difference=gap(fpr, terms, looks),
        equalized_odds_difference=joined(*halves, np.maximum, nulls),
        equalized_odds_mean=joined(*halves, _mean, nulls),
        equalized_odds_ratio=joined(*ratios, np.minimum),
        accuracy_difference=gap(of["accuracy"], terms, looks),
        prevalence_distortion_difference=gap(of["distortion"], terms, looks),
    )


def _mean(first: Floats, second: Floats) -> Floats:
    return (first + second) / 2


def _adjusted(gaps: Sequence[Gaps]) -> list[Gaps]:
    """Holm over the labels, each measure for itself."""
    columns = [adjusted([getattr(one, field.name) for one in gaps]) for field in fields(Gaps)]
    return [Gaps(*row) for row in zip(*columns, strict=True)]


def _worst(gaps: Sequence[Gaps], labels: Sequence[str]) -> Gaps:
    """The headline of each measure, from intervals that hold for all labels at once."""
    names = [field.name for field in fields(Gaps)]
    return Gaps(*(worst([getattr(one, name) for one in gaps], labels, smallest=name in RATIOS) for name in names))


def _rows(tasks: Labeled, rates: dict[str, Rates], terms: Terms) -> tuple[GroupRow, ...]:
    columns = {name: _estimates(name, one, terms) for name, one in rates.items()}
    return tuple(
        GroupRow(
            group,
            n=int(rates["selection_rate"].n[g]),
            n_positive=int(rates["selection_rate"].positives[g]),
            n_checked=int(rates["accuracy"].n[g]),
            n_true=int(rates["tpr"].n[g]),
            **{name: column[g] for name, column in columns.items()},
        )
        for g, group in enumerate(tasks.group_names)
    )


def _estimates(name: str, rates: Rates, terms: Terms) -> tuple[Estimate, ...]:
    return rate_estimates(rates, terms.minimum, terms.level, COUNTED[name])


def _accuracy(tasks: Labeled, terms: Terms) -> tuple[tuple[AccuracyRow, ...], Gap]:
    """Accuracy over all labels by group, and its gap."""
    rates = _rates(tasks, tasks.label == tasks.gold, tasks.gold >= 0)
    n = np.bincount(tasks.group, tasks.count, minlength=len(tasks.group_names))
    rows = tuple(
        AccuracyRow(group, int(size), int(checked), estimate)
        for group, size, checked, estimate in zip(
            tasks.group_names, n, rates.n, _estimates("accuracy", rates, terms), strict=True
        )
    )
    return rows, gap(compare(rates, tasks.group_names, terms), terms)


def _stand_outs(compared: Sequence[dict[str, Comparison]], labels: Sequence[str], terms: Terms) -> tuple[StandOut, ...]:
    found: list[StandOut] = []
    for measure in ("selection_rate", "tpr", "fpr", "accuracy"):
        tests = [
            test
            for label, of in zip(labels, compared, strict=True)
            for test in against_rest(of[measure], label, measure, terms)
        ]
        found.extend(standing_out(tests, terms.level))
    return tuple(found)
