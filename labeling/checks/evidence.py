"""What a certificate rests on, as plain values: every answer to a question in a batch with its uncertainty, and every
random check."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from labeling.checks import draws, results
from labeling.checks.results import Check, Numbers
from labeling.models import Annotator, Batch, Decision, Escalation, Label, Question, Task
from labeling.models.question import space_of
from labeling.routing.certificate import PENDING, RIGHT, UNASKED, WRONG, Audit
from labeling.routing.lots import lot

FORMAT = "concord-certificate-1"
DIGITS = 9
Evidence = dict[str, Any]


class NotEvidence(ValueError):
    """A file that is no certificate, or lacks a part of it; the message is one sentence."""


def collect(batch: Batch, question: Question) -> Evidence:
    """All there is to know about the answers to a question in a batch, after drawing what is due.

    `tasks`: [name, uncertainty, right or wrong, probability] of every task; uncertainty is null where there is no label
    that could be released, or an expert gave it; the third is null where only a check can tell, the fourth where it is
    `probability`. `checks`: what was drawn, in the order of the lots. What was asked is told where a project asks for
    more than one label of each task.
    """
    draws.draw_slice(batch)
    batch.refresh_from_db(fields=["check_cuts"])
    inside, labels = results.about(batch, question), question.label_list()
    numbers = Numbers(question, labels)
    stood = {
        audit.task_id: audit.checks
        for audit in Escalation.objects.filter(inside, reason=Escalation.Reason.AUDIT).select_related("checks")[::-1]
        if audit.checks is not None
    }
    found = results.answered(inside, numbers)
    mine = batch.tasks.filter(question=question).exclude(stage=Task.Stage.NOT_ASKED)
    columns = ("pk", "instance__external_id", "gold_id", "gold_marks", "slice")
    tasks = mine.order_by("position").values_list(*columns)
    chances, usual = _probabilities(batch, question)
    made = Decision.objects.current().filter(inside).only("task_id", "label_id", "marks", "decided_by", "confidence")
    now = {one.task_id: one for one in made.iterator(2000)}
    return {
        "format": FORMAT,
        "project": batch.project.name,
        "batch": batch.name,
        **_asked(question, labels),
        "seed": draws.seed_of(batch),
        "probability": usual,
        "open": mine.undecided().filter(check_probability=None).count(),
        "tasks": [
            _task(name, numbers.of(gold, marks), numbers, part, now.get(pk), stood.get(pk), chances.get(pk))
            for pk, name, gold, marks, part in tasks
        ],
        "checks": _checks(batch, numbers, stood, found),
    }


def _asked(question: Question, labels: list[Label]) -> Evidence:
    """What was asked; nothing where a project asks for one label and no more."""
    if question.votes_are_enough and question.project.questions.count() == 1:
        return {}
    space = space_of(labels)
    named = {"labels": list(space.labels), "values": list(space.values)}
    return {"question": question.wording, "number": question.number, "kind": question.kind, **named}


def _probabilities(batch: Batch, question: Question) -> tuple[dict[int, float], float]:
    """The probability to be drawn of the tasks of groups that are checked more than others, and that of all others."""
    cuts = draws.Cuts.of(batch)
    drawn = batch.tasks.filter(question=question, check_probability__isnull=False)
    if not cuts.own():
        return {}, round(drawn.values_list("check_probability", flat=True).first() or 0.0, DIGITS)
    rows = draws.could_be_checked(batch, question=question).values_list("pk", "instance__groups", "check_probability")
    stratum = {pk: (cuts.stratum(groups), chance) for pk, groups, chance in rows}
    chance_in = {group: chance for group, chance in stratum.values() if chance is not None}
    inside = {pk: round(chance_in[group], DIGITS) for pk, (group, _) in stratum.items() if group is not None}
    return inside, round(chance_in.get(None, 0.0), DIGITS)


def _task(
    name: str,
    gold: int,
    numbers: Numbers,
    part: str,
    now: Decision | None,
    stood: Decision | None,
    chance: float | None,
) -> list[Any]:
    """One row; trailing nulls are left out. `gold`: the number of the known answer, -1 without one."""
    made = stood or now
    if made is None or part == Task.Slice.VALIDATION or (stood is None and made.decided_by == Decision.By.EXPERT):
        return [name]
    known = None if gold < 0 else int(numbers.said(made) != gold)
    row = [name, round(1 - made.confidence, DIGITS), known, chance]
    while row[-1] is None:
        row.pop()
    return row


def _checks(
    batch: Batch, numbers: Numbers, stood: dict[int, Decision], found: dict[int, Check]
) -> list[dict[str, Any]]:
    seed = draws.seed_of(batch)
    people = {one.pk: one for one in Annotator.objects.filter(project=batch.project).people()}
    drawn = batch.tasks.without_gold().filter(pk__in=stood)
    rows = [
        {
            "task": name,
            "lot": lot(seed, name),
            "probability": round(chance or 0.0, DIGITS),
            "label": written(numbers, numbers.said(stood[pk])),
            "settled_by": stood[pk].decided_by,
            **_answer(found.get(pk), numbers, people),
        }
        for pk, name, chance in drawn.values_list("pk", "instance__external_id", "check_probability")
    ]
    return sorted(rows, key=lambda row: float(row["lot"]))


def _answer(found: Check | None, numbers: Numbers, people: dict[int, Annotator]) -> dict[str, Any]:
    """The answer, from whom and when; all null while nobody has answered."""
    if found is None:
        return {"answer": None, "by": None, "kind": None, "when": None}
    who = people[found.annotator]
    when = found.when.isoformat(timespec="seconds")
    return {"answer": written(numbers, found.truth), "by": who.name, "kind": who.kind, "when": when}


def written(numbers: Numbers, number: int) -> Any:
    """An answer as plain values: a label's name, else as its kind writes it into a file."""
    if numbers.question.one_label:
        return numbers.labels[number].name
    kind, space = numbers.question.answers, space_of(numbers.labels)
    cells = kind.written(kind.from_marks(numbers.answers[number], space), space)
    return cells[0] if kind.form == "line" else cells


def experts(evidence: Evidence) -> list[dict[str, Any]]:
    """Who gave the answers: name, kind, number of checks; the most busy first."""
    counts: dict[tuple[str, str], int] = {}
    for check in evidence["checks"]:
        if check["answer"] is not None:
            key = (check["by"], check["kind"])
            counts[key] = counts.get(key, 0) + 1
    return [
        {"name": name, "kind": kind, "checks": count}
        for (name, kind), count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    ]


def without_label(evidence: Evidence, threshold: float | None) -> int:
    """How many labels an expert still has to give where those up to a threshold are released (none at None).

    Not those that are known from the file, that an expert gave, or that were checked.
    """
    most = -1.0 if threshold is None else threshold
    answered = {check["task"] for check in evidence["checks"] if check["answer"] is not None}
    doubts = {row[0]: row[1] for row in evidence["tasks"] if len(row) > 1}
    unsure = [name for name, doubt in doubts.items() if doubt > most]
    return int(evidence["open"]) + len(set(unsure) - answered)


def known_from_file(evidence: Evidence) -> int:
    """How many labels are as good as checked, since the file says which is right; they bear on the bound as well."""
    checked = {check["task"] for check in evidence["checks"]}
    return sum(len(row) > 2 and row[2] is not None and row[0] not in checked for row in evidence["tasks"])


def answered(evidence: Evidence) -> bool:
    """Whether any check has its answer, so that there is a rate of errors seen so far."""
    return any(check["answer"] is not None for check in evidence["checks"])


def audit_of(evidence: Evidence) -> Audit:
    """The arrays of the rules, from the evidence alone. Raises NotEvidence where it lacks a part or makes no sense."""
    try:
        tasks, checks = evidence["tasks"], {check["task"]: check for check in evidence["checks"]}
        rows = [_numbers(row, checks.get(row[0]), evidence["seed"], evidence["probability"]) for row in tasks]
        names, _ = {row[0] for row in tasks}, int(evidence["open"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise NotEvidence(f"The evidence is not complete: {type(error).__name__} {error}.") from None
    if len(names) < len(tasks) or not checks.keys() <= names:
        raise NotEvidence("The evidence names a task twice, or a check of a task that is not in it.")
    columns = np.array(rows, dtype=np.float64).reshape(len(rows), 4).T
    return Audit(columns[0], columns[1].astype(np.int32), columns[2], columns[3])


def _numbers(row: list[Any], check: dict[str, Any] | None, seed: str, usual: float) -> tuple[float, ...]:
    """Uncertainty, answer, probability and lot of one task."""
    name, doubt, known, chance = (*row, None, None, None)[:4]
    number = lot(seed, name)
    if doubt is None:
        return float("inf"), UNASKED, 1.0, number
    if known is not None:
        return float(doubt), WRONG if known else RIGHT, 1.0, number
    probability = float(usual if chance is None else chance)
    if check is None:
        return float(doubt), UNASKED, probability, number
    if check["answer"] is None:
        return float(doubt), PENDING, probability, number
    return float(doubt), RIGHT if check["answer"] == check["label"] else WRONG, probability, number


def digest(evidence: Evidence) -> str:
    """SHA-256 of the evidence in one fixed form."""
    plain = json.dumps(evidence, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()
