"""How often a sign-in may fail, and whose word about an address counts."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings as project_settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, RequestFactory

from config import signing_in
from config.settings import networks, refuse_unsafe


@pytest.fixture
def max_(settings: Any, db: None) -> User:
    settings.AXES_ENABLED = True
    settings.AXES_FAILURE_LIMIT = 3
    return User.objects.create_user("max", password="max-secret-1")


def sign_in(password: str, name: str = "max", **meta: str) -> int:
    return Client(**meta).post("/sign-in/", {"username": name, "password": password}).status_code  # type: ignore[arg-type]


def fail(times: int, name: str = "max", **meta: str) -> list[int]:
    return [sign_in("wrong", name, **meta) for _ in range(times)]


def test_an_account_rests_for_the_address_that_failed_and_for_no_other(max_: User) -> None:
    assert fail(4, REMOTE_ADDR="192.0.2.1")[-1] == 429
    assert sign_in("max-secret-1", REMOTE_ADDR="192.0.2.1") == 429
    assert sign_in("max-secret-1", REMOTE_ADDR="192.0.2.2") == 302


def test_an_address_that_tries_many_names_rests(max_: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_in, "PER_ADDRESS", 5)
    for number in range(5):
        fail(1, f"name-{number}", REMOTE_ADDR="192.0.2.1")
    assert sign_in("max-secret-1", REMOTE_ADDR="192.0.2.1") == 429
    assert sign_in("max-secret-1", REMOTE_ADDR="192.0.2.2") == 302


@pytest.mark.parametrize(("limit", "others"), [("PER_ACCOUNT", "max"), ("IN_ALL", "name-{}")])
def test_many_addresses_together_rest_and_lock_out_nobody_who_was_here_before(
    max_: User, monkeypatch: pytest.MonkeyPatch, limit: str, others: str
) -> None:
    monkeypatch.setattr(signing_in, limit, 5)
    assert sign_in("max-secret-1", REMOTE_ADDR="192.0.2.200") == 302
    for number in range(5):
        fail(1, others.format(number), REMOTE_ADDR=f"192.0.2.{number}")
    assert sign_in("max-secret-1", REMOTE_ADDR="192.0.2.99") == 429
    assert sign_in("max-secret-1", REMOTE_ADDR="192.0.2.200") == 302


def test_what_a_stranger_says_of_their_address_is_not_believed(max_: User) -> None:
    said = [fail(1, REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}")[0] for n in range(4)]
    assert said[-1] == 429


@pytest.mark.parametrize(
    ("peer", "said", "address"),
    [
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_last_address_that_is_no_named_proxy_counts(settings: Any, peer: str, said: str, address: str) -> None:
    settings.PROXIES = [*settings.PROXIES, signing_in.ipaddress.ip_network("10.0.0.0/8")]
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=said)
    assert signing_in.address_of(request) == address


def test_the_old_password_is_guessed_no_more_often_than_at_the_door(max_: User) -> None:
    client = Client()
    client.force_login(max_, backend="django.contrib.auth.backends.ModelBackend")
    form = {"old_password": "wrong", "new_password1": "brand-new-42x", "new_password2": "brand-new-42x"}
    assert [client.post("/account/", form).status_code for _ in range(3)] == [200, 200, 429]
    assert client.post("/account/", form | {"old_password": "max-secret-1"}).status_code == 429
    max_.refresh_from_db()
    assert max_.check_password("max-secret-1")


@pytest.mark.parametrize("new", ["maximilian1", "123456789012", "short-1"])
def test_a_password_like_the_name_of_digits_or_short_is_refused(client: Client, db: None, new: str) -> None:
    user = User.objects.create_user("maximilian", password="max-secret-1")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    form = {"old_password": "max-secret-1", "new_password1": new, "new_password2": new}
    client.post("/account/", form)
    user.refresh_from_db()
    assert user.check_password("max-secret-1")


STRONG = "7kXw8VwJWijeQRiOraX1_6b7xMLtFJmmI97kxf8mNnmNunsLTSueIv_M6V7cfutw"
"""No key of any server; the same in every process, so that the tests have the same names."""


@pytest.mark.parametrize(
    ("secret", "hosts", "debug", "word"),
    [
        ("", ["a.example"], False, "SECRET_KEY is not set"),
        ("short", ["a.example"], False, "weak"),
        ("a" * 80, ["a.example"], False, "weak"),
        ("django-insecure-" + STRONG, ["a.example"], False, "weak"),
        (STRONG, [], False, "not set"),
        (STRONG, ["*"], False, "too wide"),
        (STRONG, ["a.example", " *"], False, "too wide"),
        (STRONG, ["a.example"], True, "CONCORD_DEBUG"),
    ],
)
def test_production_refuses_what_is_unsafe(secret: str, hosts: list[str], debug: bool, word: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=word):
        refuse_unsafe(secret, hosts, debug)
    refuse_unsafe(STRONG, ["a.example", ".b.example"], False)


def test_proxies_are_addresses_or_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCORD_PROXIES", "10.0.0.1, fd00::/8")
    assert [str(block) for block in networks("CONCORD_PROXIES")] == ["10.0.0.1/32", "fd00::/8"]
    monkeypatch.setenv("CONCORD_PROXIES", "everybody")
    with pytest.raises(ImproperlyConfigured, match="CONCORD_PROXIES"):
        networks("CONCORD_PROXIES")


@pytest.mark.slow
def test_the_check_of_a_deployment_finds_nothing() -> None:
    production = {"CONCORD_MODE": "production", "SECRET_KEY": STRONG, "ALLOWED_HOSTS": "concord.example.org"}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(
        command, cwd=project_settings.BASE_DIR, env=os.environ | production, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
