"""Gaps between groups whose evidence has reached the alarm; workers look after every weighing (`WATCHES`).

Every question is watched: how right whole answers are and, where an answer has parts, how right each label, step or
type is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fairness.groups import merged
from fairness.rates import group_rates
from fairness.sequential import Look, Watch, look_at
from labeling.checks import alarms, results
from labeling.checks.compared import part_answers
from labeling.checks.results import Checked
from labeling.models import Alarm, Batch, Question
from labeling.models.grouping import By
from labeling.truth.votes import Bools

MOST = 1e300


@dataclass(frozen=True, slots=True)
class Gap:
    """A look that says pause: of which question's answers, and of which part of them; "" for whole answers."""

    question: Question
    look: Look
    part: str = ""


def look(batch: Batch) -> None:
    """Raise an alarm about each group of a batch whose answers are right more or less often than the others'."""
    questions = list(batch.project.questions.all())
    for question in questions:
        for attribute in batch.attributes:
            for found in paused(batch, (attribute,), question):
                _raise(batch, found, attribute if len(batch.attributes) > 1 else "", several=len(questions) > 1)


def _raise(batch: Batch, found: Gap, attribute: str, *, several: bool) -> None:
    """`attribute`: named where there are more of them; the question is where there are `several`."""
    group = f"{attribute}: {found.look.group}" if attribute else found.look.group
    about = [f"Question {found.question.number}"] if several else []
    about += [group, *([found.part] if found.part else [])]
    words = sentence(found, group, several=several)
    evidence = min(found.look.evidence, MOST)
    alarms.raise_about(batch.project, Alarm.Kind.GAP, ", ".join(about), words, evidence, batch=batch)


def paused(batch: Batch, by: By | None = None, question: Question | None = None) -> list[Gap]:
    """The looks at the groups of a batch that say pause, the strongest evidence first.

    `by` the first attribute and about the first question unless others are named.
    """
    found = results.load(batch, by, question)
    if len([name for name in merged(found.group, found.groups)[1] if name]) < 2 or not found.checks.any():
        return []
    gaps = [*_looked(found, found.right, "", 1), *_parts(found)]
    return sorted(gaps, key=lambda one: -one.look.evidence)


def _parts(found: Checked) -> Iterator[Gap]:
    """Gaps of single parts; an answer of one label has none beside itself. The parts share the chance of an alarm."""
    if found.question.votes_are_enough:
        return
    names, said, true = part_answers(found)
    for place, name in enumerate(names):
        yield from _looked(found, said[:, place] == true[:, place], name, len(names))


def _looked(found: Checked, right: Bools, part: str, sharing: int) -> Iterator[Gap]:
    """The looks that say pause; `right`: (N,). `sharing`: how many parts share the chance of a false alarm."""
    group, names = merged(found.group, found.groups)
    tasks = np.flatnonzero(found.checks)
    weight = None if found.weights is None else found.weight[tasks]
    rates = group_rates(right[tasks], group[tasks], len(names), weight)
    for one in look_at(rates, names, Watch(delta=Watch().delta / sharing)):
        if one.verdict == "pause":
            yield Gap(found.question, one, part)


def sentence(found: Gap, group: str, *, several: bool = False) -> str:
    """What was seen and how strong the evidence is; names the question where there are `several`."""
    one, noun = found.look, f"{found.question.measures.noun}s"
    difference = one.difference or 0.0
    what = f"right {noun} about “{found.part}”" if found.part else f"right {noun}"
    gap = f"{100 * abs(difference):.1f} points {'more' if difference > 0 else 'fewer'} {what} than the others"
    where = f"“{found.question.wording}”: " if several else ""
    return f"{where}{group} gets {gap}; the evidence is {one.evidence:.3g}, the alarm is at {one.threshold:.3g}."
