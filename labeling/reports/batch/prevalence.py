"""How common each label, step or type truly is in a batch and its groups: cheap answers corrected by random checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labeling.checks import results
from labeling.checks.compared import parts_of
from labeling.checks.results import BY, Checked
from labeling.models import Batch, Decision, Question, grouping
from labeling.models.grouping import By
from labeling.reports.drawing.scales import Scale, spanning
from labeling.reports.estimates import MINIMUM, Measured
from labeling.routing.prediction_powered import Sample, share
from labeling.truth.votes import Bools


@dataclass(frozen=True, slots=True)
class Line:
    """One label, or one group: its share with the interval, the share as labeled, and from the checks alone.

    `tasks`: how many there are, `checks`: how many of them were checked.
    """

    name: str
    share: Measured
    labeled: float
    alone: Measured
    tasks: int
    checks: int


@dataclass(frozen=True, slots=True)
class Prevalence:
    """The share of each label in the batch, and of one label in each group."""

    labels: tuple[Line, ...]
    groups: tuple[Line, ...]
    label: str
    part: str = "label"

    @property
    def scale(self) -> Scale:
        return _holding(self.labels)

    @property
    def group_scale(self) -> Scale:
        return _holding(self.groups)


def _holding(lines: Sequence[Line]) -> Scale:
    """A scale that holds the intervals and the shares as labeled, which stand alone where nothing is estimable."""
    labeled = [Measured(line.labeled) for line in lines]
    return spanning([*(line.share for line in lines), *labeled], top=None)


def prevalence(batch: Batch, chosen: str = "", by: By = (), question: Question | None = None) -> Prevalence:
    """Both tables; `chosen` names the label, step or type whose share is told by group, else the most common one.

    `by`: the attributes that make the groups, else the first one. `question`: else the project's first one.
    """
    by, asked = by or grouping.chosen(batch), question or batch.project.first_question
    found = results.load(batch, by, asked)
    group, learnable = grouping.group_name(by, "instance__groups"), batch.tasks.learnable().filter(question=asked)
    known = [
        (found.numbers.of(gold, marks), name)
        for gold, marks, name in learnable.values_list("gold_id", "gold_marks", group)
    ]
    names, has = parts_of(found.numbers)
    if not names:
        return Prevalence((), (), "")
    everybody = np.ones(len(found.task), dtype=np.bool_)
    lines = [_line(name, found, everybody, has[:, at], [gold for gold, _ in known]) for at, name in enumerate(names)]
    place = names.index(chosen) if chosen in names else int(np.argmax([line.labeled for line in lines]))
    in_groups = sorted({*found.groups, *(group for _, group in known)})
    groups = [
        _line(name, found, _in_group(found, name), has[:, place], [gold for gold, group in known if group == name])
        for name in in_groups
    ]
    shown = tuple(groups) if len(in_groups) > 1 else ()
    return Prevalence(tuple(lines), shown, names[place], asked.measures.part)


def _in_group(found: Checked, name: str) -> Bools:
    if name not in found.groups:
        return np.zeros(len(found.task), dtype=np.bool_)
    inside: Bools = found.group == found.groups.index(name)
    return inside


def _line(name: str, found: Checked, inside: Bools, has: Bools, known: list[int]) -> Line:
    """The share of a label among some settled tasks and the known ones of the validation slice, whose label is sure.

    `has`: which answers, by their numbers, hold the label.

    Labels that an expert gave without being drawn are sure as well; for the rest the checks speak.
    """
    sure = inside & (found.by == BY.index(Decision.By.EXPERT)) & ~found.checks
    rest, drawn = inside & ~sure, inside & found.checks
    certain = int(has[known].sum()) + int(has[found.label[sure]].sum())
    total, checks = len(known) + int(inside.sum()), int(drawn.sum())
    said = (certain + int(has[found.label[rest]].sum())) / total if total else 0.0
    if not rest.any():
        exact = Measured(said, said, said) if total else Measured(None, estimable=False, reason="no task is settled")
        return Line(name, exact, said, exact, total, checks)
    if checks < MINIMUM and checks < rest.sum():
        few = Measured(None, estimable=False, reason=f"{checks} of {MINIMUM} checked")
        return Line(name, few, said, few, total, checks)
    return Line(name, *_powered(found, rest, drawn, has, certain, total), total, checks)


def _powered(
    found: Checked, rest: Bools, drawn: Bools, has: Bools, certain: int, total: int
) -> tuple[Measured, float, Measured]:
    """The share among the tasks that only checks can tell of, carried over to all tasks."""
    cheap = has[found.label].astype(np.float64)
    truth = np.where(found.checks, has[np.maximum(found.truth, 0)], False).astype(np.float64)
    if int(drawn.sum()) < 2:
        value, said = ((certain + float(one[drawn].sum())) / total for one in (truth, cheap))
        return Measured(value, value, value), said, Measured(value, value, value)
    seen = share(Sample(cheap[rest], cheap[drawn], truth[drawn], found.weight[drawn], finite=True))
    part = int(rest.sum()) / total
    value, low, high, plain, plain_low, plain_high = (
        certain / total + part * one
        for one in (seen.value, seen.low, seen.high, seen.plain, seen.plain_low, seen.plain_high)
    )
    said = (certain + float(cheap[rest].sum())) / total
    return Measured(value, low, high), said, Measured(plain, plain_low, plain_high)
