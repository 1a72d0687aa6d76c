"""Whoever takes an answer in and whoever claims lock the same rows in the same order (databases with row locks)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling.models import Batch
from reviewers.models import Assignment
from reviewers.queue import answering, claiming, holding
from tests.reviewers.scenery import answer, ask, person

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one lock for the whole database"),
]
ORDER = ["task", "escalation", "assignment", "reservation", "purse"]
ACTS: dict[str, Callable[[Assignment], object]] = {
    "answer": lambda held: answer(held, 1),
    "skip": answering.skip,
    "flag": lambda held: answering.flag(held, "unclear"),
    "give back": holding.put_back,
}


def first_locks(ran: CaptureQueriesContext) -> list[str]:
    """The tables of the order, by the first statement that locks or changes rows of them."""
    seen: list[str] = []
    for query in ran.captured_queries:
        sql = str(query["sql"])
        if sql.startswith("UPDATE"):
            tables = re.findall(r'^UPDATE "[a-z]+_(\w+)"', sql)
        elif "FOR " in sql and "UPDATE" in sql:
            tables = re.findall(r'"[a-z]+_(\w+)"', sql.partition(" OF ")[2]) or re.findall(r'FROM "[a-z]+_(\w+)"', sql)
        else:
            tables = []
        seen += [table for table in tables if table in ORDER and table not in seen]
    return seen


@pytest.mark.parametrize("act", ACTS)
def test_the_question_is_locked_before_the_desk_and_the_desk_before_the_money(batch: Batch, act: str) -> None:
    batch.project.wage_microdollars_per_hour = 20_000_000
    batch.project.save()
    ask(batch.tasks.first())
    held = claiming.claim(person(batch.project, "ann"))
    assert held is not None and held.pay is not None
    with CaptureQueriesContext(connection) as ran:
        ACTS[act](held)
    locks = first_locks(ran)
    assert locks == sorted(locks, key=ORDER.index)
    assert {"escalation", "assignment"} <= {*locks}
