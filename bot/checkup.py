"""`visionbot check`: looks at each part the program needs, and says which of them work.

It makes and changes nothing: no folder, no database.
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64decode
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

from bot import texts
from bot.config import Settings, load
from bot.errors import ConfigError
from bot.platforms.base import Misconfigured, PlatformError
from bot.platforms.telegram.adapter import username
from bot.storage.errors import StorageError
from bot.storage.soundness import inspect
from inference.build import build_service
from inference.errors import InferenceError
from inference.request import ChatRequest, Sampling, Turn

_EXPECTED = (OSError, StorageError, InferenceError, Misconfigured, PlatformError)
# 112 x 112 pixels, all of them red
_RED = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAHAAAABwAQMAAAD8LmYIAAAAA1BMVEXcHh4Np/MyAAAAFklEQVR42mNgGAWjYBSM"
    "glEwCgYeAAAGkAAB8Q2GVgAAAABJRU5ErkJggg=="
)


async def check(file: Path | None, show: Callable[[str], None]) -> bool:
    """One line for each part; True when all of them work."""
    try:
        settings = load(file)
    except ConfigError as error:
        show(_line("settings", "failed", str(error)))
        return False
    show(_line("settings", "ok", str(file or "config.toml of this folder, or the defaults")))
    works = True
    for name, look in _PARTS.items():
        try:
            state, detail = "ok", await look(settings)
        except _EXPECTED as error:
            state, detail = "failed", str(error)
            works = False
        show(_line(name, state, detail))
    return works


def _line(name: str, state: str, detail: str) -> str:
    return f"{name:<13}{state:<8}{detail}"


async def _data_folder(settings: Settings) -> str:
    folder = settings.storage.data_dir.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"{there} is a file, not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"{there} is not writable for this user")
    return str(folder) if there == folder else f"will be created at {folder}"


async def _database(settings: Settings) -> str:
    return await asyncio.to_thread(inspect, settings.storage.data_dir)


async def _model(settings: Settings) -> str:
    service = build_service(settings.engine, settings.pictures)
    try:
        await service.start()
        system = Turn("system", texts.say("system", "en"))
        question = Turn("user", "What is the main colour?", (await service.prepare(_RED),))
        request = ChatRequest((system, question), Sampling(max_tokens=16))
        async with aclosing(service.stream(request)) as deltas:
            answer = "".join([delta.text async for delta in deltas])
    finally:
        await service.close()
    return f"{settings.engine.title} says of a red picture: {' '.join(answer.split())!r}"


async def _telegram(settings: Settings) -> str:
    if not settings.telegram.token:
        return "off, set VISIONBOT_TELEGRAM__TOKEN"
    return f"the token belongs to @{await username(settings.telegram)}"


async def _matrix(settings: Settings) -> str:
    if not settings.matrix.homeserver:
        return "off, set [matrix] homeserver"
    try:
        from bot.platforms.matrix.adapter import identify  # the SDK is optional
    except ImportError as error:
        raise Misconfigured(
            'matrix-nio is missing; run .venv/bin/pip install -c constraints.txt -e ".[matrix]"'
        ) from error
    return f"the homeserver knows us as {await identify(settings.matrix)}"


_PARTS: dict[str, Callable[[Settings], Awaitable[str]]] = {
    "data folder": _data_folder,
    "database": _database,
    "model": _model,
    "telegram": _telegram,
    "matrix": _matrix,
}
