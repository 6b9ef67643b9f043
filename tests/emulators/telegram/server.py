"""A strict Bot API server on loopback: one bot, its chats, and the people in them.

It refuses what Telegram refuses and also what Telegram silently ignores: `complaints` must be
empty at the end of a test. Not measured at Telegram itself: its real limits and its timing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.emulators.telegram.chats import Chat, Chats, Message
from tests.emulators.telegram.errors import ApiError
from tests.emulators.telegram.faults import Fault, Faults
from tests.emulators.telegram.files import Files
from tests.emulators.telegram.flood import Flood, FloodRules
from tests.emulators.telegram.hook import Hook
from tests.emulators.telegram.methods import Methods
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.previews import Previews
from tests.emulators.telegram.pulse import Pulse
from tests.emulators.telegram.queries import Queries
from tests.emulators.telegram.schema import METHODS, NotTheBotApi, check_reply, parse_request
from tests.emulators.telegram.sending import Sending
from tests.emulators.telegram.updates import Updates

TOKEN = "424242:AAH-this_is_a_token_of_the_emulator"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    at: float  # monotonic seconds
    method: str
    fields: dict[str, str]
    status: int  # 0: the connection ended instead


class Emulator:
    def __init__(
        self,
        *,
        token: str = TOKEN,
        username: str = "vision_bot",
        flood: FloodRules | None = None,
        hook_pause_s: float = 0.05,
        draft_life_s: float = 30.0,
        privacy: bool = False,
    ) -> None:
        """`privacy`: in groups the bot is told only what is for it, as @BotFather sets it up."""
        self.token = token
        self.bot = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Vision",
            "username": username,
        }
        self.name = "Vision"  # as people see it
        self.privacy = privacy
        self.revoked = False
        self.calls: list[Call] = []
        self.complaints: list[str] = []
        self.pulse = Pulse()
        self.chats = Chats()
        self.files = Files()
        self.faults = Faults()
        self.flood = Flood(flood or FloodRules())
        self.updates = Updates(self.pulse)
        self.hook = Hook(self.updates, self.pulse, pause_s=hook_pause_s)
        self.previews = Previews(life_s=draft_life_s)
        self.queries = Queries()
        sending = Sending(
            self.bot,
            chats=self.chats,
            files=self.files,
            flood=self.flood,
            previews=self.previews,
            queries=self.queries,
        )
        self.methods = Methods(
            self.bot,
            files=self.files,
            updates=self.updates,
            hook=self.hook,
            sending=sending,
            privacy=privacy,
        )
        self._runner: web.AppRunner | None = None
        self.people: list[Person] = []
        self._number = 5000  # of the last person or group
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, *, port: int = 0, more: list[web.RouteDef] | None = None) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes(
            [
                web.route("*", "/bot{token}/{method}", self._api),
                web.get("/file/bot{token}/{path:.+}", self._file),
                *(more or []),
            ]
        )
        # A poll whose program died must not stay and eat updates.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port or self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """It may be started again, on the same port and with everything it knows."""
        await self.hook.set("", "")
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def person(self, name: str = "Li", *, language: str = "en", **more: Any) -> Person:
        self._number += 1
        user = {"id": self._number, "is_bot": False, "first_name": name} | more
        person = Person(self, user | ({"language_code": language} if language else {}))
        self.people.append(person)
        return person

    def group(
        self, title: str = "Archive", *, topics: tuple[int, ...] = (), forum: bool = False
    ) -> Chat:
        """`forum`: one can open topics there; so with those that are there from the beginning."""
        self._number += 1
        number = -1_001_000_000_000 - self._number
        head: dict[str, Any] = {"id": number, "type": "supergroup", "title": title}
        if topics or forum:
            head["is_forum"] = True
        return self.chats.add(Chat(head, topics={topic: f"Topic {topic}" for topic in topics}))

    def small_group(self, title: str = "Shop") -> Chat:
        """The old kind, which can become a supergroup."""
        self._number += 1
        return self.chats.add(Chat({"id": -self._number, "type": "group", "title": title}))

    def migrates(self, group: Chat) -> Chat:
        """The small group becomes a supergroup, with a new id and none of the old messages."""
        new = self.group(group.head["title"])
        group.moved_to = new.id
        service = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
        old_word = group.add(service, {"migrate_to_chat_id": new.id})
        new_word = new.add(service, {"migrate_from_chat_id": group.id})
        for word in (old_word, new_word):
            self.updates.put("message", word.payload)
            word.deleted = True  # the apps show it in grey; it is nobody's message
        return new

    def visible(self, chat: Chat) -> list[Message]:
        return self.chats.visible(chat.id)

    def said(self, chat: Chat) -> list[Message]:
        """What the bot wrote there."""
        return [message for message in self.visible(chat) if message.sender == self.bot["id"]]

    def calls_of(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    async def until(self, look: Callable[[], T], *, within_s: float = 10.0) -> T:
        return await self.pulse.until(look, within_s=within_s)

    async def _api(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        fields, uploads = await _fields(request)
        status = 0
        try:
            response = await self._answer(request, name, fields, uploads)
            status = response.status
        except ConnectionResetError:
            return web.Response()  # never arrives: the connection is gone
        finally:
            self.calls.append(Call(time.monotonic(), name, fields, status))
            self.pulse.beat()
        return response

    async def _answer(
        self,
        request: web.Request,
        name: str,
        fields: dict[str, str],
        uploads: dict[str, bytes],
    ) -> web.StreamResponse:
        fault = self.faults.take(name)
        if fault is not None and fault.kind == "reset":
            _hang_up(request)
        if fault is not None and fault.kind == "body":
            return _body(fault)
        try:
            self._admit(request, name)
            result = await self.methods.call(name, parse_request(name, fields), uploads)
            if name != "getUpdates":  # checked when they were put, and some are broken on purpose
                check_reply(name, result)
        except ApiError as error:
            return web.json_response(error.render(), status=error.status)
        except NotTheBotApi as error:
            self.complaints.append(str(error))
            return web.json_response(ApiError(400, f"strict: {error}").render(), status=400)
        if fault is not None and fault.kind == "silence":
            await asyncio.Event().wait()  # until the other side gives up
        if fault is not None:
            _hang_up(request)
        return web.json_response({"ok": True, "result": result})

    def _admit(self, request: web.Request, name: str) -> None:
        if self.revoked or request.match_info["token"] != self.token:
            raise ApiError(401, "Unauthorized")
        if name not in METHODS:
            raise ApiError(404, "Not Found")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.take("file")
        if fault is not None and fault.kind == "body":
            return _body(fault)
        data = self.files.at(request.match_info["path"])
        if self.revoked or request.match_info["token"] != self.token or data is None:
            return web.json_response(ApiError(404, "Not Found").render(), status=404)
        if fault is None:
            return web.Response(body=data, content_type="application/octet-stream")
        response = web.StreamResponse(headers={"Content-Length": str(len(data))})
        await response.prepare(request)
        await response.write(data[: len(data) // 2])
        with suppress(ConnectionResetError):
            _hang_up(request)
        return response


async def _fields(request: web.Request) -> tuple[dict[str, str], dict[str, bytes]]:
    """What is text, and what was uploaded; a file that is the value of a field itself stands in
    the fields as if it were attached."""
    if request.content_type == "application/json":
        return {name: str(value) for name, value in (await request.json()).items()}, {}
    fields, uploads = dict(request.query), {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            uploads[name] = value.file.read()
            if name in ("photo", "document"):
                fields[name] = f"attach://{name}"
        else:
            fields[name] = str(value)
    return fields, uploads


def _body(fault: Fault) -> web.Response:
    return web.Response(body=fault.body, status=fault.status, content_type=fault.content_type)


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError
