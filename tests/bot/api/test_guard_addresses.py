"""Who is at the other end: what a header may say about it, and which addresses are public."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from aiohttp.test_utils import make_mocked_request
from pydantic import ValidationError

from bot.api.addresses import (
    client_address,
    household,
    is_loopback,
    parse_address,
    parse_network,
)
from bot.api.publicness import is_public
from bot.api.section import ApiSection

PROXIES = [parse_network("10.0.0.0/8"), parse_network("fd00::/8")]


class _Transport:
    def __init__(self, peer: str) -> None:
        self.peer = peer

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self.peer, 1234) if name == "peername" else default


def seen(peer: str, *forwarded: str) -> str:
    request = make_mocked_request(
        "GET",
        "/",
        headers=[("X-Forwarded-For", value) for value in forwarded],  # type: ignore[arg-type]
        transport=_Transport(peer),
    )
    return client_address(request, PROXIES)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("9.9.9.9", (), "9.9.9.9"),
        ("9.9.9.9", ("1.1.1.1",), "9.9.9.9"),
        ("10.0.0.1", ("1.1.1.1",), "1.1.1.1"),
        ("10.0.0.1", ("1.1.1.1, 2.2.2.2",), "2.2.2.2"),
        ("10.0.0.1", ("1.1.1.1, 10.0.0.2",), "1.1.1.1"),
        ("10.0.0.1", ("1.1.1.1", "2.2.2.2"), "2.2.2.2"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("10.0.0.1", ("me",), "10.0.0.1"),
        ("10.0.0.1", ("1.1.1.1, me",), "10.0.0.1"),
        ("10.0.0.1", ("2001:db8::1",), "2001:db8::1"),
        ("10.0.0.1", ('"[2001:db8::1]:443"',), "2001:db8::1"),
        ("10.0.0.1", ("1.1.1.1:443",), "1.1.1.1"),
        ("::ffff:10.0.0.1", ("1.1.1.1",), "1.1.1.1"),
        ("fd00::1", ("1.1.1.1",), "1.1.1.1"),
        ("10.0.0.1", ("10.0.0.2, " * 10_000,), "10.0.0.1"),
        ("", ("1.1.1.1",), ""),
    ],
)
def test_the_client_is_whom_the_last_trusted_proxy_saw(
    peer: str, forwarded: tuple[str, ...], client: str
) -> None:
    assert seen(peer, *forwarded) == client


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
        ("", ""),
    ],
)
def test_a_household_of_ipv6_is_counted_as_one(address: str, network: str) -> None:
    assert household(address) == network


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.1", False),
        ("example.org", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_what_is_this_machine_alone(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


PRIVATE = (
    *("127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "203.0.113.9"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::a00:1"),
    *("fe80::1", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "ff0e::1", "2001:db8::1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"),
    *("2002:7f00:1::1", "2002:a00:1::1", "2001:0:808:808:0:0:80ff:fffe", "5f00::1", "100::1"),
)
PUBLIC = (
    *("8.8.8.8", "1.1.1.1", "101.6.6.6", "2606:4700::1111", "2400:3200::1"),
    *("::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "172.32.0.1", "192.0.1.1"),
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_leads_into_a_private_network_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_a_configured_network_counts_as_public_and_no_other_does() -> None:
    clash = [parse_network("198.18.0.0/15")]

    assert is_public(ip_address("198.18.0.9"), clash)
    assert is_public(ip_address("::ffff:198.19.0.9"), clash)
    assert not is_public(ip_address("10.0.0.1"), clash)


def test_an_address_in_brackets_with_port_or_zone_is_read() -> None:
    texts = ["[::1]:80", "fe80::1%eth0", " 1.2.3.4 ", "1.2.3.4:5", "1.2.3", "x", ""]

    read = [parse_address(text) for text in texts]

    assert [str(one) if one else None for one in read] == [
        *("::1", "fe80::1", "1.2.3.4", "1.2.3.4"),
        *(None, None, None),
    ]


@pytest.mark.parametrize(
    "section",
    [
        {"cors_origins": ("*",)},
        {"cors_origins": ("https://app.example.org/",)},
        {"cors_origins": ("app.example.org",)},
        {"cors_origins": ("null",)},
        {"fetch_hosts": ("https://img.example.org",)},
        {"fetch_hosts": ("*.example.org",)},
        {"fetch_hosts": ("img.example.org/",)},
        {"fetch_networks": ("198.18.0.1/15",)},
        {"fetch_networks": ("here",)},
    ],
)
def test_a_wrong_address_in_the_settings_is_named_with_an_example(
    section: dict[str, object],
) -> None:
    with pytest.raises(ValidationError, match=r"must hold .*'"):
        ApiSection(**section)  # type: ignore[arg-type]
