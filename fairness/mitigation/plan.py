"""What can be done about the gaps of a batch: from rows to each step with its before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from fairness.estimates.corrected import confidences
from fairness.estimates.outcomes import Told, expected
from fairness.groups import apart, merged
from fairness.intervals import Estimate
from fairness.mitigation.hints import Hint, hints
from fairness.mitigation.pooling import Pooled, pooled
from fairness.mitigation.quotas import Quota, Routing, audit_quota, routing_quota
from fairness.mitigation.thresholds import Policy, equal_opportunity
from fairness.rates import group_rates, rate_estimates
from labeling.checks import draws, results
from labeling.checks.results import BY, Checked
from labeling.models import Batch, Decision, Question, Task
from labeling.models.grouping import By, shortened
from labeling.reports import kept
from labeling.truth.votes import Bools, Floats

MORE_CHECKS = 60
MOST_SENT = 500
PEOPLE_RIGHT = 0.95
"""Chance that a person is right, before enough checks tell it."""


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """One group: its checks, how many more it gets, and half the width of its interval before and as expected after."""

    group: str
    checks: int
    more: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class RouteLine:
    """One group: how many of its tasks people would answer as well, and its expected share wrong before and after."""

    group: str
    tasks: int
    sent: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Since:
    """The share right of a group by labels made before the guidelines changed and by those made since."""

    group: str
    before: Estimate
    after: Estimate


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One group under a threshold of its own: true cases found and false ones, held out, before and with the policy."""

    group: str
    threshold: float
    found_before: Estimate
    found_after: Estimate
    false_before: Estimate
    false_after: Estimate


@dataclass(frozen=True, slots=True)
class Plan:
    """Every step for a batch, the safest first. `tasks`: those that `routes` would send, by key."""

    quota: tuple[QuotaLine, ...]
    pooled: Pooled | None
    routes: tuple[RouteLine, ...]
    tasks: tuple[int, ...]
    each: int
    hints: tuple[Hint, ...]
    since: tuple[Since, ...]
    changed_at: datetime | None
    policies: dict[str, tuple[PolicyLine, ...]]
    labels: tuple[str, ...]
    checks: int

    @property
    def more_checks(self) -> int:
        return sum(line.more for line in self.quota)

    @property
    def price(self) -> int:
        """Micro-dollars for the tasks that people would answer."""
        return self.each * len(self.tasks)


def plan_and_wait(batch: Batch, by: By, question: Question) -> tuple[Plan | None, int]:
    """The plan, kept while nothing changes; and in how many seconds a newer one is to be had."""
    name = f"mitigation.{batch.pk}.{batch.created_at.timestamp()}.{question.position}.{shortened(by)}"
    guided = batch.project.guidelines_at
    return kept.keep_and_tell(name, (kept.version(), guided), lambda: plan(batch, by, question))


def plan(batch: Batch, by: By, question: Question) -> Plan | None:
    """Every step anew; None without two groups or without a check."""
    found = results.load(batch, by, question)
    sides = apart(found) if found.checks.any() else None
    if sides is None:
        return None
    group, names = sides
    sure = confidences(batch, found)
    right = found.right.astype(np.float64)
    better = pooled(sure, group, right, found.checks, found.weight, batch.seed)
    routes, sent = _routes(batch, found, group, names, sure if better is None else better.sure)
    labels = tuple(label.name for label in found.labels) if question.votes_are_enough else ()
    checked = np.flatnonzero(found.checks)
    return Plan(
        _quota(batch, found, group, names),
        better,
        routes,
        sent,
        draws.price_of_one(batch, "person") or 0,
        hints(found.label[checked], found.truth[checked], group[checked], labels, names) if labels else (),
        _since(found, group, names, batch.project.guidelines_at),
        batch.project.guidelines_at,
        _policies(found, group, names, sure, labels, batch.seed),
        labels,
        len(checked),
    )


def _quota(batch: Batch, found: Checked, group: NDArray[np.generic], names: Sequence[str]) -> tuple[QuotaLine, ...]:
    checks = np.bincount(group[found.checks], minlength=len(names))
    sizes = np.bincount(group[found.by != BY.index(Decision.By.EXPERT)], minlength=len(names))
    pending = np.array([found.pending.get(name, 0) for name in names])
    rates = group_rates(found.right[found.checks], group[found.checks], len(names), found.weights)
    left = np.maximum(sizes - checks - pending, 0)
    told: Quota = audit_quota(rates.value, checks + pending, left, MORE_CHECKS)
    return tuple(
        QuotaLine(name, int(n), int(more), float(before), float(after))
        for name, n, more, before, after in zip(names, checks, told.more, told.before, told.after, strict=True)
    )


def _routes(
    batch: Batch, found: Checked, group: NDArray[np.generic], names: Sequence[str], sure: Floats
) -> tuple[tuple[RouteLine, ...], tuple[int, ...]]:
    """Tasks that machines settled and nobody checked, the least sure of the group that errs most first."""
    by_machine = np.isin(found.by, [BY.index(Decision.By.CROWD), BY.index(Decision.By.PAID)])
    open_to: Bools = by_machine & ~found.checks
    people = _people_right(found)
    chance = np.where(found.checks, 1.0, np.where(open_to, sure, np.maximum(sure, people)))
    budget = min(MOST_SENT, int(batch.project.review_share * len(sure)))
    told: Routing = routing_quota(chance, group, len(names), budget, people)
    sent = np.bincount(group[told.chosen], minlength=len(names))
    sizes = np.bincount(group, minlength=len(names))
    lines = tuple(
        RouteLine(name, int(size), int(n), float(before), float(after))
        for name, size, n, before, after in zip(names, sizes, sent, told.before, told.after, strict=True)
    )
    return lines, tuple(found.task[told.chosen].tolist())


def _people_right(found: Checked) -> float:
    """How often labels that people settled were right, by checks; a careful guess below thirty."""
    mine = found.checks & (found.by == BY.index(Decision.By.PERSON))
    return float(found.right[mine].mean()) if mine.sum() >= 30 else PEOPLE_RIGHT


def _since(
    found: Checked, group: NDArray[np.generic], names: Sequence[str], changed: datetime | None
) -> tuple[Since, ...]:
    """The share right by group of labels made before the guidelines changed and since, from the checks of each."""
    if changed is None:
        return ()
    made = dict(
        Decision.objects.filter(task__in=found.task[found.checks].tolist())
        .order_by("task_id", "-pk")
        .values_list("task_id", "created_at")
    )
    later = np.array([made[task] >= changed if task in made else False for task in found.task.tolist()])
    parts = [found.checks & ~later, found.checks & later]
    if not all(part.any() for part in parts):
        return ()
    rows = [
        rate_estimates(group_rates(found.right[part], group[part], len(names), found.weight[part]), 30, 0.95)
        for part in parts
    ]
    return tuple(Since(name, before, after) for name, before, after in zip(names, *rows, strict=True))


def _policies(
    found: Checked,
    group: NDArray[np.generic],
    names: Sequence[str],
    sure: Floats,
    labels: Sequence[str],
    seed: int,
) -> dict[str, tuple[PolicyLine, ...]]:
    """Thresholds of each label that has enough checks in every group."""
    chances = _chances(found, sure, labels, seed)
    fitted = {name: _policy(found, group, names, chances, place, seed) for place, name in enumerate(labels)}
    return {name: _policy_lines(one, names) for name, one in fitted.items() if one is not None}


def _chances(found: Checked, sure: Floats, labels: Sequence[str], seed: int) -> Floats:
    gold = np.where(found.checks, found.truth, -1)
    return expected(Told(found.label, sure, len(labels)), gold, found.weight, seed) if labels else np.zeros((0, 0))


def _policy(
    found: Checked, group: NDArray[np.generic], names: Sequence[str], chances: Floats, place: int, seed: int
) -> Policy | None:
    true = np.where(found.checks, (found.truth == place).astype(int), -1)
    given = found.label == place
    return equal_opportunity(chances[:, place], given, true, group, len(names), found.weight, seed)


def _policy_lines(one: Policy, names: Sequence[str]) -> tuple[PolicyLine, ...]:
    columns = [rate_estimates(rates, 10, 0.95) for rates in (one.before, one.after, one.false_before, one.false_after)]
    return tuple(
        PolicyLine(name, float(threshold), *cells)
        for name, threshold, *cells in zip(names, one.threshold, *columns, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a policy would give: thresholds by group, and (task, group, label, chance, label by policy) of each task."""

    thresholds: dict[str, float]
    rows: tuple[tuple[str, str, str, float, str], ...]


def propose(batch: Batch, by: By, question: Question, label: str) -> Proposal | None:
    """The policy of one label over all settled tasks; None where it cannot be fitted.

    A task whose chance reaches its group's threshold is given the label; one that has it and does not reach it is given
    the likeliest other one.
    """
    if not question.votes_are_enough:
        return None
    found = results.load(batch, by, question)
    labels = [one.name for one in found.labels]
    if label not in labels or not len(found.task) or not found.checks.any():
        return None
    group, names = merged(found.group, found.groups)
    place, chances = labels.index(label), _chances(found, confidences(batch, found), labels, batch.seed)
    one = _policy(found, group, names, chances, place, batch.seed)
    if one is None:
        return None
    gives = chances[:, place] >= one.threshold[group]
    others = chances.copy()
    others[:, place] = -1.0
    said = np.where(gives, place, np.where(found.label == place, others.argmax(axis=1), found.label))
    ids = dict(Task.objects.filter(batch=batch, question=question).values_list("pk", "instance__external_id"))
    rows = tuple(
        (ids[task], names[g], labels[label_now], round(float(chance), 6), labels[new])
        for task, g, label_now, chance, new in zip(
            found.task.tolist(), group.tolist(), found.label.tolist(), chances[:, place], said.tolist(), strict=True
        )
    )
    thresholds = {name: float(value) for name, value in zip(names, one.threshold, strict=True)}
    return Proposal(thresholds, rows)
