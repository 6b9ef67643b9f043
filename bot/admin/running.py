"""Orders about the program itself: /pause, /resume, /reload, /stats, /audit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from bot.access.periods import Periods
from bot.access.quota import shown
from bot.admin.actor import Actor
from bot.admin.orders import PauseOrder
from bot.admin.report import Report
from bot.errors import ConfigError
from bot.rules import Rules
from bot.storage.audit import Audit, Outcome
from bot.storage.db import Also, Transaction
from bot.storage.ledger import Ledger
from bot.storage.pauses import Pauses
from bot.storage.people import People
from bot.storage.ratings import Ratings
from bot.storage.statistics import Statistics
from bot.texts import Key

_DAY_S = 86_400.0


class Running:
    def __init__(
        self,
        audit: Audit,
        pauses: Pauses,
        people: People,
        ledger: Ledger,
        statistics: Statistics,
        ratings: Ratings,
        rules: Rules,
        tell_others: Also,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`tell_others`: programs that share the database shall read the rules again, too."""
        self._audit = audit
        self._pauses = pauses
        self._people = people
        self._ledger = ledger
        self._statistics = statistics
        self._ratings = ratings
        self._rules = rules
        self._tell_others = tell_others
        self._clock = clock

    async def pause(self, actor: Actor, order: PauseOrder) -> str:
        async def change(transaction: Transaction) -> Outcome:
            pause = await self._pauses.begin_with(transaction, order.seconds, order.text)
            when = actor.until(pause.until, self._periods())
            return actor.outcome("", "pause_begun", when=when)

        return await self._audit.once(actor.act, change)

    async def resume(self, actor: Actor) -> str:
        async def change(transaction: Transaction) -> Outcome:
            was_on = await self._pauses.end_with(transaction)
            return actor.outcome("", "resumed" if was_on else "was_not_paused")

        return await self._audit.once(actor.act, change)

    async def reload(self, actor: Actor) -> str:
        """The file is read before it counts; one with a fault changes nothing."""

        async def change(transaction: Transaction) -> Outcome:
            try:
                # word lists may be long
                changes = await asyncio.to_thread(self._rules.reload)
            except ConfigError as error:
                return actor.refusal("", "reload_failed", fault=error)
            await self._tell_others(transaction)
            said = [
                actor.say("reload_nothing")
                if not changes.applied
                else actor.say("reload_applied", sections=_sections(changes.applied))
            ]
            if changes.need_restart:
                names = _sections(changes.need_restart)
                said.append(actor.say("reload_restart", sections=names))
            return Outcome("\n".join(said))

        return await self._audit.once(actor.act, change)

    async def stats(self, actor: Actor) -> Report:
        now, periods = self._clock(), self._periods()
        entries = await self._statistics.entries(now - _DAY_S)
        crowd = await self._people.crowd()
        today = await self._ledger.used(None, periods.start("day", now))
        month = await self._ledger.used(None, periods.start("month", now))
        thumbs = await self._ratings.tally(since=now - 30 * _DAY_S)
        pause = await self._pauses.now()
        values: dict[Key, object] = {
            "stats_people": crowd.people,
            "stats_active_today": crowd.active_today,
            "stats_active_lately": crowd.active_lately,
            "stats_groups": crowd.groups,
            "stats_banned": crowd.banned,
            "stats_new": entries.get("new", 0),
            "stats_waiting": entries.get("waiting", 0),
            "stats_answered": entries.get("answered", 0),
            "stats_failed": sum(entries.get(s, 0) for s in ("dead", "undeliverable", "expired")),
            "stats_thumbs": f"{thumbs.up} 👍, {thumbs.down} 👎",
            "stats_questions_today": today.questions,
            "stats_questions_month": month.questions,
            "stats_tokens_today": today.tokens,
            "stats_tokens_month": month.tokens,
            "stats_letters": await self._statistics.letters_waiting(),
            "stats_paused": "-" if pause is None else actor.until(pause.until, periods),
        }
        rows = [(actor.say(key), str(value)) for key, value in values.items()]
        return Report(actor.say("stats_title"), rows)

    async def audit(self, actor: Actor, lines: int) -> Report:
        """Newest first."""
        periods = self._periods()
        rows = [
            (periods.written(one.at), one.actor, shown(one.command), shown(one.outcome))
            for one in await self._audit.newest(lines)
        ]
        return Report(actor.say("audit_title" if rows else "audit_none"), rows)

    def _periods(self) -> Periods:
        return Periods(self._rules.now.quota.timezone)


def _sections(names: tuple[str, ...]) -> str:
    return ", ".join(f"[{name}]" for name in names)
