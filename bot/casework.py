"""What becomes of it when content safety blocks something or wants it looked at: a case is kept,
staff are told, and whoever is blocked again and again is shut out for a while.
"""

from __future__ import annotations

import asyncio
import logging
import re

from bot.access.periods import Periods
from bot.access.roles import is_at_least, role_of_person
from bot.admin.casenews import CaseNews, who_with
from bot.event import Conversation
from bot.rules import Rules
from bot.storage.audit import Act, Audit, Outcome
from bot.storage.cases import Case, Cases, Facts
from bot.storage.db import Transaction
from bot.storage.inbox import Entry, Inbox
from bot.storage.outbox import Letter, Outbox
from bot.storage.people import People
from bot.texts import Language, language_for, say
from bot.watching.counts import Counts
from inference.safety.verdict import Context, Incident

log = logging.getLogger(__name__)

_PATIENCE_S = 10.0  # with a database that others hold; who asked waits for it
_LONGEST_EXCERPT = 500
_LONGEST_NAME = 200  # of a request or a person, which callers of the API choose
_ENTRY = re.compile(r"entry-([0-9]{1,18})")  # as Entry.trace


class Casework:
    """`report` and `allowed` are what inference/safety/verdict.py calls Report and Allowed."""

    def __init__(
        self,
        cases: Cases,
        people: People,
        audit: Audit,
        inbox: Inbox,
        outbox: Outbox,
        rules: Rules,
        counts: Counts,
        *,
        default_language: Language,
    ) -> None:
        self._cases = cases
        self._people = people
        self._audit = audit
        self._inbox = inbox
        self._outbox = outbox
        self._rules = rules
        self._counts = counts
        self._default_language = default_language
        self._news = CaseNews(cases, people, outbox, rules, default_language)

    async def report(self, incident: Incident) -> int | None:
        """The number of the case, once it is committed; None: it is not kept, and what is blocked
        stays blocked."""
        verdict = incident.verdict
        self._counts.incident(incident.context.where, verdict.action, verdict.category)
        if verdict.action not in ("block", "review"):
            return None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._keep(incident)
        except Exception:  # safety does not hang on the database
            log.exception("a case of %s is not kept", incident.context.request[:_LONGEST_NAME])
            return None

    async def allowed(self, context: Context) -> frozenset[str]:
        """Nothing, where it cannot be known."""
        if not (context.person and context.subject):
            return frozenset()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._cases.allowed(context.person, context.where, context.subject)
        except Exception:  # see above
            log.exception("nobody knows what is let through")
            return frozenset()

    async def _keep(self, incident: Incident) -> int | None:
        facts = await self._facts(incident)
        number = await self._cases.file(facts, self._news.filed_with)
        self._outbox.ring()
        if number is None:
            log.warning("a case is not kept: there are many of the same person today")
        elif facts.action == "block":
            log.info("case %s: %s blocked", number, facts.place)
            await self._strike(number)
        return number

    async def _facts(self, incident: Incident) -> Facts:
        context, verdict = incident.context, incident.verdict
        entry = await self._entry(context)
        event = entry.event if entry else None
        named = [context.request, context.where, verdict.category, context.subject, context.person]
        return Facts(
            key="/".join(part[:_LONGEST_NAME] for part in named),
            request=context.request[:_LONGEST_NAME],
            person=context.person[:_LONGEST_NAME],
            home=event.conversation if event else None,
            message=event.message if event and event.kind == "message" else "",
            language=language_for(event, self._default_language)
            if event
            else self._default_language,
            place=context.where,
            action="block" if verdict.action == "block" else "review",
            category=verdict.category,
            detector=verdict.detector,
            version=verdict.version,
            score=verdict.score,
            excerpt=incident.excerpt[:_LONGEST_EXCERPT],
            picture=incident.picture,
            photo=incident.photo,
            subject=context.subject,
        )

    async def _entry(self, context: Context) -> Entry | None:
        """Callers of the API name their requests as they like, so it must be this person's."""
        found = _ENTRY.fullmatch(context.request)
        entry = await self._inbox.entry(int(found[1])) if found else None
        if entry is None:
            return None
        platform, person = entry.event.conversation.platform, entry.event.person.id
        return entry if f"{platform}:{person}" == context.person else None

    async def _strike(self, number: int) -> None:
        """Also when the case is known: a crash may have come between it and this."""
        section, now = self._rules.now.safety, self._cases.now()
        case = await self._cases.case(number)
        if (
            case is None
            or case.facts.home is None
            or not (section.strikes and section.strike_ban_s)
        ):
            return
        counted = await self._cases.strikes(case.facts.person, since=now - section.strikes_within_s)
        messages = len(set(counted.values()))
        if messages < section.strikes or await self._is_spared(case, case.facts.home):
            return
        until = now + section.strike_ban_s

        async def change(transaction: Transaction) -> Outcome:
            return await self._shut_out(transaction, case, counted, until)

        await self._audit.once(Act(f"safety/strikes/{number}", "safety", "strikes"), change)
        self._outbox.ring()

    async def _is_spared(self, case: Case, home: Conversation) -> bool:
        """Staff try out what is blocked; and who is shut out already is told so elsewhere."""
        platform, _, person = case.facts.person.partition(":")
        service = self._rules.now.service
        if service.trust_staff_chat and f"{platform}:{home.chat}" == service.staff_chat:
            return True
        if is_at_least(await role_of_person(self._people, self._rules, platform, person), "staff"):
            return True
        known = await self._people.known(platform, person)
        return known is not None and known.is_banned(self._cases.now())

    async def _shut_out(
        self, transaction: Transaction, case: Case, counted: dict[int, str], until: float
    ) -> Outcome:
        facts, home = case.facts, case.facts.home
        assert home is not None
        platform, _, person = facts.person.partition(":")
        known = await self._people.known_with(transaction, platform, person)
        who = await who_with(transaction, self._people, facts)
        if known is not None and known.is_banned(self._cases.now()):  # by another one just now
            said = say("strikes_audit_nothing", self._default_language, who=who)
            return Outcome(said, facts.person)
        reason = say("strikes_reason", facts.language)
        await self._people.ban_with(transaction, platform, person, until, reason)
        await self._cases.count_with(transaction, counted, until)
        when = self._until(until, facts.language)
        count = len(set(counted.values()))
        told = say("strikes_told", facts.language, count=count, when=when)
        to = Conversation(home.platform, home.chat, home.thread)
        letter = Letter(f"case/{case.id}/strikes", to, told, reply_to=facts.message or None)
        await self._outbox.put_with(transaction, [letter])
        return await self._note(transaction, case, counted, who, until)

    async def _note(
        self, transaction: Transaction, case: Case, counted: dict[int, str], who: str, until: float
    ) -> Outcome:
        """For staff, and for the audit log."""
        language = self._default_language
        values: dict[str, object] = {
            "who": who,
            "when": self._until(until, language),
            "cases": ", ".join(f"#{number}" for number in counted),
        }
        count = len(set(counted.values()))
        said = say("case_strikes_letter", language, count=count, **values)
        await self._news.shut_out_with(transaction, case, said)
        return Outcome(say("strikes_audit", language, **values), case.facts.person)

    def _until(self, at: float, language: Language) -> str:
        when = Periods(self._rules.now.quota.timezone).written(at)
        return say("until", language, when=when)
