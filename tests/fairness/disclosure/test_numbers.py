"""Every number of a datasheet is the same when it is computed anew from the tables, and no other stands there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from django.db import connection

from fairness.disclosure.sheet import sheet
from labeling.models import Annotator, Batch
from tests.fairness.disclosure.fresh import Fresh, Row

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
Path = tuple[Any, ...]


def numbers(told: Any, path: Path = ()) -> Iterator[tuple[Path, float]]:
    """Every number with the way to it; truth values and words are none."""
    if isinstance(told, dict):
        for name, value in told.items():
            yield from numbers(value, (*path, name))
    elif isinstance(told, list | tuple):
        for place, value in enumerate(told):
            yield from numbers(value, (*path, place))
    elif isinstance(told, int | float) and not isinstance(told, bool):
        yield path, float(told)


def recomputed(batch: Batch) -> Row:
    """The same shape with numbers of our own."""
    fresh = Fresh(batch.pk)
    asked = fresh.question()
    asked["fairness"] = [in_shape(asked["fairness"][0])]
    asked["labels"] = [{} for _ in fresh.labels]
    acting = Annotator.objects.filter(votes__task__batch=batch).distinct().order_by("pk")
    return {
        "dataset": {"number": batch.pk, "seed": 0},
        "instances": fresh.instances(),
        "instructions": {"versions": [{"number": 1}]},
        "annotators": [fresh.annotator(pk) for pk in acting.values_list("pk", flat=True)],
        "questions": [asked],
        "cooperation": fresh.cooperation(),
        "events": fresh.events(),
        "money": fresh.money(),
    }


def in_shape(found: Row) -> Row:
    """The fairness table in the form of the sheet."""
    table, overall = found["table"], found["table"].overall
    rates = ("selection_rate", "tpr", "fpr")
    gaps = (
        table.accuracy_difference,
        overall.equal_opportunity_difference,
        overall.equalized_odds_difference,
        overall.demographic_parity_difference,
        overall.demographic_parity_ratio,
    )
    return {
        "groups": [
            {"settled": row.n, "checked": row.n_checked, "share_right": ends(row.accuracy)} for row in table.groups
        ],
        "gaps": [
            {"gap": ends(gap)} | ({"by_chance": gap.by_chance, "p_value": gap.p_value} if gap.estimable else {})
            for gap in gaps
        ],
        "labels": [
            {
                "groups": [
                    {"given": row.n_positive, "truly": row.n_true} | {name: ends(getattr(row, name)) for name in rates}
                    for row in one.rows
                ],
                "gaps": {told.name: ends(getattr(one.gaps, told.name)) for told in fields(one.gaps)},
            }
            for one in table.labels
        ],
    }


def ends(found: Any) -> Row:
    if not found.estimable or found.value is None:
        return {}
    told = {"value": found.value}
    return told | ({"low": found.low, "high": found.high} if found.low is not None else {})


ELSEWHERE = ("watched", "labels_file", "limits", "rubric", "statements")
"""The watch and the files have tests of their own; what is derived from other sections has numbers in words alone."""


def of_interest(told: Any) -> dict[Path, float]:
    return {path: value for path, value in numbers(told) if not set(path) & set(ELSEWHERE)}


def faults(told: Any, batch: Batch) -> list[str]:
    """What stands in one of both only, and what differs."""
    said, found = of_interest(told), of_interest(recomputed(batch))
    alone = [f"only in the sheet: {path}" for path in said.keys() - found.keys()]
    alone += [f"not in the sheet: {path}" for path in found.keys() - said.keys()]
    differ = [path for path in said.keys() & found.keys() if said[path] != pytest.approx(found[path], abs=2e-6)]
    return [*alone, *(f"{path}: {said[path]} in the sheet, {found[path]} anew" for path in differ)]


def test_every_number_is_the_same_anew(batch: Batch) -> None:
    told = sheet(batch)
    assert not faults(told, batch)
    assert len(of_interest(told)) > 250


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("UPDATE labeling_reservation SET cost_microdollars = 1 WHERE cost_microdollars = 1501", "spent_usd"),
        ("UPDATE labeling_task SET stage = 'open' WHERE position = 100", "settled"),
        ("UPDATE labeling_belief SET base = '[0.2, 0.3, 0.5]' WHERE confidence > 0", "brier"),
        ('UPDATE labeling_round SET parameters = \'{"known": 9, "seed": 0, "up_to_vote": 77}\'', "parameters"),
        ("UPDATE labeling_decision SET confidence = 0.1 WHERE decided_by = 'crowd'", "accepted_below_the_line"),
    ],
)
def test_a_change_that_nobody_told_the_sheet_is_found(batch: Batch, planted: str, told: str) -> None:
    before = sheet(batch)
    with connection.cursor() as cursor:
        cursor.execute(planted)
    assert any(told in fault for fault in faults(before, batch))
    batch.refresh_from_db()
    assert not faults(sheet(batch), batch)


def test_a_number_that_is_made_up_is_found(batch: Batch) -> None:
    told = sheet(batch)
    told["money"]["tokens_in"] += 1
    told["questions"][0]["right"]["share"]["value"] += 0.001
    told["questions"][0]["extra"] = 7
    assert len(faults(told, batch)) == 3
