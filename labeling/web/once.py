"""A form that makes something makes it once: a double click, or the same form sent again, leads to what is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from labeling.models import Submission

FIELD = "once"
KEPT = timedelta(days=1)
View = Callable[..., HttpResponse]


def once(view: View) -> View:
    """Make a view that creates rows and redirects do so once for each form with `{% once %}` in it.

    Of the same form, filled in alike, only the first does anything; the others wait for it and are led to where it
    led. What was written is part of it: going back, changing a word and sending again is another form. One that was
    refused may be sent again. View and mark are one transaction, so that neither stands without the other.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        if request.method != "POST" or not request.POST.get(FIELD) or not request.user.is_authenticated:
            return view(request, *args, **options)
        with transaction.atomic():
            sent, first = Submission.objects.get_or_create(user=request.user, key=_key(request))
            if not first:
                return redirect(sent.place)
            Submission.objects.filter(user=request.user, created_at__lt=timezone.now() - KEPT).delete()
            response = view(request, *args, **options)
            _keep(sent, response)
            return response

    return guarded


def _key(request: HttpRequest) -> str:
    told = sorted((name, value) for name, values in request.POST.lists() for value in values)
    own = [pair for pair in told if pair[0] != "csrfmiddlewaretoken"]  # masked anew in every page
    return sha256(urlencode([("path", request.path), *own]).encode()).hexdigest()


def _keep(sent: Submission, response: HttpResponse) -> None:
    """Remember where the form led; one that was refused may come again."""
    if 300 <= response.status_code < 400:
        Submission.objects.filter(pk=sent.pk).update(place=response["Location"][:500])
    else:
        sent.delete()
