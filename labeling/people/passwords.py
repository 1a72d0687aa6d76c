"""The own password: changed with the old one, which may be guessed no more often than at the door."""

from __future__ import annotations

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_lockout_response
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse


def too_often(request: HttpRequest) -> HttpResponse | None:
    """The page that says so, where this account or address has failed too often lately."""
    credentials = _credentials(request)
    allowed: bool = AxesProxyHandler.is_allowed(request, credentials)
    return None if allowed else get_lockout_response(request, credentials=credentials)


def note_failure(request: HttpRequest, form: PasswordChangeForm) -> None:
    """Count a wrong old password as a sign-in that failed."""
    if form.has_error("old_password", "password_incorrect"):
        user_login_failed.send(__name__, credentials=_credentials(request), request=request)


def _credentials(request: HttpRequest) -> dict[str, str]:
    return {"username": request.user.get_username()}
