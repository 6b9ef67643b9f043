"""Who is asking: a random secret in a cookie, and proof that our own page made the request."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from dataclasses import dataclass

from aiohttp import web
from yarl import URL

from bot.platforms.web.errors import PageError

_COOKIE = "visionbot"
_YEAR_S = 365 * 24 * 3600
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Visitor:
    """`secret` stays between us and the browser; `id` may stand in the database and in logs."""

    secret: str

    @property
    def id(self) -> str:
        return hashlib.sha256(self.secret.encode()).hexdigest()[:32]


def visitor_of(request: web.Request) -> Visitor:
    secret = request.cookies.get(_COOKIE, "")
    if not re.fullmatch(r"[0-9a-f]{32}", secret):
        raise PageError("no_visitor")
    return Visitor(secret)


def welcome(response: web.Response, request: web.Request) -> Visitor:
    """The visitor we know, or a new one who gets the cookie with this response.

    NOTE: only for calls our own page makes. SameSite=Strict hides the cookie when somebody follows
    a link to us from elsewhere, and a new one sent then would take the person's chat away.
    """
    try:
        visitor = visitor_of(request)
    except PageError:
        visitor = Visitor(secrets.token_hex(16))
    response.set_cookie(
        _COOKIE,
        visitor.secret,
        max_age=_YEAR_S,
        path="/",
        httponly=True,
        samesite="Strict",
        # A proxy that ends TLS says so; who forges this only spoils a cookie of their own.
        secure=request.secure or request.headers.get("X-Forwarded-Proto") == "https",
    )
    return visitor


def check_origin(request: web.Request) -> None:
    """Browsers say where a request comes from; what says nothing is no browser and has no cookie
    that anybody could ride on."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        # "none": typed into the address line, which can show a photo but never post.
        allowed = site == "same-origin" or (site == "none" and request.method == "GET")
    else:
        origin = request.headers.get("Origin")
        allowed = origin is None or _authority(origin) == request.headers.get("Host", "").lower()
    if not allowed:
        raise PageError("origin")


def check_host(request: web.Request, listening_on: str) -> None:
    """Against DNS rebinding: on a loopback address, only its own names are us."""
    if _is_loopback(listening_on) and _hostname(request.headers.get("Host", "")) not in (
        _LOCAL_NAMES | {listening_on.lower()}
    ):
        raise PageError("host")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _authority(origin: str) -> str:
    return origin.lower().partition("://")[2]


def _hostname(host_header: str) -> str:
    try:
        return (URL(f"http://{host_header}").host or "").lower()
    except ValueError:
        return ""
