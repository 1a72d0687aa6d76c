"""Requests that no page made: each is answered in a sentence, and no input of a browser or of curl is a fault."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InterfaceError, OperationalError, transaction
from django.test import Client, override_settings
from django.urls import URLPattern, get_resolver
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from labeling.models import Batch
from tests.labeling.managed import told
from tests.reviewers.scenery import ask, model
from tests.test_attacks import keys_in, signed_in

pytestmark = pytest.mark.django_db


def test_numbers_beyond_every_key_are_not_found(manager: Client, project: Any) -> None:
    for digits in (18, 19, 20, 300, 4_000, 5_000):
        answer = manager.get(f"/p/city/tasks/{'9' * digits}/")
        assert answer.status_code == 404 and "Concord" in told(answer)


@pytest.mark.parametrize("charset", ["utf-16", "idna", "base64", "utf-7", "nonsense", "\u00e4"])
def test_a_body_in_another_encoding_is_refused_in_a_sentence(manager: Client, project: Any, charset: str) -> None:
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    answer = manager.generic("POST", "/p/city/people/", b"username=x&role=annotator", content_type=kind)
    assert answer.status_code == 415 and "send it as UTF-8" in told(answer)


def test_a_nul_is_refused_wherever_it_stands(manager: Client, project: Any) -> None:
    refused = [
        manager.get("/p/city/tasks/", {"label": "a\0b"}),
        manager.get("/p/city/tasks/", {"a\0b": "1"}),
        manager.get("/p/ci%00ty/"),
        manager.post("/p/city/people/", {"username": "a\0b", "role": "annotator"}),
    ]
    assert {answer.status_code for answer in refused} <= {400, 404, 422}
    assert "NUL" in told(refused[0]) and "NUL" in told(refused[3])


@pytest.mark.parametrize("cookie", ['"\\000"', "x" * 300, "\u00ff\u00fe", '"', "=;=;", "a" * 31 + "\\"])
def test_broken_cookies_are_strangers(client: Client, db: None, cookie: str) -> None:
    assert client.get("/", headers={"cookie": f"sessionid={cookie}; csrftoken={cookie}"}).status_code in (302, 400)


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_while_the_database_is_away_the_answer_is_to_come_again(
    project: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def away(*_told: Any, **_more: Any) -> None:
        raise error

    client = signed_in("max", raise_request_exception=False)
    monkeypatch.setattr("labeling.people.access.Membership.objects.filter", away)
    answer = client.get("/p/city/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5") and "The database is away" in told(answer)


def test_another_fault_stays_one(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_told: Any, **_more: Any) -> None:
        raise RuntimeError("ours")

    client = signed_in("max", raise_request_exception=False)
    monkeypatch.setattr("labeling.people.access.Membership.objects.filter", broken)
    assert client.get("/p/city/").status_code == 500


NAMES = [
    "username",
    "full_name",
    "role",
    "kind",
    "spec",
    "input",
    "output",
    "action",
    "back",
    "scope",
    "budget",
    "outcome",
    "amount",
    "note",
    "when_model_fails",
    "error",
    "confidence",
    "about",
    "rule",
    "draw",
    "shown",
    "router",
    "aggregator",
    "method",
    "label",
    "after",
    "voter",
    "before",
    "batch",
    "stage",
    "by",
    "id",
    "q",
    "order",
    "page",
    "file",
    "delimiter",
    "cut",
    "act",
    "text",
    "group",
    "gold",
    "name",
    "question",
    "guidelines",
    "group_name",
    "language",
    "accept",
    "review",
    "checked",
    "check_by",
    "wage",
    "people_per_task",
    "pay_seconds",
    "lease_seconds",
    "worth",
    "expert_wage",
    "label-TOTAL_FORMS",
    "label-INITIAL_FORMS",
    "label-0-id",
    "label-0-name",
    "labels",
    "comment",
    "seconds",
    "shown_at",
    "unsure",
    "version",
    "token",
    "sure",
    "old_password",
    "new_password1",
    "new_password2",
    "all",
    "day",
]
HOSTILE = [
    *("", " ", "0", "-1", "1", "9" * 19, "9" * 5_000, "1e999", "NaN", "inf", "-0", "0x10", "1_000", "\u0663", "\u00b2"),
    *("a\0b", "x" * 300, "x" * 10_000, "\ud7ff\ufffd", "<b>", "%00", "%s", "{}", "[]", "null", "true", "../../etc"),
    *("manager", "annotator", "expert", "project", "look", "start", "csv", "json", "word_logistic", "value", "\u202e"),
]
ANYTHING = st.sampled_from(HOSTILE) | st.text(max_size=20)
SENT = st.dictionaries(st.sampled_from(NAMES), ANYTHING | st.lists(ANYTHING, max_size=3), max_size=8)
KINDS = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 200,
    "application/json",
    "text/plain; charset=nonsense",
    "",
]
PARTS = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\ntext\nhello\n\r\n--x--\r\n'
BODIES = st.binary(max_size=60) | st.sampled_from([b"", b"=&=&%zz", PARTS, PARTS[:40], b"{", b"\xff" * 10])


def patterns() -> dict[str, list[str]]:
    """Every address of the site by name, with the keys it takes."""
    found = {}
    for entry in get_resolver().url_patterns:
        for pattern in getattr(entry, "url_patterns", [entry]):
            if isinstance(pattern, URLPattern) and pattern.name != "logout":
                found[str(pattern.name)] = str(pattern.pattern)
    return found


ADDRESSES = patterns()


def address(data: st.DataObject, keys: dict[str, Any]) -> str:
    """An address of the site with real keys, or some that no row has."""
    made = ADDRESSES[data.draw(st.sampled_from(sorted(ADDRESSES)))]
    odd = st.sampled_from(["0", "9" * 18, "9" * 19, "9" * 5_000, "%00", "x" * 300, "-1", "\u0661"])
    while "<" in made:
        before, rest = made.split("<", 1)
        key, after = rest.split(">", 1)
        name = key.split(":")[-1]
        real = "city" if name == "slug" else str(keys[name])
        made = before + (data.draw(odd) if data.draw(st.integers(0, 9)) == 0 else real) + after
    return f"/{made}"


def _file_name(word: str) -> str:
    """The word as the name of a file, as far as such a form can be made at all: the client refuses to name a folder."""
    return "a" if os.path.basename(word) in ("", ".", "..") else word


def strike(client: Client, keys: dict[str, Any], data: st.DataObject) -> tuple[str, int]:
    """One request that nobody's page would make: the address, and the status of its answer."""
    url = address(data, keys)
    way = data.draw(st.sampled_from(["get", "get", "post", "post", "raw"]))
    if way == "get":
        return url, client.get(url, data.draw(SENT)).status_code
    if way == "post":
        sent: dict[str, Any] = data.draw(SENT)
        if data.draw(st.booleans()):
            sent["file"] = SimpleUploadedFile(_file_name(data.draw(ANYTHING)), data.draw(BODIES))
        return url, client.post(url, sent).status_code
    kind, verb = data.draw(st.sampled_from(KINDS)), data.draw(st.sampled_from(["POST", "PUT", "DELETE", "OPTIONS"]))
    return url, client.generic(verb, url, data.draw(BODIES), content_type=kind).status_code


@pytest.fixture
def keys(batch: Batch) -> dict[str, Any]:
    model(batch.project, "Large", "paid")
    ask(batch.tasks.all()[1])
    return keys_in(batch)


def nothing_is_a_fault(name: str, keys: dict[str, Any], data: st.DataObject) -> None:
    client = signed_in(name, raise_request_exception=False)
    with contextlib.suppress(_Undone), transaction.atomic(), override_settings(AXES_ENABLED=False):
        for _ in range(data.draw(st.integers(1, 4))):
            url, status = strike(client, keys, data)
            assert status < 500, f"{status} at {url}"
        raise _Undone


class _Undone(Exception):
    """Takes back what an example did to the database."""


# A request is short enough to read as it is: making it smaller would cost minutes.
FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ann", "max"])
@settings(max_examples=15, derandomize=True, phases=[Phase.generate], suppress_health_check=FIXTURES)
@given(data=st.data())
def test_no_request_of_a_member_is_a_fault(name: str, keys: dict[str, Any], data: st.DataObject) -> None:
    nothing_is_a_fault(name, keys, data)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ann", "max"])
@settings(max_examples=1_000, phases=[Phase.generate], suppress_health_check=FIXTURES)
@given(data=st.data())
def test_no_request_of_a_member_is_a_fault_however_long_one_tries(
    name: str, keys: dict[str, Any], data: st.DataObject
) -> None:
    nothing_is_a_fault(name, keys, data)
