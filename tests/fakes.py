"""The fakes, one for each edge: time, a chat platform, the engine, the decoder of pictures."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from bot.event import Attachment, Conversation, Event, Person, Quoted
from bot.platforms.base import Accept, Gone, Limits, LostMessage, PlatformError, Post, Refused
from inference.engine.base import EngineStats, State
from inference.errors import BadPicture, EngineDown
from inference.images.reading import ReadLine, ReadText
from inference.request import ChatRequest, Delta, Finish, Picture, PictureNote, Turn, Usage


class FakeTime:
    """Stands still until `advance`; who sleeps is woken in the order of time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._more = asyncio.Event()

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        sleeper = (self.now + seconds, woken)
        self._sleepers.append(sleeper)
        self._more.set()
        try:
            await woken
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)

    async def sleeping(self, count: int = 1) -> float:
        """Wait until so many sleep; how long until the first wakes up."""
        while len(self._sleepers) < count:
            self._more.clear()
            await self._more.wait()
        return min(at for at, _ in self._sleepers) - self.now

    async def advance(self, seconds: float) -> None:
        end = self.now + seconds
        await settle()
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= end]:
            sleeper = min(due, key=lambda one: one[0])
            self._sleepers.remove(sleeper)
            self.now = max(self.now, sleeper[0])
            if not sleeper[1].done():
                sleeper[1].set_result(None)
            await settle()
        self.now = end


async def settle() -> None:
    """Let everything run that can run without outside help."""
    for _ in range(50):
        await asyncio.sleep(0)


@dataclass
class Bubble:
    """One message of the bot as people see it, with all it showed before."""

    id: str
    reply_to: str | None
    versions: list[str]
    final: bool = False
    posts: list[Post] = field(default_factory=list)  # the same, with buttons and photo
    key: str = ""

    thread: str = ""

    @property
    def text(self) -> str:
        return self.versions[-1]

    @property
    def buttons(self) -> list[str]:
        """The names of those that can be pressed now."""
        return [button.name for button in self.posts[-1].buttons]

    @property
    def rich(self) -> bool:
        return self.posts[-1].rich

    @property
    def photo(self) -> bytes | None:
        return self.posts[-1].photo


@dataclass
class Fault:
    """What happens to one call; `effect`: it is carried out, only its answer is lost."""

    error: PlatformError
    effect: bool = False


@dataclass
class Call:
    method: str
    chat: str
    text: str
    at: float
    final: bool = False


@dataclass
class FakePlatform:
    """One account. `faults` are used up call by call; a chat in `blocked` answers no call."""

    name: str = "test"
    bot: str = "bot"
    text_units: int = 4096
    unit: str = "utf-16"
    edit_every_s: float = 0.0
    calls_per_s: float = float("inf")
    rich_previews: bool = False
    shows_presses: bool = False
    clock: Callable[[], float] = lambda: 0.0
    photos: dict[str, bytes] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    gone: set[str] = field(default_factory=set)
    blocked: dict[str, asyncio.Event] = field(default_factory=dict)
    chats: dict[str, list[Bubble]] = field(default_factory=lambda: defaultdict(list))
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    accept: Accept | None = None
    under_way: int = 0

    def limits(self, to: Conversation) -> Limits:
        limits = Limits(self.text_units, self.unit, self.edit_every_s, self.calls_per_s)  # type: ignore[arg-type]
        return replace(
            limits,
            rich_previews=self.rich_previews,
            shows_presses=self.shows_presses,
            takes_files=True,
        )

    async def run(self, accept: Accept) -> None:
        self.accept = accept
        self._ring()
        try:
            await asyncio.Event().wait()
        finally:
            self.accept = None

    async def send(self, to: Conversation, post: Post, *, reply_to: str | None, key: str) -> str:
        await self._enter("send", to, post.text, final=post.final)
        number = f"m{sum(map(len, self.chats.values())) + 1}"
        bubble = Bubble(number, reply_to, [post.text], post.final, [post], key, to.thread)
        self._fail("send", to, lambda: self.chats[to.chat].append(bubble))
        self.chats[to.chat].append(bubble)
        self._ring()
        return bubble.id

    async def edit(self, to: Conversation, message: str, post: Post) -> str:
        await self._enter("edit", to, post.text, final=post.final)
        assert len(post.text) <= self.text_units
        bubble = next((one for one in self.chats[to.chat] if one.id == message), None)

        def apply() -> None:
            if bubble is None:
                raise LostMessage(message)
            bubble.versions.append(post.text)
            bubble.posts.append(post)
            bubble.final = post.final

        self._fail("edit", to, apply)
        apply()
        self._ring()
        return message

    async def fetch(self, photo: Attachment, *, max_bytes: int) -> bytes:
        self.calls.append(Call("fetch", photo.ref, "", self.clock()))
        self._ring()
        self._fail("fetch", None, lambda: None)
        if photo.ref in self.blocked:
            await self.blocked[photo.ref].wait()
        data = self.photos[photo.ref]
        if len(data) > max_bytes:
            raise Refused("too large")
        return data

    def fail(self, method: str, *errors: PlatformError, effect: bool = False) -> None:
        self.faults[method].extend(Fault(error, effect) for error in errors)

    def delete(self, chat: str) -> None:
        self.chats[chat].clear()

    def texts(self, chat: str) -> list[str]:
        return [bubble.text for bubble in self.chats[chat]]

    def calls_to(self, chat: str) -> list[Call]:
        return [call for call in self.calls if call.chat == chat]

    async def until(self, holds: Callable[[], object]) -> None:
        """Until `holds` after some change of what people see; the test's own limit ends it."""
        while not holds():
            self.changed.clear()
            await self.changed.wait()

    async def _enter(
        self, method: str, to: Conversation, text: str, *, final: bool = False
    ) -> None:
        self.calls.append(Call(method, to.chat, text, self.clock(), final))
        self._ring()
        if to.chat in self.blocked:
            self.under_way += 1
            try:
                await self.blocked[to.chat].wait()
            finally:
                self.under_way -= 1

    def _fail(self, method: str, to: Conversation | None, apply: Callable[[], None]) -> None:
        if to is not None and to.chat in self.gone:
            self._ring()
            raise Gone("blocked by the user")
        if self.faults[method]:
            fault = self.faults[method].popleft()
            if fault.effect:
                apply()
            self._ring()
            raise fault.error

    def _ring(self) -> None:
        self.changed.set()


@dataclass
class FakeForum(FakePlatform):
    """Its groups have threads, but those in `plain`."""

    threads: dict[str, str] = field(default_factory=dict)  # by key: its title
    plain: set[str] = field(default_factory=set)

    async def open_thread(self, to: Conversation, title: str, *, key: str) -> Conversation:
        await self._enter("open_thread", to, title)
        if to.chat in self.plain:
            raise Refused("no threads here")
        self._fail("open_thread", to, lambda: self.threads.update({key: title}))
        self.threads[key] = title
        self._ring()
        return Conversation(to.platform, to.chat, f"t{list(self.threads).index(key) + 1}")


class FakeEngine:
    """Answers each question by `answers` (its text -> pieces), else with an echo in three pieces.

    A question whose text is in `held` stops after its first piece until it is let go.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[str]] = {}
        self.faults: dict[str, list[Exception]] = defaultdict(list)  # by the question's text
        self.held: dict[str, asyncio.Event] = {}
        self.requests: list[ChatRequest] = []
        self.cancelled: list[str] = []
        self.running: list[str] = []
        self.most_running = 0
        self.restarts = 0
        self.state: State = "up"
        self.deadly = ""  # the question that takes the engine down, and all that run with it
        self.finish: Finish = "stop"  # how every answer ends
        self.context_tokens = 4096
        self.thoughts: dict[str, str] = {}  # by the question's text: what comes before the answer
        self.forgot = 0
        self.stepping = asyncio.Event()  # cleared: it measures nothing, as in a step that hangs
        self.stepping.set()
        self._changed = asyncio.Event()

    def hold(self, question: str) -> asyncio.Event:
        return self.held.setdefault(question, asyncio.Event())

    async def start(self) -> None:
        pass

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        if self.state in ("starting", "down"):
            raise EngineDown("the engine is not running")
        question = request.turns[-1].text
        born = self.restarts
        self.requests.append(request)
        self.running.append(question)
        self.most_running = max(self.most_running, len(self.running))
        self._changed.set()
        try:
            if self.faults[question]:
                raise self.faults[question].pop(0)
            if question == self.deadly:
                self.restarts += 1
            if question in self.thoughts:
                yield Delta(reasoning=self.thoughts[question])
            for number, piece in enumerate(self.answers.get(question, ["echo ", "of ", question])):
                if number == 1 and question in self.held:
                    await self._wait(self.held[question], born)
                if self.restarts != born:
                    raise EngineDown("killed")
                yield Delta(piece)
                await asyncio.sleep(0)
            yield Delta(finish=self.finish, usage=Usage(10, 5))
        except (GeneratorExit, asyncio.CancelledError):
            self.cancelled.append(question)
            raise
        finally:
            self.running.remove(question)
            self._changed.set()

    async def _wait(self, gate: asyncio.Event, born: int) -> None:
        """Until it is let go, or the engine has died."""
        gone_on = asyncio.create_task(gate.wait())
        died = asyncio.create_task(self.until(lambda: self.restarts != born))
        try:
            await asyncio.wait([gone_on, died], return_when="FIRST_COMPLETED")
        finally:
            gone_on.cancel()
            died.cancel()

    async def measure(self, turn: Turn) -> int:
        await self.stepping.wait()
        return len(turn.text) + 10 * len(turn.pictures)

    async def forget(self) -> None:
        self.forgot += 1

    def stats(self) -> EngineStats:
        return EngineStats(
            model="fake",
            context_tokens=self.context_tokens,
            restarts=self.restarts,
            state=self.state,
        )

    async def close(self) -> None:
        pass

    async def until(self, holds: Callable[[], object]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()


class FakeDecoder:
    """Every photo is a picture whose pixels are its name, but those that begin with "bad". What
    stands behind a "+" is metadata; of what begins with "moving", it takes the first frame."""

    async def decode(self, photo: bytes) -> Picture:
        if photo.startswith(b"bad"):
            raise BadPicture("broken")
        notes: tuple[PictureNote, ...] = ("first_frame",) if photo.startswith(b"moving") else ()
        return Picture(1, len(photo), photo * 3, notes)

    async def bare(self, photo: bytes) -> bytes:
        return photo.partition(b"+")[0]

    async def close(self) -> None:
        pass


def an_event(
    message: str,
    text: str = "",
    *,
    chat: str = "ann",
    thread: str = "",
    window_of: str = "",  # in a group where everybody has a window of their own
    person: str = "",
    name: str = "",
    photos: tuple[str, ...] = (),
    platform: str = "test",
    language: str = "en",
    chosen: str = "",
    **rest: Any,  # Any: the fields of Event that are not named here, as they are
) -> Event:
    return Event(
        bot="bot",
        message=message,
        conversation=Conversation(platform, chat, thread, window_of),
        person=Person(person or chat, language, name, chosen),  # type: ignore[arg-type]
        text=text,
        photos=tuple(Attachment(ref) for ref in photos),
        **rest,
    )


def a_quote(
    message: str, text: str = "", *, photos: tuple[str, ...] = (), ours: bool = False
) -> Quoted:
    return Quoted(message, text, tuple(Attachment(ref) for ref in photos), ours=ours)


async def cancelled(task: asyncio.Task[object]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class FakeReader:
    """Reads in every picture what `texts` has for the bytes of its photo, else nothing."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.reads = 0

    async def read(self, picture: Picture) -> ReadText:
        self.reads += 1
        name = picture.rgb[: picture.height].decode()
        lines = self.texts.get(name, "").splitlines()
        return ReadText(
            tuple(ReadLine(one, (0, 0, 1, 1), 1.0, row) for row, one in enumerate(lines))
        )
