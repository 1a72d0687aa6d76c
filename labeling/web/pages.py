"""Whole pages, or the one part of a page that htmx asks for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def show(
    request: HttpRequest, template: str, context: dict[str, Any], parts: Collection[str] = (), status: int = 200
) -> HttpResponse:
    """Render the page, or only the part whose id htmx names as its target; parts are partials of the same name."""
    target = request.headers.get("HX-Target", "")
    wanted = f"{template}#{target}" if request.headers.get("HX-Request") and target in parts else template
    response = render(request, wanted, context, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response
