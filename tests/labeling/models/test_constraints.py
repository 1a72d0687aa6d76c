"""What the database refuses, whatever the code above it does."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from labeling.models import Annotator, Decision, Escalation, Instance, LedgerEntry, Purse, Reservation, Vote

pytestmark = pytest.mark.django_db


def refused(message: str | None = None) -> Any:
    return pytest.raises(IntegrityError, match=message)


@pytest.fixture
def paid(project: Any) -> Annotator:
    return Annotator.objects.create(
        project=project,
        kind="paid",
        name="gpt",
        spec="chat:gpt@https://example.org",
        outside=True,
        price_microdollars=1,
    )


@pytest.fixture
def model(project: Any) -> Annotator:
    return Annotator.objects.create(project=project, kind="model", name="word", spec="word_logistic")


def test_a_vote_cannot_be_changed_even_by_plain_sql(batch: Any, model: Annotator) -> None:
    vote = Vote.objects.create(task=batch.tasks.first(), annotator=model)
    with refused("never changes"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE labeling_vote SET raw = 'forged' WHERE id = %s", [vote.pk])


def test_a_ledger_entry_cannot_be_changed_even_by_plain_sql(batch: Any) -> None:
    assert LedgerEntry.objects.exists()
    with refused("never changes"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE labeling_ledgerentry SET microdollars = 1")


@pytest.mark.parametrize("scope", ["task", "batch", "project"])
def test_a_local_only_task_is_never_asked_outside_at_any_level(batch: Any, paid: Annotator, scope: str) -> None:
    task = batch.tasks.first()
    held = {"task": task.instance, "batch": batch, "project": batch.project}[scope]
    type(held).objects.filter(pk=held.pk).update(local_only=True)
    with refused("must not be sent outside"), transaction.atomic():
        Reservation.objects.create(task=task, annotator=paid, reserved_microdollars=0)
    with refused("must not get an answer"), transaction.atomic():
        Vote.objects.create(task=task, annotator=paid)


def test_a_local_only_task_may_be_answered_inside(batch: Any, model: Annotator) -> None:
    Instance.objects.update(local_only=True)
    Vote.objects.create(task=batch.tasks.first(), annotator=model)


def test_one_annotator_has_one_current_vote_a_task_and_prompt(batch: Any, model: Annotator) -> None:
    task = batch.tasks.first()
    first = Vote.objects.create(task=task, annotator=model)
    with refused(), transaction.atomic():
        Vote.objects.create(task=task, annotator=model)
    correction = Vote.objects.create(task=task, annotator=model, corrects=first)
    with refused(), transaction.atomic():
        Vote.objects.create(task=task, annotator=model, corrects=first)
    assert list(Vote.objects.current()) == [correction]


def test_a_task_has_at_most_one_current_decision(batch: Any) -> None:
    task, label = batch.tasks.first(), batch.project.label_list()[0]
    facts = {"task": task, "label": label, "decided_by": "crowd", "confidence": 0.9, "entropy": 0.3}
    Decision.objects.create(**facts)
    with refused(), transaction.atomic():
        Decision.objects.create(**facts)


def test_one_question_of_a_kind_is_open_at_a_time(batch: Any) -> None:
    facts = {"task": batch.tasks.first(), "to": "person", "reason": "uncertain", "why": "Torn."}
    Escalation.objects.create(**facts)
    with refused(), transaction.atomic():
        Escalation.objects.create(**facts)
    Escalation.objects.create(**facts, slot=1)


def test_a_paid_question_names_its_model(batch: Any) -> None:
    with refused(), transaction.atomic():
        Escalation.objects.create(task=batch.tasks.first(), to="paid", reason="uncertain", why="Torn.")


def test_a_purse_is_never_over_its_cap(batch: Any) -> None:
    with refused(), transaction.atomic():
        Purse.objects.update(held_microdollars=10_000_001)


def test_a_paid_annotator_has_a_stated_price(project: Any) -> None:
    with refused(), transaction.atomic():
        Annotator.objects.create(project=project, kind="paid", name="gpt", spec="chat:gpt")


def test_people_have_a_user_and_models_a_spec(project: Any) -> None:
    ann = User.objects.get(username="ann")
    for wrong in (
        {"kind": "person", "spec": ""},
        {"kind": "model", "spec": ""},
        {"kind": "model", "spec": "x", "user": ann},
    ):
        with refused(), transaction.atomic():
            Annotator.objects.create(project=project, name="x", **wrong)


def test_read_is_new_plus_duplicate_plus_bad(batch: Any) -> None:
    with refused(), transaction.atomic():
        type(batch).objects.update(rows_read=7)


def test_only_a_task_with_a_gold_label_is_in_the_validation_slice(batch: Any) -> None:
    with refused(), transaction.atomic():
        batch.tasks.filter(gold=None).update(slice="validation")
