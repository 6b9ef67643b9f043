"""What a browser brings along: the secret in its cookie, and proof that our own page asks."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from aiohttp import web

from bot.api.addresses import is_foreign, is_loopback, is_own_name
from bot.platforms.web.errors import PageError

_COOKIE = "visionbot"
_CSRF = "X-CSRF-Token"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody whom we know by nothing but a cookie of this kind. `secret` stays between us and
    the browser; `id` may stand in the database and in logs."""

    secret: str

    @property
    def id(self) -> str:
        return hashlib.sha256(self.secret.encode()).hexdigest()[:32]

    @property
    def csrf(self) -> str:
        return hmac.new(self.secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def visitor_of(request: web.Request) -> Visitor | None:
    """None: there is no cookie, or it is of another kind."""
    secret = cookie_of(request)
    return Visitor(secret) if re.fullmatch(r"[0-9a-f]{32}", secret) else None


def new_visitor() -> Visitor:
    return Visitor(secrets.token_hex(16))


def cookie_of(request: web.Request) -> str:
    """Over https the one with the prefix alone: any other can come from another host below the same
    domain, whose owner would then share the talk."""
    return request.cookies.get(_name(request), "")


def set_cookie(request: web.Request, response: web.Response, secret: str, lasts_s: float) -> None:
    """NOTE: only in answers to calls our own page makes. SameSite=Strict hides the cookie when
    somebody follows a link to us from elsewhere, and a new one sent then would take the person's
    chat away."""
    response.set_cookie(
        _name(request),
        secret,
        max_age=int(lasts_s),
        path="/",
        httponly=True,
        samesite="Lax" if is_secure(request) else "Strict",
        secure=is_secure(request),
    )


def drop_cookie(request: web.Request, response: web.Response) -> None:
    response.del_cookie(_name(request), path="/", secure=is_secure(request), httponly=True)


def check_csrf(request: web.Request, expected: str) -> None:
    """Only our own page can read what it has to send here."""
    given = request.headers.get(_CSRF, "")
    right = hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
    if not (expected and right):
        raise PageError("unproven")


def check_origin(request: web.Request) -> None:
    """Browsers say where a request comes from; what says nothing is no browser and has no cookie
    that anybody could ride on."""
    if is_foreign(request):
        raise PageError("origin")


def check_host(request: web.Request, listening_on: str) -> None:
    """Against DNS rebinding: on a loopback address, only its own names are us."""
    if is_loopback(listening_on) and not is_own_name(request, listening_on):
        raise PageError("host")


def is_secure(request: web.Request) -> bool:
    # A proxy that ends TLS says so; who forges this only spoils a cookie of their own.
    return request.secure or request.headers.get("X-Forwarded-Proto") == "https"


def _name(request: web.Request) -> str:
    return f"__Host-{_COOKIE}" if is_secure(request) else _COOKIE
