"""How much a request may bring: nothing large is kept of a stranger's, and a manager's file comes through."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.test import Client

from config.asgi import application
from config.bodies import STRANGERS, BodyLimit
from labeling.models import Batch

pytestmark = pytest.mark.django_db(transaction=True)
PIECE = 64 * 1024


class Kept:
    """An application that takes the whole body, as Django's does, and counts what it was given."""

    def __init__(self) -> None:
        self.taken = 0
        self.cut = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.cut = True
                return
            self.taken += len(message["body"])
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Sender:
    """Sends a body of `size` bytes in pieces and counts how many were asked for."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.asked = 0

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        piece = b"x" * min(PIECE, self.left)
        self.left -= len(piece)
        return {"type": "http.request", "body": piece, "more_body": self.left > 0}


def scope_of(path: str, cookie: str = "", declared: int | None = None) -> dict[str, Any]:
    headers = [(b"host", b"127.0.0.1")]
    headers += [(b"cookie", cookie.encode())] if cookie else []
    headers += [(b"content-length", str(declared).encode())] if declared is not None else []
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": headers,
    }


def sent(size: int, path: str, cookie: str = "", *, says: bool = False) -> tuple[int, Kept, Sender]:
    """The status of the answer, what the application got, and how much was taken from the line."""
    app, sender, answers = Kept(), Sender(size), []

    async def send(message: Any) -> None:
        answers.append(message)

    scope = scope_of(path, cookie, size if says else None)
    asyncio.run(BodyLimit(app)(scope, sender.receive, send))
    assert len([answer for answer in answers if answer["type"] == "http.response.start"]) == 1
    return answers[0]["status"], app, sender


def cookie_of(client: Client) -> str:
    return f"sessionid={client.cookies['sessionid'].value}"


@pytest.mark.parametrize("path", ["/sign-in/", "/p/city/import/", "/nowhere/"])
@pytest.mark.parametrize("cookie", ["", "sessionid=made-up", "sessionid="])
def test_a_stranger_s_large_body_is_refused_before_it_is_kept(path: str, cookie: str) -> None:
    status, app, sender = sent(2_000_000_000, path, cookie, says=True)
    assert (status, app.taken, sender.asked) == (413, 0, 0)
    status, app, sender = sent(50_000_000, path, cookie)
    assert status == 413 and app.cut and app.taken <= STRANGERS and sender.asked < 4


def test_what_is_said_about_the_size_is_not_believed(db: None) -> None:
    app, sender, answers = Kept(), Sender(10_000_000), []

    async def send(message: Any) -> None:
        answers.append(message)

    asyncio.run(BodyLimit(app)(scope_of("/sign-in/", declared=10), sender.receive, send))
    assert answers[0]["status"] == 413 and app.taken <= STRANGERS


def test_a_manager_s_file_comes_through_and_only_to_the_own_import(
    manager: Client, project: Any, settings: Any
) -> None:
    settings.MAX_UPLOAD_BYTES = 20_000_000
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
    cookie = cookie_of(manager)
    assert sent(15_000_000, "/p/city/import/", cookie)[0] == 200
    assert sent(15_000_000, "/p/city/import/", cookie, says=True)[1].taken == 15_000_000
    assert sent(21_000_000, "/p/city/import/", cookie)[0] == 413
    assert sent(15_000_000, "/p/other/import/", cookie)[0] == 413
    assert sent(15_000_000, "/p/city/settings/", cookie)[0] == 413
    assert sent(1_500_000, "/p/city/settings/", cookie)[0] == 200


def test_others_of_the_project_bring_no_files(project: Any, client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
    client.force_login(project.memberships.get(user__username="ann").user)
    assert sent(15_000_000, "/p/city/import/", cookie_of(client))[0] == 413


def test_the_answer_is_a_page_with_a_sentence_and_the_server_goes_on(project: Any) -> None:
    async def ask() -> tuple[Any, Any]:
        line = ApplicationCommunicator(application, scope_of("/sign-in/", declared=1_000_000))
        start = await line.receive_output(5)
        return start, await line.receive_output(5)

    start, page = asyncio.run(ask())
    assert start["status"] == 413 and b"That is too large" in page["body"] and b"97.7" in page["body"]
    assert not Batch.objects.exists()
