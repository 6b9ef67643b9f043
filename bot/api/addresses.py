"""Network addresses: who is at the other end, which names are this machine's own. Pure.

A header tells the truth about an address only where a proxy of ours wrote it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated

from aiohttp import HttpVersion11, web
from pydantic import AfterValidator
from yarl import URL

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_FORWARDED = frozenset({"forwarded", "x-real-ip", "via", "cf-connecting-ip", "true-client-ip"})
_ALSO_FORWARDED = "x-forwarded-"
_FROM_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # nosec B104  (is read)
_MOST_HOPS = 32  # that one header may name; nobody has so many proxies
_ONE_HOUSEHOLD = 64  # bits: who has one IPv6 address has all that begin alike


def parse_network(text: str) -> Network:
    """ "10.0.0.0/8", "fd00::/8", or one address. Raises ValueError."""
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError:
        raise ValueError(
            f"holds {text!r}, but must hold addresses or networks such as '10.0.0.2' or"
            " '10.0.0.0/8', with no bits behind the mask"
        ) from None


def _checked(text: str) -> str:
    parse_network(text)
    return text


NetworkText = Annotated[str, AfterValidator(_checked)]  # in a section of config.toml


def parse_address(text: str) -> Address | None:
    """As a header or a socket names it, perhaps with brackets, a port or a zone; None: nonsense."""
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def client_address(request: web.Request, trusted: Sequence[Network] = ()) -> str:
    """Who began this request. `X-Forwarded-For` counts as far back as `trusted` proxies wrote it;
    empty: nobody knows, as with a Unix socket."""
    address = parse_address(request.remote or "")
    if address is None:
        return ""
    hops = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
    for hop in reversed(hops[-_MOST_HOPS:]):
        before = parse_address(hop)
        if before is None or not _is_in(address, trusted):
            break
        address = before
    return str(address)


def is_within(text: str, networks: Sequence[Network]) -> bool:
    address = parse_address(text)
    return address is not None and _is_in(address, networks)


def household(address: str) -> str:
    """What is counted as one: an IPv4 address, or the network that a household has of IPv6."""
    known = parse_address(address)
    if isinstance(known, IPv6Address):
        return str(ipaddress.ip_network((known, _ONE_HOUSEHOLD), strict=False))
    return address


def is_forwarded(request: web.Request) -> bool:
    """A proxy says that it passes on somebody else's request, or gives itself away: nginx, told
    nothing else, adds no header but speaks HTTP/1.0, which hardly any client does."""
    if request.version < HttpVersion11:
        return True
    names = {name.lower() for name in request.headers}
    return any(name in _FORWARDED or name.startswith(_ALSO_FORWARDED) for name in names)


def is_loopback(host: str) -> bool:
    """Of an address to listen on, or of a peer."""
    address = parse_address(host)
    return address.is_loopback if address is not None else host.lower() == "localhost"


def authority(host: str, port: int | None) -> str:
    """Both as they stand in an address of the web."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def authority_here(listening_on: str, port: int) -> str:
    """By which a program on this machine reaches what listens there, perhaps everywhere."""
    return authority(_FROM_HERE.get(listening_on, listening_on), port)


def is_own_name(request: web.Request, listening_on: str) -> bool:
    """Against DNS rebinding: over loopback a browser that means us calls us by one of these."""
    named = _hostname(request.headers.get("Host", ""))
    return named in _LOCAL_NAMES | {listening_on.lower()}


def is_foreign(request: web.Request, friends: Sequence[str] = ()) -> bool:
    """A browser says that a page which is not ours makes this request; `friends` are origins that
    may. What says nothing about its origin is no browser."""
    origin = request.headers.get("Origin")
    if origin is not None and origin in friends:
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        # "none": typed into the address line, which can look but never post
        return not (site == "same-origin" or (site == "none" and request.method == "GET"))
    if origin is None:
        return False
    return origin.lower().partition("://")[2] != request.headers.get("Host", "").lower()


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _hostname(host_header: str) -> str:
    try:
        return (URL(f"http://{host_header}").host or "").lower()
    except ValueError:
        return ""
