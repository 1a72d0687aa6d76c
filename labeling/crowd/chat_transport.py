"""How requests to a chat server leave: through the gate, to a checked address, with an end to every reply.

Imported only by what is about to call (it loads the HTTP library).
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Iterator
from functools import lru_cache

import httpx2
import openai

from labeling.crowd.chat_settings import ChatSettings
from labeling.crowd.egress import check_destination

CONNECT_SECONDS = 10.0
MOST_BYTES = 4 * 1024 * 1024
for library in ("openai", "httpx2", "httpcore2"):
    logging.getLogger(library).setLevel(logging.WARNING)  # below that they log what servers say, headers included


def client(settings: ChatSettings, secret: str) -> openai.OpenAI:
    """A client that asks once, follows no redirect and no proxy setting, and passes the gate with every request."""
    http = bare_client(settings.local, settings.timeout)
    return openai.OpenAI(
        api_key=secret or "none", base_url=settings.base_url, http_client=http, timeout=http.timeout, max_retries=0
    )


def bare_client(local: bool, seconds: float) -> httpx2.Client:
    """An HTTP client whose every request passes the gate, and has so many seconds."""
    return httpx2.Client(
        transport=CheckedTransport(local=local, seconds=seconds),
        timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        follow_redirects=False,
        trust_env=False,
    )


class CheckedTransport(httpx2.HTTPTransport):
    """A transport that asks the gate before each request and connects to the very address that passed.

    `seconds`: from sending a request to the last byte of its reply.
    """

    def __init__(self, *, local: bool, seconds: float) -> None:
        super().__init__(verify=_certificates(), trust_env=False, retries=0)
        self._local = local
        self._seconds = seconds

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; raises DestinationRefused or Unreachable before anything is sent."""
        host = request.url.host
        until = time.monotonic() + self._seconds
        addresses = check_destination(str(request.url), local=self._local)
        request.extensions = {**request.extensions, "sni_hostname": host}
        for place, address in enumerate(addresses):
            request.url = request.url.copy_with(host=address)
            try:
                response = super().handle_request(request)
            except httpx2.ConnectError:
                if place == len(addresses) - 1:
                    raise
                continue
            assert isinstance(response.stream, httpx2.SyncByteStream)
            response.stream = _Bounded(response.stream, until)
            return response
        raise httpx2.ConnectError(f"{host} has no address", request=request)


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """The usual certificate authorities, read once: reading them takes a tenth of a second."""
    return httpx2.create_ssl_context(trust_env=False)


class _Bounded(httpx2.SyncByteStream):
    """A reply that ends in an error when it is too long or takes too long."""

    def __init__(self, stream: httpx2.SyncByteStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._stream:
            size += len(piece)
            if size > MOST_BYTES:
                raise httpx2.RemoteProtocolError(f"the reply is longer than {MOST_BYTES} bytes")
            if time.monotonic() > self._until:
                raise httpx2.ReadTimeout("the reply took too long")
            yield piece

    def close(self) -> None:
        self._stream.close()
