"""Orders about what people may use: /quota; and what is left of it: /usage."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from bot.access.names import Name, parse_name
from bot.access.periods import Periods
from bot.access.quota import EVERY_GROUP, GivenRole, Limit, Misread, Subject, Unit
from bot.access.roles import role_of_person
from bot.admin.actor import Actor, titled
from bot.admin.orders import QuotaOrder
from bot.admin.report import Report, Row
from bot.metering import account_of, moment
from bot.rules import Rules
from bot.storage.audit import Audit, Outcome
from bot.storage.db import Transaction
from bot.storage.ledger import Account, Ledger, Now, Standing
from bot.storage.people import People
from bot.texts import Key, Language, say

_Section = GivenRole | Literal["group"]

_ROLES: tuple[GivenRole, ...] = get_args(GivenRole)
_SECTIONS: tuple[_Section, ...] = (*_ROLES, "group")


class Quotas:
    def __init__(
        self,
        ledger: Ledger,
        people: People,
        audit: Audit,
        rules: Rules,
        *,
        question_tokens: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`question_tokens`: that every question reserves."""
        self._ledger = ledger
        self._people = people
        self._audit = audit
        self._rules = rules
        self._question_tokens = question_tokens
        self._clock = clock

    async def carry_out(self, actor: Actor, order: QuotaOrder) -> Report:
        if order.subject is None:
            return await self._overview(actor)
        if order.verb == "show":
            return await self._show(actor, order.subject)
        return Report(await self._change(actor, order, order.subject))

    async def usage(self, person: Name, group: Name | None, language: Language) -> Report:
        """What this person has used here, and how much is left."""
        role = await role_of_person(self._people, self._rules, person.platform, person.id)
        account = account_of(self._rules, str(person), role, str(group) if group else None)
        standings = await self._ledger.standings(account, self._moment())
        rows = [self._standing(one, language, here=True) for one in standings]
        if rows:
            return Report(say("usage_title", language), rows)
        return Report(say("usage_unlimited", language, **await self._used(account, language)))

    async def _overview(self, actor: Actor) -> Report:
        """What holds for the roles and groups, then for those who have limits of their own."""
        rows: list[Row] = []
        overrides = await self._ledger.overrides()
        sections = {_subject(whose): whose for whose in _SECTIONS}
        for subject, whose in sections.items():
            configured = self._rules.now.quota.limits_of(whose)
            own = [limit for one, limit in overrides if one == subject]
            held = {limit.name: limit for limit in [*configured, *own]}
            source = "config.toml"
            if own:
                source = actor.say("quota_instead", configured=_listed(actor, configured))
            title = await self._title(actor, subject)
            rows.append((title, _listed(actor, list(held.values())), source))
        for subject, limit in overrides:
            if subject not in sections:
                who = await self._title(actor, subject)
                rows.append((who, limit_text(limit, actor.language), "/quota"))
        return Report(actor.say("quota_title"), rows)

    async def _show(self, actor: Actor, subject: Subject) -> Report:
        who = await self._title(actor, subject)
        if subject.scope == "role" or subject.name == EVERY_GROUP:
            configured = self._rules.now.quota.limits_of(_section(subject))
            own = dict(await self._overrides_by_name(subject))
            held = {limit.name: limit for limit in configured} | own
            rows: list[Row] = [(limit_text(limit, actor.language),) for limit in held.values()]
            return Report(actor.say("quota_of" if rows else "quota_of_none", who=who), rows)
        account = await self._account(subject)
        standings = await self._ledger.standings(account, self._moment())
        scope = "group" if subject.scope == "group" else "person"
        mine = [self._standing(one, actor.language) for one in standings if one.scope == scope]
        if mine:
            return Report(actor.say("quota_of", who=who), mine)
        if scope == "group":
            return Report(actor.say("quota_of_none", who=who))
        used = await self._used(account, actor.language)
        return Report(actor.say("quota_of_unlimited", who=who, **used))

    async def _change(self, actor: Actor, order: QuotaOrder, subject: Subject) -> str:
        who = await self._title(actor, subject)
        if subject.scope != "person" and order.verb != "reset":  # it begins a sentence
            who = who[:1].upper() + who[1:]
        if subject.scope == "person":
            person = parse_name(subject.name)
            role = await role_of_person(self._people, self._rules, person.platform, person.id)
            if role == "owner":
                raise Misread("role_owner_unlimited")

        async def change(transaction: Transaction) -> Outcome:
            return await self._write(transaction, actor, order, subject, who)

        return await self._audit.once(actor.act, change)

    async def _write(
        self, transaction: Transaction, actor: Actor, order: QuotaOrder, subject: Subject, who: str
    ) -> Outcome:
        if order.verb == "reset":
            await self._ledger.reset_with(transaction, subject, self._clock())
            return actor.outcome(subject.name, "quota_was_reset", who=who)
        if order.amount is not None:
            await self._ledger.give_with(transaction, subject, order.amount, self._clock())
            given = amount_text(order.amount.amount, order.amount.unit, actor.language)
            return actor.outcome(subject.name, "quota_given", who=who, given=given)
        if order.limit is not None:
            await self._ledger.set_with(transaction, subject, order.limit)
            written = limit_text(order.limit, actor.language)
            said = actor.say("quota_was_set", who=who, limit=written)
            return Outcome(said + self._warning(actor, order.limit), subject.name)
        count = await self._ledger.unset_with(transaction, subject, order.only)
        key: Key = "quota_default" if count else "quota_was_default"
        return actor.outcome(subject.name, key, who=who)

    def _warning(self, actor: Actor, limit: Limit) -> str:
        """Nobody could ask with fewer tokens than one question reserves; 0 says so by itself."""
        reserved = self._question_tokens
        if limit.unit != "tokens" or not limit.amount or limit.amount >= reserved:
            return ""
        note = actor.say("quota_too_small", amount=limit.amount, reserved=reserved)
        return f"\n{note}"

    async def _overrides_by_name(self, subject: Subject) -> list[tuple[str, Limit]]:
        return [(limit.name, limit) for _, limit in await self._ledger.overrides(subject)]

    async def _account(self, subject: Subject) -> Account:
        if subject.scope == "group":
            return account_of(self._rules, "", "guest", subject.name)
        person = parse_name(subject.name)
        role = await role_of_person(self._people, self._rules, person.platform, person.id)
        return account_of(self._rules, subject.name, role)

    async def _title(self, actor: Actor, subject: Subject) -> str:
        if subject.scope == "role":
            return actor.say("every_one", role=actor.role_name(_role(subject)))
        if subject.name == EVERY_GROUP:
            return actor.say("every_group")
        if subject.scope == "group":
            return actor.say("the_group", name=subject.name)
        person = parse_name(subject.name)
        return titled(person, await self._people.known(person.platform, person.id))

    async def _used(self, account: Account, language: Language) -> dict[str, str]:
        since = self._periods().start("month", self._clock())
        used = await self._ledger.used(account.person, since)
        units: tuple[Unit, ...] = get_args(Unit)
        return {unit: amount_text(used.of(unit), unit, language) for unit in units}

    def _standing(self, one: Standing, language: Language, *, here: bool = False) -> Row:
        """`here`: to somebody who sees their own limits beside those of the group."""
        free_at = self._periods().end(one.limit.period, self._clock())
        limit = limit_text(one.limit, language)
        given = say("usage_given", language, given=one.given) if one.given else ""
        in_group = here and one.scope == "group"
        return (
            say("usage_group", language, limit=limit) if in_group else limit,
            say("usage_used", language, used=one.used, allowed=one.allowed) + given,
            say("usage_left", language, left=one.left),
            say("usage_again", language, when=self._periods().written(free_at)),
        )

    def _moment(self) -> Now:
        return moment(self._periods(), self._clock())

    def _periods(self) -> Periods:
        return Periods(self._rules.now.quota.timezone)


def limit_text(limit: Limit, language: Language) -> str:
    """As it could be typed: "50 questions/day"."""
    period: Key = "period_day" if limit.period == "day" else "period_month"
    return f"{amount_text(limit.amount, limit.unit, language)}/{say(period, language)}"


def amount_text(amount: int | None, unit: Unit, language: Language) -> str:
    if amount is None:
        return say("unlimited_questions" if unit == "questions" else "unlimited_tokens", language)
    name: Key = "unit_tokens"
    if unit == "questions":
        name = "unit_question" if amount == 1 else "unit_questions"
    return f"{amount} {say(name, language)}"


def _listed(actor: Actor, limits: Sequence[Limit]) -> str:
    return ", ".join(limit_text(one, actor.language) for one in limits) or actor.say("no_limits")


def _subject(whose: _Section) -> Subject:
    return Subject("group", EVERY_GROUP) if whose == "group" else Subject("role", whose)


def _role(subject: Subject) -> GivenRole:
    """Of a subject that is a role."""
    return next(role for role in _ROLES if role == subject.name)


def _section(subject: Subject) -> _Section:
    return "group" if subject.scope == "group" else _role(subject)
