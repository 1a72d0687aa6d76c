"""The gate to other machines."""

import socket

import pytest

from labeling.crowd.egress import check_destination
from labeling.crowd.errors import DestinationRefused, Unreachable


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def found(host: str, port: int, **_: object) -> list[object]:
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.9", "172.16.0.1", "::1", "fd00::5", "::ffff:10.0.0.1", "2002:7f00:1::"],
)
def test_an_outside_annotator_may_not_reach_inside(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolve_to(monkeypatch, "93.184.216.34", address)
    with pytest.raises(DestinationRefused, match="local=yes"):
        check_destination("https://models.example/v1", local=False)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "169.254.169.254",
            "fe80::1",
            "224.0.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::",
            "100.64.0.1",
            "64:ff9b::a00:1",
        ),
        *("fec0::1", "feff::1"),  # site-local
        *("198.18.0.1", "198.19.255.254", "2001:2::1"),  # benchmarks
        *("192.88.99.1", "2002:c058:6301::"),  # the relay from IPv6 to IPv4
        *("192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1"),  # documentation
        *("0.1.2.3", "192.0.0.8", "240.0.0.1", "64:ff9b:1::a00:1", "100::1", "2001:20::1", "5f00::1", "4000::1"),
        *("::7f00:1", "::ffff:192.0.2.1", "::ffff:169.254.169.254"),
    ],
)
@pytest.mark.parametrize("local", [False, True])
def test_nobody_may_reach_addresses_of_the_network_itself(
    monkeypatch: pytest.MonkeyPatch, address: str, local: bool
) -> None:
    resolve_to(monkeypatch, address)
    with pytest.raises(DestinationRefused):
        check_destination("https://models.example/v1", local=local)


def test_a_local_annotator_may_not_reach_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "10.0.0.2", "93.184.216.34")
    with pytest.raises(DestinationRefused, match="declared local"):
        check_destination("http://models.example/v1", local=True)


def test_what_may_be_called_is_told_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.216.34", "2606:2800:220:1::1")
    assert check_destination("https://models.example/v1", local=False) == ["93.184.216.34", "2606:2800:220:1::1"]
    resolve_to(monkeypatch, "10.0.0.2")
    assert check_destination("http://gpu-box:8000/v1", local=True) == ["10.0.0.2"]


def test_text_and_key_do_not_travel_unencrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.216.34")
    with pytest.raises(DestinationRefused, match="https"):
        check_destination("http://models.example/v1", local=False)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://host/v1",
        "gopher://host",
        "host/v1",
        "",
        "https://",
        "https://u:p@host/v1",
        "http://[::1",
        "https://host:99999/",
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(DestinationRefused):
        check_destination(url, local=True)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "localhost."])
def test_other_spellings_of_this_machine_are_seen_through(host: str) -> None:
    with pytest.raises((DestinationRefused, Unreachable)):
        check_destination(f"https://{host}/v1", local=False)


def test_a_name_that_nobody_knows_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(Unreachable, match="cannot be resolved") as caught:
        check_destination("https://nowhere.example/v1", local=False)
    assert not caught.value.permanent
    assert caught.value.charged is False
