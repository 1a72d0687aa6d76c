"""Which page of a browser shows a desk since when, so that an older one that is left takes nothing from it.

A page that is reloaded says that it is left after the server has laid the desk out for the next one.
"""

from __future__ import annotations

from contextlib import suppress

from django.http import HttpRequest

KEY = "desks"


def remember(request: HttpRequest, annotator: int, at: float) -> None:
    """A whole page shows this annotator's desk as it was laid out at `at`, in seconds since 1970."""
    request.session[KEY] = {**request.session.get(KEY, {}), str(annotator): at}


def shown_since(request: HttpRequest) -> list[int]:
    """The annotators whose desk another page of this browser shows by now: a newer one than that which tells its `at`.

    None where the page tells no moment that can be read.
    """
    told = float("inf")
    with suppress(ValueError):
        told = float(request.POST.get("at", "") or "inf")
    return [int(annotator) for annotator, at in request.session.get(KEY, {}).items() if at > told]
