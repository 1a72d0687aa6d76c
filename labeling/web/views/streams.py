"""Downloads that are written row by row, also under an asynchronous server, which must not collect them first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import IO

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

TOGETHER = 500
PIECE = 1 << 16
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson; charset=utf-8"}


async def blocks(lines: Iterator[str]) -> AsyncIterator[bytes]:
    """The lines, 500 at a time, read in the thread that may use the database."""

    def next_block() -> bytes:
        return "".join(islice(lines, TOGETHER)).encode()

    while block := await sync_to_async(next_block)():
        yield block


def attachment(lines: Iterator[str], name: str, kind: str) -> StreamingHttpResponse:
    """A file to save, never to show: `name` is made of letters, digits and dashes by the caller."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"', "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(blocks(lines), content_type=TYPES[kind], headers=headers)


async def pieces(stream: IO[bytes]) -> AsyncIterator[bytes]:
    """A kept file, piece by piece; it is closed at the end."""
    try:
        while piece := await sync_to_async(stream.read)(PIECE):
            yield piece
    finally:
        await sync_to_async(stream.close)()
