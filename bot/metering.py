"""Reserve before, settle after, whatever happens between: chats, page and API alike.

A reservation is kept under the number of its entry, so that reserving or settling twice, as after
a crash, changes nothing; that of a request to the API under the request's id.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bot import texts
from bot.access.periods import Periods
from bot.access.roles import Role, role_of_person
from bot.event import Event
from bot.rules import Rules
from bot.storage.db import Also
from bot.storage.inbox import Entry
from bot.storage.ledger import Account, Ledger, Now, Shortage, Standing
from bot.storage.people import People
from bot.texts import Key, Language

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refused:
    """The limit that leaves no room for one more question."""

    said: str  # value, limit, when it is free again; in the person's language
    retry_after_s: float | None = None  # until there is room; None: waiting alone brings none


class Meter:
    def __init__(
        self,
        ledger: Ledger,
        people: People,
        rules: Rules,
        *,
        default_language: Language = "zh",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._people = people
        self._rules = rules
        self._default_language = default_language
        self._clock = clock

    async def reserve(
        self, entry: Entry, *, tokens: int, also: Also | None = None
    ) -> Refused | None:
        """One question, and as many tokens as most questions take at most; `also` is written at
        the same stroke, whether or not there is room."""
        account = await self._account(entry.event)
        short = await self._ledger.reserve(
            entry.id, account, self._moment(), tokens=tokens, also=also
        )
        return self._refused(*self._of(entry), short, reserve=True)

    async def cover(self, entry: Entry, *, tokens: int) -> Refused | None:
        """Before the model reads it: as many tokens as this question really may take, if that is
        more than was reserved. So what is asked in parallel never uses more than there is."""
        account = await self._account(entry.event)
        short = await self._ledger.cover(
            entry.id, account, partial(moment, self._periods()), tokens=tokens
        )
        return self._refused(*self._of(entry), short)

    async def settle(
        self, entry_id: int, *, questions: int, tokens: int, also: Also | None = None
    ) -> None:
        """What it really took; 0 questions: it was not answered, and costs nothing. `also` is
        written at the same stroke.

        An answer that took more than was reserved, since the engine counted otherwise than it
        measured, is counted as it is: the limit may be passed by that difference, and by no more.
        """
        reserved = await self._ledger.settle(
            entry_id, questions=questions, tokens=tokens, also=also
        )
        if reserved is not None and tokens > reserved:
            log.warning("entry %s took %s tokens, reserved were %s", entry_id, tokens, reserved)

    async def reserve_call(
        self, call_id: str, person: str, *, tokens: int, language: Language | None = None
    ) -> Refused | None:
        """One question and so many tokens, for a request of the API by "platform:id". `call_id`:
        ours, never used before; a client's own would let it ask twice and pay once."""
        account = await self._account_of(*person.split(":", 1))
        short = await self._ledger.reserve_call(call_id, account, self._moment(), tokens=tokens)
        return self._refused(f"call {call_id}", language or self._default_language, short)

    async def settle_call(self, call_id: str, *, questions: int, tokens: int) -> None:
        """Like `settle`."""
        reserved = await self._ledger.settle_call(call_id, questions=questions, tokens=tokens)
        if reserved is not None and tokens > reserved:
            log.warning("call %s took %s tokens, reserved were %s", call_id, tokens, reserved)

    async def recover(self) -> None:
        """At the start: what a crash left reserved though its entry has ended, or its caller has
        nobody left to answer."""
        count = await self._ledger.recover() + await self._ledger.recover_calls()
        if count:
            log.info("settled %s reservations of an earlier run", count)

    def _refused(
        self, what: str, language: Language, short: Sequence[Shortage], *, reserve: bool = False
    ) -> Refused | None:
        """`what`: for the log."""
        if not short:
            return None
        worst = max(short, key=lambda one: self._free_at(one.standing))
        limit = worst.standing.limit
        log.info("%s: no room within %s %s", what, limit.amount, limit.name)
        after_s = None
        if worst.wanted <= worst.standing.allowed:
            after_s = max(0.0, self._free_at(worst.standing) - self._clock())
        return Refused(self._words(worst, language, reserve=reserve), after_s)

    def _of(self, entry: Entry) -> tuple[str, Language]:
        """How the log calls it, and what language its person reads."""
        return f"entry {entry.id}", texts.language_for(entry.event, self._default_language)

    async def _account(self, event: Event) -> Account:
        """The role is the person's, whoever's words they forward: they use, they give no orders."""
        platform, person = event.conversation.platform, event.person.id
        return await self._account_of(platform, person, _group(event))

    async def _account_of(self, platform: str, person: str, group: str | None = None) -> Account:
        role = await role_of_person(self._people, self._rules, platform, person)
        return account_of(self._rules, f"{platform}:{person}", role, group)

    def _moment(self) -> Now:
        return moment(self._periods(), self._clock())

    def _periods(self) -> Periods:
        return Periods(self._rules.now.quota.timezone)

    def _free_at(self, standing: Standing) -> float:
        return self._periods().end(standing.limit.period, self._clock())

    def _words(self, short: Shortage, language: Language, *, reserve: bool) -> str:
        standing = short.standing
        limit = standing.limit
        free_at = self._free_at(standing)
        return texts.say(
            _refusal(short, reserve=reserve),
            language,
            left=standing.left,
            limit=standing.allowed,
            wanted=short.wanted,
            used=standing.used,
            period=texts.say(_PERIODS[limit.period], language),
            when=self._periods().written(free_at, with_zone=True),
            hours=math.ceil((free_at - self._clock()) / 3600),
        )


def account_of(rules: Rules, person: str, role: Role, group: str | None = None) -> Account:
    """`person` and `group` are "platform:id"."""
    quota = rules.now.quota
    own = None if role == "owner" else quota.limits_of(role)
    return Account(person, role, group, own, quota.limits_of("group"))


def moment(periods: Periods, now: float) -> Now:
    return Now(now, {"day": periods.start("day", now), "month": periods.start("month", now)})


_PERIODS: dict[str, Key] = {"day": "for_today", "month": "for_this_month"}


def _refusal(short: Shortage, *, reserve: bool) -> Key:
    """`reserve`: any question would want as much, so that a shorter one helps nobody."""
    standing = short.standing
    in_group = standing.scope == "group"
    if not standing.allowed:
        return "refused_none_group" if in_group else "refused_none"
    if standing.limit.unit == "tokens" and reserve:
        if short.wanted > standing.allowed:
            return "refused_always_group" if in_group else "refused_always"
        return "refused_reserve_group" if in_group else "refused_reserve"
    if standing.limit.unit == "tokens" and short.wanted > standing.allowed:
        return "refused_never_group" if in_group else "refused_never"
    if standing.limit.unit == "tokens":
        return "refused_tokens_group" if in_group else "refused_tokens"
    if standing.allowed == 1:
        return "refused_question_group" if in_group else "refused_question"
    return "refused_questions_group" if in_group else "refused_questions"


def _group(event: Event) -> str | None:
    where = event.conversation
    return f"{where.platform}:{where.chat}" if event.group else None
