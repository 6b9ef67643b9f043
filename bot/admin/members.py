"""Orders about people: /role, /allow, /ban, /unban."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bot.access.names import Name
from bot.access.periods import Periods
from bot.access.quota import GivenRole
from bot.access.roles import ROLES, Role, configured_role, is_at_least
from bot.admin.actor import Actor, titled
from bot.admin.orders import BanOrder, RoleOrder
from bot.admin.report import Report
from bot.rules import Rules
from bot.storage.audit import Audit, Outcome
from bot.storage.db import Transaction
from bot.storage.people import FOR_EVER, Known, People
from bot.texts import Key


class Members:
    def __init__(
        self,
        people: People,
        audit: Audit,
        rules: Rules,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._people = people
        self._audit = audit
        self._rules = rules
        self._clock = clock

    async def set_role(self, actor: Actor, order: RoleOrder) -> str:
        async def change(transaction: Transaction) -> Outcome:
            return await self._give(transaction, actor, order.person, order.role)

        return await self._audit.once(actor.act, change)

    async def allow(self, actor: Actor, person: Name) -> str:
        """At least a member from now on; nobody loses a higher role by it."""

        async def change(transaction: Transaction) -> Outcome:
            known = await self._people.known_with(transaction, person.platform, person.id)
            role = self._role(person, known)
            if is_at_least(role, "member"):
                who, name = titled(person, known), actor.role_with_article(role)
                return actor.outcome(person, "role_has", who=who, role=name)
            return await self._give(transaction, actor, person, "member")

        return await self._audit.once(actor.act, change)

    async def ban(self, actor: Actor, order: BanOrder) -> str:
        person = order.person

        async def change(transaction: Transaction) -> Outcome:
            known = await self._people.known_with(transaction, person.platform, person.id)
            if (refusal := self._refusal(actor, person, known)) is not None:
                return refusal
            until = FOR_EVER if order.seconds is None else self._clock() + order.seconds
            await self._people.ban_with(
                transaction, person.platform, person.id, until, order.reason
            )
            when = actor.until(until, self._periods())
            return actor.outcome(person, "banned", who=titled(person, known), when=when)

        return await self._audit.once(actor.act, change)

    async def unban(self, actor: Actor, person: Name) -> str:
        async def change(transaction: Transaction) -> Outcome:
            known = await self._people.known_with(transaction, person.platform, person.id)
            if (refusal := self._refusal(actor, person, known)) is not None:
                return refusal
            lifted = await self._people.unban_with(transaction, person.platform, person.id)
            key: Key = "unbanned" if lifted else "not_banned"
            return actor.outcome(person, key, who=titled(person, known))

        return await self._audit.once(actor.act, change)

    async def roles(self, actor: Actor) -> Report:
        """Everybody above a guest, and who gave the role."""
        access = self._rules.now.access
        configured: dict[Role, Sequence[str]] = {
            "owner": access.owners,
            "admin": access.admins,
            "staff": access.staff,
        }
        rows = [
            (name, actor.role_name(role), "config.toml")
            for role, names in configured.items()
            for name in names
        ]
        given = await self._people.with_role()
        rows += [
            (titled(_name(one), one), actor.role_name(one.role or "guest"), "/role")
            for one in given
        ]
        return Report(actor.say("roles_title" if rows else "roles_none"), rows)

    async def bans(self, actor: Actor) -> Report:
        periods = self._periods()
        rows = [
            (titled(_name(one), one), actor.until(one.banned_until, periods), one.ban_reason)
            for one in await self._people.banned()
        ]
        return Report(actor.say("bans_title" if rows else "bans_none"), rows)

    async def _give(
        self, transaction: Transaction, actor: Actor, person: Name, role: GivenRole
    ) -> Outcome:
        known = await self._people.known_with(transaction, person.platform, person.id)
        who = titled(person, known)
        if (refusal := self._refusal(actor, person, known)) is not None:
            return refusal
        if role == "admin" and actor.role != "owner":
            return actor.refusal(person, "role_only_owner")
        configured = configured_role(self._rules.now.access, person.platform, person.id)
        if not is_at_least(role, configured):
            name = actor.role_with_article(configured)
            return actor.refusal(person, "role_in_config", who=who, role=name)
        await self._people.set_role_with(transaction, person.platform, person.id, role)
        key: Key = "role_given_banned" if known and known.is_banned(self._clock()) else "role_given"
        return actor.outcome(person, key, who=who, role=actor.role_with_article(role))

    def _refusal(self, actor: Actor, person: Name, known: Known | None) -> Outcome | None:
        """Owners can do everything to anybody but owners; admins to those below them."""
        role = self._role(person, known)
        if role == "owner" or (actor.role != "owner" and is_at_least(role, actor.role)):
            who, name = titled(person, known), actor.role_with_article(role)
            if actor.role == "owner":
                return actor.refusal(person, "owner_in_config", who=who)
            return actor.refusal(person, "too_high", who=who, role=name)
        return None

    def _role(self, person: Name, known: Known | None) -> Role:
        configured = configured_role(self._rules.now.access, person.platform, person.id)
        given = known.role if known and known.role else "guest"
        return max(configured, given, key=ROLES.index)

    def _periods(self) -> Periods:
        return Periods(self._rules.now.quota.timezone)


def _name(known: Known) -> Name:
    return Name(known.platform, known.id, "person")
