"""How fair: every measure by group, the gaps with a verdict, and the watch that may be looked at often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fairness.gaps import Gap, Terms, eighty_percent_rule, verdict
from fairness.intervals import Estimate
from fairness.label_looks import strongest
from fairness.metrics import AccuracyRow, FairnessTable, GroupRow, Labeled, label_rates, parts_table
from fairness.quality import rates_by
from fairness.rates import Bools, Rates
from fairness.sequential import Look, look_at
from labeling.checks.cells import counted
from labeling.checks.compared import part_answers
from labeling.checks.results import Checked
from labeling.reports.drawing.scales import LogScale, Scale, spanning
from labeling.truth.votes import Floats, Ints

Places = NDArray[np.intp]

MARGIN = 0.05
MOST_GROUPS = 24
LOOKS = 40
WEAKEST = 0.5
LINE = 0.14
"""Share of the height of the watch's drawing that a line of words takes."""
WORK = 96_000
"""Draws of the permutation null times labels times groups: what one page may cost."""
MEASURES = {
    "right": ("Share right", "Right", "labels that are right", "accuracy"),
    "found": ("True labels found", "Found", "tasks that truly bear the label and were given it", "tpr"),
    "false": ("False labels", "False", "tasks that bear another label and were given this one", "fpr"),
    "given": ("How often given", "Given", "tasks that were given the label", "selection_rate"),
}
WIDEST = {
    "found": "equal_opportunity_difference",
    "false": "false_positive_difference",
    "given": "demographic_parity_difference",
}


@dataclass(frozen=True, slots=True)
class Fair:
    """The fairness table of a batch or a project and what is needed to draw parts of it.

    `pending`: drawn checks that wait for a person, by group. `sizes`: settled tasks of the groups that have a name.
    `looks`: the strongest evidence by measure and label (`label_looks`).
    """

    table: FairnessTable
    overall: Estimate
    shares: dict[tuple[str, str], float]
    pending: dict[str, int]
    sizes: dict[str, int]
    watch: Watched | None
    looks: dict[tuple[str, str], Look] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Watched:
    """Evidence that one group differs from all others, over the checks as they came: (checks, evidence) points."""

    look: Look
    checks: int
    points: tuple[tuple[int, float], ...]

    @property
    def difference(self) -> Estimate:
        """How much more often this group's labels are right, with an interval that is valid at every look."""
        return Estimate(self.look.difference, self.look.low, self.look.high)

    @property
    def scale(self) -> LogScale:
        """Evidence multiplies, so it is drawn on a log scale; 1 says nothing."""
        return LogScale(WEAKEST, max(self.look.threshold, self.look.evidence))

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """Numbers of the axis with their distances from the top, as shares; none so near to another that they touch."""
        shown = [self.look.threshold]
        for number in (1.0, 10.0):
            if all(abs(self.scale.at(number) - self.scale.at(other)) > LINE for other in shown):
                shown.append(number)
        return [(number, 1 - self.scale.at(number)) for number in sorted(shown)]

    @property
    def curve(self) -> str:
        """The points of the line in a square of 100."""
        return " ".join(
            f"{100 * n / self.checks:.2f},{100 - 100 * self.scale.at(found):.2f}" for n, found in self.points
        )

    @property
    def end(self) -> float:
        return 1 - self.scale.at(self.look.evidence)


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One row of the dot plot; `needed` more checks make it estimable, `pending` of them wait already."""

    group: str
    counted: int
    found: Estimate
    tag: str
    needed: int
    pending: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The measure and label that the dot plot shows."""

    measure: str
    label: str
    title: str
    head: str
    about: str
    lines: tuple[GroupLine, ...]
    reference: float | None

    @property
    def scale(self) -> Scale:
        return spanning((line.found for line in self.lines), top=1.0 if self.measure in ("right", "found") else None)

    @property
    def margin(self) -> float:
        """The shaded band; only the share right has one."""
        return MARGIN if self.measure == "right" and not self.label else 0.0


@dataclass(frozen=True, slots=True)
class GapLine:
    """One gap over the groups with its verdict: pass, fail or undecided at the margin, or screening only."""

    name: str
    about: str
    gap: Gap
    verdict: str
    unit: str = "points"

    @property
    def screening(self) -> bool:
        return "screening" in self.verdict

    @property
    def failed(self) -> bool:
        return self.verdict.startswith("fail")


def how_fair(found: Checked, seed: int = 0) -> Fair | None:
    """Everything about groups; None where fewer than two groups have a settled task."""
    sides, called = apart(found), found.groups
    if sides is None:
        return None
    group, names = sides
    watch, sizes = watched(found, group, names), np.bincount(found.group)
    found = counted(replace(found, group=group, groups=names))
    group = found.group
    parts, traits = parts_of(found, group, names)
    draws = max(200, min(2000, WORK // (len(names) * max(len(traits), 1))))
    return Fair(
        parts_table(parts, traits, _whole(found, group, names), Terms(draws=draws, seed=seed)),
        rates_by(found, np.zeros(len(group), dtype=np.int32), 1)[0],
        _shares(parts, traits),
        found.pending,
        {name: size for name, size in zip(called, sizes.tolist(), strict=True) if name},
        watch,
        strongest(parts, traits, {measure: told[3] for measure, told in MEASURES.items()}),
    )


def parts_of(found: Checked, group: Ints, names: tuple[str, ...]) -> tuple[tuple[Labeled, ...], tuple[str, ...]]:
    """Every label, step or type of the answers as a yes (1) or a no (0), and what they are called."""
    traits, said, true = part_answers(found)
    parts = tuple(
        Labeled(
            said[:, p].astype(np.int8),
            group,
            np.where(found.checks, true[:, p], -1).astype(np.int8),
            ("no", "yes"),
            names,
            None if found.weights is None else found.weight,
            count=found.count,
        )
        for p in range(len(traits))
    )
    return parts, traits


def _whole(found: Checked, group: Ints, names: tuple[str, ...]) -> Labeled:
    """Whether answers are wholly right: 1 where they are."""
    right = np.where(found.checks, found.right, 1).astype(np.int8)
    gold = np.where(found.checks, 1, -1).astype(np.int8)
    weight = None if found.weights is None else found.weight
    return Labeled(right, group, gold, ("wrong", "right"), names, weight, count=found.count)


def apart(found: Checked) -> tuple[Ints, tuple[str, ...]] | None:
    """The group of each settled task, (n,), and the names of the groups; None where there are fewer than two."""
    group, names = merged(found.group, found.groups)
    return (group, names) if len([name for name in names if name]) > 1 else None


def merged(group: Ints, names: tuple[str, ...]) -> tuple[Ints, tuple[str, ...]]:
    """The 24 largest groups by name, the others as one; tasks without a group are called so."""
    sizes = np.bincount(group, minlength=len(names))
    there = np.flatnonzero(sizes)
    kept = sorted(there[np.argsort(-sizes[there], kind="stable")][:MOST_GROUPS].tolist())
    called = tuple(names[one] or "without a group" for one in kept)
    place = np.full(len(names) + 1, len(kept), dtype=np.int32)
    place[kept] = np.arange(len(kept))
    rest = len(there) - len(kept)
    return place[group], (*called, f"{rest} smaller groups") if rest else called


def _shares(parts: Sequence[Labeled], traits: Sequence[str]) -> dict[tuple[str, str], float]:
    """Each measure over all groups together, by (measure, label)."""
    return {
        (measure, name): float(rates[told[3]].value[0])
        for part, name in zip(parts, traits, strict=True)
        for rates in [label_rates(replace(part, group=np.zeros_like(part.group), group_names=("all",)), 1)]
        for measure, told in MEASURES.items()
    }


def choose(fair: Fair, measure: str, label: str) -> Choice:
    """The rows of one measure; without a label the whole set, or for rates of a label the one with the widest gap."""
    measure = measure if measure in MEASURES else "right"
    names = [one.label for one in fair.table.labels]
    label = label if label in names else ""
    if measure != "right" and not label:
        label = getattr(fair.table.overall, WIDEST[measure]).label or names[0]
    title, head, about, _ = MEASURES[measure]
    reference = fair.shares.get((measure, label), fair.overall.value if not label else None)
    shown = None if reference is None or np.isnan(reference) else reference
    return Choice(measure, label, title, head, about, _lines(fair, measure, label), shown)


def _lines(fair: Fair, measure: str, label: str) -> tuple[GroupLine, ...]:
    rows = next((one.rows for one in fair.table.labels if one.label == label), fair.table.groups)
    lines = [_line(fair, row, measure) for row in rows]
    return tuple(sorted(lines, key=lambda line: (not line.found.estimable, -(line.found.value or 0))))


def _line(fair: Fair, row: GroupRow | AccuracyRow, measure: str) -> GroupLine:
    pending = fair.pending.get(row.group, 0)
    counted = _counted(row, measure)
    found: Estimate = getattr(row, MEASURES[measure][3])
    wanted = Terms().minimum - row.n_checked - pending if measure == "right" else 0
    needed = max(min(wanted, fair.sizes.get(row.group, 0) - row.n_checked - pending), 0)
    return GroupLine(row.group, counted, found, _tag(fair, row.group, measure), needed, pending)


def _counted(row: GroupRow | AccuracyRow, measure: str) -> int:
    """How many tasks a rate rests on."""
    if isinstance(row, AccuracyRow) or measure == "right":
        return row.n_checked
    return {"found": row.n_true, "false": row.n_checked - row.n_true, "given": row.n}[measure]


def _tag(fair: Fair, group: str, measure: str) -> str:
    if fair.watch is None or fair.watch.look.group != group or measure != "right":
        return ""
    look = fair.watch.look
    return "differs" if look.verdict == "pause" else "watched" if look.evidence > 1 else ""


def gap_lines(fair: Fair) -> tuple[GapLine, ...]:
    """The gaps between the best and the worst group, with intervals that pay for having picked them."""
    overall = fair.table.overall
    found, false = overall.equal_opportunity_difference, overall.equalized_odds_difference
    given, ratio = overall.demographic_parity_difference, overall.demographic_parity_ratio
    return (
        _gap("Share right", "all labels, best against worst", fair.table.accuracy_difference),
        _gap("Equal opportunity", f"finding {found.label}, the worst label" if found.label else "", found),
        _gap("Equalized odds", f"the wider of found and false, {false.label}" if false.label else "", false),
        GapLine("Demographic parity", f"how often {given.label} is given", given, "screening only"),
        GapLine("80% rule", f"lowest share of {ratio.label} over the highest", ratio, _eighty(ratio), "percent"),
    )


def _gap(name: str, about: str, gap: Gap) -> GapLine:
    return GapLine(name, about, gap, f"{verdict(gap, MARGIN)} at 5 points" if gap.estimable else "")


def _eighty(ratio: Gap) -> str:
    return f"{eighty_percent_rule(ratio)}, screening only" if ratio.estimable else ""


def watched(found: Checked, group: Ints, names: tuple[str, ...]) -> Watched | None:
    """The group with most evidence now, and how that evidence came together; None while all groups gather checks."""
    order = np.flatnonzero(found.checks)
    order = order[np.argsort(found.when[order], kind="stable")]
    steps = _counts(len(order))
    if not steps:
        return None
    weight = np.ones(len(order)) if found.weights is None else found.weight[order]
    so_far = _so_far(found.right[order], group[order], len(names), weight, steps)
    last = max(look_at(so_far[-1], names), key=lambda look: look.evidence if look.verdict != "gathering" else -1.0)
    if last.verdict == "gathering":
        return None
    looks = (look_at(rates, names, only={last.group}, intervals=False)[0] for rates in so_far)
    return Watched(last, len(order), tuple((n, look.evidence) for n, look in zip(steps, looks, strict=True)))


def _so_far(right: Bools, group: Ints, groups: int, weight: Floats, steps: Sequence[int]) -> list[Rates]:
    """The rates of each group by the first checks, for every number of them in `steps`; one pass over all."""
    step = np.searchsorted(steps, np.arange(len(right)), side="right")
    cell = step * groups + group
    sums = [
        np.bincount(cell, values, len(steps) * groups).reshape(len(steps), groups).cumsum(axis=0)
        for values in (np.ones(len(right)), right, weight, weight * right, weight**2, weight**2 * right)
    ]
    return [_rates(*(one[at] for one in sums)) for at in range(len(steps))]


def _rates(n: Floats, positives: Floats, w: Floats, wx: Floats, w2: Floats, w2x: Floats) -> Rates:
    """As `group_rates` has them, from sums: with x of 0 and 1 all its squares are sums of x."""
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(w > 0, wx / w, np.nan)
        spread, variance = value * (1 - value), w2x * (1 - 2 * value) + value**2 * w2
        size = np.where(spread > 0, spread * w**2 / variance, w**2 / w2)
    effective = np.where(n > 0, np.minimum(size, n), 0.0)
    return Rates(np.rint(n).astype(np.int64), np.rint(positives).astype(np.int64), value, effective)


def _counts(total: int) -> list[int]:
    return sorted({round(total * (step + 1) / LOOKS) for step in range(LOOKS)} - {0}) if total else []
