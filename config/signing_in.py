"""How often a sign-in may fail: by account and address, by address, by account and in sum, and what an address is."""

from __future__ import annotations

import ipaddress
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.db.models import QuerySet, Sum
from django.http import HttpRequest

PER_ADDRESS = 50
PER_ACCOUNT = 100
IN_ALL = 2_000
"""Failures within the time of rest. The latter two shut out only addresses that nobody has signed in from so far: a
stranger who fails on purpose locks nobody out."""


class Handler(AxesDatabaseHandler):
    """Counts failures of the pair of account and address (AXES_FAILURE_LIMIT), and the three sums besides."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Whether this try is one too many."""
        if super().is_locked(request, credentials):
            return True
        name, address = get_client_username(request, credentials), request.axes_ip_address  # type: ignore[attr-defined]
        lately = AccessAttempt.objects.filter(attempt_time__gte=get_cool_off_threshold(request))
        if _failures(lately.filter(ip_address=address)) >= PER_ADDRESS:
            return True
        known = AccessLog.objects.filter(ip_address=address)
        if name and _failures(lately.filter(username=name)) >= PER_ACCOUNT:
            return not known.filter(username=name).exists()
        return _failures(lately) >= IN_ALL and not known.exists()


def _failures(attempts: QuerySet[Any]) -> int:
    return attempts.aggregate(all=Sum("failures_since_start"))["all"] or 0


def address_of(request: HttpRequest) -> str:
    """The address a request comes from; what it says of itself is believed only of proxies that settings name.

    Of X-Forwarded-For the last address counts that is no such proxy: everything before it could be made up.
    """
    address = _address(request.META.get("REMOTE_ADDR", ""))
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    while forwarded and _is_proxy(address):
        before = _address(forwarded.pop())
        if not before:
            break
        address = before
    return _counted(address)


def _address(text: str) -> str:
    """The address in one spelling, or "" for what is none."""
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)


def _counted(address: str) -> str:
    """Of IPv6 the network of 64 bits, all of whose addresses one household or server has."""
    if ":" not in address or ipaddress.ip_address(address).is_loopback:
        return address
    return str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False).network_address)


def _is_proxy(address: str) -> bool:
    return bool(address) and any(ipaddress.ip_address(address) in block for block in settings.PROXIES)
