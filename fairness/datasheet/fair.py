"""How fair: each group attribute with its groups, the gaps with a verdict, or what is lacking."""

from __future__ import annotations

from dataclasses import fields

from fairness import groups
from fairness.datasheet.plain import Plain, estimate, rounded
from fairness.gaps import Gap
from fairness.groups import Fair
from fairness.metrics import LabelTable
from labeling.checks import results
from labeling.models import Batch, Question
from labeling.models.grouping import attributes

RATES = ("selection_rate", "tpr", "fpr")


def fair(batch: Batch, question: Question) -> list[Plain]:
    """One entry for each group attribute of the batch."""
    return [_by(batch, question, name) for name in attributes(batch)]


def _by(batch: Batch, question: Question, name: str) -> Plain:
    found = results.load(batch, (name,), question)
    told = groups.how_fair(found, batch.seed) if len(found.task) else None
    if told is None:
        return {"attribute": name, "insufficient_data": "fewer than two groups have a settled task"}
    return {
        "attribute": name,
        "groups": [
            {"group": row.group, "settled": row.n, "checked": row.n_checked, "share_right": estimate(row.accuracy)}
            for row in told.table.groups
        ],
        "gaps": [_gap(line.name, line.gap, line.verdict) for line in groups.gap_lines(told)],
        "labels": [_label(table) for table in told.table.labels],
        "watched": _watch(told),
    }


def _gap(name: str, gap: Gap, verdict: str) -> Plain:
    told: Plain = {"measure": name, "gap": estimate(gap), "label": gap.label, "verdict": verdict}
    if gap.estimable:
        told |= {"highest": gap.highest, "lowest": gap.lowest}
        told["by_chance"] = None if gap.by_chance is None else rounded(gap.by_chance)
        told["p_value"] = None if gap.p_value is None else rounded(gap.p_value)
    return told


def _label(table: LabelTable) -> Plain:
    return {
        "label": table.label,
        "groups": [
            {"group": row.group, "given": row.n_positive, "truly": row.n_true}
            | {name: estimate(getattr(row, name)) for name in RATES}
            for row in table.rows
        ],
        "gaps": {one.name: estimate(getattr(table.gaps, one.name)) for one in fields(table.gaps)},
    }


def _watch(told: Fair) -> Plain | None:
    """The group with most evidence of being treated differently, by a test that may be looked at often."""
    if told.watch is None:
        return None
    look = told.watch.look
    return {
        "group": look.group,
        "evidence": rounded(look.evidence),
        "alarm_at": rounded(look.threshold),
        "verdict": look.verdict,
        "checks": told.watch.checks,
    }
