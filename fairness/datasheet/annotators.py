"""Every annotator that answered or cost anything: model, prompts, decoding, prices, refusals, tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Avg, Count, Q, Sum

from fairness.datasheet import specs
from fairness.datasheet.plain import Plain, moment, rounded, share, usd
from labeling.models import Annotator, Batch, Reservation, Vote
from labeling.models.vote import VoteQuerySet

SILENT = Q(label__isnull=True, marks__isnull=True)
MOST_VERSIONS = 40


def annotators(batch: Batch, names: Mapping[int, str]) -> list[Plain]:
    """In the order in which they joined; whoever did nothing in this batch is left out."""
    answers, paid = _answers(batch), _paid(batch)
    those = batch.project.annotators.filter(pk__in=answers.keys() | paid.keys()).order_by("pk")
    return [_one(batch, one, names[one.pk], answers.get(one.pk, {}), paid.get(one.pk, {})) for one in those]


def _one(batch: Batch, one: Annotator, name: str, said: Mapping[str, Any], paid: Mapping[str, Any]) -> Plain:
    mine = Vote.objects.filter(task__batch=batch, annotator=one).order_by()
    answered, silent = said.get("n", 0), said.get("silent", 0)
    return {
        "name": name,
        "kind": one.kind,
        **specs.said(one),
        "joined_at": moment(one.created_at),
        "texts_leave_this_machine": one.outside,
        "paused": one.paused_at is not None,
        "model_versions": _distinct(mine, "model_version"),
        "prompt_hashes": _distinct(mine, "prompt_version"),
        "most_for_one_answer_usd": None if one.price_microdollars is None else usd(one.price_microdollars),
        "answers": answered,
        "refusals": silent,
        "refusal_rate": share(silent, answered),
        "seconds_each": None if said.get("seconds") is None else rounded(said["seconds"]),
        "tokens_in": int(said.get("read") or 0),
        "tokens_out": int(said.get("written") or 0),
        "spent_usd": usd(paid.get("spent")),
        "held_usd": usd(paid.get("held")),
        "values_hidden": _hidden(mine),
    }


def _answers(batch: Batch) -> dict[int, dict[str, Any]]:
    """Answers that stand and how many of them say nothing; tokens of all calls, those that were corrected too."""
    rows = Vote.objects.filter(task__batch=batch).order_by().values("annotator")
    stand = Q(correction__isnull=True, withdrawn=False)
    counted = rows.annotate(
        n=Count("pk", filter=stand),
        silent=Count("pk", filter=stand & SILENT),
        seconds=Avg("seconds", filter=stand),
        read=Sum("input_tokens"),
        written=Sum("output_tokens"),
    )
    return {row["annotator"]: dict(row) for row in counted}


def _paid(batch: Batch) -> dict[int, dict[str, Any]]:
    state = Reservation.State
    rows = Reservation.objects.filter(task__batch=batch).order_by().values("annotator")
    counted = rows.annotate(
        spent=Sum("cost_microdollars", filter=Q(state=state.SETTLED)),
        held=Sum("reserved_microdollars", filter=Q(state__in=[state.HELD, state.UNKNOWN])),
    )
    return {row["annotator"]: dict(row) for row in counted}


def _distinct(mine: VoteQuerySet, field: str) -> list[str]:
    """What occurs in a column, in order; of very many the first ones."""
    return [value for value in mine.order_by(field).values_list(field, flat=True).distinct() if value][:MOST_VERSIONS]


def _hidden(mine: VoteQuerySet) -> dict[str, int]:
    """How many personal values of each kind were hidden from it."""
    total: dict[str, int] = {}
    for hidden in mine.filter(hidden__isnull=False).values_list("hidden", flat=True):
        for kind, count in (hidden or {}).items():
            total[kind] = total.get(kind, 0) + count
    return dict(sorted(total.items()))
