"""Who may see the operator's page: whoever opens a link that the machine made, or an admin whom
the page's own sign-in knows. That somebody comes over loopback proves nothing: behind a reverse
proxy everybody does.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from bot.access.roles import Role, is_at_least, role_of_person
from bot.console.errors import Shut
from bot.platforms.web.visitor import check_csrf, is_secure
from bot.rules import Rules
from bot.storage.people import People
from bot.storage.sessions import Session, Sessions

# The person, "web:ann", whom a reverse proxy has signed in; None: nobody.
Who = Callable[[web.Request], Awaitable[str | None]]

MACHINE = "machine:"  # before the user who made a link; whoever may run the program is an owner

_LASTS_S = 12 * 3600.0
_TRUSTED_S = 5.0  # so long a look at the numbers believes the last answer of the database
_MOST_TRUSTED = 64
_COOKIE = "visionbot-admin"


@dataclass(frozen=True, slots=True)
class Visitor:
    person: str
    role: Role
    csrf: str
    expires_at: float


class Entry:
    def __init__(
        self,
        sessions: Sessions,
        people: People,
        rules: Rules,
        who: Who,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sessions = sessions
        self._people = people
        self._rules = rules
        self._who = who
        self._clock = clock
        self._trusted: OrderedDict[str, tuple[float, Visitor]] = OrderedDict()  # by token; until

    async def enter(self, request: web.Request, code: str) -> tuple[str, Visitor]:
        """By the code of a link; without one as the admin who is signed in. The token of a new
        session, for `remember`."""
        if code:
            token = await self._sessions.redeem(code, "console", lasts_s=_LASTS_S)
            if token is None:
                raise Shut("console_link_used")
        else:
            person = await self._who(request)
            if person is None:
                raise Shut("console_no_entry")
            await self._role(person)
            token = await self._sessions.begin(person, "console", lasts_s=_LASTS_S)
        await self._end(_token(request))  # the one before is worth nothing any more
        return token, await self._look(request, token)

    async def admit(self, request: web.Request) -> Visitor:
        """To look. Raises Shut."""
        token = _token(request)
        until, visitor = self._trusted.get(token, (0.0, None))
        if visitor is not None and self._clock() < min(until, visitor.expires_at):
            return visitor
        visitor = await self._look(request, token)
        self._trusted[token] = self._clock() + _TRUSTED_S, visitor
        if len(self._trusted) > _MOST_TRUSTED:
            self._trusted.popitem(last=False)
        return visitor

    async def admit_change(self, request: web.Request) -> Visitor:
        """To change something: asked of the database each time, and with the token that our own
        page alone can read. Raises Shut, PageError."""
        visitor = await self._look(request, _token(request))
        check_csrf(request, visitor.csrf)
        return visitor

    async def leave(self, request: web.Request, response: web.Response) -> None:
        await self._end(_token(request))
        response.del_cookie(
            _cookie(request),
            path="/",
            secure=is_secure(request),
            httponly=True,
            samesite="Strict",
        )

    def remember(self, request: web.Request, response: web.Response, token: str) -> None:
        response.set_cookie(
            _cookie(request),
            token,
            max_age=int(_LASTS_S),
            path="/",
            secure=is_secure(request),
            httponly=True,
            samesite="Strict",
        )

    async def _end(self, token: str) -> None:
        self._trusted.pop(token, None)
        await self._sessions.end(token)

    async def _look(self, request: web.Request, token: str) -> Visitor:
        session = await self._sessions.find(token, "console")
        if session is None:
            raise Shut("console_no_entry")
        role = await self._role_in(request, session)
        return Visitor(session.person, role, session.csrf, session.expires_at)

    async def _role_in(self, request: web.Request, session: Session) -> Role:
        if session.person.startswith(MACHINE):
            return "owner"
        if await self._who(request) != session.person:  # signed out there, or somebody else now
            raise Shut("console_no_entry")
        return await self._role(session.person)

    async def _role(self, person: str) -> Role:
        platform, _, id_ = person.partition(":")
        role = await role_of_person(self._people, self._rules, platform, id_)
        if not is_at_least(role, "admin"):
            raise Shut("console_not_admin")
        return role


def _token(request: web.Request) -> str:
    return request.cookies.get(_cookie(request), "")


def _cookie(request: web.Request) -> str:
    """With the prefix no other name and no plain connection can plant one of the same name; but
    browsers take it over TLS alone."""
    return f"__Host-{_COOKIE}" if is_secure(request) else _COOKIE
