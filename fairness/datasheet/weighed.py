"""How votes became answers: the aggregator with its parameters and seed, and the certificates that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairness.datasheet.plain import Plain, moment, rounded
from labeling.models import Batch, Certificate, Question

BULKY = ("forecast",)
"""Parameters of a round that a page of its own tells."""


def aggregation(batch: Batch, question: Question) -> Plain:
    """The last finished round of a question: method, what it settled on, router, parameters, seed."""
    turns = batch.rounds.filter(question=question).exclude(finished_at=None).order_by("number")
    last = turns.last()
    if last is None:
        return {"rounds": 0}
    return {
        "rounds": turns.count(),
        "method": last.method,
        "chosen": last.chosen,
        "router": last.router,
        "seed": batch.seed,
        "calibrated": last.calibrated,
        "methods_disagree_on": None if last.disagreement is None else rounded(last.disagreement),
        "parameters": {name: value for name, value in last.parameters.items() if name not in BULKY},
        "weighed_at": moment(last.finished_at),
    }


def certificates(batch: Batch, question: Question, names: Mapping[int, str]) -> list[Plain]:
    """Every certificate and refusal, oldest first: alpha and delta, m checks of which x found an error."""
    rows = batch.certificates.filter(question=question).defer("evidence", "statement").order_by("pk")
    return [_certificate(one, names) for one in rows]


def _certificate(one: Certificate, names: Mapping[int, str]) -> Plain:
    return {
        "number": one.pk,
        "given": one.given,
        "about": one.about,
        "rule": one.rule,
        "alpha": one.alpha,
        "delta": one.delta,
        "m": one.checks,
        "x": one.errors,
        "released": one.accepted,
        "total": one.total,
        "threshold": one.threshold,
        "bound": one.bound,
        "bound_as_all_stands": one.stands,
        "further_checks": one.further,
        "relative_to": _experts(one, names),
        "evidence_sha256": one.digest,
        "issued_at": moment(one.created_at),
    }


def _experts(one: Certificate, names: Mapping[int, str]) -> list[Plain]:
    """Who gave the checked answers; people by their number."""
    rows = one.batch.project.annotators.people().values_list("name", "kind", "pk")
    called: dict[tuple[Any, Any], str] = {(name, kind): names[pk] for name, kind, pk in rows}
    return [
        {"name": called.get((who["name"], who["kind"]), who["kind"]), "checks": who["checks"]} for who in one.experts
    ]
