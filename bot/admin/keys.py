"""Orders about keys of the API: create, list, revoke. A key's secret is shown once and not kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.access.names import Name
from bot.access.periods import Periods
from bot.access.quota import Limit, Misread, Subject, shown
from bot.admin.actor import Actor, titled
from bot.admin.quotas import limit_text
from bot.admin.report import Report, Row
from bot.api.caller import PLATFORM
from bot.api.secret import new_token
from bot.rules import Rules
from bot.storage.audit import Audit, Outcome
from bot.storage.db import Transaction
from bot.storage.keys import Key, Keys
from bot.storage.ledger import Ledger
from bot.storage.people import Known, People

_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """What a new key may do; None: as configured."""

    name: str
    tokens_per_day: int | None = None
    per_minute: int | None = None
    models: Sequence[str] = ()  # empty: all


class KeyDesk:
    def __init__(
        self, keys: Keys, people: People, ledger: Ledger, audit: Audit, rules: Rules
    ) -> None:
        self._keys = keys
        self._people = people
        self._ledger = ledger
        self._audit = audit
        self._rules = rules

    async def create(self, actor: Actor, order: KeyOrder) -> str:
        """The key stands alone in the last line. Raises Misread."""
        name = " ".join(order.name.split())
        if not (0 < len(name) <= _LONGEST_NAME and name.isprintable()):
            raise Misread("key_name", given=shown(order.name), limit=_LONGEST_NAME)
        token = new_token()
        key = Key(token.id, name, token.digest, tuple(order.models), order.per_minute)

        async def change(transaction: Transaction) -> Outcome:
            await self._keys.add_with(transaction, key)
            await self._people.add_with(transaction, PLATFORM, key.id, name, "member")
            if order.tokens_per_day is not None:
                limit = Limit(order.tokens_per_day, "tokens", "day")
                await self._ledger.set_with(transaction, _subject(key), limit)
            return actor.outcome(_person(key), "key_made", who=_titled(key))

        said = await self._audit.once(actor.act, change)
        return f"{said}\n{token}"

    async def all(self, actor: Actor) -> Report:
        keys = await self._keys.all()
        if not keys:
            return Report(actor.say("keys_none"))
        return Report(actor.say("keys_title"), [await self._row(actor, key) for key in keys])

    async def revoke(self, actor: Actor, id_: str) -> str:
        """`id_`: with or without "api:"."""
        id_ = id_.strip().removeprefix(f"{PLATFORM}:")
        key = await self._keys.find(id_)

        async def change(transaction: Transaction) -> Outcome:
            if key is None:
                return actor.refusal("", "key_unknown", given=shown(id_))
            if not await self._keys.revoke_with(transaction, key.id):
                return actor.outcome(_person(key), "key_was_revoked", who=_titled(key))
            return actor.outcome(_person(key), "key_revoked", who=_titled(key))

        return await self._audit.once(actor.act, change)

    async def _row(self, actor: Actor, key: Key) -> Row:
        periods = Periods(self._rules.now.quota.timezone)
        made = actor.say("key_made_on", when=periods.written(key.created_at))
        used = actor.say("key_never_used")
        if key.last_used_at is not None:
            used = actor.say("key_used_on", when=periods.written(key.last_used_at))
        if key.revoked_at is not None:
            used = actor.say("key_revoked_on", when=periods.written(key.revoked_at))
        return (key.id, key.name, made, used, await self._bounds(actor, key))

    async def _bounds(self, actor: Actor, key: Key) -> str:
        """What this key has otherwise than others."""
        limits = await self._ledger.overrides(_subject(key))
        bounds = [limit_text(limit, actor.language) for _, limit in limits]
        if key.per_minute is not None:
            amount = key.per_minute or actor.say("key_unlimited")
            bounds.append(actor.say("key_per_minute", amount=amount))
        return ", ".join([*bounds, *key.models])


def _person(key: Key) -> Name:
    return Name(PLATFORM, key.id, "person")


def _subject(key: Key) -> Subject:
    return Subject("person", str(_person(key)))


def _titled(key: Key) -> str:
    return titled(_person(key), Known(PLATFORM, key.id, key.name))
