"""The socket behind every live page: it says what changed, the page then asks for it by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.auth import get_user
from django.db import DatabaseError, InterfaceError

from labeling.live import nudges
from labeling.models import Membership

NOT_YOURS = 4003
TRY_AGAIN = 1013
SECONDS_BETWEEN_PUSHES = 0.25
SECONDS_BETWEEN_CHECKS, SECONDS_FOR_A_CHECK = 2.5, 2.0
"""Together less than the five seconds after which nobody who has signed out may follow."""
SECONDS_FOR_AN_ALARM = 0.3
"""How often alarms are looked for; with the push and the fetch they stand on open pages within a second."""
AWAY = (DatabaseError, InterfaceError, TimeoutError)
"""What is raised while the database is away."""


class ProjectConsumer(AsyncJsonWebsocketConsumer):
    """Sends {"what": [...]} to members of one project, at most four times a second; closes when membership ends."""

    async def connect(self) -> None:
        self.pending: set[str] = set()
        self.project_id: int | None = None
        self.tasks: list[asyncio.Task[None]] = []
        try:
            self.project_id = await self._project_id()
        except AWAY:
            await self.close(code=TRY_AGAIN)
            return
        if self.project_id is None:
            await self.close(code=NOT_YOURS)
            return
        await self.channel_layer.group_add(nudges.group_of(self.project_id), self.channel_name)
        await self.accept()
        self.tasks = [asyncio.create_task(self._push()), asyncio.create_task(self._check())]
        WATCH.add(self.project_id)

    async def disconnect(self, code: int) -> None:
        for task in self.tasks:
            task.cancel()
        if self.project_id is not None:
            WATCH.drop(self.project_id)
            await self.channel_layer.group_discard(nudges.group_of(self.project_id), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """The socket only speaks; whatever a page sends is ignored, readable or not."""

    async def live_event(self, event: dict[str, Any]) -> None:
        self.pending.update(event["what"])

    async def _push(self) -> None:
        """Many changes in a quarter of a second are one message."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_PUSHES)
            if self.pending:
                what, self.pending = sorted(self.pending), set()
                await self.send_json({"what": what})

    async def _check(self) -> None:
        """Close soon after sign-out, deactivation or the end of the membership."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_CHECKS)
            try:
                found = await asyncio.wait_for(self._project_id(), SECONDS_FOR_A_CHECK)
                code = NOT_YOURS if found is None else None
            except AWAY:  # nobody can say whose session this is; the page comes back by itself
                code = TRY_AGAIN
            if code is not None:
                await self.close(code=code)
                return

    @database_sync_to_async
    def _project_id(self) -> int | None:
        """The project of the address, if the session still belongs to an active member of it."""
        slug = self.scope["url_route"]["kwargs"]["slug"]
        user = get_user(_SessionOnly(self.scope["session"]))  # type: ignore[arg-type]
        if not user.is_authenticated or not user.is_active:
            return None
        member = Membership.objects.filter(project__slug=slug, user_id=user.pk)
        return member.values_list("project_id", flat=True).first()


class _SessionOnly:
    """What `get_user` needs of a request: the session, read afresh from the store."""

    def __init__(self, session: Any) -> None:
        self.session = import_module(settings.SESSION_ENGINE).SessionStore(session.session_key)


class Watch:
    """Looks for what other processes changed, where no shared channel layer would tell.

    At most once a second for most things, and a few times a second for alarms, which should be seen at once.
    """

    def __init__(self) -> None:
        self.watched: dict[int, int] = {}
        self.task: asyncio.Task[None] | None = None

    def add(self, project_id: int) -> None:
        self.watched[project_id] = self.watched.get(project_id, 0) + 1
        if settings.WATCH_SECONDS and (self.task is None or self.task.done()):
            self.task = asyncio.create_task(self._run())

    def drop(self, project_id: int) -> None:
        self.watched[project_id] -= 1
        if not self.watched[project_id]:
            del self.watched[project_id]

    async def _run(self) -> None:
        whole = _Look(nudges.fingerprint, settings.WATCH_SECONDS, nudges.PROGRESS, nudges.QUEUE)
        looks = [whole, _Look(nudges.alarms, min(settings.WATCH_SECONDS, SECONDS_FOR_AN_ALARM), nudges.ALARM)]
        clock = asyncio.get_running_loop()
        while self.watched:
            await asyncio.sleep(max(min(look.due for look in looks) - clock.time(), 0))
            for look in looks:
                if look.due <= clock.time() and await look.changed():
                    for project_id in list(self.watched):
                        event = {"type": "live.event", "what": list(look.what)}
                        await get_channel_layer().group_send(nudges.group_of(project_id), event)


class _Look:
    """One thing that is looked at again and again, and what pages are told when it has changed."""

    def __init__(self, fingerprint: Callable[[], object], seconds: float, *what: str) -> None:
        self.fingerprint, self.seconds, self.what = database_sync_to_async(fingerprint), seconds, what
        self.before: object = None  # the first look is told as well: pages are a little older than it
        self.due = asyncio.get_running_loop().time() + seconds

    async def changed(self) -> bool:
        """Look once more. False while the database is away; it is looked again soon."""
        self.due = asyncio.get_running_loop().time() + self.seconds
        try:
            now = await self.fingerprint()
        except AWAY:
            return False
        before, self.before = self.before, now
        return bool(now != before)


WATCH = Watch()
