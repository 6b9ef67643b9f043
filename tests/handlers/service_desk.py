"""A desk with a service desk: Ann's private chat on one platform, the staff's group on another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from bot.action import Action
from bot.event import Attachment, Conversation, Event, Person, Quoted
from bot.rules import AccessSection, ServiceSection
from bot.service.letters import announcement
from bot.storage.outbox import Letter
from bot.storage.ticket import Line, Step, Ticket
from handlers import decide
from handlers.desk import Desk
from tests.handlers.desks import a_desk

CHAT = Conversation("test", "ann")
STAFF = Conversation("other", "staff")
SECTION = ServiceSection(staff_chat="other:staff")


class ServiceDesk:
    """What customers and staff do, one event after the other."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._numbers = count(1)

    def rules(self, **values: object) -> None:
        self.desk.rules.change(service=SECTION.model_copy(update=values))

    def access(self, **values: object) -> None:
        self.desk.rules.change(access=AccessSection().model_copy(update=values))

    def customer(
        self,
        text: str = "",
        *photos: str,
        who: str = "ann",
        chat: Conversation = CHAT,
        **more: object,
    ) -> Event:
        person = Person(who, "en", who.title())
        pictures = tuple(Attachment(ref) for ref in photos)
        message = f"c{next(self._numbers)}"
        return replace(Event("bot", message, chat, person, text, pictures), **more)

    def staff(
        self,
        text: str = "",
        *photos: str,
        who: str = "bob",
        thread: str = "",
        reply_to: str = "",
        **more: object,
    ) -> Event:
        """As groups see it: nobody addresses the bot."""
        event = self.customer(text, *photos, who=who, chat=replace(STAFF, thread=thread))
        quoted = Quoted(reply_to, ours=True) if reply_to else None
        return replace(event, group=True, addressed=False, quoted=quoted, **more)

    async def do(self, event: Event) -> Action:
        return await decide(event, self.desk)

    async def called(self, text: str = "human", **more: object) -> Ticket:
        """A ticket that waits for staff."""
        await self.do(self.customer(text, **more))
        (ticket, *_) = (await self.desk.tickets.listed("waiting"))[::-1]
        return ticket

    async def shown(self, ticket: Ticket, thread: str = "t1") -> Ticket:
        """As when the staff have been shown it."""

        def make(ticket: Ticket, number: int, lines: Sequence[Line]) -> Step:
            shown = replace(ticket, desk=replace(STAFF, thread=thread), announce=False)
            office = self.desk.rules.now.service.office()
            letters = announcement(shown, number, lines, office, 0.0, "en")
            return Step(shown, Line("system", ""), letters)

        done = await self.desk.tickets.step(f"show/{ticket.id}/{ticket.told}", ticket.id, make)
        assert done is not None
        await self.letters()
        return done.ticket

    async def letters(self) -> list[Letter]:
        """Those that are new; each is sent as the message "sent NUMBER"."""
        found = []
        for platform in ("test", "other"):
            waiting = await self.desk.outbox.waiting(platform, patient=False, without=(), limit=99)
            for pending in waiting:
                found.append(pending.letter)
                await self.desk.outbox.note(pending.id, 0, f"sent {pending.id}")
                await self.desk.outbox.end(pending.id, "sent")
        return found

    async def to_customer(self) -> list[str]:
        return [letter.text for letter in await self.letters() if letter.to.platform == "test"]

    async def to_staff(self) -> list[str]:
        return [letter.text for letter in await self.letters() if letter.to.platform == "other"]

    async def message_of(self, key: str) -> str:
        message = await self.desk.tickets.message_of(key)
        assert message is not None
        return message

    async def said(self, ticket: int = 1) -> list[tuple[str, str]]:
        return [(line.side, line.text) for line in await self.desk.tickets.lines(ticket)]

    async def state(self, ticket: int = 1) -> str:
        found = await self.desk.tickets.ticket(ticket)
        assert found is not None
        return found.state


@asynccontextmanager
async def a_service_desk(folder: Path) -> AsyncIterator[ServiceDesk]:
    async with a_desk(folder) as desk:
        desk.rules.change(service=SECTION)
        yield ServiceDesk(replace(desk, default_language="en"))
