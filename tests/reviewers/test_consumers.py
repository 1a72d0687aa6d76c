"""The socket behind live pages: who may listen, what it says, when it closes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import InterfaceError, OperationalError
from django.test import Client

from config.asgi import application
from labeling.live import consumers, nudges
from labeling.models import Membership, Project, Vote
from reviewers.queue import claiming
from tests.logged import Logged
from tests.reviewers.scenery import ask, person
from tests.reviewers.test_views_annotate import SCRIPT, cards, signed_in

pytestmark = pytest.mark.django_db(transaction=True)
in_database = database_sync_to_async
LOOKED_UP_EVERY = consumers.SECONDS_BETWEEN_CHECKS
PATIENCE = 60
"""Seconds until what never comes is given up: a busy machine may take long, and only a failing test waits them out."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(consumers, "SECONDS_BETWEEN_PUSHES", 0.02)
    monkeypatch.setattr(consumers, "SECONDS_BETWEEN_CHECKS", 0.05)
    settings.WATCH_SECONDS = 0


class Socket(ApplicationCommunicator):
    """One end of a websocket. (channels.testing would need daphne, which the product does not.)"""

    async def connect(self) -> bool:
        await self.send_input({"type": "websocket.connect"})
        self.answer = await self.receive_output(PATIENCE)
        return self.answer["type"] == "websocket.accept"

    async def hear(self) -> Any:
        return json.loads((await self.receive_output(PATIENCE))["text"])

    async def say(self, told: Any) -> None:
        await self.send_input({"type": "websocket.receive", "text": json.dumps(told)})

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(PATIENCE)


@in_database
def socket_of(name: str = "", slug: str = "city", origin: str = "http://127.0.0.1") -> Socket:
    """A socket with the session cookie of this person, or of nobody."""
    headers = [(b"origin", origin.encode()), (b"host", b"127.0.0.1")]
    if name:
        client = Client()
        client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
        headers.append((b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode()))
    path = f"/ws/projects/{slug}/"
    scope = {"type": "websocket", "path": path, "query_string": b"", "headers": headers, "subprotocols": []}
    return Socket(application, scope)


async def test_a_member_hears_that_a_colleague_took_a_task_and_nothing_more(batch: Any) -> None:
    socket = await socket_of("ann")
    assert await socket.connect()
    await in_database(lambda: (ask(batch.tasks.first()), claiming.claim(person(batch.project, "bob"))))()
    assert await socket.hear() == {"what": ["queue"]}
    await socket.leave()


@pytest.mark.slow
async def test_many_changes_at_once_are_one_message(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quarter of a second between two messages lasts, here, until all changes have been announced and delivered."""
    announced = asyncio.Event()

    async def quarter_of_a_second(seconds: float) -> None:
        await announced.wait()
        await asyncio.sleep(0.5)  # through a server in between, delivery takes moments

    monkeypatch.setattr(consumers, "asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": quarter_of_a_second}))
    socket = await socket_of("ann")
    assert await socket.connect()
    for _ in range(20):
        await in_database(nudges.announce)(project.pk, nudges.QUEUE)
    await in_database(nudges.announce)(project.pk, nudges.PROGRESS)
    announced.set()
    assert await socket.hear() == {"what": ["progress", "queue"]}
    assert await socket.receive_nothing(0.1)
    await socket.leave()


@pytest.mark.parametrize("name", ["", "stranger"])
async def test_nobody_else_may_listen(project: Any, name: str) -> None:
    if name:
        await in_database(User.objects.create_user)(name)
    socket = await socket_of(name)
    assert not await socket.connect() and socket.answer["code"] == consumers.NOT_YOURS


async def test_a_page_of_another_site_may_not_listen(project: Any) -> None:
    socket = await socket_of("ann", origin="http://elsewhere.example")
    assert not await socket.connect()


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8001", "https://127.0.0.1:444", "null", "http://127.0.0.1:x", ""])
async def test_a_page_of_another_port_or_of_none_may_not_listen(project: Any, origin: str) -> None:
    socket = await socket_of("ann", origin=origin)
    assert not await socket.connect()


async def test_frames_that_nobody_can_read_are_ignored(project: Any) -> None:
    socket = await socket_of("ann")
    assert await socket.connect()
    for frame in ({"text": "{"}, {"text": ""}, {"bytes": b"\xff\x00"}, {"text": "[" * 10_000}):
        await socket.send_input({"type": "websocket.receive", **frame})
    await in_database(nudges.announce)(project.pk, nudges.QUEUE)
    assert await socket.hear() == {"what": ["queue"]}
    await socket.leave()


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed"), TimeoutError()])
async def test_a_socket_closes_while_the_database_is_away(
    project: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def away(_socket: Any) -> int:
        raise error

    socket = await socket_of("ann")
    assert await socket.connect()
    monkeypatch.setattr(consumers.ProjectConsumer, "_project_id", away)
    closed = await socket.receive_output(PATIENCE)
    assert closed["type"] == "websocket.close" and closed["code"] == consumers.TRY_AGAIN


def test_it_is_noticed_within_five_seconds() -> None:
    assert LOOKED_UP_EVERY + consumers.SECONDS_FOR_A_CHECK <= 5


async def test_a_member_hears_nothing_of_another_project(project: Any) -> None:
    other = await in_database(Project.objects.create)(name="Other", slug="other")
    stranger = await socket_of("ann", slug="other")
    assert not await stranger.connect() and stranger.answer["code"] == consumers.NOT_YOURS
    socket = await socket_of("ann")
    assert await socket.connect()
    await in_database(nudges.announce)(other.pk, nudges.QUEUE)
    assert await socket.receive_nothing(0.2)
    await socket.leave()


def leave_the_project() -> None:
    Membership.objects.filter(user__username="ann").delete()


def be_deactivated() -> None:
    User.objects.filter(username="ann").update(is_active=False)


def sign_out_everywhere() -> None:
    Session.objects.all().delete()


def test_the_membership_of_open_sockets_is_looked_up_within_five_seconds() -> None:
    assert LOOKED_UP_EVERY < 4.5


@pytest.mark.parametrize("end", [leave_the_project, be_deactivated, sign_out_everywhere])
async def test_the_socket_closes_soon_after_its_right_ends(project: Any, end: Callable[[], None]) -> None:
    socket = await socket_of("ann")
    assert await socket.connect()
    await in_database(end)()
    closed = await socket.receive_output(PATIENCE)
    assert (closed["type"], closed["code"]) == ("websocket.close", consumers.NOT_YOURS)
    await socket.leave()


async def test_what_a_page_sends_is_ignored(project: Any) -> None:
    socket = await socket_of("ann")
    assert await socket.connect()
    await socket.say({"type": "live.event", "what": "queue", "group": "project.1"})
    assert await socket.receive_nothing(0.2)
    await socket.leave()


async def test_a_vote_is_taken_while_nothing_can_be_pushed(batch: Any, settings: Any, logged: Logged) -> None:
    """A channel layer whose Redis is gone: the answer is stored, the failure only logged."""
    gone = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": ["redis://127.0.0.1:1"]}}
    settings.CHANNEL_LAYERS = {"default": gone}
    answered = await in_database(answer_the_first)(batch)
    assert answered.status_code == 200 and b"Nothing waits for you" in answered.content
    assert await in_database(Vote.objects.count)() == 1 and "No live update" in logged.text


@pytest.mark.slow
async def test_a_transport_that_hangs_holds_nobody_up(batch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []

    class Hangs:
        async def group_send(self, *_: Any) -> None:
            try:
                await asyncio.sleep(PATIENCE)
                ends.append("waited for")
            except asyncio.CancelledError:
                ends.append("given up")
                raise

    monkeypatch.setattr(nudges, "PATIENCE", 0.05)
    monkeypatch.setattr(nudges, "get_channel_layer", Hangs)
    assert (await in_database(answer_the_first)(batch)).status_code == 200
    assert set(ends) == {"given up"}


def answer_the_first(batch: Any) -> Any:
    ask(batch.tasks.first())
    ann = signed_in("ann")
    held = cards(ann.get("/p/city/label/").content)[0]
    told = {"label": batch.project.label_list()[0].pk}
    return ann.post(f"/p/city/label/{held}/", told, headers=SCRIPT)
