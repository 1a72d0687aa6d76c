"""What people read where there is nothing, where they may not go, and where the server fails."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client
from django.views import defaults

pytestmark = pytest.mark.django_db


def enter(name: str, **more: Any) -> Client:
    client = Client(**more)
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_page_that_is_not_there_says_why_and_leads_back(project: Any) -> None:
    page = enter("ann").get("/p/nowhere/label/")
    assert page.status_code == 404 and b"No such project, or you are not a member of it." in page.content
    assert b'href="/"' in page.content
    page = enter("ann").get("/no/such/address/")
    assert page.status_code == 404 and b"There is no such page." in page.content and b"Resolver404" not in page.content
    page = enter("max").get("/p/city/batches/999/")
    assert page.status_code == 404 and b"it may have been deleted" in page.content and b"query" not in page.content


def test_an_address_that_only_takes_a_form_says_so_and_leads_back(project: Any) -> None:
    page = enter("max").get("/p/city/money/caps/")
    assert page.status_code == 405 and page["Allow"] == "POST"
    assert b"send it once more" in page.content and b'href="/"' in page.content


def test_a_role_that_is_too_low_is_told_which_one_it_takes(project: Any) -> None:
    page = enter("ann").get("/p/city/settings/")
    assert page.status_code == 403 and b"This page is for the managers of City requests." in page.content


def test_a_form_without_its_token_is_told_to_be_sent_again(project: Any) -> None:
    page = enter("ann", enforce_csrf_checks=True).post("/p/city/label/undo/")
    assert page.status_code == 403 and b"reload the page" in page.content


def test_a_fault_of_the_server_is_one_sentence_without_the_database(rf: Any) -> None:
    page = defaults.server_error(HttpRequest())
    assert page.status_code == 500 and b"what you sent was not stored" in page.content
