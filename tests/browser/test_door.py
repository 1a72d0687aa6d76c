"""The door, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User

from tests.browser.conftest import findings

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_person_signs_in_and_out(project: Any, browser: Any, server: str) -> None:
    known = PBKDF2PasswordHasher().encode("right-horse-1", "salt", 1000)
    User.objects.filter(username="max").update(password=known)
    page = browser.new_page(base_url=server)
    page.goto("/")
    page.get_by_label("Name").fill("max")
    page.get_by_label("Password").fill("right-horse-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/city/")
    page.goto("/account/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/**")
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_the_account_page_has_no_barriers(project: Any, page_as: Callable[..., Any], theme: str, size: str) -> None:
    page = page_as("ann", size, color_scheme=theme)
    page.goto("/account/")
    assert findings(page) == []
