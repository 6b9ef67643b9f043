"""Which network addresses belong to the public internet, wrapped ones unwrapped. Pure.

`ipaddress.is_global` alone lets some through that lead into private networks.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

from bot.api.addresses import Address, Network

_ALSO_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4
        "::/96",  # IPv4 written as IPv6, long given up
        "64:ff9b:1::/48",  # NAT64 of private networks
        "5f00::/16",  # segment routing inside a network
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: Address, also: Sequence[Network] = ()) -> bool:
    """Every address at which a packet for this one may end is public, or in one of `also`."""
    return all(_is_public(end, also) for end in _ends(address))


def _ends(address: Address) -> tuple[Address, ...]:
    if not isinstance(address, IPv6Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return (address,)


def _is_public(address: Address, also: Sequence[Network]) -> bool:
    if any(address in network for network in also):
        return True
    if address.is_multicast or not address.is_global:
        return False
    if isinstance(address, IPv6Address) and address.is_site_local:
        return False
    return not any(address in network for network in _ALSO_PRIVATE)
