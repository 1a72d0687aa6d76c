"""The one gate that every call to another machine passes: which texts may leave, and where they may go."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from ipaddress import ip_network
from urllib.parse import SplitResult, urlsplit

from labeling.crowd.base import Example, Question, Stays
from labeling.crowd.errors import DestinationRefused, MustStay, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
INSIDE = [ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
"""Private networks (RFC 1918, RFC 4193)."""
NOBODY = [
    ip_network(block)
    for block in [
        "0.0.0.0/8",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ]
]
"""Of the network itself: link- and site-local, carriers, relays, benchmarks, documentation, multicast, reserved."""
GLOBAL_V6 = ip_network("2000::/3")
"""All that is handed out of IPv6 so far."""


def check_texts(question: Question, shots: Sequence[Example], stays: Stays) -> list[Example]:
    """The shots that may leave with `question`, looked up at this moment: right before each call.

    A worked example whose text must not leave is left out. Raises MustStay where the question's own text must not.
    """
    kept = stays([question, *(shot.question for shot in shots)])
    if question.task in kept:
        raise MustStay("This text must not leave this machine; nothing of it was sent.")
    return [shot for shot in shots if shot.question.task not in kept]


def check_destination(url: str, *, local: bool) -> list[str]:
    """The addresses that `url` may be called at, after name resolution.

    An outside annotator (`local` false) may call public addresses over https only; a local one may call
    this machine and private networks only, over http or https: text that must stay inside cannot leave
    through it. Addresses that are no server's own (link-local, where clouds keep their credentials, site-local,
    relays, benchmarks, documentation) are refused to both. Every address of the name must pass. The caller
    connects to one of the returned addresses, not to the name, so that a second look-up cannot lead elsewhere,
    and follows no redirect.
    Raises DestinationRefused, or Unreachable where the name cannot be resolved.
    """
    parts = _split(url)
    host = parts.hostname or ""
    addresses = _resolve(host, parts.port or (443 if parts.scheme == "https" else 80))
    for address in addresses:
        _check(host, address, local)
    if not local and parts.scheme != "https":
        raise DestinationRefused(f"{host} is outside and would be called without encryption; use https://.")
    return [str(address) for address in addresses]


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise DestinationRefused("The base URL is no web address; write it as https://host/v1.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DestinationRefused(
            "The base URL must begin with https:// (or http:// for a local server) and name a host."
        )
    if parts.username or parts.password:
        raise DestinationRefused(
            "The base URL holds a user name or password; put the key into an environment variable."
        )
    return parts


def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The name {host} cannot be resolved; check the base URL and the network.") from error
    return [_unwrapped(ipaddress.ip_address(str(entry[4][0]).partition("%")[0])) for entry in found]


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that merely carries it."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        return inside or address
    return address


def _check(host: str, address: Address, local: bool) -> None:
    inside = address.is_loopback or any(address in block for block in INSIDE)
    if not inside and _is_nobodys(address):
        raise DestinationRefused(f"{host} leads to {address}, which may never be called; use the server's own address.")
    if inside and not local:
        raise DestinationRefused(
            f"{host} leads to {address}, an address of this machine or network; declare the annotator with local=yes."
        )
    if not inside and local:
        raise DestinationRefused(f"{host} leads to {address}, which is outside, but the annotator is declared local.")


def _is_nobodys(address: Address) -> bool:
    """No server of anybody's choosing is there."""
    beyond = address.version == 6 and address not in GLOBAL_V6
    return beyond or not address.is_global or any(address in block for block in NOBODY)
