"""Who may connect at all: so many connections together, and so many from one address.

Each takes a file descriptor, of which the process has few, and the chats and the database need
theirs. Who is one too many is told so and may come again, however many they are.
"""

from __future__ import annotations

import asyncio
import json
import resource
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from bot.api.addresses import household
from bot.api.errors import FAULTS
from bot.texts import Language, say

_KEPT_FREE = 256  # descriptors for the database, the chats, files, children, those turned away
_LEAST, _MOST = 64, 2048
_TURNED_AWAY = 64  # who are being told that there is no room, at the same time
_PATIENCE_S = 2.0  # who is one too many shall have asked, and have read our answer, by then
_AGAIN_S = 5
_HEAD = (
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: {after}\r\nConnection: close\r\n"
    "Content-Type: application/json; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Room:
    """For connections; `per_address` binds neither this machine itself nor trusted proxies."""

    total: int
    per_address: int = 128  # a whole office may come from one


def room_of_process() -> Room:
    """As many as the limit for open files leaves."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST if files == resource.RLIM_INFINITY else files - _KEPT_FREE
    return Room(max(_LEAST, min(_MOST, most)))


class Doorkeeper:
    """The factory of connections, in place of the server that it stands before."""

    def __init__(
        self,
        server: Callable[[], asyncio.Protocol],
        room: Room,
        *,
        is_exempt: Callable[[str], bool],
    ) -> None:
        """`is_exempt`: from this address as many may come as there is room."""
        self._server = server
        self._room = room
        self._is_exempt = is_exempt
        self.refusal = render_refusal()
        self._open: set[_Connection] = set()
        self._turned_away: dict[_Connection, None] = {}  # the first one came first
        self._by_address: Counter[str] = Counter()

    def __call__(self) -> asyncio.Protocol:
        return _Connection(self)

    def enter(self, connection: _Connection) -> asyncio.Protocol | None:
        """Who serves it; None: there is no room."""
        address = connection.address
        few = self._by_address[address] < self._room.per_address
        few = few or self._is_exempt(connection.peer)
        if few and len(self._open) < self._room.total:
            self._open.add(connection)
            self._by_address[address] += 1
            return self._server()
        if len(self._turned_away) >= _TURNED_AWAY:
            next(iter(self._turned_away)).give_way()
        self._turned_away[connection] = None
        return None

    def leave(self, connection: _Connection) -> None:
        self._turned_away.pop(connection, None)
        if connection not in self._open:
            return
        self._open.remove(connection)
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]

    async def sweep(self, every_s: float) -> None:
        """Until cancelled: cut those who are being closed and do not take what they asked for,
        which nothing else would ever end."""
        closing: set[_Connection] = set()
        while True:
            await asyncio.sleep(every_s)
            for connection in closing & self._all():
                connection.cut()
            closing = {connection for connection in self._all() if connection.is_closing()}

    def close(self) -> None:
        """Nobody is turned away any more; those who are served are the server's to end."""
        for connection in list(self._turned_away):
            connection.give_way()

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> set[_Connection]:
        return self._open | self._turned_away.keys()


class _Connection(asyncio.Protocol):
    """Passes all on to the server's own protocol, or says that there is no room."""

    def __init__(self, keeper: Doorkeeper) -> None:
        self._keeper = keeper
        self._served: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._told = False
        self.peer = ""
        self.address = ""  # which it is counted by

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self.address = household(self.peer)
        self._served = self._keeper.enter(self)
        if self._served is not None:
            self._served.connection_made(transport)
        else:  # said when the request is there: a reset would take the answer away unread
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_PATIENCE_S, self.give_way)

    def data_received(self, data: bytes) -> None:
        if self._served is not None:
            self._served.data_received(data)
        else:
            self._refuse()

    def eof_received(self) -> bool | None:
        return self._served.eof_received() if self._served is not None else None

    def pause_writing(self) -> None:
        if self._served is not None:
            self._served.pause_writing()

    def resume_writing(self) -> None:
        if self._served is not None:
            self._served.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._keeper.leave(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._served is not None:
            self._served.connection_lost(error)

    def is_closing(self) -> bool:
        return self._transport is not None and self._transport.is_closing()

    def give_way(self) -> None:
        """To those who came later; it is told before it goes."""
        self._keeper.leave(self)
        self._refuse()
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _refuse(self) -> None:
        """NOTE: the connection is not closed yet, for who has more to send would be reset, and
        never read this."""
        if self._told or self._transport is None or self._transport.is_closing():
            return
        self._told = True
        self._transport.write(self._keeper.refusal)
        self._transport.write_eof()


def render_refusal() -> bytes:
    """In both languages, since nobody has said yet which one they read."""
    languages: tuple[Language, ...] = ("en", "zh")
    said = " / ".join(say("api_no_room", one, seconds=_AGAIN_S) for one in languages)
    fault = FAULTS["api_no_room"]
    error = {"message": said, "type": fault.type, "param": None, "code": fault.code}
    body = json.dumps({"error": error}, ensure_ascii=False).encode()
    return _HEAD.format(after=_AGAIN_S, length=len(body)).encode() + body
