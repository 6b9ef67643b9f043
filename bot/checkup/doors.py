"""Looks at where people and programs come in by HTTP: the port, and who is let in there."""

from __future__ import annotations

import asyncio
import errno
import socket

from bot.api.addresses import authority, is_loopback
from bot.api.listener import listener_of
from bot.checkup.finding import Finding, Round
from bot.storage.looking import look

_LEAST_DISTINCT = 6
_LONG_CODE = 12


async def look_at_port(round_: Round) -> Finding:
    settings = round_.settings
    if not (settings.web.enabled or settings.api.enabled or settings.metrics.enabled):
        return round_.off("check_port_off")
    host, port = settings.web.host, settings.web.port
    address = authority(host, port)
    try:
        await asyncio.to_thread(_try, host, port)
    except OSError as error:
        return _refused(round_, address, port, error)
    return round_.ok("check_port_free", address=address)


async def look_at_keys(round_: Round) -> Finding:
    settings = round_.settings
    if not settings.api.enabled:
        return round_.off("check_api_off")
    count = (await look(settings.storage.data_dir, settings.storage.url)).keys
    if count:
        return round_.ok("check_api_keys", count=count)
    if not is_loopback(settings.web.host):
        return round_.problem("check_api_no_keys", "check_api_no_keys_how", host=settings.web.host)
    if settings.api.needs_key == "always":
        return round_.problem("check_api_always", "check_api_no_keys_how")
    return round_.ok("check_api_here")


async def look_at_sign_in(round_: Round) -> Finding:
    """Settings that leave it open by mistake are refused before it comes to this."""
    web = round_.settings.web
    match web.way if web.enabled else None:
        case "code":
            return _code(round_, web.access_code.get_secret_value())
        case "proxy":
            return round_.ok("check_sign_in_proxy", header=web.user_header)
        case "open" if is_loopback(web.host):
            return round_.ok("check_sign_in_here")
        case "open":
            return round_.ok("check_sign_in_open", host=web.host)
        case _:
            return round_.off("check_sign_in_off")


def _code(round_: Round, code: str) -> Finding:
    """Most codes that people think of are short and made of few letters, or of figures alone."""
    distinct = len(set(code))
    if distinct < _LEAST_DISTINCT or (len(code) < _LONG_CODE and code.isdigit()):
        return round_.problem(
            "check_sign_in_weak", "check_sign_in_weak_how", length=len(code), distinct=distinct
        )
    return round_.ok("check_sign_in_code")


async def look_at_metrics(round_: Round) -> Finding:
    settings = round_.settings
    if not settings.metrics.enabled:
        return round_.off("check_metrics_off")
    if settings.metrics.token:
        return round_.ok("check_metrics_token")
    if is_loopback(settings.web.host):
        return round_.ok("check_metrics_here")
    return round_.off("check_metrics_closed")


def _try(host: str, port: int) -> None:
    """As the server will; raises OSError."""
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)


def _refused(round_: Round, address: str, port: int, error: OSError) -> Finding:
    if error.errno != errno.EADDRINUSE:
        rights = error.errno == errno.EACCES
        return round_.problem(
            "check_port_refused",
            "check_port_rights_how" if rights else "check_port_address_how",
            address=address,
            why=error.strerror or type(error).__name__,
        )
    if round_.running is not None and round_.running.health:
        return round_.ok("check_port_ours", address=address, process=round_.running.process)
    holder = listener_of(port)
    if holder is None:
        return round_.problem("check_port_taken", "check_port_taken_how", address=address)
    process, program = holder
    return round_.problem(
        "check_port_taken_by",
        "check_port_taken_how",
        address=address,
        process=process,
        program=program,
    )
