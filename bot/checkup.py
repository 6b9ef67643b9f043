"""`visionbot check`: looks at each part the program needs, and says which of them work."""

from __future__ import annotations

import tempfile
from base64 import b64decode
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

from bot import texts
from bot.config import Settings, load
from bot.errors import ConfigError
from bot.platforms.base import PlatformError
from bot.platforms.telegram.adapter import username
from bot.storage.db import Database
from bot.storage.errors import AlreadyRunning, StorageError
from inference.build import build_service
from inference.errors import InferenceError
from inference.request import ChatRequest, Sampling, Turn

_EXPECTED = (OSError, StorageError, InferenceError, PlatformError)
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
            show(_line(name, "ok", await look(settings)))
        except _EXPECTED as error:
            show(_line(name, "failed", str(error)))
            works = False
    return works


def _line(name: str, state: str, detail: str) -> str:
    return f"{name:<13}{state:<8}{detail}"


async def _data_folder(settings: Settings) -> str:
    folder = settings.storage.data_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryFile(dir=folder):
        return str(folder.resolve())


async def _database(settings: Settings) -> str:
    try:
        db = await Database.open(settings.storage.data_dir)
    except AlreadyRunning:
        return "in use by a running visionbot, which checked it at its start"
    await db.close()
    return f"{db.file} is sound"


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
    return f"{settings.engine.model} says of a red picture: {' '.join(answer.split())!r}"


async def _telegram(settings: Settings) -> str:
    if not settings.telegram.token:
        return "off, set VISIONBOT_TELEGRAM__TOKEN"
    return f"the token belongs to @{await username(settings.telegram)}"


_PARTS: dict[str, Callable[[Settings], Awaitable[str]]] = {
    "data folder": _data_folder,
    "database": _database,
    "model": _model,
    "telegram": _telegram,
}
