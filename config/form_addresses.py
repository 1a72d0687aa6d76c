"""Addresses that only take forms, opened as a page: after signing in anew in the middle of sending one, for example."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

OPENED = ("GET", "HEAD")


class FormAddresses:
    """Gives the bare refusal of another method a page with a sentence and a way on, where a browser opened it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer of the site, still 405 with the methods that are allowed, but not empty."""
        answer = self.get_response(request)
        if answer.status_code != 405 or request.method not in OPENED:
            return answer
        page = render(request, "405.html", status=405)
        page.headers["Allow"] = answer.headers["Allow"]
        return page
