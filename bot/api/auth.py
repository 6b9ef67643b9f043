"""Who makes a request to the API: a key, or who sits at this machine; and whether they may.

What is wrong with a key is never said, and finding out takes the same work every time.
"""

from __future__ import annotations

import hmac
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from aiohttp import web

from bot.access.roles import is_at_least, role_of_person
from bot.api.access import CALLER
from bot.api.addresses import (
    Network,
    client_address,
    household,
    is_foreign,
    is_forwarded,
    is_loopback,
    is_own_name,
)
from bot.api.caller import LOCAL, PLATFORM, Caller
from bot.api.errors import ApiError
from bot.api.rates import LockOuts, Rate, Rates
from bot.api.secret import is_ours, parse_token
from bot.api.section import ApiSection
from bot.errors import ConfigError
from bot.rules import Rules
from bot.storage.keys import Key, Keys
from bot.storage.pauses import Pauses
from bot.storage.people import Known, People

_NO_DIGEST = "0" * 64
_MOST_FAMILIAR = 1000
_PAUSED_S = 60.0  # when to ask again in a pause without an end
_RATE = web.RequestKey("rate", Rate)


async def check_exposure(section: ApiSection, keys: Keys, host: str) -> None:
    """Raises ConfigError where anybody could come and nobody has a key."""
    if section.enabled and not is_loopback(host) and not await keys.count():
        raise ConfigError(
            f"[web] host is {host}, where others can reach the API, but there is no API key yet;"
            " make one with 'visionbot admin keys create NAME', or set [api] enabled = false,"
            " or [web] host = '127.0.0.1'"
        )


class Gate:
    def __init__(
        self,
        section: ApiSection,
        keys: Keys,
        people: People,
        pauses: Pauses,
        rules: Rules,
        *,
        listening_on: str,
        trusted: Sequence[Network] = (),
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`trusted`: proxies whose word on addresses counts. `now`: seconds since 1970."""
        self._section = section
        self._keys = keys
        self._people = people
        self._pauses = pauses
        self._rules = rules
        self._listening_on = listening_on
        self._trusted = trusted
        self._now = now
        self._rates = Rates(clock)
        self._lock_outs = LockOuts(clock)
        self._familiar: OrderedDict[str, None] = OrderedDict()  # digests that were right before

    async def admit(self, request: web.Request) -> Caller:
        """Once for each request. Raises ApiError: 401, 403, 429, and 503 in a pause."""
        token = _token_of(request)
        if self._needs_no_key(request) and not is_ours(token):
            self._refuse_foreign(request)  # clients must send some key, and here any will do
            caller = Caller(LOCAL)
        elif token:
            key = await self._known(token, household(client_address(request, self._trusted)))
            caller = request[CALLER] = Caller(key.id, key.name, frozenset(key.models))
            self._count(request, key)
        else:
            raise ApiError("api_no_key")
        request[CALLER] = caller  # for the log
        await self._refuse_shut_out(caller, await self._people.come(PLATFORM, caller.id))
        if request.method == "POST":  # which asks the model
            await self._refuse_paused()
        return caller

    def _needs_no_key(self, request: web.Request) -> bool:
        """Only who comes to a loopback address himself; behind a proxy could be anybody."""
        return (
            self._section.needs_key == "auto"
            and is_loopback(self._listening_on)
            and is_loopback(request.remote or "")
            and not self._trusted
            and not is_forwarded(request)
        )

    def _refuse_foreign(self, request: web.Request) -> None:
        """A browser on this machine shows pages of strangers, and those can send requests too."""
        if not is_own_name(request, self._listening_on):
            raise ApiError("api_foreign_host")
        if is_foreign(request, self._section.cors_origins):
            raise ApiError("api_foreign_page")

    async def _known(self, written: str, address: str) -> Key:
        token = parse_token(written)
        given = token.digest
        # Who was right before is let through: behind a proxy all may have the same address.
        is_familiar = given in self._familiar
        wait_s = 0.0 if is_familiar else self._lock_outs.left_s(address)
        if wait_s:
            raise ApiError("api_locked_out", retry_after_s=wait_s, seconds=math.ceil(wait_s))
        key = await self._keys.find(token.id)
        expected = key.digest if key else _NO_DIGEST
        is_right = hmac.compare_digest(given.encode(), expected.encode())
        if not is_right or key is None or key.revoked_at is not None:
            self._familiar.pop(given, None)
            self._lock_outs.failed(address)
            raise ApiError("api_wrong_key")
        self._remember(given)
        if not is_familiar:
            self._lock_outs.succeeded(address)
        return key

    def _remember(self, digest: str) -> None:
        self._familiar[digest] = None
        self._familiar.move_to_end(digest)
        if len(self._familiar) > _MOST_FAMILIAR:
            self._familiar.popitem(last=False)

    def _count(self, request: web.Request, key: Key) -> None:
        own = key.per_minute
        limit = self._section.requests_per_minute if own is None else own
        if not limit:
            return
        rate = request[_RATE] = self._rates.count(key.id, limit)
        if not rate.fits:
            seconds = math.ceil(rate.free_in_s)
            raise ApiError(
                "api_too_often", retry_after_s=rate.free_in_s, limit=limit, seconds=seconds
            )

    async def _refuse_shut_out(self, caller: Caller, known: Known | None) -> None:
        if known is not None and known.is_banned(self._now()):
            reason = f" ({known.ban_reason})" if known.ban_reason else ""
            raise ApiError("api_banned", who=caller.person, reason=reason)
        if self._rules.now.access.who == "members":
            role = await role_of_person(self._people, self._rules, PLATFORM, caller.id)
            if not is_at_least(role, "member"):
                raise ApiError("api_members_only", who=caller.person)

    async def _refuse_paused(self) -> None:
        pause = await self._pauses.now()
        if pause is not None:
            left_s = _PAUSED_S if pause.until is None else max(1.0, pause.until - self._now())
            raise ApiError("api_paused", retry_after_s=left_s, seconds=math.ceil(left_s))


async def add_rate_headers(request: web.Request, response: web.StreamResponse) -> None:
    """How the caller stands, as OpenAI's API tells it."""
    rate = request.get(_RATE)
    if rate is not None:
        response.headers["X-RateLimit-Limit-Requests"] = str(rate.limit)
        response.headers["X-RateLimit-Remaining-Requests"] = str(rate.left)
        response.headers["X-RateLimit-Reset-Requests"] = f"{rate.free_in_s:.3f}s"


def _token_of(request: web.Request) -> str:
    """Empty: none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("X-API-Key", "").strip()
