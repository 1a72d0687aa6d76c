"""The one gate that every call to another machine passes."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from labeling.crowd.errors import DestinationRefused, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_destination(url: str, *, local: bool) -> list[str]:
    """The addresses that `url` may be called at, after name resolution.

    An outside annotator (`local` false) may call public addresses over https only; a local one may call
    this machine and private networks only, over http or https: text that must stay inside cannot leave
    through it. Link-local addresses, where clouds keep their credentials, are refused to both. Every
    address of the name must pass. The caller connects to one of the returned addresses, not to the name,
    so that a second look-up cannot lead elsewhere, and follows no redirect.
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
    inside = address.is_loopback or (address.is_private and not _special(address))
    if _special(address):
        raise DestinationRefused(f"{host} leads to {address}, which may never be called; use the server's own address.")
    if inside and not local:
        raise DestinationRefused(
            f"{host} leads to {address}, an address of this machine or network; declare the annotator with local=yes."
        )
    if not inside and local:
        raise DestinationRefused(f"{host} leads to {address}, which is outside, but the annotator is declared local.")


def _special(address: Address) -> bool:
    """Link-local, multicast, unspecified, reserved: no server of anybody's choosing is there."""
    nat64 = isinstance(address, ipaddress.IPv6Address) and address in ipaddress.ip_network("64:ff9b::/96")
    odd = address.is_link_local or address.is_multicast or address.is_unspecified or nat64
    return odd or (address.is_reserved and not address.is_loopback) or not (address.is_private or address.is_global)
