"""What a double click does: a form that makes something makes it once, and leads to the same page twice."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from labeling.models import Annotator, Certificate, Escalation, Project, Submission
from labeling.money import ledger
from tests.labeling.managed import told

pytestmark = pytest.mark.django_db
PROJECT = {"name": "Letters", "question": "Which one?", "labels": "yes\nno", "group_name": "Group"}


def number(client: Client, address: str) -> str:
    """The number of the first form on a page that makes something."""
    found = re.search(r'name="once" value="(\w+)"', told(client.get(address)))
    assert found
    return found[1]


def test_make_the_project_pressed_twice_makes_one(manager: Client, project: Any) -> None:
    form = PROJECT | {"once": number(manager, "/new/")}
    first, second = manager.post("/new/", form), manager.post("/new/", form)
    assert first.status_code == second.status_code == 302 and first["Location"] == second["Location"]
    assert Project.objects.filter(name="Letters").count() == 1
    other = manager.post("/new/", PROJECT | {"once": number(manager, "/new/")})
    assert other["Location"] != first["Location"] and Project.objects.filter(name="Letters").count() == 2


def test_going_back_and_changing_a_word_is_another_form(manager: Client, project: Any) -> None:
    form = PROJECT | {"once": number(manager, "/new/")}
    manager.post("/new/", form)
    manager.post("/new/", form | {"name": "Parcels"})
    assert set(Project.objects.exclude(pk=project.pk).values_list("name", flat=True)) == {"Letters", "Parcels"}


def test_a_form_that_was_refused_may_be_sent_again(manager: Client, project: Any) -> None:
    form = PROJECT | {"once": number(manager, "/new/"), "labels": "yes\nyes"}
    for _ in range(2):
        assert manager.post("/new/", form).status_code == 200
    assert not Submission.objects.exists()
    assert manager.post("/new/", form | {"labels": "yes\nno"}).status_code == 302


def test_forms_of_others_are_their_own_and_are_forgotten_after_a_day(manager: Client, project: Any) -> None:
    form = PROJECT | {"once": number(manager, "/new/")}
    manager.post("/new/", form)
    staff = Client()
    staff.force_login(User.objects.create_user("sam", is_staff=True))
    staff.post("/new/", form)
    assert Project.objects.filter(name="Letters").count() == 2
    Submission.objects.update(created_at=timezone.now() - timedelta(days=2))
    manager.post("/new/", form | {"name": "Later"})
    assert Submission.objects.filter(user__username="max").count() == 1


def test_checks_are_drawn_once(manager: Client, settled: Any) -> None:
    page = settled.get_absolute_url()
    form = {"count": "7", "once": number(manager, page)}
    for _ in range(2):
        manager.post(f"{page}checks/", form)
    assert Escalation.objects.filter(reason="audit").count() == 7


def test_a_certificate_page_draws_once_and_certifies_once(manager: Client, settled: Any) -> None:
    page = f"{settled.get_absolute_url()}certificate/"
    target = {"error": "20", "confidence": "90", "about": "all", "rule": "once", "once": number(manager, page)}
    places = {manager.post(page, target)["Location"] for _ in range(2)}
    assert Certificate.objects.count() == len(places) == 1
    drawn = []
    for _ in range(2):
        manager.post(page, {"draw": "5", "once": target["once"]})
        drawn.append(Escalation.objects.filter(reason="audit").count())
    assert drawn[0] == drawn[1] >= 5


def test_one_more_person_is_asked_once(manager: Client, settled: Any) -> None:
    task = settled.tasks.first()
    form = {"act": "again", "once": number(manager, f"/p/city/tasks/{task.pk}/")}
    for _ in range(2):
        manager.post(f"/p/city/tasks/{task.pk}/mend/", form)
    assert task.escalations.count() == 1


def test_a_bill_is_booked_once_and_the_second_press_is_no_fault(manager: Client, batch: Any) -> None:
    paid = Annotator.objects.create(
        project=batch.project, kind="paid", name="Dear", spec="chat:dear", price_microdollars=9
    )
    held = ledger.reserve(batch.tasks.first(), paid, 500_000)
    ledger.keep_unknown(held, "The line was cut.")
    form = {"outcome": "charged", "amount": "0.3", "note": "", "once": number(manager, "/p/city/money/")}
    answers = [manager.post(f"/p/city/money/calls/{held.pk}/", form).status_code for _ in range(2)]
    batch.purse.refresh_from_db()
    assert answers == [302, 302] and batch.purse.spent_microdollars == 300_000


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite in memory has one lock and does not wait for it")
@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_make_one(project: Any) -> None:
    form = PROJECT | {"once": "0" * 32}
    clients = [Client(), Client()]
    for client in clients:
        client.force_login(User.objects.get(username="max"))

    def press(client: Client) -> str:
        try:
            return str(client.post("/new/", form)["Location"])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(press, clients))) == 1
    assert Project.objects.filter(name="Letters").count() == 1
