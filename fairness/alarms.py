"""Gaps between groups whose evidence has reached the alarm; workers look after every lot and weighing (`WATCHES`).

Every question is watched: how right whole answers are and, where an answer has parts, how right each label, step or
type is; or another measure, as the batch's watch asks for.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairness.sequential import Look
from fairness.watches import looks
from fairness.watches.looks import MOST, Seen
from labeling.checks import alarms
from labeling.checks.alarms import Concern
from labeling.models import Alarm, Batch, Question, Watch

Measure = Watch.Measure


@dataclass(frozen=True, slots=True)
class Gap:
    """A look that says pause: of which question's answers, and of which part of them; "" for whole answers."""

    question: Question
    look: Look
    part: str = ""
    measure: str = Measure.RIGHT


def look(batch: Batch) -> None:
    """Keep a look at everything that is watched in a batch, and raise an alarm about each gap that is real."""
    watch = Watch.objects.in_effect(batch)
    if watch.when_alarmed == Watch.WhenAlarmed.OFF or _is_mended(batch):
        return
    several = batch.project.questions.count() > 1
    for seen in looks.see(batch, watch):
        looks.keep(batch, watch, seen)
        for one in seen.looks:
            if one.verdict == "pause" and (_is_worse(watch, one) or len(seen.members) > 2):
                _raise(batch, watch, seen, one, several=several)


def _is_mended(batch: Batch) -> bool:
    """Whether the batch waits to be weighed after a mend, so that its labels still are the old ones."""
    since = looks.mended_at(batch)
    return since is not None and not batch.rounds.filter(started_at__gte=since).exists()


def _is_worse(watch: Watch, one: Look) -> bool:
    """Whether the group fares worse than the others; of two groups the other one is then no alarm of its own.

    How often a label is given is neither better nor worse.
    """
    less = (one.difference or 0.0) < 0
    return less if watch.measure in (Measure.RIGHT, Measure.FOUND) else not less


def _raise(batch: Batch, watch: Watch, seen: Seen, one: Look, *, several: bool) -> None:
    """The attribute is named where the batch has more of them, the question where there are `several`."""
    group = f"{seen.attribute}: {one.group}" if len(batch.attributes) > 1 else one.group
    about = [f"Question {seen.question.number}"] if several else []
    about += [group, *([seen.part] if seen.part else [])]
    about += [] if watch.measure == Measure.RIGHT else [str(watch.get_measure_display())]
    words = sentence(Gap(seen.question, one, seen.part, watch.measure), group, several=several)
    concern = Concern(
        seen.question,
        seen.attribute,
        seen.members[one.group],
        seen.part[:120],
        watch.measure,
        one.threshold,
        gap=one.difference or 0.0,
        at_least=min(abs(one.low or 0.0), abs(one.high or 0.0)),
    )
    evidence = min(one.evidence, MOST)
    alarms.raise_about(
        batch.project,
        Alarm.Kind.GAP,
        ", ".join(about),
        words,
        evidence,
        batch=batch,
        concern=concern,
        pauses=watch.pauses and _is_worse(watch, one),
    )


def sentence(found: Gap, group: str, *, several: bool = False) -> str:
    """What was seen and how strong the evidence is; names the question where there are `several`."""
    one, difference = found.look, found.look.difference or 0.0
    gap = f"{100 * abs(difference):.1f} points {'more' if difference > 0 else 'fewer'} {_what(found)} than the others"
    where = f"“{found.question.wording}”: " if several else ""
    evidence = f"evidence {_number(one.evidence)} when it was raised, alarm at {_number(one.threshold)}"
    return f"{where}{group} gets {gap}; {evidence}."


def _number(ratio: float) -> str:
    """A likelihood ratio in words: whole from ten to a million, else three digits."""
    return f"{ratio:,.0f}" if 10 <= ratio < 1e6 else f"{ratio:.3g}"


def _what(found: Gap) -> str:
    noun = f"{found.question.measures.noun}s"
    if found.measure == Measure.RIGHT:
        return f"right {noun} about “{found.part}”" if found.part else f"right {noun}"
    if found.measure == Measure.FOUND:
        return f"of its true “{found.part}” found"
    if found.measure == Measure.FALSE:
        return f"false “{found.part}”"
    return f"{noun} “{found.part}”"
