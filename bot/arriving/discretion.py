"""What people say is covered up where it must be before anything of it is kept: their own numbers
and addresses. What the organisation says itself stays as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.access.roles import is_at_least, role_of
from bot.event import Attachment, Event, Quoted
from bot.rules import Rules
from bot.storage.people import People

Cover = Callable[[str], Awaitable[str]]


class Discretion:
    """`is_command`: of a text. Commands of the staff, such as a broadcast, and all that is said in
    their chat are the organisation's own words."""

    def __init__(
        self, cover: Cover, people: People, rules: Rules, is_command: Callable[[str], bool]
    ) -> None:
        self._cover = cover
        self._people = people
        self._rules = rules
        self._is_command = is_command

    async def of(self, event: Event) -> Event:
        """The event as it may be kept. Nothing is looked up unless there is something to cover."""
        covered = await _covered(event, self._cover)
        if covered == event or await self._is_our_own(event):
            return event
        return covered

    async def _is_our_own(self, event: Event) -> bool:
        where = event.conversation
        if f"{where.platform}:{where.chat}" == self._rules.now.service.staff_chat:
            return True
        if not self._is_command(event.text):
            return False
        return is_at_least(await role_of(event, self._people, self._rules), "staff")


async def _covered(event: Event, cover: Cover) -> Event:
    return replace(
        event,
        text=await cover(event.text),
        person=replace(event.person, name=await cover(event.person.name)),
        photos=await _named(event.photos, cover),
        files=await _named(event.files, cover),
        quoted=await _quoted(event.quoted, cover),
    )


async def _quoted(quoted: Quoted | None, cover: Cover) -> Quoted | None:
    if quoted is None:
        return None
    return replace(
        quoted,
        text=await cover(quoted.text),
        photos=await _named(quoted.photos, cover),
        files=await _named(quoted.files, cover),
    )


async def _named(attachments: tuple[Attachment, ...], cover: Cover) -> tuple[Attachment, ...]:
    return tuple([replace(one, name=await cover(one.name)) for one in attachments])
