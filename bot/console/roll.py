"""People and what they may use, for the operator's page: searched, a page of them at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, get_args

from bot.access.periods import Periods
from bot.access.quota import EVERY_GROUP, GivenRole, Limit, Subject
from bot.access.roles import ROLES, configured_role
from bot.metering import account_of, moment
from bot.rules import Rules
from bot.storage.ledger import Ledger, Standing
from bot.storage.people import FOR_EVER, Known, People

_PAGE = 20
_ROLES: tuple[GivenRole, ...] = get_args(GivenRole)


class Roll:
    def __init__(
        self,
        people: People,
        ledger: Ledger,
        rules: Rules,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._people = people
        self._ledger = ledger
        self._rules = rules
        self._clock = clock

    async def render_people(self, words: str, after: int) -> dict[str, Any]:
        """Whose name or id has these words in it; `after`: so many are passed over."""
        found = await self._people.found(words, limit=_PAGE + 1, after=after)
        return {
            "people": [await self._render_person(one) for one in found[:_PAGE]],
            "more": len(found) > _PAGE,
        }

    async def render_limits(self) -> list[dict[str, Any]]:
        """What every guest, member ... and every group may use."""
        changed = await self._ledger.overrides()
        quota = self._rules.now.quota
        rows = [
            _render_common(f"role:{role}", quota.limits_of(role), changed, Subject("role", role))
            for role in _ROLES
        ]
        everywhere = Subject("group", EVERY_GROUP)
        return [*rows, _render_common("groups", quota.limits_of("group"), changed, everywhere)]

    async def _render_person(self, known: Known) -> dict[str, Any]:
        now, rules = self._clock(), self._rules
        configured = configured_role(rules.now.access, known.platform, known.id)
        role = max(configured, known.role or "guest", key=ROLES.index)
        name, periods = f"{known.platform}:{known.id}", Periods(rules.now.quota.timezone)
        account = account_of(rules, name, role)
        standings = await self._ledger.standings(account, moment(periods, now))
        used = await self._ledger.used(name, periods.start("day", now))
        banned = known.banned_until if known.is_banned(now) else None
        return {
            "who": name,
            "name": known.name,
            "role": role,
            "configured_role": configured,
            "is_banned": banned is not None,
            "banned_until": None if banned is None or banned >= FOR_EVER else banned,
            "last_seen": known.last_seen,
            "used_today": asdict(used),
            "limits": [_render_standing(one) for one in standings],
        }


def _render_standing(one: Standing) -> dict[str, Any]:
    limit = one.limit
    return _render_limit(limit) | {"used": one.used, "given": one.given, "allowed": one.allowed}


def _render_common(
    who: str,
    configured: Sequence[Limit],
    changed: Sequence[tuple[Subject, Limit]],
    subject: Subject,
) -> dict[str, Any]:
    own = {limit.name: limit for of, limit in changed if of == subject}
    held = {limit.name: limit for limit in configured} | own
    return {"who": who, "limits": [_render_limit(limit) for limit in held.values()]}


def _render_limit(limit: Limit) -> dict[str, Any]:
    return {"amount": limit.amount, "unit": limit.unit, "period": limit.period}
