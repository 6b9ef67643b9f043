"""Opens event streams of a running program, all at once, and holds those it gets:
`python -m bench.streams URL COUNT page|api`. Tells by a line of JSON how each was received, and
lets go when its input ends. A process of its own, for a process has only so many descriptors.
"""

from __future__ import annotations

import asyncio
import json
import resource
import secrets
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal["page", "api"]

_EACH = 2000  # of one process
_PATIENCE_S = 60.0
_REFUSALS = (429, 503)


@dataclass(frozen=True, slots=True)
class Received:
    """One stream; `status` 0: reset or closed without a word, 1: no answer in time."""

    status: int
    has_retry_after: bool
    took_s: float

    @property
    def is_polite(self) -> bool:
        return self.status == 200 or (self.status in _REFUSALS and self.has_retry_after)


@asynccontextmanager
async def opened(url: str, count: int) -> AsyncIterator[list[Received]]:
    """Half of them the page's, half the API's, in as many processes as that takes; those that were
    received stay open inside."""
    async with AsyncExitStack() as stack:
        processes = []
        for first in range(0, count, _EACH):
            number = min(_EACH, count - first)
            for kind, share in (("page", number - number // 2), ("api", number // 2)):
                process = await _start(url, share, kind)
                stack.push_async_callback(_end, process)
                processes.append(process)
        lines = await asyncio.gather(*map(_line, processes))
        yield [Received(**one) for line in lines for one in json.loads(line)]


async def receive(url: str, count: int, kind: Kind) -> tuple[list[Received], list[object]]:
    """What became of each, and what keeps those open that were received."""
    where = urlsplit(url)
    host, port = where.hostname or "", where.port or 80
    found = await asyncio.gather(*(_receive(host, port, n, kind) for n in range(count)))
    return [one for one, _ in found], [held for _, held in found if held is not None]


async def _receive(host: str, port: int, number: int, kind: Kind) -> tuple[Received, object]:
    began = time.monotonic()
    status, has_retry_after, held = 0, False, None
    try:
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(_request(host, port, number, kind))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            status, has_retry_after = int(head.split()[1]), b"\r\nretry-after:" in head
    except TimeoutError:
        status = 1
    except (OSError, EOFError):
        status = 0
    if status == 200:
        held = reader, writer
    elif status > 1:
        writer.close()
    return Received(status, has_retry_after, time.monotonic() - began), held


def _request(host: str, port: int, number: int, kind: Kind) -> bytes:
    common = f"Host: {host}:{port}\r\n"
    if kind == "page":
        cookie = f"Cookie: visionbot={secrets.token_hex(16)}\r\n"
        return f"GET /api/events HTTP/1.1\r\n{common}{cookie}\r\n".encode()
    question = {"role": "user", "content": f"stream {number}?"}
    body = json.dumps({"model": "echo", "stream": True, "messages": [question]})
    more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"POST /v1/chat/completions HTTP/1.1\r\n{common}{more}\r\n{body}".encode()


async def _start(url: str, count: int, kind: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "bench.streams", url, str(count), kind)
    most = 2**20 + count * 100  # characters of the line
    return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=most)


async def _line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    return await process.stdout.readline()


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()


def main(arguments: Sequence[str]) -> None:
    url, count, kind = arguments
    assert kind in ("page", "api")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(_hold(url, int(count), "page" if kind == "page" else "api"))


async def _hold(url: str, count: int, kind: Kind) -> None:
    received, held = await receive(url, count, kind)
    sys.stdout.write(json.dumps([asdict(one) for one in received]) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    del held


if __name__ == "__main__":
    main(sys.argv[1:])
