"""How much a request may bring: decided before it is kept, counted while it comes; next to nothing of strangers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import parse_cookie
from django.template.loader import render_to_string

from config import away
from labeling.models import Membership

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

STRANGERS = 100_000
"""Bytes that anybody may send: the sign-in needs a few hundred."""
IMPORT = re.compile(r"^/p/(?P<slug>[-a-zA-Z0-9_]+)/(?:import|votes)/$")
PATIENCE = 20.0
"""Seconds in which the rest of a refused body is taken and thrown away: a browser hears the answer only after it."""


App = Callable[[Any, Any, Any], Awaitable[None]]


class BodyLimit:
    """Answers 413 to a body that is too large for whoever sends it, before Django writes any of it to a disk."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = Body(scope, receive)
        try:
            fits = await body.fits(_declared(scope))
        except away.AWAY:
            await _answer(send, 503, away.page(), away.HEADERS)
            return
        if not fits:
            await body.refuse(send)
            return
        await self.app(scope, body.receive, body.unless_refused(send))
        if body.refused:
            await body.refuse(send)


class Body:
    """One request's body on its way in. `limit` is what a stranger may send, until more comes."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope, self._receive = scope, receive
        self.limit, self.known = STRANGERS, False
        self.seen = 0
        self.refused = self.ended = False

    async def fits(self, size: int) -> bool:
        """Whether so many bytes are allowed; who sends them is looked up only where it matters."""
        if size > self.limit and not self.known:
            self.limit, self.known = await sync_to_async(limit_of)(self.scope), True
        return size <= self.limit

    async def receive(self) -> MutableMapping[str, Any]:
        """The next piece; a disconnect in place of one too many, upon which Django lets go of what it has."""
        message = await self._receive()
        self.seen += len(message.get("body", b""))
        self.ended = message["type"] != "http.request" or not message.get("more_body", False)
        if await self.fits(self.seen):
            return message
        self.refused = True
        return {"type": "http.disconnect"}

    def unless_refused(self, send: Send) -> Send:
        async def sending(message: MutableMapping[str, Any]) -> None:
            if not self.refused:
                await send(message)

        return sending

    async def refuse(self, send: Send) -> None:
        """Say so in a sentence. The rest is thrown away for a while where somebody known waits for the answer."""
        if self.limit > STRANGERS:
            await self._drain()
        await _answer(send, 413, await sync_to_async(render_to_string)("413.html", {"most": self.limit}))

    async def _drain(self) -> None:
        started = time.monotonic()
        while not self.ended and time.monotonic() - started < PATIENCE:
            try:
                message = await asyncio.wait_for(self._receive(), PATIENCE)
            except TimeoutError:
                return
            self.ended = message["type"] != "http.request" or not message.get("more_body", False)


async def _answer(send: Send, status: int, page: str, more: Mapping[str, str] | None = None) -> None:
    told = {"Content-Type": "text/html; charset=utf-8", "Connection": "close", **(more or {})}
    headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": page.encode()})


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _declared(scope: Scope) -> int:
    """The size a request says it has; 0 where it does not say."""
    said = _header(scope, b"content-length")
    return int(said) if said.isdecimal() and len(said) < 20 else 0


def limit_of(scope: Scope) -> int:
    """Bytes that this sender may send to this address: files only from managers, and only to the import of theirs."""
    user = _user(scope)
    if not user.is_authenticated or not user.is_active:
        return STRANGERS
    wanted = IMPORT.match(scope["path"])
    if scope["method"] == "POST" and wanted:
        manages = Membership.objects.filter(user_id=user.pk, project__slug=wanted["slug"], role=Membership.Role.MANAGER)
        if manages.exists():
            return int(settings.MAX_UPLOAD_BYTES)
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _user(scope: Scope) -> AbstractBaseUser | AnonymousUser:
    key = parse_cookie(_header(scope, b"cookie")).get(settings.SESSION_COOKIE_NAME)
    return get_user(_SessionOnly(key)) if key else AnonymousUser()  # type: ignore[arg-type]


class _SessionOnly:
    """What `get_user` needs of a request."""

    def __init__(self, key: str) -> None:
        self.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
