"""The person's own history: looked through by date and word, deleted, taken along as CSV."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol, TypedDict

from aiohttp import web

from bot.api.guard import write_in_time
from bot.platforms.web.csv_file import CSV_HEADERS, render_head, render_row, zone_named
from bot.platforms.web.drawing import Drawing
from bot.platforms.web.errors import PageError
from bot.platforms.web.sign_in import SignIn
from bot.platforms.web.talk import Talk
from bot.platforms.web.visitor import check_csrf
from bot.platforms.web.wire import Json, dump, parse_language

_PAGE = 30
_LONGEST_SEARCH = 200
_MOST_WORDS = 8
_TIME = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_NUMBER = re.compile(r"[0-9]{1,18}")


class Entry(Protocol):
    """A question with its newest answer."""

    @property
    def id(self) -> int: ...
    @property
    def at(self) -> float: ...
    @property
    def question(self) -> str: ...
    @property
    def photos(self) -> Sequence[str]: ...
    @property
    def answer(self) -> str: ...


class Entries(Protocol):
    """What is kept of it. `after` <= time < `before`; all `words` stand in an entry; the newest
    come first."""

    async def found(
        self,
        chat: str,
        *,
        after: float | None,
        before: float | None,
        words: Sequence[str],
        below: int | None,
        limit: int,
    ) -> Sequence[Entry]:
        """`below`: only those with a smaller id."""

    def each(
        self, chat: str, *, after: float | None, before: float | None, words: Sequence[str]
    ) -> AsyncGenerator[Entry, None]: ...


class Forgetting(Protocol):
    """Deletes for good: the messages that are gone; None: something is still being answered."""

    async def forget(self, chat: str, entry: int) -> Sequence[int] | None: ...

    async def forget_all(self, chat: str) -> Sequence[int] | None: ...

    async def sweep(self) -> None:
        """Removes the files of what was deleted."""


class _Search(TypedDict):
    after: float | None
    before: float | None
    words: Sequence[str]


class HistoryPages:
    def __init__(
        self,
        talk: Talk,
        sign_in: SignIn,
        drawing: Drawing,
        entries: Entries,
        forgetting: Forgetting,
        *,
        timezone: Callable[[], str],
        write_s: float,
    ) -> None:
        """Who takes nothing of a CSV for `write_s` is cut off. `timezone` is for times in it where
        the browser names none; empty: the machine's."""
        self._talk, self._sign_in, self._drawing = talk, sign_in, drawing
        self._entries, self._forgetting = entries, forgetting
        self._timezone, self._write_s = timezone, write_s

    async def list(self, request: web.Request) -> web.StreamResponse:
        chat = (await self._sign_in.who(request)).id
        cursor = request.query.get("cursor", "")
        below = int(cursor) if _NUMBER.fullmatch(cursor) else None
        search = _search(request)
        found = await self._entries.found(chat, **search, below=below, limit=_PAGE + 1)
        shown = found[:_PAGE]
        trees = await self._drawing.trees([entry.answer for entry in shown])
        rest = str(shown[-1].id) if len(found) > _PAGE else None
        entries = [_render_entry(entry) | {"blocks": trees[entry.answer]} for entry in shown]
        return web.json_response({"entries": entries, "next": rest}, dumps=dump)

    async def csv(self, request: web.Request) -> web.StreamResponse:
        chat = (await self._sign_in.who(request)).id
        search = _search(request)
        language = parse_language(
            request.query.get("lang", ""), request.headers.get("Accept-Language", "")
        )
        zone = zone_named(request.query.get("tz", ""), self._timezone())
        response = web.StreamResponse(headers=CSV_HEADERS)
        await response.prepare(request)
        await response.write(render_head(language, zone))
        async with aclosing(self._entries.each(chat, **search)) as entries:
            async for entry in entries:
                row = render_row(entry.at, entry.question, len(entry.photos), entry.answer, zone)
                await write_in_time(request, response, row, self._write_s)
        return response

    async def forget(self, request: web.Request) -> web.StreamResponse:
        who = await self._sign_in.who(request)
        check_csrf(request, who.csrf)
        number = request.match_info["entry"]
        if not _NUMBER.fullmatch(number):
            raise PageError("no_entry")
        gone = await self._forgetting.forget(who.id, int(number))
        if gone is not None and not gone:
            raise PageError("no_entry")
        return self._forgotten(who.id, gone)

    async def forget_all(self, request: web.Request) -> web.StreamResponse:
        who = await self._sign_in.who(request)
        check_csrf(request, who.csrf)
        return self._forgotten(who.id, await self._forgetting.forget_all(who.id))

    def _forgotten(self, chat: str, gone: Sequence[int] | None) -> web.Response:
        if gone is None:
            raise PageError("still_open")
        self._talk.live.forget(chat, gone)
        return web.Response(status=204)


def _search(request: web.Request) -> _Search:
    query = request.query.get("q", "")
    if len(query) > _LONGEST_SEARCH:
        raise PageError("search_too_long", limit=_LONGEST_SEARCH)
    return {
        "after": _time(request.query.get("after", "")),
        "before": _time(request.query.get("before", "")),
        "words": query.replace("\0", "").split()[:_MOST_WORDS],
    }


def _time(text: str) -> float | None:
    """Seconds since 1970; None: not given."""
    if not text:
        return None
    if not _TIME.fullmatch(text):
        raise PageError("dates")
    return float(text)


def _render_entry(entry: Entry) -> Json:
    return {
        "id": entry.id,
        "at": entry.at,
        "question": entry.question,
        "photos": [*entry.photos],
        "answer": entry.answer,
    }
