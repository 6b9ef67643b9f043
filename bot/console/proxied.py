"""Whom a reverse proxy has signed in, as far as the operator's page wants to know."""

from __future__ import annotations

import ipaddress

from aiohttp import web

from bot.console.entry import Who
from bot.platforms.web.errors import PageError
from bot.platforms.web.section import WebSection
from bot.platforms.web.sign_in import ByProxy


def proxied(section: WebSection) -> Who:
    """Where no proxy signs people in, nobody: a browser with a cookie is no person that anybody
    could have given a role to on purpose."""
    if section.way != "proxy":
        return _nobody
    networks = [ipaddress.ip_network(text) for text in section.trusted_proxies]
    sign_in = ByProxy(section.user_header, networks)

    async def who(request: web.Request) -> str | None:
        try:
            return f"web:{(await sign_in.who(request)).id}"
        except PageError:
            return None

    return who


async def _nobody(_: web.Request) -> str | None:
    return None
