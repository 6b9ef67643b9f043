"""The operator's page: its files, and the calls it makes."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from bot.access.periods import Periods
from bot.admin.office import Office
from bot.api.plain_page import plain_page, wants_page
from bot.console.desk import DeskReader
from bot.console.entry import Entry, Visitor
from bot.console.errors import STATUS, Shut
from bot.console.lookout import Lookout
from bot.console.orders import OrderBody, carry_out
from bot.console.recent import Recent
from bot.console.roll import Roll
from bot.console.snapshot import Lines, render_state
from bot.line import Line
from bot.platforms.web.errors import FAULTS, PageError
from bot.platforms.web.files import page_files
from bot.platforms.web.visitor import check_host, check_origin
from bot.platforms.web.wire import parse_language, render_error
from bot.rules import Rules
from bot.texts import Language, say
from bot.watching.counts import Counts
from inference.service import Service

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Body = TypeVar("Body", bound=BaseModel)

_PAGE = Path(__file__).parent / "page"
_AUDIT_LINES = 50
_LONGEST_SEARCH = 200


class EnterBody(BaseModel, extra="forbid", frozen=True):
    code: str = Field("", max_length=128)  # empty: as whom the page's sign-in knows


class Console:
    """`routes` for the server; `run` beside it."""

    def __init__(
        self,
        entry: Entry,
        office: Office,
        rules: Rules,
        line: Line[Any],  # Any: whatever waits in it
        service: Service,
        counts: Counts,
        lookout: Lookout,
        desk: DeskReader,
        roll: Roll,
        recent: Recent,
        health: Callable[[], Mapping[str, Any]],  # Any: /health's JSON
        *,
        host: str,
        at_once: int,
        most_waiting: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._entry = entry
        self._office = office
        self._rules = rules
        self._line = line
        self._service = service
        self._counts = counts
        self.lookout = lookout
        self._desk = desk
        self._roll = roll
        self.recent = recent
        self._health = health
        self._host = host
        self._at_once = at_once
        self._most_waiting = most_waiting
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        with self.recent.listening():
            await self.lookout.run()

    def routes(self) -> Sequence[web.RouteDef]:
        files = page_files(_PAGE, under="/admin")
        return [
            *(web.get(where, self._door(send_file)) for where, send_file in files),
            web.post("/admin/api/enter", self._door(self._enter, ours=True)),
            web.post("/admin/api/leave", self._door(self._leave, ours=True)),
            web.get("/admin/api/state", self._door(self._state, ours=True), allow_head=False),
            web.get("/admin/api/people", self._door(self._people, ours=True), allow_head=False),
            web.get("/admin/api/audit", self._door(self._audit, ours=True), allow_head=False),
            web.post("/admin/api/order", self._door(self._order, ours=True)),
        ]

    def _door(self, handler: Handler, *, ours: bool = False) -> Handler:
        """A refusal becomes a sentence. `ours`: only our own page may call."""

        async def enter(request: web.Request) -> web.StreamResponse:
            try:
                check_host(request, self._host)
                if ours:
                    check_origin(request)
                return await handler(request)
            except PageError as error:
                told = render_error(error, _language(request))
                if wants_page(request):
                    said, status = told["error"]["message"], FAULTS[error.code].status
                    return plain_page(said, _language(request), status)
                return _json(told, status=FAULTS[error.code].status)
            except Shut as error:
                return _refusal(request, error)

        return enter

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        """Who has a session already keeps it; only a code makes a new one of it."""
        body = await _body(request, EnterBody)
        if not body.code and (visitor := await self._known(request)) is not None:
            return _json(_render_visitor(visitor))
        token, visitor = await self._entry.enter(request, body.code)
        response = _json(_render_visitor(visitor))
        self._entry.remember(request, response, token)
        return response

    async def _known(self, request: web.Request) -> Visitor | None:
        try:
            return await self._entry.admit(request)
        except Shut:
            return None

    async def _leave(self, request: web.Request) -> web.StreamResponse:
        await self._entry.admit_change(request)
        response = web.Response(status=204)
        await self._entry.leave(request, response)
        return response

    async def _state(self, request: web.Request) -> web.StreamResponse:
        await self._entry.admit(request)
        seen = request.query.get("run", ""), _number(request, "after")
        line = Lines(
            self.lookout.doors(),
            self._line.busy,
            self._at_once,
            self._most_waiting,
            self._line.wait_s(),
        )
        state = render_state(
            self._health(),
            line,
            self._service.stats(),
            self.lookout,
            self._counts,
            await self._desk.read(),
            self.recent.newest(),
            seen=seen,
            now=self._clock(),
            periods=self._periods(),
        )
        return _json(state)

    async def _people(self, request: web.Request) -> web.StreamResponse:
        await self._entry.admit(request)
        words = request.query.get("words", "").strip()[:_LONGEST_SEARCH]
        found = await self._roll.render_people(words, _number(request, "after"))
        return _json(found | {"limits": await self._roll.render_limits()})

    async def _audit(self, request: web.Request) -> web.StreamResponse:
        await self._entry.admit(request)
        lines = await self._office.audit.newest(_AUDIT_LINES)
        return _json({"lines": [asdict(line) for line in lines]})

    async def _order(self, request: web.Request) -> web.StreamResponse:
        visitor = await self._entry.admit_change(request)
        order = await _body(request, OrderBody)
        done = await carry_out(order, visitor, _language(request), self._office)
        self._desk.forget()
        return _json(done)

    def _periods(self) -> Periods:
        return Periods(self._rules.now.quota.timezone)


async def _body(request: web.Request, model: type[Body]) -> Body:
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        raise Shut("console_malformed") from error


def _number(request: web.Request, name: str) -> int:
    """0 where it is missing or means nothing."""
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _language(request: web.Request) -> Language:
    wish = request.query.get("lang", "")
    return parse_language(wish, request.headers.get("Accept-Language", ""))


def _render_visitor(visitor: Visitor) -> dict[str, Any]:
    return asdict(visitor)


def _refusal(request: web.Request, error: Shut) -> web.Response:
    told = {"code": error.reason, "message": say(error.reason, _language(request))}
    return _json({"error": told}, status=STATUS[error.reason])


def _json(data: Mapping[str, Any], status: int = 200) -> web.Response:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return web.Response(text=text, status=status, content_type="application/json", charset="utf-8")
