"""Who decided each instance, who led, and when it was handed over: models and people in the words of the survey.

Source: Huang et al., How to Enable Effective Cooperation Between Humans and NLP Models. Of the two either the model
leads, or people do and the model assists, or both stand side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count

from fairness.datasheet.plain import Plain, moment, rounded
from labeling.models import Annotator, Batch, Decision, Escalation, GuidelineVersion, Vote

Kind = Annotator.Kind
MODEL, HUMAN, EQUAL, FILE = "model", "human", "equal", "file"
LED = {
    MODEL: "a model led: machines alone answered and decided",
    HUMAN: "a human led: a person or an expert had the last word, machines had proposed",
    EQUAL: "side by side: answers of machines and of people were weighed together",
    FILE: "known from the file before anybody was asked",
}


def provenance(batch: Batch) -> Iterator[Plain]:
    """One plain record for each task that is or was asked, in the order of the batch."""
    names = _Rows(batch)
    mine = batch.tasks.asked().order_by("position").values_list("pk", "instance__external_id", "question__position")
    for pk, name, position in mine.iterator(2000):
        yield {"task": name, "question": position + 1, **names.told(pk)}


def summary(batch: Batch) -> Plain:
    """How many tasks each party led, how many were handed over, to whom, and how many still wait."""
    rows = list(provenance(batch))
    handed = [one["handed_over"] for one in rows if one["handed_over"]]
    return {
        "tasks": len(rows),
        "led_by": dict(sorted(Counter(one["led_by"] for one in rows if one["led_by"]).items())),
        "decided_by": dict(sorted(Counter(one["decided_by"] for one in rows if one["decided_by"]).items())),
        "undecided": sum(one["decided_by"] is None for one in rows),
        "handed_over": len(handed),
        "handed_over_to": dict(sorted(Counter(one["to"] for one in handed).items())),
        "handed_over_because": dict(sorted(Counter(one["because"] for one in handed).items())),
        "meaning": LED,
    }


class _Rows:
    """Decisions, votes and questions to people of a batch, read once."""

    def __init__(self, batch: Batch) -> None:
        inside = {"task__batch": batch}
        made = Decision.objects.current().filter(**inside)
        fields = ("task_id", "decided_by", "confidence", "created_at", "provenance")
        self._decisions: dict[int, Any] = {row[0]: row[1:] for row in made.values_list(*fields).iterator(2000)}
        self._made = dict(Decision.objects.filter(**inside).values_list("task").annotate(n=Count("pk")).order_by())
        votes = Vote.objects.current().filter(**inside).values_list("task", "annotator__kind").annotate(n=Count("pk"))
        self._votes: dict[int, dict[str, int]] = {}
        for task, kind, count in votes.order_by():
            self._votes.setdefault(task, dict.fromkeys(Kind.values, 0))[kind] = count
        self._handed = _handed(batch)
        kept = GuidelineVersion.objects.filter(project=batch.project_id).order_by("number")
        self._versions = list(kept.values_list("created_at", "number"))

    def told(self, task: int) -> Plain:
        votes = self._votes.get(task, dict.fromkeys(Kind.values, 0))
        by, sure, when, rest = self._decisions.get(task, (None, None, None, {}))
        return {
            "decided_by": by,
            "led_by": led_by(by, votes),
            "decided_at": moment(when),
            "confidence": None if sure is None else rounded(sure),
            "handed_over": self._handed.get(task),
            "answers": votes,
            "decisions_before": max(self._made.get(task, 0) - (by is not None), 0),
            "round": (rest or {}).get("round"),
            "guidelines_version": None if when is None else self._in_force(when),
        }

    def _in_force(self, when: datetime) -> int | None:
        """The number of what annotators were told at a moment; None before the first version was kept."""
        before = [number for since, number in self._versions if since <= when]
        return before[-1] if before else None


def led_by(by: str | None, votes: Mapping[str, int]) -> str | None:
    """Who led: whoever decided, where nobody else had a say; None of what is not settled."""
    if by is None or by == Decision.By.FILE:
        return FILE if by else None
    if by in (Decision.By.PERSON, Decision.By.EXPERT):
        return HUMAN
    return EQUAL if votes[Kind.PERSON] + votes[Kind.EXPERT] else MODEL


def _handed(batch: Batch) -> dict[int, Plain]:
    """The first time that each task was handed from machines to a person or an expert; checks by lot are none."""
    rows = Escalation.objects.in_batch(batch.pk).filter(to__in=[Kind.PERSON, Kind.EXPERT])
    rows = rows.exclude(reason=Escalation.Reason.AUDIT).order_by("-pk")
    told = rows.values_list("task_id", "to", "reason", "created_at", "state")
    return {
        task: {"at": moment(when), "to": to, "because": Escalation.Reason(reason).label, "state": state}
        for task, to, reason, when, state in told.iterator(2000)
    }
