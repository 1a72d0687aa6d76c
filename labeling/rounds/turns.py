"""Rounds of one question in a batch: opened, and taken up again where a worker died."""

from __future__ import annotations

from django.db.models import Max

from labeling.models import Batch, Question, Round


def open_round(batch: Batch, question: Question) -> Round:
    """The question's round under way, or the next one; one whose worker died is taken up again under its number."""
    mine = batch.rounds.filter(question=question)
    unfinished = mine.filter(finished_at=None).first()
    if unfinished:
        return unfinished
    number = (mine.aggregate(last=Max("number"))["last"] or 0) + 1
    named = {"method": batch.project.aggregator, "router": batch.project.router}
    return Round.objects.create(batch=batch, question=question, number=number, **named)
