"""From a request's body to what the engine is asked: pictures fetched and made ready, passages of
the knowledge base found, the prompt measured."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from bot import texts
from bot.answering.finding import Found, find
from bot.api.bodies import ChatBody, SimpleBody
from bot.api.caller import Caller
from bot.api.errors import ApiError
from bot.api.messages import Said, Sight, parse_messages, parse_sight, wrong
from bot.api.models import Models
from bot.api.shaping import (
    format_of,
    sampling_of,
    simple_sampling_of,
    thinking_of,
    tools_of,
)
from bot.rules import Rules
from bot.storage.knowledge import Knowledge, Passage
from bot.texts import Language
from bot.worker import AnswersSection
from inference.errors import BadPicture, ContextTooLong
from inference.request import (
    ChatRequest,
    Format,
    Picture,
    PictureNote,
    Sampling,
    ToolCall,
    Tools,
    Turn,
)
from inference.service import Service

KNOWLEDGE_BASE = "default"  # the only one: the organisation's own

_DATA = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_WEB = ("http://", "https://")
_TURN_TOKENS = 8  # what the checkpoint's template puts around a turn, about
_LETTERS_PER_TOKEN = 32  # more than any text has; what is longer need not be measured to be refused
_FETCHED_AT_ONCE = 16  # files in memory
_STEP_LETTERS = 2**20  # of base64, a multiple of four
_NO_PASSAGES = Found(())


class PictureSource(Protocol):
    async def fetch(self, url: str, *, param: str | None = None) -> bytes:
        """Raises ApiError, BadPicture."""


@dataclass(frozen=True, slots=True)
class Asked:
    request: ChatRequest
    prompt_tokens: int  # about
    took_s: float  # to make it ready: pictures fetched and decoded, the prompt measured
    answers: int = 1
    sources: tuple[Passage, ...] | None = None  # None: nobody wanted any

    @property
    def notes(self) -> tuple[PictureNote, ...]:
        """Of all its pictures, each once."""
        pictures = [picture for turn in self.request.turns for picture in turn.pictures]
        return tuple(dict.fromkeys(note for picture in pictures for note in picture.notes))

    @property
    def most_tokens(self) -> int:
        """That all of it may take."""
        return self.prompt_tokens + self.answers * self.request.sampling.max_tokens

    @property
    def most_deltas(self) -> int:
        """That its answers may come in: one a token, and one that ends each."""
        return self.answers * (self.request.sampling.max_tokens + 1)

    def requests(self, id_: str) -> list[ChatRequest]:
        """One for each answer. With a seed each has its own, so that they differ."""
        request, person = self.request, self.request.person or id_
        return [
            replace(
                request,
                sampling=_nth(request.sampling, number),
                usual=None if request.usual is None else _nth(request.usual, number),
                person=person,
            )
            for number in range(self.answers)
        ]


class Asking:
    def __init__(
        self,
        service: Service,
        pictures: PictureSource,
        knowledge: Knowledge,
        rules: Rules,
        models: Models,
        answers: AnswersSection,
    ) -> None:
        self._service = service
        self._pictures = pictures
        self._knowledge = knowledge
        self._rules = rules
        self._models = models
        self._answers = answers
        self._room = asyncio.Semaphore(_FETCHED_AT_ONCE)

    async def chat(self, body: ChatBody, caller: Caller, language: Language) -> Asked:
        """Raises ApiError, and whatever the engine says to it."""
        self._models.check(body.model, caller)
        # schemas and arguments may be long, and are read and written as JSON
        said, request = await asyncio.to_thread(self._shape, body)
        return await self._ask(request, said, body, caller, language, answers=body.n or 1)

    async def simple(self, body: SimpleBody, caller: Caller, language: Language) -> Asked:
        """The same for one picture and one question."""
        self._models.check(body.model, caller)
        sights = () if body.image_url is None else (parse_sight(body.image_url, "image_url"),)
        said = [Said("user", body.prompt, sights)]
        request = ChatRequest(
            (), simple_sampling_of(body, self._answers), thinking=self._answers.thinking
        )
        return await self._ask(request, said, body, caller, language)

    def _shape(self, body: ChatBody) -> tuple[Sequence[Said], ChatRequest]:
        said = parse_messages(body.messages)
        return said, ChatRequest(
            (),
            sampling_of(body, self._answers),
            thinking=thinking_of(body, self._answers),
            format=format_of(body),
            tools=tools_of(body),
        )

    async def _ask(
        self,
        request: ChatRequest,
        said: Sequence[Said],
        body: ChatBody | SimpleBody,
        caller: Caller,
        language: Language,
        *,
        answers: int = 1,
    ) -> Asked:
        began = time.monotonic()
        self._refuse_endless(said, request.tools)
        found = await self._find(body.knowledge_base_id, said, language)
        pictures = await self._see([sight for one in said for sight in one.sights], language)
        turns = _turns(said, pictures, found or _NO_PASSAGES)
        tokens = await self._measure(turns, request.tools, request.format)
        room = self._service.stats().context_tokens - tokens
        most = max(1, min(request.sampling.max_tokens, room))
        owner = f"{caller.person}:{body.user}" if body.user else caller.person
        return Asked(
            replace(
                request,
                turns=turns,
                sampling=replace(request.sampling, max_tokens=most),
                # by these an earlier answer is found: how much room is left is only estimated
                # while no engine measures, and no answer that it cut short is kept
                usual=request.sampling,
                person=owner if body.user else "",
                owner=owner,
            ),
            tokens,
            time.monotonic() - began,
            answers,
            None if found is None else found.passages,
        )

    def _refuse_endless(self, said: Sequence[Said], tools: Tools) -> None:
        """Before the engine counts its tokens, which takes it long. Raises ContextTooLong."""
        limit = self._service.stats().context_tokens
        words = [one.text for one in said]
        words += _words_of(tools, (call for one in said for call in one.calls))
        least = sum(map(len, words)) // _LETTERS_PER_TOKEN
        if least > limit:
            raise ContextTooLong(least, limit)

    async def _find(
        self, knowledge_base: str | None, said: Sequence[Said], language: Language
    ) -> Found | None:
        if knowledge_base is None:
            return None
        if knowledge_base != KNOWLEDGE_BASE:
            raise ApiError(
                "api_knowledge_unknown",
                param="knowledge_base_id",
                id=knowledge_base,
                known=KNOWLEDGE_BASE,
            )
        question = next((one.text for one in reversed(said) if one.role == "user"), "")
        limit = self._rules.now.knowledge.passages
        if not question or not limit or await self._knowledge.is_empty():
            return _NO_PASSAGES
        spoken = texts.language_of(question, "", language)
        return await find(self._knowledge, self._service, question, spoken, limit=limit)

    async def _see(self, sights: Sequence[Sight], language: Language) -> list[Picture]:
        """In their order. Raises ApiError."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._look(sight, language)) for sight in sights]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None  # each of them names its picture
        return [task.result() for task in tasks]

    async def _look(self, sight: Sight, language: Language) -> Picture:
        try:
            return await self._prepare(sight)
        except BadPicture as error:
            said = texts.picture_fault(error.reason, error.value, error.limit, language)
            raise ApiError("api_bad_picture", param=sight.path, said=said) from error

    async def _prepare(self, sight: Sight) -> Picture:
        if not sight.address[:8].lower().startswith(_WEB):
            return await self._service.prepare(await self._data(sight))
        async with self._room:  # a few letters may bring a large file, which waits to be decoded
            photo = await self._pictures.fetch(sight.address, param=sight.path)
            return await self._service.prepare(photo)

    async def _data(self, sight: Sight) -> bytes:
        head = _DATA.match(sight.address)
        if head is None:
            raise wrong(sight.path, "why_picture_address")
        # some milliseconds for a large one, in which the loop would stand still
        return await asyncio.to_thread(_decode, sight.address, head.end())

    async def _measure(self, turns: Sequence[Turn], tools: Tools, wanted: Format | None) -> int:
        """At one stroke, however many turns there are. Raises ContextTooLong."""
        words = [turn.text for turn in turns]
        words += _words_of(tools, (call for turn in turns for call in turn.calls))
        pictures = tuple(picture for turn in turns for picture in turn.pictures)
        tokens = await self._service.measure(Turn("user", "\n".join(words), pictures))
        limit = self._service.stats().context_tokens
        if tokens > limit:
            raise ContextTooLong(tokens, limit)
        return tokens + _TURN_TOKENS * (len(turns) + 1)


def _turns(said: Sequence[Said], pictures: Sequence[Picture], found: Found) -> tuple[Turn, ...]:
    """Passages stand before the last question."""
    left = iter(pictures)
    last = max((at for at, one in enumerate(said) if one.role == "user"), default=-1)
    return tuple(
        Turn(
            one.role,
            found.before(one.text) if at == last else one.text,
            tuple(next(left) for _ in one.sights),
            one.calls,
        )
        for at, one in enumerate(said)
    )


def _words_of(tools: Tools, calls: Iterable[ToolCall]) -> list[str]:
    """That the model reads beside what was said."""
    words = [call.name + call.arguments for call in calls]
    return words + [tool.name + tool.description + tool.parameters for tool in tools.offered]


def _decode(address: str, start: int) -> bytes:
    """In steps, between which the loop can run; what has line breaks in it at one stroke."""
    steps = range(start, len(address), _STEP_LETTERS)
    try:
        with suppress(binascii.Error):
            return b"".join(
                binascii.a2b_base64(address[step : step + _STEP_LETTERS], strict_mode=True)
                for step in steps
            )
        return base64.b64decode(address[start:])
    except ValueError:
        raise BadPicture("broken") from None


def _nth(sampling: Sampling, number: int) -> Sampling:
    return sampling if sampling.seed is None else replace(sampling, seed=sampling.seed + number)
