"""What it did cost: money under the batch's cap, by kind of annotator, tokens, and the price of a right answer."""

from __future__ import annotations

from django.db.models import Sum

from fairness.datasheet.plain import Plain, usd
from labeling.models import Batch, LedgerEntry, Purse, Question, Reservation, Vote
from labeling.reports.money import bills


def money(batch: Batch) -> Plain:
    """All sums of the batch, in US dollars exact to the micro-dollar, and tokens of all calls."""
    purse = Purse.objects.filter(batch=batch).first()
    tokens = Vote.objects.filter(task__batch=batch).aggregate(read=Sum("input_tokens"), written=Sum("output_tokens"))
    entries = LedgerEntry.objects.filter(purse__batch=batch)
    return {
        "cap_usd": usd(purse.cap_microdollars if purse else 0),
        "spent_usd": usd(purse.spent_microdollars if purse else 0),
        "held_usd": usd(purse.held_microdollars if purse else 0),
        "overdrawn_usd": usd(purse.overdrawn_microdollars if purse else 0),
        "outcome_unknown": _unknown(batch),
        "movements": entries.values("transaction").distinct().count(),
        "entries_sum_usd": usd(entries.aggregate(sum=Sum("microdollars"))["sum"]),
        "tokens_in": int(tokens["read"] or 0),
        "tokens_out": int(tokens["written"] or 0),
        "by_kind": {
            line.kind: {"answers": line.answers, "spent_usd": usd(line.spent), "held_usd": usd(line.held)}
            for line in bills.by_kind(batch)
        },
    }


def _unknown(batch: Batch) -> int:
    """Calls of which nobody knows whether they were charged."""
    return Reservation.objects.filter(task__batch=batch, state=Reservation.State.UNKNOWN).count()


def per_answer(batch: Batch, question: Question, right: Plain) -> Plain:
    """What answers to one question did cost: for each settled one, and for each right one by the share that is right.

    Settled are those outside the slice that methods learn from.
    """
    booked = Reservation.objects.filter(task__batch=batch, task__question=question, state=Reservation.State.SETTLED)
    spent = usd(booked.aggregate(sum=Sum("cost_microdollars"))["sum"])
    told: Plain = {"spent_usd": spent}
    if not right["settled"]:
        return told
    told["per_settled_usd"] = round(spent / right["settled"], 9)
    share = right["share"]
    if share.get("value") and share.get("low"):
        ends = {"value": "value", "low": "high", "high": "low"}
        told["per_right_usd"] = {name: round(spent / right["settled"] / share[at], 9) for name, at in ends.items()}
    return told
