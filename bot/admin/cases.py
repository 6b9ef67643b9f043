"""Orders about cases: /cases, /case, /approve, /reject; and /appeal, which everybody has."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.access.periods import Periods
from bot.admin.actor import Actor
from bot.admin.casenews import CaseNews, name_of, what_happened, who_with
from bot.admin.members import Members
from bot.admin.orders import BanOrder, CaseOrder, CasesOrder, DecisionOrder
from bot.admin.report import Report
from bot.event import Conversation
from bot.rules import Rules
from bot.storage.audit import Act, Audit, Outcome
from bot.storage.blocked import BlockedPictures
from bot.storage.cases import Case, Cases, State
from bot.storage.db import Database, Transaction
from bot.storage.outbox import Letter, Outbox
from bot.storage.people import People
from bot.texts import Key, Language, say

_MOST_LISTED = 30
STATES: dict[State, Key] = {
    "open": "case_state_open",
    "approved": "case_state_approved",
    "rejected": "case_state_rejected",
}


class CaseDesk:
    def __init__(
        self,
        db: Database,
        people: People,
        audit: Audit,
        outbox: Outbox,
        members: Members,
        rules: Rules,
        *,
        default_language: Language,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._cases = Cases(db, clock=clock)
        self._blocked = BlockedPictures(db, clock=clock)
        self._people = people
        self._audit = audit
        self._outbox = outbox
        self._members = members
        self._rules = rules
        self._news = CaseNews(self._cases, people, outbox, rules, default_language)

    async def find(self, number: int) -> Case | None:
        return await self._cases.case(number)

    async def list(self, actor: Actor, order: CasesOrder) -> Report:
        person = str(order.person) if order.person else ""
        found, count = await self._cases.listed(
            state="open" if order.open_only else None, person=person, limit=_MOST_LISTED
        )
        if not found:
            return Report(actor.say("cases_none"))
        title = actor.say("cases_open" if order.open_only else "cases_all", count=count)
        rows = [await self._row(case, actor) for case in found]
        if more := count - len(found):
            rows.append((actor.say("cases_more", count=more), "", "", "", "", ""))
        return Report(title, rows)

    async def show(self, actor: Actor, number: int) -> Report:
        case = await self._cases.case(number)
        if case is None:
            return Report(actor.say("case_none", number=number))
        what = what_happened(case.facts, actor.language)
        values = await self._details(case, actor)
        rows = [(actor.say(key), value) for key, value in values.items() if value]
        return Report(actor.say("case_title", number=case.id, what=what), rows)

    async def block(self, actor: Actor, order: CaseOrder) -> str:
        """The person of the case is shut out, as /ban does it."""
        case = await self._cases.case(order.number)
        if case is None:
            return actor.say("case_none", number=order.number)
        name = name_of(case.facts)
        if case.facts.home is None:
            key = name.id.partition(":")[0]
            return actor.say("case_of_the_api", number=case.id, id=key)
        reason = say("case_ban_reason", case.facts.language, number=case.id)
        return await self._members.ban(actor, BanOrder(name, order.seconds, reason))

    async def block_picture(self, actor: Actor, number: int) -> str:
        """These very pixels are blocked from now on, whoever sends them."""

        async def change(transaction: Transaction) -> Outcome:
            case = await self._cases.case_with(transaction, number)
            if case is None:
                return actor.refusal("", "case_none", number=number)
            if not case.facts.picture:
                return actor.refusal(case.facts.person, "case_without_picture", number=number)
            who, why = actor.act.actor, f"case {number}"
            kept = await self._blocked.block_with(
                transaction, case.facts.picture, b"", who=who, why=why
            )
            if kept is None:
                return actor.refusal(case.facts.person, "case_picture_no_room")
            return actor.outcome(case.facts.person, "case_picture_blocked", number=number)

        return await self._audit.once(actor.act, change)

    async def decide(self, actor: Actor, order: DecisionOrder, state: State) -> str:
        """Whoever decides again changes the decision."""

        async def change(transaction: Transaction) -> Outcome:
            case = await self._cases.case_with(transaction, order.number)
            if case is None:
                return actor.refusal("", "case_none", number=order.number)
            if case.state == state:
                said = actor.say(STATES[state])
                return actor.refusal(
                    case.facts.person, "decided_already", number=case.id, state=said
                )
            by = actor.act.actor
            await self._cases.decide_with(transaction, case.id, state, by, order.words)
            return await self._told(transaction, actor, case, order, state)

        said = await self._audit.once(actor.act, change)
        self._outbox.ring()
        return said

    async def has_appeal(self, where: Conversation, person: str) -> bool:
        """Is there something that this person can appeal against there, and has not yet?"""
        case = await self._cases.newest_block(where, person)
        return case is not None and case.state == "open" and case.appealed_at is None

    async def appeal(self, act: Act, where: Conversation, words: str, language: Language) -> str:
        """What the person is told. Once for each case; the same act is told the same again."""
        case = await self._cases.newest_block(where, act.actor)
        if case is None:
            return say("appeal_nothing", language)
        known = await self._audit.outcome(act.event)
        if known is None and case.state != "open":
            state = say(STATES[case.state], language)
            return say("appeal_decided", language, case=case.id, state=state)
        if known is None and case.appealed_at is not None:
            return say("appeal_again", language, case=case.id)

        async def change(transaction: Transaction) -> Outcome:
            await self._cases.appeal_with(transaction, case.id, words)
            await self._news.appealed_with(transaction, case, words or "-")
            return Outcome(say("appeal_taken", language, case=case.id), act.actor)

        said = await self._audit.once(act, change)
        self._outbox.ring()
        return said

    async def _told(
        self,
        transaction: Transaction,
        actor: Actor,
        case: Case,
        order: DecisionOrder,
        state: State,
    ) -> Outcome:
        facts, language = case.facts, case.facts.language
        lifted = state == "approved" and await self._lift(transaction, case)
        must_tell = facts.action == "block" and (
            state == "approved" or case.appealed_at is not None or bool(order.words)
        )
        if facts.home is None or not must_tell:
            key: Key = "approved_untold" if state == "approved" else "rejected_untold"
            return actor.outcome(facts.person, key, number=case.id)
        said = [
            say("case_approved" if state == "approved" else "case_rejected", language, case=case.id)
        ]
        if lifted:
            said.append(say("case_ban_lifted", language))
        if order.words:
            said.append(say("case_words", language, words=order.words))
        to = Conversation(facts.home.platform, facts.home.chat, facts.home.thread)
        letter = Letter(
            f"case/{case.id}/{actor.act.event}", to, "\n".join(said), reply_to=facts.message or None
        )
        await self._outbox.put_with(transaction, [letter])
        key = "approved_told" if state == "approved" else "rejected_told"
        return actor.outcome(facts.person, key, number=case.id)

    async def _lift(self, transaction: Transaction, case: Case) -> bool:
        """Whether a ban ended that this case was one of the strikes for."""
        name = name_of(case.facts)
        known = await self._people.known_with(transaction, name.platform, name.id)
        if case.banned_until is None or known is None or known.banned_until != case.banned_until:
            return False
        await self._cases.uncount_with(transaction, case.facts.person, case.banned_until)
        return await self._people.unban_with(transaction, name.platform, name.id)

    async def _row(self, case: Case, actor: Actor) -> tuple[str, ...]:
        facts = case.facts
        states = [actor.say(STATES[case.state])]
        if case.appealed_at is not None:
            states.append(actor.say("case_is_appealed"))
        return (
            f"#{case.id}",
            self._when(case.at),
            what_happened(facts, actor.language),
            facts.category,
            await self._who(case),
            ", ".join(states),
        )

    async def _details(self, case: Case, actor: Actor) -> dict[Key, str]:
        facts = case.facts
        version = f" {facts.version}" if facts.version else ""
        picture = [facts.picture[:16]]
        if facts.photo and actor.report_to is not None:
            picture.append(actor.say("case_photo_below"))
        details: dict[Key, str] = {
            "case_label_at": self._when(case.at),
            "case_label_who": await self._who(case),
            "case_label_category": f"{facts.category} ({facts.score:.2f})",
            "case_label_detector": f"{facts.detector}{version}",
            "case_label_excerpt": facts.excerpt,
            "case_label_picture": ", ".join(filter(None, picture)),
            "case_label_request": facts.request,
            "case_label_state": actor.say(STATES[case.state]),
        }
        if case.appealed_at is not None:
            details["case_label_appeal"] = f"{self._when(case.appealed_at)} {case.appeal}"
        if case.decided_at is not None:
            when = self._when(case.decided_at)
            details["case_label_decided"] = f"{case.decided_by} {when} {case.answer}".rstrip()
        return details

    async def _who(self, case: Case) -> str:
        async with self._db.read() as connection:
            return await who_with(connection, self._people, case.facts)

    def _when(self, at: float) -> str:
        return Periods(self._rules.now.quota.timezone).written(at)
