"""Which pages may open a socket: those of this very server, its port included."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host

USUAL = {"http": "80", "https": "443", "ws": "80", "wss": "443"}


class SameOrigin:
    """Denies a socket to pages of another host or port, and of none; CSRF_TRUSTED_ORIGINS are let in."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Go on, or refuse the handshake."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        allowed = is_same(headers.get(b"origin", ""), headers.get(b"host", ""))
        await (self.app if allowed else WebsocketDenier.as_asgi())(scope, receive, send)


def is_same(origin: str, host: str) -> bool:
    """Whether `origin` (scheme, host and port of a page) is the server that `host` (host and port) names."""
    try:
        page = urlsplit(origin)
        _ = page.port
    except ValueError:
        return False
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    name, _port = split_domain_port(host)
    if page.scheme not in USUAL or not name or not validate_host(name, settings.ALLOWED_HOSTS):
        return False
    usual = USUAL[page.scheme]
    return _with_port(page.netloc.lower(), usual) == _with_port(host.lower(), usual)


def _with_port(place: str, usual: str) -> str:
    name, port = split_domain_port(place)
    return f"{name}:{port or usual}"
