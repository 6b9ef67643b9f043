"""Questions from the terminal: one with `ask`, a talk with `Chat`; one person, so no line."""

from __future__ import annotations

import asyncio
import signal
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from bot import texts
from bot.context import WindowSection, window
from bot.draft import Draft
from bot.texts import Language
from inference.errors import BadPicture, Blocked, ContextTooLong, EngineDown, InferenceError, Where
from inference.request import ChatRequest, Picture, Role, Sampling, Turn
from inference.service import Service

Write = Callable[[str], None]  # shows text at once and adds nothing to it
ReadLine = Callable[[], str]  # waits for a line; raises EOFError when there are no more

_BLOCKED: dict[Where, texts.Key] = {
    "question": "question_blocked",
    "picture": "picture_blocked",
    "answer": "answer_blocked",
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How to answer, and how to talk to the person."""

    sampling: Sampling
    thinking: bool
    language: Language
    max_file_bytes: int


class CannotRead(Exception):
    """A photo's file; `reason` is the system's."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"cannot read {file}: {reason}")
        self.file = file
        self.reason = reason


async def ask(
    service: Service, manner: Manner, pictures: Sequence[Picture], question: str, write: Write
) -> bool:
    """False: the model found no words. Raises InferenceError; what there was has been shown."""
    turns = (_system(question, manner), Turn("user", question, tuple(pictures)))
    draft = Draft()
    await _answer(service, manner, turns, write, draft)
    if not draft.text():
        return False
    write("\n")
    return True


async def open_picture(service: Service, manner: Manner, file: Path) -> Picture:
    """Raises BadPicture, CannotRead."""
    try:
        # one byte more than allowed is enough to be refused, and /dev/zero has no end
        photo = await asyncio.to_thread(_read, file, manner.max_file_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise CannotRead(file, getattr(error, "strerror", None) or str(error)) from error
    return await service.prepare(photo)


def describe(error: InferenceError | CannotRead, language: Language) -> str:
    """For the person who asked; no exception's own words but the system's on a file."""
    match error:
        case BadPicture():
            return texts.picture_fault(error.reason, error.value, error.limit, language)
        case Blocked():
            return texts.say(_BLOCKED[error.where], language)
        case ContextTooLong():
            return texts.say("context_too_long", language)
        case EngineDown():
            return texts.say("terminal_down", language)
        case CannotRead():
            return texts.say("terminal_no_file", language, file=error.file, reason=error.reason)
        case _:
            return texts.say("engine_fault", language)


class Chat:
    """One talk. Ctrl-C stops the answer being written; the end of the input ends the talk."""

    def __init__(
        self,
        service: Service,
        manner: Manner,
        section: WindowSection,
        *,
        read_line: ReadLine,
        write: Write,
    ) -> None:
        self._service = service
        self._manner = manner
        self._section = section
        self._read_line = read_line
        self._write = write
        self._past: list[_Said] = []
        self._pictures: list[Picture] = []  # for the next question
        self._answering: asyncio.Task[None] | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self.interrupt)
        try:
            self._say("terminal_hello")
            while (line := await self._next_line()) is not None:
                if not await self._take(line):
                    break
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    def interrupt(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
        else:
            self._write("\n")
            self._say("terminal_hello")

    async def _next_line(self) -> str | None:
        try:
            return (await asyncio.to_thread(self._read_line)).strip()
        except EOFError:
            self._write("\n")
            return None

    async def _take(self, line: str) -> bool:
        """False: the talk is over."""
        command, _, rest = line.partition(" ")
        match command:
            case "/quit":
                return False
            case "/help":
                self._say("terminal_hello")
            case "/new":
                self._past.clear()
                self._pictures.clear()
                self._say("renewed")
            case "/photo":
                await self._add_photo(rest.strip().strip("'\""))
            case _ if command.startswith("/"):
                self._say("unknown_command", command=command[1:])
            case _ if line or self._pictures:
                await self._ask(line)
        return True

    async def _add_photo(self, name: str) -> None:
        try:
            picture = await open_picture(self._service, self._manner, Path(name))
        except (InferenceError, CannotRead) as error:
            self._write(describe(error, self._manner.language) + "\n")
            return
        self._pictures.append(picture)
        size = {"width": picture.width, "height": picture.height}
        self._say("terminal_photo", file=Path(name).name, **size)

    async def _ask(self, text: str) -> None:
        question = Turn("user", text, tuple(self._pictures))
        draft = Draft()
        self._answering = asyncio.create_task(self._answer(question, draft))
        try:
            await self._answering
        except asyncio.CancelledError:
            if _told_to_end():
                raise
            self._write("\n" + texts.say("stopped_mark", self._manner.language))
        except InferenceError as error:
            self._write(describe(error, self._manner.language))
            return
        else:
            if not draft.text():
                self._write(texts.say("no_words", self._manner.language))
        finally:
            self._answering = None
            self._write("\n")
        if draft.text():
            await self._keep(question, Turn("assistant", draft.text()))

    async def _keep(self, question: Turn, answer: Turn) -> None:
        """Without an answer there is nothing to keep, and the photos can still be asked about."""
        self._pictures.clear()
        for turn in (question, answer):
            self._past.append(_Said(turn, await self._tokens(turn)))

    async def _tokens(self, turn: Turn) -> int:
        try:
            return await self._service.measure(turn)
        except EngineDown:  # after the answer; no token is shorter than a character
            return len(turn.text)

    async def _answer(self, question: Turn, draft: Draft) -> None:
        past = window(
            self._past,
            await self._service.measure(question),
            max_tokens=self._section.max_tokens,
            drop_to=self._section.drop_to,
        )
        turns = (_system(question.text, self._manner), *(said.turn for said in past), question)
        await _answer(self._service, self._manner, turns, self._write, draft)

    def _say(self, key: texts.Key, **values: object) -> None:
        self._write(texts.say(key, self._manner.language, **values) + "\n")


@dataclass(frozen=True, slots=True)
class _Said:
    """A turn of the past, as `bot.context.window` wants it."""

    turn: Turn
    tokens: int

    @property
    def role(self) -> Role:
        return self.turn.role


def _told_to_end() -> bool:
    """Tells our own cancellation from that of the answer we wait for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _read(file: Path, most: int) -> bytes:
    with file.expanduser().open("rb") as opened:
        return opened.read(most)


def _system(question: str, manner: Manner) -> Turn:
    language = texts.language_of(question, "", manner.language)
    return Turn("system", texts.say("system", language))


async def _answer(
    service: Service, manner: Manner, turns: Sequence[Turn], write: Write, draft: Draft
) -> None:
    """`draft` takes the pieces, so that the caller has them after a cancellation too."""
    request = ChatRequest(
        tuple(turns), manner.sampling, manner.thinking, asked=turns[-1].text, own_system=True
    )
    written = 0
    async with aclosing(service.stream(request)) as deltas:
        async for delta in deltas:
            draft.add(delta)
            written = _show(draft.text(), written, write)
    _show(draft.text(), written, write)
    if draft.finish == "blocked":
        write("\n" if written else "")
        raise Blocked("answer", "")


def _show(text: str, written: int, write: Write) -> int:
    """What has come since `written` characters; how many stand there now.

    A draft's text only ever grows at its end.
    """
    if len(text) > written:
        write(_harmless(text[written:]))
    return len(text)


def _harmless(text: str) -> str:
    """Without control characters: they could move the cursor or rewrite what stands above."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
