"""What staff are told of cases without asking: a short letter for each block and each appeal, and
for the rest, or when there are too many, one now and then that says how many wait.

All of it goes to [safety] cases_chat, else to the staff's chat, else to nobody.
"""

from __future__ import annotations

from bot.access.names import Name
from bot.admin.actor import titled
from bot.event import Button, Conversation
from bot.rules import Rules
from bot.storage.cases import Case, Cases, Facts, Kind, Place
from bot.storage.db import Transaction
from bot.storage.outbox import Letter, Outbox
from bot.storage.people import People
from bot.texts import Key, Language, say

_HOUR_S = 3600.0
_MOST_AN_HOUR = 20  # letters about single cases
_SINGLE, _DIGEST = "cases", "cases-digest"  # the batches of the letters
_WHAT: dict[Kind, Key] = {"block": "case_what_block", "review": "case_what_review"}
_PLACES: dict[Place, Key] = {
    "question": "case_in_question",
    "picture": "case_in_picture",
    "answer": "case_in_answer",
}


class CaseNews:
    def __init__(
        self, cases: Cases, people: People, outbox: Outbox, rules: Rules, language: Language
    ) -> None:
        """`language`: of the staff. What is put is the caller's transaction's; the caller rings."""
        self._cases = cases
        self._people = people
        self._outbox = outbox
        self._rules = rules
        self._language = language

    async def filed_with(self, transaction: Transaction, case: Case) -> None:
        """A new case."""
        if case.facts.action == "review":
            await self._digest_with(transaction, case)
            return
        text = await self._say(transaction, case, "case_blocked_letter", excerpt=case.facts.excerpt)
        await self._put_with(transaction, case, f"case/{case.id}/filed", text.rstrip())

    async def appealed_with(self, transaction: Transaction, case: Case, words: str) -> None:
        text = await self._say(transaction, case, "case_appeal_letter", words=words)
        await self._put_with(transaction, case, f"case/{case.id}/appealed", text)

    async def shut_out_with(self, transaction: Transaction, case: Case, said: str) -> None:
        await self._put_with(transaction, case, f"case/{case.id}/shut-out", said)

    async def _say(self, transaction: Transaction, case: Case, key: Key, **values: object) -> str:
        who = await who_with(transaction, self._people, case.facts)
        what = what_happened(case.facts, self._language)
        category = case.facts.category
        return say(
            key, self._language, number=case.id, what=what, who=who, category=category, **values
        )

    async def _put_with(self, transaction: Transaction, case: Case, key: str, text: str) -> None:
        desk, since = self._desk(), self._cases.now() - _HOUR_S
        if desk is None:
            return
        if await self._cases.told_with(transaction, _SINGLE, since=since) >= _MOST_AN_HOUR:
            await self._digest_with(transaction, case)
            return
        buttons = case_buttons(case, self._language)
        letter = Letter(key, desk, text, buttons=buttons, batch=_SINGLE)
        await self._outbox.put_with(transaction, [letter])

    async def _digest_with(self, transaction: Transaction, case: Case) -> None:
        """Once an hour at most."""
        desk, since = self._desk(), self._cases.now() - _HOUR_S
        if desk is None or await self._cases.told_with(transaction, _DIGEST, since=since):
            return
        count = await self._cases.open_with(transaction)
        text = say("cases_wait_letter", self._language, count=count)
        letter = Letter(f"case/{case.id}/digest", desk, text, batch=_DIGEST)
        await self._outbox.put_with(transaction, [letter])

    def _desk(self) -> Conversation | None:
        rules = self._rules.now
        platform, _, chat = (rules.safety.cases_chat or rules.service.staff_chat).partition(":")
        return Conversation(platform, chat) if platform else None


def case_buttons(case: Case, language: Language) -> tuple[Button, ...]:
    """Their names are commands with the number."""
    show = Button(f"case {case.id}", say("show_case_button", language))
    if case.state != "open":
        return (show,)
    return (
        Button(f"approve {case.id}", say("approve_button", language)),
        Button(f"reject {case.id}", say("reject_button", language)),
        show,
    )


def what_happened(facts: Facts, language: Language) -> str:
    return say(_WHAT[facts.action], language, place=say(_PLACES[facts.place], language))


async def who_with(transaction: Transaction, people: People, facts: Facts) -> str:
    """ "Ann (telegram:12345)"."""
    name = name_of(facts)
    return titled(name, await people.known_with(transaction, name.platform, name.id))


def name_of(facts: Facts) -> Name:
    """Whose case it is; over the API with the user that the key's owner names."""
    platform, _, person = facts.person.partition(":")
    return Name(platform, person, "person")
