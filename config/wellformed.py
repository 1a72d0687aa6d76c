"""What no request may hold, answered in a sentence before any view or database meets it; and what to say at a fault."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template.loader import render_to_string
from django.utils.datastructures import MultiValueDict

from config import away

CHARSETS = ("", "utf-8", "utf8", "us-ascii")
BIGGEST_KEY = 2**63 - 1

NUL = "It holds a character without a meaning (NUL); take it out and send it again."
CHARSET = "Its text is said to be in another encoding than UTF-8; send it as UTF-8."
NO_SUCH_VALUE = "A value in it is too long, too large or of the wrong kind; mend it and send it again."


class Wellformed:
    """Refuses NUL anywhere, encodings that are not UTF-8 and numbers beyond every key: the same on both databases."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer of the site, or a refusal of what stands in the head of the request."""
        if (request.content_params or {}).get("charset", "").lower() not in CHARSETS:
            return refusal(CHARSET, 415)
        if _nul([request.path, *request.COOKIES.values()]) or _nul(_words(request.GET)):
            return refusal(NUL)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, kwargs: dict[str, Any]) -> HttpResponse | None:
        """A refusal of what stands in the body, which has been read by now, or of keys that no row can have."""
        if request.method == "POST" and _nul([*_words(request.POST), *(file.name or "" for file in _files(request))]):
            return refusal(NUL)
        if any(isinstance(key, int) and key > BIGGEST_KEY for key in kwargs.values()):
            return refusal("There is no such page.", 404)
        return None

    def process_exception(self, _request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a database refuses for its kind or length is the sender's to mend; nothing of it was stored."""
        return refusal(NO_SUCH_VALUE) if isinstance(error, (DataError, OverflowError, UnicodeError)) else None


def _words(sent: MultiValueDict[str, str]) -> Iterable[str]:
    for name, values in sent.lists():
        yield name
        yield from values


def _files(request: HttpRequest) -> Iterable[Any]:
    return (file for _, files in request.FILES.lists() for file in files)


def _nul(words: Iterable[str]) -> bool:
    return any("\0" in word for word in words)


def refusal(sentence: str, status: int = 400) -> HttpResponse:
    """A page that says what is wrong with the request; nothing of the site or the database is needed for it."""
    return HttpResponse(render_to_string("400.html", {"sentence": sentence}), status=status)


def fault(request: HttpRequest) -> HttpResponse:
    """The page of an unforeseen error; while the database is away, 503 and when to come again."""
    if isinstance(sys.exc_info()[1], away.AWAY):
        return HttpResponse(away.page(), status=503, headers=away.HEADERS)
    return HttpResponseServerError(render_to_string("500.html"))
