"""What an audit has found: how far each annotator is, and how often its label changes with the variant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from django.db.models import Sum

from fairness.audit.flips import Answered, Pair, pairs
from fairness.audit.making import CHECK, FRAME, VARIANT
from fairness.models import Audit, AuditMember
from labeling.checks.results import Numbers
from labeling.models import Annotator, Reservation, Vote
from labeling.reports import kept
from labeling.reports.drawing.scales import Scale, spanning

MOST_PAIRS = 12


@dataclass(frozen=True, slots=True)
class Example:
    """Two sentences of one frame with different labels."""

    first: str
    second: str
    said_first: str
    said_second: str


@dataclass(frozen=True, slots=True)
class Result:
    """One annotator: `answered` sentences of so many, what they cost, every pair of variants, and what was seen."""

    annotator: Annotator
    answered: int
    cost_microdollars: int
    done: bool
    error: str
    pairs: tuple[Pair, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """Everything about an audit. `frames`, `variants`: of its sentences."""

    results: tuple[Result, ...]
    sentences: int
    frames: int
    variants: tuple[str, ...]

    @property
    def scale(self) -> Scale:
        return spanning((pair.flip for result in self.results for pair in result.pairs), top=None)

    @property
    def of_checks(self) -> bool:
        """Whether these are copies of checked tasks, told side by side with other candidates."""
        return self.variants == (CHECK,)

    @property
    def working(self) -> bool:
        """Whether anybody still owes answers."""
        return any(not result.done for result in self.results)

    @property
    def worst(self) -> tuple[Annotator, Pair] | None:
        """Who changes its label most often, between which two variants."""
        found = [(one.annotator, pair) for one in self.results for pair in one.pairs if pair.flip.estimable]
        return max(found, key=lambda each: each[1].flip.value or 0.0) if found else None


def told_and_wait(audit: Audit) -> tuple[Told, int]:
    """The report, kept while nothing changes; and in how many seconds a newer one is to be had."""
    states = tuple(audit.members.values_list("pk", "done_at", "error"))
    name = f"audit.{audit.pk}.{audit.created_at.timestamp()}"
    return kept.keep_and_tell(name, (kept.version(), states), lambda: told(audit))


def told(audit: Audit) -> Told:
    """What each member answered, compared within frames."""
    columns = ("pk", f"instance__groups__{FRAME}", f"instance__groups__{VARIANT}", "instance__parts")
    listed = audit.batch.tasks.order_by("position").values_list(*columns)
    rows = [(pk, frame or str(pk), variant or CHECK, parts) for pk, frame, variant, parts in listed]
    members = audit.members.select_related("annotator")
    frames = {name: at for at, name in enumerate(dict.fromkeys(row[1] for row in rows))}
    variants = tuple(dict.fromkeys(row[2] for row in rows))
    results = tuple(_result(audit, member, rows, frames, variants) for member in members)
    return Told(results, len(rows), len(frames), variants)


Row = tuple[int, str, str, list[list[str]]]


def _result(
    audit: Audit, member: AuditMember, rows: list[Row], frames: dict[str, int], variants: tuple[str, ...]
) -> Result:
    numbers = Numbers(audit.question, audit.question.label_list())
    votes = Vote.objects.current().filter(task__batch=audit.batch_id, annotator=member.annotator_id).order_by("pk")
    said = {vote.task_id: numbers.said(vote) for vote in votes}
    used = [row for row in rows if row[0] in said]
    spent = Reservation.objects.filter(task__batch=audit.batch_id, annotator=member.annotator_id)
    cost = spent.aggregate(total=Sum("cost_microdollars"))["total"] or 0
    answered = Answered(
        np.array([said[row[0]] for row in used], dtype=np.int64),
        np.array([frames[row[1]] for row in used], dtype=np.int64),
        np.array([variants.index(row[2]) for row in used], dtype=np.int64),
        tuple(numbers.words(number) for number in range(len(numbers.answers))),
        variants,
    )
    found = pairs(answered)[:MOST_PAIRS] if used else ()
    examples = tuple(_examples(used, said, answered.labels, found))
    return Result(member.annotator, len(used), cost, member.done_at is not None, member.error, found, examples)


def _examples(
    used: list[Row], said: dict[int, int], labels: tuple[str, ...], found: Iterable[Pair], most: int = 3
) -> Iterable[Example]:
    """Some sentences whose label changed, of the pair that changes most."""
    first = next(iter(found), None)
    if first is None:
        return
    inside: dict[str, dict[str, Row]] = {}
    for row in used:
        inside.setdefault(row[1], {}).setdefault(row[2], row)
    shown = 0
    for both in inside.values():
        one, other = both.get(first.first), both.get(first.second)
        if one and other and said[one[0]] != said[other[0]] and shown < most:
            shown += 1
            yield Example(one[3][0][1], other[3][0][1], _word(said[one[0]], labels), _word(said[other[0]], labels))


def _word(number: int, labels: tuple[str, ...]) -> str:
    return labels[number] if number >= 0 else "no answer"
