"""One face for the servers that talks are played on: the Telegram emulator and a real Synapse.

A talk is written once and played on both; what differs between the platforms stays in here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar
from uuid import uuid4

from bot.markup import styled
from tests.emulators.matrix.people import Message as MatrixMessage
from tests.emulators.matrix.people import Person as MatrixPerson
from tests.emulators.matrix.server import Synapse
from tests.emulators.telegram.chats import Chat
from tests.emulators.telegram.chats import Message as TelegramMessage
from tests.emulators.telegram.people import Person as TelegramPerson
from tests.emulators.telegram.server import Emulator

T = TypeVar("T")

WITHIN_S = 60.0  # the model shares two cores with everything else
BOT = "bot"


@dataclass(frozen=True)
class Seen:
    """One message as somebody reads it now."""

    id: str
    by: str  # "bot", or the name of the person
    text: str
    photo: bool
    answers: str | None
    thread: str
    buttons: tuple[str, ...]  # names; on Matrix those of the reactions
    versions: tuple[str, ...]

    @property
    def line(self) -> str:
        """Who, the photo, what."""
        return " ".join(
            [f"{self.by}:", *["[photo]"] * self.photo, *([self.text] * bool(self.text))]
        )


class Place(Protocol):
    """One person in one chat."""

    person: str  # the person's id as the program knows it, "telegram:5001"
    name: str  # as the others read it

    async def says(self, text: str, *, reply_to: str | None = None, thread: str = "") -> str:
        """The message's id."""

    async def sends(
        self, photo: bytes, caption: str = "", *, reply_to: str | None = None, thread: str = ""
    ) -> str:
        """A photo; the message's id."""

    async def sends_many(self, photos: Sequence[bytes], caption: str = "") -> str:
        """As one album where the platform has albums, else one quickly after the other; the id of
        the message with the caption."""

    async def sends_file(self, data: bytes, name: str, media_type: str, caption: str = "") -> str:
        """A file that is no photo of the app's own; the message's id."""

    async def presses(self, message: str, button: str) -> None:
        """`button`: its name with what it is about, such as "take 12"."""

    async def edits(self, message: str, text: str) -> None: ...

    async def opens_thread(self, title: str) -> str:
        """A topic of the group, or a thread below a message that says the title."""

    async def sees(self) -> list[Seen]:
        """Everything in the chat, the oldest first."""

    async def until(self, look: Callable[[list[Seen]], T], *, within_s: float = WITHIN_S) -> T:
        """The first true thing that `look` finds in what is seen."""


class Stage(Protocol):
    name: str
    mention: str  # of the bot, in groups
    settings: dict[str, str]  # of the program that plays here

    async def private(self, name: str) -> Place:
        """A new person, alone with the bot."""

    async def group(self, title: str, *names: str, threads: bool = False) -> Group:
        """New people in it, and the bot; `threads`: of Telegram's groups only some have any."""

    def shown(self, markdown: str) -> str:
        """What people read of it."""


class Group(NamedTuple):
    name: str  # as config.toml has it
    places: Sequence[Place]


async def reads(
    place: Place,
    words: str,
    *,
    after: str | None = None,
    thread: str | None = None,
    within_s: float = WITHIN_S,
) -> Seen:
    """The bot's newest message with these words, whatever the case; `after`: it answers that."""

    def look(seen: list[Seen]) -> Seen | None:
        fitting = (
            one
            for one in reversed(seen)
            if one.by == BOT
            and words.lower() in one.text.lower()
            and after in (None, one.answers)
            and thread in (None, one.thread)
        )
        return next(fitting, None)

    return await place.until(look, within_s=within_s)


async def gets(place: Place, text: str, *, after: str | None = None) -> Seen:
    """The same, when it says exactly that and will say nothing else."""

    def look(seen: list[Seen]) -> Seen | None:
        said = [one for one in reversed(seen) if one.by == BOT and after in (None, one.answers)]
        final = [one for one in said if "stop" not in one.buttons]
        return next((one for one in final if one.text == text), None)

    return await place.until(look)


async def lines(place: Place, thread: str | None = None) -> list[str]:
    """All that is there now, or in this thread of it."""
    return [one.line for one in await place.sees() if thread in (None, one.thread)]


async def gets_photo(place: Place, text: str) -> Seen:
    """The bot's photo with these words above or below it."""

    def look(seen: list[Seen]) -> Seen | None:
        return next((one for one in seen if one.by == BOT and one.photo and one.text == text), None)

    return await place.until(look)


def in_vain(place: Place, seen: Sequence[Seen]) -> AssertionError:
    shown = "\n".join(f"  {one.line!r}" for one in seen)
    return AssertionError(f"{place.person} waits in vain and sees\n{shown}")


@dataclass
class TelegramPlace:
    emulator: Emulator
    who: TelegramPerson
    chat: Chat

    @property
    def person(self) -> str:
        return f"telegram:{self.who.id}"

    @property
    def name(self) -> str:
        return str(self.who.user["first_name"])

    async def says(self, text: str, *, reply_to: str | None = None, thread: str = "") -> str:
        number = int(thread) if thread else None
        said = self.who.says(text, to=self.chat, reply_to=self._at(reply_to), thread=number)
        return str(said.id)

    async def sends(
        self, photo: bytes, caption: str = "", *, reply_to: str | None = None, thread: str = ""
    ) -> str:
        number = int(thread) if thread else None
        answered = self._at(reply_to)
        sent = self.who.sends_photo(photo, caption, to=self.chat, reply_to=answered, thread=number)
        return str(sent.id)

    async def sends_many(self, photos: Sequence[bytes], caption: str = "") -> str:
        return str(self.who.sends_album(photos, caption, to=self.chat)[0].id)

    async def sends_file(self, data: bytes, name: str, media_type: str, caption: str = "") -> str:
        sent = self.who.sends_file(data, name, caption, media_type=media_type, to=self.chat)
        return str(sent.id)

    async def presses(self, message: str, button: str) -> None:
        found = self._at(message)
        assert found is not None
        self.who.presses(found, button)

    async def edits(self, message: str, text: str) -> None:
        found = self._at(message)
        assert found is not None
        self.who.edits(found, text)

    async def opens_thread(self, title: str) -> str:
        return str(self.chat.open_topic(title))

    async def until(self, look: Callable[[list[Seen]], T], *, within_s: float = WITHIN_S) -> T:
        try:
            return await self.emulator.until(lambda: look(self._sees()), within_s=within_s)
        except TimeoutError:
            raise in_vain(self, self._sees()) from None

    async def sees(self) -> list[Seen]:
        return self._sees()

    def _sees(self) -> list[Seen]:
        return [self._seen(message) for message in self.emulator.visible(self.chat)]

    def _at(self, message: str | None) -> TelegramMessage | None:
        return None if message is None else self.chat.standing(int(message))

    def _seen(self, message: TelegramMessage) -> Seen:
        ours = message.sender == self.emulator.bot["id"]
        return Seen(
            str(message.id),
            BOT if ours else message.by,
            message.text,
            message.photo is not None,
            None if message.answers is None else str(message.answers),
            "" if message.thread is None else str(message.thread),
            tuple(name for name, _ in message.buttons),
            tuple(version.text for version in message.versions),
        )


@dataclass
class TelegramStage:
    emulator: Emulator
    name: str = "telegram"

    @property
    def mention(self) -> str:
        return f"@{self.emulator.bot['username']}"

    @property
    def settings(self) -> dict[str, str]:
        return {"TELEGRAM__TOKEN": self.emulator.token, "TELEGRAM__BASE_URL": self.emulator.url}

    async def private(self, name: str) -> TelegramPlace:
        who = self.emulator.person(name)
        return TelegramPlace(self.emulator, who, who.chat)

    async def group(self, title: str, *names: str, threads: bool = False) -> Group:
        chat = self.emulator.group(title, forum=threads)
        people = [self.emulator.person(name) for name in names]
        places = tuple(TelegramPlace(self.emulator, who, chat) for who in people)
        return Group(f"telegram:{chat.id}", places)

    def shown(self, markdown: str) -> str:
        return styled(markdown).text


@dataclass
class MatrixPlace:
    who: MatrixPerson
    room: str
    bot: str

    @property
    def person(self) -> str:
        return f"matrix:{self.who.id}"

    @property
    def name(self) -> str:
        return self.who.name

    async def says(self, text: str, *, reply_to: str | None = None, thread: str = "") -> str:
        return await self.who.says(
            text,
            to=self.room,
            reply_to=reply_to,
            thread=thread,
            mentions=self._mentioned(text),
        )

    async def sends(
        self, photo: bytes, caption: str = "", *, reply_to: str | None = None, thread: str = ""
    ) -> str:
        return await self.who.sends_photo(
            photo,
            caption,
            name="photo.jpg",
            media_type="image/jpeg",
            to=self.room,
            reply_to=reply_to,
            thread=thread,
            mentions=self._mentioned(caption),
        )

    async def sends_many(self, photos: Sequence[bytes], caption: str = "") -> str:
        for photo in photos[:-1]:
            await self.sends(photo)
        return await self.sends(photos[-1], caption)

    async def sends_file(self, data: bytes, name: str, media_type: str, caption: str = "") -> str:
        return await self.who.sends_file(data, media_type, caption, name=name, to=self.room)

    async def presses(self, message: str, button: str) -> None:
        await self.who.presses(message, button, to=self.room)

    async def edits(self, message: str, text: str) -> None:
        await self.who.edits(message, text, to=self.room)

    async def deletes(self, message: str) -> None:
        """Telegram tells no bot of that."""
        await self.who.deletes(message, to=self.room)

    async def opens_thread(self, title: str) -> str:
        return await self.says(title)

    async def until(self, look: Callable[[list[Seen]], T], *, within_s: float = WITHIN_S) -> T:
        seen: list[Seen] = []

        def found(messages: list[MatrixMessage]) -> T:
            seen[:] = [self._seen(message) for message in messages if not message.deleted]
            return look(seen)

        try:
            return await self.who.reads(found, room=self.room, within_s=within_s)
        except AssertionError:
            raise in_vain(self, seen) from None

    async def sees(self) -> list[Seen]:
        return [self._seen(one) for one in await self.who.sees(self.room) if not one.deleted]

    def _seen(self, message: MatrixMessage) -> Seen:
        text = message.text
        if message.photo is not None and message.photo.get("filename", text) == text:
            text = ""  # the name of the file stands where there are no words
        return Seen(
            message.id,
            BOT if message.sender == self.bot else message.sender[1:].partition(":")[0],
            text,
            message.photo is not None,
            message.answers,
            message.thread,
            message.buttons,
            message.versions,
        )

    def _mentioned(self, text: str) -> list[str]:
        return [self.bot] if self.bot in text else []


@dataclass
class MatrixStage:
    synapse: Synapse
    bot: MatrixPerson
    stack: AsyncExitStack
    name: str = "matrix"
    people: list[MatrixPerson] = field(default_factory=list)

    @property
    def mention(self) -> str:
        return self.bot.id

    @property
    def settings(self) -> dict[str, str]:
        return {
            "MATRIX__HOMESERVER": self.synapse.url,
            "MATRIX__USER": self.bot.id,
            "MATRIX__PASSWORD": self.bot.name,
            "MATRIX__INVITES": f'["@*:{self.synapse.name}"]',
            "MATRIX__EDIT_EVERY_S": "0.3",
            "MATRIX__GROUP_EDIT_EVERY_S": "0.3",
        }

    async def private(self, name: str) -> MatrixPlace:
        who = await self._person(name)
        return MatrixPlace(who, await who.opens(self.bot.id), self.bot.id)

    async def group(self, title: str, *names: str, threads: bool = False) -> Group:
        """The program joins by itself, as soon as it runs."""
        first, *others = [await self._person(name) for name in names]
        room = await first.opens(self.bot.id, *(one.id for one in others), name=title)
        for one in others:
            await one.joins(room)
        places = tuple(MatrixPlace(one, room, self.bot.id) for one in (first, *others))
        return Group(f"matrix:{room}", places)

    def shown(self, markdown: str) -> str:
        return markdown

    async def _person(self, name: str) -> MatrixPerson:
        person = MatrixPerson(self.synapse, f"{name.lower()}-{uuid4().hex[:8]}")
        self.people.append(await self.stack.enter_async_context(person))
        return person


@asynccontextmanager
async def telegram_stage() -> AsyncIterator[TelegramStage]:
    async with Emulator() as emulator:
        yield TelegramStage(emulator)
    assert emulator.complaints == []
    assert emulator.flood.early == []


@asynccontextmanager
async def matrix_stage(synapse: Synapse) -> AsyncIterator[MatrixStage]:
    async with AsyncExitStack() as stack:
        bot = await stack.enter_async_context(MatrixPerson(synapse, f"bot-{uuid4().hex[:8]}"))
        yield MatrixStage(synapse, bot, stack)
