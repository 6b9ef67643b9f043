"""POST /v1/chat/completions and POST /v1/chat: from a request to its answer, whole or streamed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel

from bot.api.answers import Answers
from bot.api.asking import Asked, Asking
from bot.api.bodies import ChatBody, SimpleBody
from bot.api.caller import Caller
from bot.api.calls import Calls
from bot.api.errors import ApiError
from bot.api.load import Load, Share
from bot.api.models import Models
from bot.api.reading import parse_body, read_body
from bot.api.refusals import language_of, render_error
from bot.api.rendering import (
    Choice,
    Chunks,
    Head,
    dumps,
    head_of,
    render_completion,
    render_simple,
)
from bot.api.repeats import Repeat, Repeats
from bot.api.shapes import RenderedCompletion
from bot.api.streaming import Events
from bot.texts import Language
from inference.request import Usage

B = TypeVar("B", bound=BaseModel)

log = logging.getLogger(__name__)

Admit = Callable[[web.Request], Awaitable[Caller]]

_BODIES = 64  # of the largest kind that may be in memory together
_KEY = "Idempotency-Key"
_REPLAYED = "Idempotent-Replayed"


@dataclass(frozen=True, slots=True)
class Waits:
    heartbeat_s: float = 10.0  # between two signs of life to who reads a stream
    write_s: float = 30.0  # for one piece to be taken


@dataclass(frozen=True, slots=True)
class _Visit:
    """What is known of a request but its body: that is large, and it may wait long yet."""

    request: web.Request
    caller: Caller
    language: Language
    key: str | None  # Idempotency-Key
    digest: bytes  # of the body and the path; empty without a key


@dataclass(frozen=True, slots=True)
class _Wish:
    stream: bool
    with_usage: bool
    user: str


class Completions:
    def __init__(
        self,
        admit: Admit,
        asking: Asking,
        calls: Calls,
        models: Models,
        repeats: Repeats,
        *,
        max_bytes: int,
        default_language: Language,
        waits: Waits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._admit = admit
        self._asking = asking
        self._calls = calls
        self._models = models
        self._repeats = repeats
        self._max_bytes = max_bytes
        self._load = Load(_BODIES * max_bytes)
        self._default_language = default_language
        self._waits = waits or Waits()
        self._clock = clock

    async def chat(self, request: web.Request) -> web.StreamResponse:
        with self._load.share() as share:
            return await self._chat(request, share)

    async def _chat(self, request: web.Request, share: Share) -> web.StreamResponse:
        visit, body = await self._enter(request, ChatBody, share)
        async with self._repeats.once(visit.caller, visit.key, visit.digest) as repeat:
            wish = _wish(body)
            if repeat.answer is not None:
                return await self._again(visit, wish, repeat.answer)
            self._calls.check(visit.caller, answers=body.n or 1)
            with self._calls.translated():
                asked = await self._asking.chat(body, visit.caller, visit.language)
            del body
            share.free()
            if wish.stream:
                return await self._stream(visit, wish, asked, repeat)
            choices, head, usage = await self._whole(visit, wish.user, asked)
            answer = dumps(render_completion(head, choices, usage))
            repeat.keep(answer)
        return _json(answer)

    async def simple(self, request: web.Request) -> web.StreamResponse:
        with self._load.share() as share:
            return await self._simple(request, share)

    async def _simple(self, request: web.Request, share: Share) -> web.StreamResponse:
        visit, body = await self._enter(request, SimpleBody, share)
        async with self._repeats.once(visit.caller, visit.key, visit.digest) as repeat:
            if repeat.answer is not None:
                return _json(repeat.answer, replayed=True)
            self._calls.check(visit.caller)
            user = body.user or ""
            with self._calls.translated():
                asked = await self._asking.simple(body, visit.caller, visit.language)
            del body
            share.free()
            choices, head, usage = await self._whole(visit, user, asked)
            answer = dumps(render_simple(head, choices[0], usage))
            repeat.keep(answer)
        return _json(answer)

    async def _enter(self, request: web.Request, model: type[B], share: Share) -> tuple[_Visit, B]:
        caller = await self._admit(request)
        raw = await read_body(request, share, max_bytes=self._max_bytes)
        key, digest = request.headers.get(_KEY), b""
        if key is not None:
            digest = await asyncio.to_thread(_digest, request.path, raw)
        language = language_of(request, self._default_language)
        return _Visit(request, caller, language, key, digest), await parse_body(raw, model)

    async def _whole(
        self, visit: _Visit, user: str, asked: Asked
    ) -> tuple[list[Choice], Head, Usage]:
        head = self._head(asked, visit.language)
        choices = [Choice(index) for index in range(asked.answers)]
        answering = self._calls.answers(
            head.id, asked, visit.caller, user, visit.language, whole=True
        )
        async with answering as answers:
            while not answers.ended:
                if news := await answers.next():
                    choices[news[0]].add(news[1])
        return choices, head, answers.usage()

    async def _stream(
        self, visit: _Visit, wish: _Wish, asked: Asked, repeat: Repeat
    ) -> web.StreamResponse:
        head = self._head(asked, visit.language)
        choices = [Choice(index) for index in range(asked.answers)]
        events = Events(visit.request, write_s=self._waits.write_s)
        chunks = Chunks(head, with_usage=wish.with_usage)
        answering = self._calls.answers(head.id, asked, visit.caller, wish.user, visit.language)
        try:
            async with answering as answers:
                await self._pour(answers, choices, chunks, events)
        except ApiError as error:
            if not events.begun:
                raise
            log.warning("a stream broke off: %s", error.code)
            await events.fail(render_error(error, visit.language))
            return events.response
        usage = answers.usage()
        repeat.keep(dumps(render_completion(head, choices, usage)))
        await events.send(chunks.last(usage))
        await events.end()
        return events.response

    async def _pour(
        self, answers: Answers, choices: Sequence[Choice], chunks: Chunks, events: Events
    ) -> None:
        begun = False
        while not answers.ended:
            news = await answers.next(self._waits.heartbeat_s)
            if news is None:
                await events.wait(answers.ahead)
                continue
            if not begun:
                await events.send(chunks.first(choice.index) for choice in choices)
                begun = True
            index, delta = news
            choices[index].add(delta)
            await events.send(chunks.of(index, delta))

    async def _again(self, visit: _Visit, wish: _Wish, answer: str) -> web.StreamResponse:
        if not wish.stream:
            return _json(answer, replayed=True)
        completion: RenderedCompletion = json.loads(answer)
        events = Events(visit.request, write_s=self._waits.write_s)
        events.response.headers[_REPLAYED] = "true"
        chunks = Chunks(head_of(completion), with_usage=wish.with_usage)
        await events.send(chunks.again(completion))
        await events.end()
        return events.response

    def _head(self, asked: Asked, language: Language) -> Head:
        return Head(
            f"chatcmpl-{secrets.token_hex(12)}",
            int(self._clock()),
            self._models.name,
            self._models.version,
            asked.sources,
            language,
            asked.notes,
        )


def _wish(body: ChatBody) -> _Wish:
    options = body.stream_options
    with_usage = options is not None and bool(options.include_usage)
    return _Wish(bool(body.stream), with_usage, body.user or "")


def _digest(path: str, body: bytes) -> bytes:
    return hashlib.sha256(path.encode() + b"\n" + body).digest()


def _json(text: str, *, replayed: bool = False) -> web.Response:
    headers = {_REPLAYED: "true"} if replayed else {}
    return web.json_response(text=text, headers=headers)
