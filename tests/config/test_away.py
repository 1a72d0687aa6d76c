"""While the database is away: 503 for large bodies and sockets too, one line in the log, one sentence in the shell."""

from __future__ import annotations

import asyncio
import io
import logging
import logging.config
import runpy
import sys
from typing import Any

import pytest
from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.db import InterfaceError, OperationalError

from config import asgi, bodies
from tests.test_bodies import Kept, Sender, scope_of

GONE = [OperationalError("could not connect\nIs it running?"), InterfaceError("connection already closed")]


@pytest.mark.parametrize("error", GONE)
def test_a_large_body_whose_sender_cannot_be_looked_up_is_to_come_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def away(_scope: Any) -> int:
        raise error

    monkeypatch.setattr(bodies, "limit_of", away)
    app, sender, answers = Kept(), Sender(2_000_000), []

    async def send(message: Any) -> None:
        answers.append(message)

    asyncio.run(bodies.BodyLimit(app)(scope_of("/p/city/import/", "sessionid=x", 2_000_000), sender.receive, send))
    assert (answers[0]["status"], app.taken) == (503, 0) and (b"retry-after", b"5") in answers[0]["headers"]
    assert b"The database is away" in answers[1]["body"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", GONE)
def test_a_socket_is_turned_away_without_a_fault(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def away(*_told: Any, **_more: Any) -> None:
        raise error

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", away)
    answers: list[Any] = []

    told = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1006}])

    async def receive() -> Any:
        return next(told)

    async def send(message: Any) -> None:
        answers.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"origin", b"http://127.0.0.1"), (b"cookie", b"sessionid=" + b"x" * 32)]
    scope = {"type": "websocket", "path": "/ws/projects/city/", "headers": headers, "subprotocols": []}
    assert isinstance(asgi.application, ProtocolTypeRouter)
    asyncio.run(asyncio.wait_for(asgi.application(scope, receive, send), 20))
    assert [answer["type"] for answer in answers] == ["websocket.close"]


@pytest.mark.parametrize(("error", "lines"), [(GONE[0], 1), (GONE[1], 1), (RuntimeError("ours"), 3)])
def test_the_log_has_one_line_for_it_and_all_of_any_other_fault(error: Exception, lines: int) -> None:
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.addFilter(logging.config.DictConfigurator(settings.LOGGING).configure_filter({"()": "config.away.Brief"}))
    log = logging.Logger("a log")
    log.addHandler(handler)
    try:
        raise error
    except Exception:
        log.exception("Service Unavailable: %s", "/p/city/")
    told = said.getvalue().splitlines()
    assert told[0].startswith("Service Unavailable: /p/city/") and min(len(told), 3) == lines


def test_a_command_says_it_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_line: Any) -> None:
        raise GONE[0]

    monkeypatch.setattr(sys, "argv", ["manage.py", "migrate"])
    monkeypatch.setattr("django.core.management.execute_from_command_line", away)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(settings.BASE_DIR / "manage.py"), run_name="__main__")
    assert end.value.code == (
        "The database does not answer (could not connect). Start it, or mend DATABASE_URL, and try again."
    )
