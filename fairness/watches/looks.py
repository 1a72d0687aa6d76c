"""What a watch sees of a batch now: each group against all others, in whole answers and each label, step or type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from fairness import sequential
from fairness.groups import merged
from fairness.rates import Bools, Rates, group_rates
from fairness.sequential import Look, look_at
from labeling.checks import results
from labeling.checks.compared import part_answers
from labeling.checks.results import Checked
from labeling.models import AlarmAnswer, Batch, Question, Watch, WatchLook
from labeling.models.watch import GroupLook

Measure = Watch.Measure
MOST = 1e300
WITHOUT = "without a group"


@dataclass(frozen=True, slots=True)
class Seen:
    """One look: the groups by an `attribute` in a question's answers, or in one `part` of them; "" for whole ones.

    `members`: what instances of each group are called; several where small groups were taken together. `counted`: on
    how many tasks it rests.
    """

    question: Question
    attribute: str
    part: str
    counted: int
    looks: tuple[Look, ...]
    members: dict[str, list[str]]


def see(batch: Batch, watch: Watch, questions: list[Question] | None = None) -> Iterator[Seen]:
    """One look at everything that is watched in a batch; what cannot be compared is left out."""
    asked = list(batch.project.questions.all()) if questions is None else questions
    ways = [watch.attribute] if watch.attribute in batch.attributes else list(batch.attributes)
    since = mended_at(batch)
    for question in asked:
        for attribute in ways:
            found = results.load(batch, (attribute,), question)
            yield from _see(found, attribute, watch, len(asked) * len(ways), since)


def _see(found: Checked, attribute: str, watch: Watch, shared: int, since: datetime | None) -> Iterator[Seen]:
    """`shared`: among how many questions and attributes the chance of a false alarm is shared."""
    group, names = merged(found.group, found.groups)
    if len([name for name in names if name != WITHOUT]) < 2 or not _counts(found, watch):
        return
    only = set(watch.groups) & set(names) or None
    sides = list(_rates(found, group, len(names), watch.measure, _fresh(found, since)))
    terms = sequential.Watch(watch.margin, watch.chance / shared / max(len(sides), 1), watch.margin, watch.minimum)
    for part, rates in sides:
        looks = look_at(rates, names, terms, only)
        yield Seen(found.question, attribute, part, int(rates.n.sum()), looks, _members(found, names))


def _counts(found: Checked, watch: Watch) -> bool:
    return bool(len(found.task) if watch.measure == Measure.GIVEN else found.checks.any())


def _fresh(found: Checked, since: datetime | None) -> Bools:
    """Tasks that tell about the labels as they are given now, (N,): not checks of before the last mend."""
    if since is None:
        return np.ones(len(found.task), dtype=np.bool_)
    fresh: Bools = ~found.drawn | (found.when >= since.timestamp())
    return fresh


def _rates(
    found: Checked, group: NDArray[np.signedinteger], groups: int, measure: str, fresh: Bools
) -> Iterator[tuple[str, Rates]]:
    """The rate that is watched in each group, by part."""

    def rates(fact: Bools, where: Bools) -> Rates:
        weight = None if found.weights is None or measure == Measure.GIVEN else found.weight[where]
        return group_rates(fact[where], group[where], groups, weight)

    checked = found.checks & fresh
    if measure == Measure.RIGHT:
        yield "", rates(found.right, checked)
        if found.question.votes_are_enough:
            return
    names, said, true = part_answers(found)
    for place, name in enumerate(names):
        given, bears = said[:, place], true[:, place]
        if measure == Measure.RIGHT:
            yield name, rates(given == bears, checked)
        elif measure == Measure.FOUND:
            yield name, rates(given, checked & bears)
        elif measure == Measure.FALSE:
            yield name, rates(given, checked & ~bears)
        else:
            yield name, rates(given, np.ones(len(given), dtype=np.bool_))


def _members(found: Checked, names: tuple[str, ...]) -> dict[str, list[str]]:
    own = {name: ["" if name == WITHOUT else name] for name in names}
    named = {one for members in own.values() for one in members}
    rest = [name for name in found.groups if name not in named]
    if rest:
        own[names[-1]] = rest
    return own


def mended_at(batch: Batch) -> datetime | None:
    """When the labels of a batch were last changed because of an alarm."""
    mends = AlarmAnswer.objects.filter(alarm__batch=batch, what__in=AlarmAnswer.MENDS)
    return mends.order_by("-pk").values_list("at", flat=True).first()


def keep(batch: Batch, watch: Watch, seen: Seen) -> WatchLook | None:
    """Write a look down, unless it rests on the same tasks as the last one or no group has enough."""
    rows = [_row(one) for one in seen.looks if one.verdict != "gathering"]
    where = {"question": seen.question, "attribute": seen.attribute, "measure": watch.measure, "part": seen.part[:120]}
    last = batch.looks.filter(**where).order_by("-pk").first()
    if not rows or (last is not None and last.counted == seen.counted and last.found == rows):
        return None
    return WatchLook.objects.create(batch=batch, counted=seen.counted, found=rows, **where)


def _row(one: Look) -> list[object]:
    shown = GroupLook(
        one.group,
        one.n,
        min(one.evidence, MOST),
        one.threshold,
        one.difference or 0.0,
        one.low or 0.0,
        one.high or 0.0,
        one.verdict,
    )
    return shown.row()
