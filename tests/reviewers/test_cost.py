"""What one answer costs: statements sent to the database, so that nobody makes it dearer unseen."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling.models import Batch, Decision
from reviewers.queue import claiming
from tests.reviewers.scenery import ask, believe, model, person, say
from tests.reviewers.test_views_annotate import SCRIPT, cards, signed_in
from tests.tasks import put_task

pytestmark = pytest.mark.django_db
AT_WORK = reverse("annotate", args=["city"])


@pytest.fixture
def busy(batch: Batch) -> Batch:
    """Every task waits for people, with a belief and votes of five models."""
    crowd = [model(batch.project, f"M{n}") for n in range(5)]
    for task in batch.tasks.all():
        for voter in crowd:
            say(task, voter, voter.pk % 3)
        believe(task, 0.5, 0.4, 0.1)
        ask(task)
    return batch


@pytest.fixture
def rich(busy: Batch) -> Batch:
    """Sixty tasks more, so that cards can be taken ahead of time."""
    for place in range(6, 66):
        task = put_task(busy, position=place, external_id=f"X{place}")
        believe(task, 0.5, 0.4, 0.1)
        ask(task)
    return busy


def cost_of_an_answer(batch: Batch, answers: int = 1, **headers: Any) -> float:
    """Statements for one answer, transactions not counted; the first answer of a session warms up."""
    ann = signed_in("ann")
    label = batch.project.label_list()[0]
    waiting = cards(ann.get(AT_WORK, headers=headers).content)
    cost = 0
    for turn in range(1 + answers):
        told = {"label": label.pk, "key": str(uuid.uuid4()), "seconds": "4"}
        told |= {"have": " ".join(map(str, waiting))} if headers else {}
        with CaptureQueriesContext(connection) as sent:
            page = ann.post(f"{AT_WORK}{waiting.pop(0)}/", told, headers=headers)
        assert page.status_code in (200, 302)
        waiting += cards((page if headers else ann.get(AT_WORK)).content)
        cost += sum(
            not re.match(r"SAVEPOINT|RELEASE|BEGIN|COMMIT", one["sql"]) for one in sent.captured_queries if turn
        )
    assert Decision.objects.current().count() == 1 + answers
    return cost / answers


def test_an_answer_takes_at_most_twenty_two_statements(busy: Batch) -> None:
    assert cost_of_an_answer(busy) <= 22


@pytest.mark.slow
def test_an_answer_with_the_next_cards_in_hand_takes_at_most_thirty_one_on_average(rich: Batch) -> None:
    assert cost_of_an_answer(rich, answers=6, **SCRIPT) <= 31


@pytest.mark.slow
def test_an_answer_where_few_tasks_wait_takes_at_most_thirty_five(busy: Batch) -> None:
    assert cost_of_an_answer(busy, **SCRIPT) <= 35


@pytest.mark.slow
def test_pay_adds_at_most_eleven(rich: Batch) -> None:
    rich.project.wage_microdollars_per_hour = 18_000_000
    rich.project.save()
    assert cost_of_an_answer(rich, answers=6, **SCRIPT) <= 42


def test_the_next_question_is_found_by_an_index_however_many_wait(busy: Batch) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite plans by its indexes alone; PostgreSQL reads so small a table as a whole")
    plan = claiming._free(person(busy.project, "ann"))[:1].explain()
    assert "escalation_queue" in plan and "TEMP B-TREE" not in plan, plan
