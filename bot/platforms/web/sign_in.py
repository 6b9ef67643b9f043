"""Who is asking: whoever has our cookie, whoever knows the access code, or whom a proxy names."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from aiohttp import web
from pydantic import SecretStr

from bot.api.addresses import Network, client_address, household, parse_address
from bot.platforms.web.errors import PageError
from bot.platforms.web.lockout import Lockout
from bot.platforms.web.section import SHORT_CODE, WebSection
from bot.platforms.web.visitor import (
    cookie_of,
    drop_cookie,
    new_visitor,
    set_cookie,
    visitor_of,
)

log = logging.getLogger(__name__)

_YEAR_S = 365 * 24 * 3600.0
_DAY_S = 24 * 3600.0
_LONGEST_NAME = 128
_PLATFORM = "web:"  # before the id of a person, as sessions and commands have it


@dataclass(frozen=True, slots=True)
class Who:
    """Whose talk it is. `csrf` is what their own page has to repeat to change something."""

    id: str
    name: str
    csrf: str


class SignIn(Protocol):
    @property
    def way(self) -> Literal["open", "code", "proxy"]: ...

    async def who(self, request: web.Request) -> Who:
        """Raises PageError where nobody is signed in."""

    async def greet(self, request: web.Request, response: web.Response) -> Who:
        """The same for the page's first call, which may give or renew a cookie."""

    async def enter(self, request: web.Request, response: web.Response, code: str) -> None:
        """Raises PageError."""

    async def leave(self, request: web.Request, response: web.Response) -> None:
        """Nobody is signed in any more; nothing changes where nobody can sign in."""


class Session(Protocol):
    @property
    def person(self) -> str: ...
    @property
    def csrf(self) -> str: ...


class Sessions(Protocol):
    """Who is signed in, as it is kept; a `person` is "web:id"."""

    async def begin(self, person: str, kind: Literal["page"], *, lasts_s: float) -> str: ...

    async def find(self, token: str, kind: Literal["page"]) -> Session | None: ...

    async def prolong(self, token: str, *, lasts_s: float) -> None: ...

    async def end(self, token: str) -> None: ...


def make_sign_in(section: WebSection, sessions: Sessions, lockout: Lockout) -> SignIn:
    proxies = [ipaddress.ip_network(text) for text in section.trusted_proxies]
    match section.way:
        case "code":
            lasts_s = section.session_days * _DAY_S
            return ByCode(section.access_code, sessions, lockout, proxies, lasts_s=lasts_s)
        case "proxy":
            return ByProxy(section.user_header, proxies)
        case _:
            return Open()


class Open:
    """Everybody who reaches us; each browser is a person of its own."""

    way: Literal["open"] = "open"

    async def who(self, request: web.Request) -> Who:
        visitor = visitor_of(request)
        if visitor is None:
            raise PageError("no_visitor")
        return Who(visitor.id, _named(visitor.id), visitor.csrf)

    async def greet(self, request: web.Request, response: web.Response) -> Who:
        visitor = visitor_of(request) or new_visitor()
        set_cookie(request, response, visitor.secret, _YEAR_S)
        return Who(visitor.id, _named(visitor.id), visitor.csrf)

    async def enter(self, request: web.Request, response: web.Response, code: str) -> None:
        raise PageError("no_code_here")

    async def leave(self, request: web.Request, response: web.Response) -> None:
        raise PageError("no_code_here")


class ByCode:
    """Whoever knows the organisation's one access code; each browser is a person of its own."""

    way: Literal["code"] = "code"

    def __init__(
        self,
        code: SecretStr,
        sessions: Sessions,
        lockout: Lockout,
        proxies: Sequence[Network],
        *,
        lasts_s: float,
    ) -> None:
        self._code = code.get_secret_value().encode()
        self._sessions = sessions
        self._lockout = lockout
        self._proxies = proxies
        self._lasts_s = lasts_s
        if len(code.get_secret_value()) < SHORT_CODE:
            log.warning(
                "the access code is short; at least %s characters are hard to guess", SHORT_CODE
            )

    async def who(self, request: web.Request) -> Who:
        session = await self._sessions.find(cookie_of(request), "page")
        if session is None:
            raise PageError("signed_out")
        person = session.person.removeprefix(_PLATFORM)
        return Who(person, _named(person), session.csrf)

    async def greet(self, request: web.Request, response: web.Response) -> Who:
        """Who comes back in time need not type the code again."""
        who = await self.who(request)
        await self._sessions.prolong(cookie_of(request), lasts_s=self._lasts_s)
        set_cookie(request, response, cookie_of(request), self._lasts_s)
        return who

    async def enter(self, request: web.Request, response: web.Response, code: str) -> None:
        address = household(client_address(request, self._proxies))
        if seconds := self._lockout.wait_s(address):
            raise PageError("locked", seconds=seconds)
        if not hmac.compare_digest(code.strip().encode("utf-8", "replace"), self._code):
            self._lockout.failed(address)
            log.warning("a wrong access code from %s", address)
            raise PageError("wrong_code")
        self._lockout.passed(address)
        person = await self._person(request)
        token = await self._sessions.begin(person, "page", lasts_s=self._lasts_s)
        await self._sessions.end(cookie_of(request))
        set_cookie(request, response, token, self._lasts_s)

    async def leave(self, request: web.Request, response: web.Response) -> None:
        await self._sessions.end(cookie_of(request))
        drop_cookie(request, response)

    async def _person(self, request: web.Request) -> str:
        """Who is signed in already, as in another window, or had a talk here before the code was
        asked for goes on with that talk."""
        session = await self._sessions.find(cookie_of(request), "page")
        if session is not None:
            return session.person
        return f"{_PLATFORM}{(visitor_of(request) or new_visitor()).id}"


class ByProxy:
    """Whom a reverse proxy names; the same person on two devices has one talk."""

    way: Literal["proxy"] = "proxy"

    def __init__(self, header: str, proxies: Sequence[Network]) -> None:
        self._header = header
        self._proxies = proxies

    async def who(self, request: web.Request) -> Who:
        visitor = visitor_of(request)
        name = self._name(request)
        return Who(name, name, visitor.csrf if visitor else "")

    async def greet(self, request: web.Request, response: web.Response) -> Who:
        """The cookie only proves that it is our own page that asks."""
        name = self._name(request)
        visitor = visitor_of(request) or new_visitor()
        set_cookie(request, response, visitor.secret, _YEAR_S)
        return Who(name, name, visitor.csrf)

    async def enter(self, request: web.Request, response: web.Response, code: str) -> None:
        raise PageError("no_code_here")

    async def leave(self, request: web.Request, response: web.Response) -> None:
        raise PageError("no_code_here")

    def _name(self, request: web.Request) -> str:
        peer = parse_address(request.remote or "")
        if peer is None or not any(peer in network for network in self._proxies):
            log.info("%s is no trusted proxy; what it says of a person is not believed", peer)
            raise PageError("no_header")
        names = request.headers.getall(self._header, [])
        name = unicodedata.normalize("NFC", names[0]).strip() if len(names) == 1 else ""
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable() or " " in name:
            log.warning(
                "%s came %s times and holds no name without blanks, by which commands could call"
                " a person; choose another user_header",
                *(self._header, len(names)),
            )
            raise PageError("no_header")
        return name


def _named(person: str) -> str:
    """As staff read it: visitors give no name."""
    return f"web {person[:6]}"
